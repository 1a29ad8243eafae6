/*
 * Spinlocks, and the total order in which they are taken.
 *
 * The kernel runs with interrupts off from trap entry to trap exit (an idle
 * hart polls), so a spinlock needs no interrupt juggling, and a hart that holds
 * one cannot be preempted. Remote fences are answered in M-mode (SBI RFENCE),
 * so a hart that spins still answers them.
 *
 * THE LOCK ORDER. A lock may be taken only while every lock already held has a
 * smaller rank. Nobody waits for a second one of the same rank. Debug builds check
 * this on every acquisition. spin_trylock is exempt: it cannot wait.
 */
#ifndef KERNEL_LIB_LOCK_H
#define KERNEL_LIB_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/lib/hart.h"

enum lock_rank {
    RANK_NONE,
    RANK_TREE,    /* process tree: parents, children, groups, pids */
    RANK_PROCESS, /* a process: its handles, threads, name */
    RANK_SESSION, /* a session's offset */
    RANK_SPACE,   /* an address space's regions */
    RANK_OBJECTS, /* the table of named objects */
    RANK_OBJECT,  /* a memory object's pages, size and regions */
    RANK_WALK,    /* entries of one last-level page table */
    RANK_PORT,    /* a port's queue and requests in service */
    RANK_PIPE,    /* a pipe's bytes */
    RANK_FUTEX,   /* a futex bucket */
    RANK_IRQ,     /* an interrupt's binding */
    RANK_SLEEP,   /* anything else a thread sleeps under */
    RANK_SWAP,    /* swap slots and the swap cache */
    RANK_TIMER,   /* a hart's timer queue */
    RANK_RUNQ,    /* a hart's run queue */
    RANK_VMALLOC, /* the vmalloc window */
    RANK_KMALLOC, /* one size class */
    RANK_SHADOW,  /* debug: the shadow tables of one hart */
    RANK_FRAME,   /* the buddy allocator */
    RANK_ASID,    /* the ASID allocator */
    RANK_DEVICE,  /* registers of the interrupt controller */
    RANK_LOG,     /* the kernel log */
};

struct spinlock {
    uint32_t owner; /* hart index + 1; 0 = free */
    uint32_t rank;
};

#define SPINLOCK_INIT(rank)                                                                        \
    {                                                                                              \
        0, rank                                                                                    \
    }

static inline void spin_init(struct spinlock *l, enum lock_rank rank)
{
    l->owner = 0;
    l->rank = rank;
}

/* Waits until the lock is ours, which it is not yet. Never sleeps. */
void spin_wait(struct spinlock *l);
#if defined(DEBUG) || defined(HOST_TEST)
bool spin_trylock(struct spinlock *l);
void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
#else
/* Takes the lock if it is free; false otherwise. */
static inline bool spin_trylock(struct spinlock *l)
{
    uint32_t free = 0;
    return __atomic_compare_exchange_n(&l->owner, &free, hart_self()->index + 1, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Inline: 6 and 2 instructions, where calls take 15 and 8, some hundred times in a fork. */
static inline void spin_lock(struct spinlock *l)
{
    if (!spin_trylock(l))
        spin_wait(l);
}

static inline void spin_unlock(struct spinlock *l)
{
    __atomic_store_n(&l->owner, 0, __ATOMIC_RELEASE);
}
#endif
/* True if this hart holds l; for the assertions of _locked functions. */
bool spin_held(const struct spinlock *l);
/* True if this hart holds no lock at all (always true outside debug builds). */
static inline bool spin_none_held(void)
{
    return hart_self()->lock_depth == 0;
}

#endif
