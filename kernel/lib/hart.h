/*
 * The hart this code runs on. In the kernel tp always points to its struct
 * hart; in user mode sscratch does (trap/trampoline.S).
 */
#ifndef KERNEL_LIB_HART_H
#define KERNEL_LIB_HART_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_HARTS 8

struct spinlock;
struct thread;
struct space;

/*
 * With isolation, what a hart needs to get from a process's root, which has nothing of
 * the kernel's but this page and the trampoline, to the kernel's own, and back.
 */
struct entry_page {
    uint64_t scratch[2]; /* two registers */
    struct hart *hart;
    uint64_t kernel_satp;
    uint64_t user_satp; /* of the space that the hart returns to */
    uint64_t fence;     /* not 0: without ASIDs, each switch empties the TLB */
};

/* Set by the hart itself. */
#define ATTEND_RESCHEDULE 1 /* the slice is over, and others wait */
#define ATTEND_LOG        2 /* the kernel log has grown */
#define ATTEND_MEMORY     4 /* memory is low */

/* Offsets of the fields that the trampoline uses are asserted in trap/trap.c. */
struct hart {
    uint64_t scratch[2];      /* trap entry: two registers */
    struct thread *current;   /* the thread that runs here */
    uint64_t kernel_sp;       /* top of current's kernel stack */
    uint64_t emergency_sp;    /* stack for reporting a kernel-stack overflow */
    uint64_t stack_low;       /* lowest valid sp of current's kernel stack */
    unsigned index;           /* 0.. in the order of the device tree */
    unsigned online;          /* set when the hart has entered the kernel */
    uint64_t hartid;          /* what SBI calls it */
    struct entry_page *entry; /* with isolation; else NULL */
    struct thread *idle;      /* runs when nothing else can */
    struct thread *fp_owner;  /* whose values the FP registers hold */
    struct space *space;      /* whose root satp names; NULL = the kernel's own */
    uint64_t walks;           /* atomic: odd inside walk_begin ... walk_end (vm/sv39.h) */
    uint32_t attention;       /* ATTEND_*: what is to be done on the way to user mode */
    bool idling;              /* atomic: waits for an interrupt */
    uint64_t timer_armed;     /* time at which the timer fires; ~0 = never */
    uint64_t slice_end;       /* time at which current's slice ends */
    unsigned lock_depth;      /* debug: locks held, and which */
    const struct spinlock *locks[16];
    uint64_t counters[24]; /* enum counter, kernel/lib/counter.h */
};

extern struct hart harts[MAX_HARTS];
extern unsigned hart_limit; /* of them, those that the machine has, from 0 on */
extern unsigned hart_count; /* harts that are online */

/* Of those harts (bits), the ones that do not idle. An idle one looks at what it was left before
 * it runs a program again: who has left it something, by a sequentially consistent operation, and
 * then sees it idle here, need not call it. */
static inline uint64_t harts_awake(uint64_t mask)
{
    for (unsigned i = 0; i < MAX_HARTS; i++)
        if (mask >> i & 1 && __atomic_load_n(&harts[i].idling, __ATOMIC_SEQ_CST))
            mask &= ~(1ul << i);
    return mask;
}

static inline struct hart *hart_self(void)
{
#ifdef HOST_TEST
    extern struct hart *host_hart;
    return host_hart;
#else
    /* volatile: a thread may be on another hart after a switch, so the value
     * must not be carried across calls. */
    struct hart *h;
    asm volatile("mv %0, tp" : "=r"(h));
    return h;
#endif
}

#endif
