/*
 * The clock and this hart's timer. Time is counted in ticks of the time CSR.
 */
#ifndef TRAP_TIMER_H
#define TRAP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "trap/csr.h"

#define TIMER_NEVER (~0ul)

/* timebase: ticks per second. sstc: every hart has the stimecmp register. */
void timer_init(uint64_t timebase, bool sstc);
/* The next timer interrupt of this hart, at an absolute time; TIMER_NEVER: none. */
void timer_set(uint64_t when);
uint64_t timer_ticks_to_ns(uint64_t ticks);
/* Saturates below TIMER_NEVER. */
uint64_t timer_ns_to_ticks(uint64_t ns);
uint64_t timer_timebase(void);

static inline uint64_t timer_now(void)
{
    return csr_read(time);
}

#endif
