/*
 * Timers: callbacks at a time, one queue per hart (a pairing heap).
 *
 * A timer belongs to the hart that armed it. The callback runs there, with
 * interrupts off, under the queue's lock if `locked` (it may then only take
 * locks above RANK_TIMER), else without.
 */
#ifndef KERNEL_TIMERQ_H
#define KERNEL_TIMERQ_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
    uint64_t when; /* ticks */
    void (*fire)(struct timer *);
    bool locked; /* fire is called under the queue's lock */
    bool armed;  /* (the queue's lock) */
    unsigned hart;
    struct timer *child, *sibling, *previous; /* (the queue's lock) heap */
};

/* Arms t, which must not be armed, for the time `when`. */
void timer_arm(struct timer *t, uint64_t when);
/* True if t was still armed; it will not fire then. If it is `locked`, then in
 * any case its callback has returned or will not run. */
bool timer_cancel(struct timer *t);
/* Runs what is due on this hart. */
void timers_run(void);
/* When the next of this hart is due; TIMER_NEVER. */
uint64_t timers_next(void);

#endif
