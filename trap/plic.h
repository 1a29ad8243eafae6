/*
 * The platform-level interrupt controller (RISC-V PLIC specification v1.0).
 *
 * A claimed source does not fire again until its completion, which is the
 * driver's acknowledgement; other sources are not held up by it. All sources
 * are routed to one hart's context, so any hart can complete.
 */
#ifndef TRAP_PLIC_H
#define TRAP_PLIC_H

#include <stdint.h>

struct machine;

/* base: kernel address of the mapped registers. Interrupts will come to this hart. */
void plic_init(const struct machine *m, volatile uint32_t *base);
/* Bytes of registers that harts of this machine use. */
uint64_t plic_map_size(const struct machine *m);
/* Opens this hart's context for every priority. Call on each hart. */
void plic_init_hart(void);
/* Number of sources: valid ones are 1..n. */
uint32_t plic_sources(void);
/* Lets source fire; stops it from firing. */
void plic_enable(uint32_t source);
void plic_disable(uint32_t source);
/* The next pending source of this hart, claimed; 0 = none. */
uint32_t plic_claim(void);
/* The claimed source may fire again. */
void plic_complete(uint32_t source);

#endif
