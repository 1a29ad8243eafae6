/*
 * Calls into the machine-mode firmware (SBI specification v1.0).
 *
 * Extensions used: base, TIME, IPI, RFENCE, HSM, SRST, and DBCN when present
 * (the legacy console otherwise). None sleeps. Errors are negative SBI codes.
 */
#ifndef TRAP_SBI_H
#define TRAP_SBI_H

#include <stddef.h>
#include <stdint.h>

/* Probes for the extensions and chooses the console. Call once, at boot. */
void sbi_init(void);
/* Writes bytes on the firmware's console. */
void sbi_console_write(const char *buf, size_t n);
/* Timer interrupt at time `when` (ticks). */
void sbi_set_timer(uint64_t when);
/* Harts are named by index into harts[] in a bit mask, not by SBI hart id. */
void sbi_send_ipi(uint64_t hart_mask);
/* Remote fences. They return when every hart named has done its fence. asid < 0
 * means every address space; size ~0 means every address. */
void sbi_remote_fence(uint64_t hart_mask, uint64_t va, uint64_t size, int asid);
/* fence.i on the harts named. */
void sbi_remote_fence_i(uint64_t hart_mask);
/* Starts a stopped hart at physical address entry with opaque in its a1. */
long sbi_hart_start(uint64_t hartid, uint64_t entry, uint64_t opaque);
/* Powers off (or restarts, reboot != 0). Does not return. */
void sbi_shutdown(int reboot, int failure) __attribute__((noreturn));

#endif
