/*
 * Event counters, one set per hart, so that counting is a plain add. Readers
 * add the harts up.
 */
#ifndef KERNEL_LIB_COUNTER_H
#define KERNEL_LIB_COUNTER_H

#include "kernel/lib/hart.h"

enum counter {
    COUNT_ZERO_FILL,
    COUNT_COW,
    COUNT_OBJECT_FAULT,
    COUNT_SPURIOUS,
    COUNT_PAGE_IN,
    COUNT_PAGE_OUT,
    COUNT_SWAP_IN,
    COUNT_SWAP_OUT,
    COUNT_SWAP_FAULT,
    COUNT_SCAN,
    COUNT_RECLAIM,
    COUNT_REFAULT,
    COUNT_CALL,
    COUNT_MESSAGE,
    COUNT_SWITCH,
    COUNT_SHOOTDOWN,
    COUNT_ROLLOVER,
    COUNT_SYSCALL,
    COUNT_INTERRUPT,
    COUNT_IDLE_CYCLES,
    COUNT_DIRECT,
#ifdef BENCH_COUNTERS
    COUNT_SATP,  /* changes of the space that satp names */
    COUNT_FENCE, /* sfence.vma, and harts that the firmware did one on */
    COUNT_SPIN,  /* looks at a lock that another held */
#endif
    COUNTERS,
};

_Static_assert(COUNTERS <= sizeof((struct hart *)0)->counters / sizeof(uint64_t),
               "struct hart has room for every counter");

static inline void count(enum counter c)
{
    hart_self()->counters[c]++;
}

static inline void count_add(enum counter c, uint64_t n)
{
    hart_self()->counters[c] += n;
}

/* What only the kernel of `make bench-host` counts: it happens so often, and in so few
 * instructions, that counting it would be a cost of its own in the others. */
#ifdef BENCH_COUNTERS
#define bench_count(c)        count(c)
#define bench_count_add(c, n) count_add(c, n)
#else
#define bench_count(c)        ((void)0)
#define bench_count_add(c, n) ((void)0)
#endif

static inline uint64_t counter_sum(enum counter c)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < MAX_HARTS; i++)
        sum += harts[i].counters[c];
    return sum;
}

#endif
