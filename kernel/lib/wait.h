/*
 * Waiting, for every layer. The scheduler fills the hooks; a host test fills
 * them with what it likes.
 */
#ifndef KERNEL_LIB_WAIT_H
#define KERNEL_LIB_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/lib/list.h"
#include "kernel/lib/lock.h"

/* Threads that wait for one condition. Guarded by the lock its users pass. */
struct waitq {
    struct list waiters;
};

#define WAITQ_INIT(name)                                                                           \
    {                                                                                              \
        LIST_INIT((name).waiters)                                                                  \
    }

#define WAIT_KILLABLE 1 /* give up with -EINTR when the thread is to die */

#define WAIT_FOREVER (~0ul)

struct wait_hooks {
    /* Releases lock, sleeps on q until woken, takes lock again. what: words for
     * the thread dump. deadline: in time ticks, WAIT_FOREVER for none. 0,
     * -EINTR (killed) or -ETIMEDOUT. The caller re-checks its condition. */
    int (*wait)(struct waitq *q, struct spinlock *lock, int flags, uint64_t deadline,
                const char *what);
    /* Wakes the first n waiters of q; how many there were. The lock is held. */
    unsigned (*wake)(struct waitq *q, unsigned n);
};

extern struct wait_hooks wait_hooks;

static inline void waitq_init(struct waitq *q)
{
    list_init(&q->waiters);
}

static inline int wait_on(struct waitq *q, struct spinlock *lock, int flags, const char *what)
{
    return wait_hooks.wait(q, lock, flags, WAIT_FOREVER, what);
}

static inline unsigned wake_all(struct waitq *q)
{
    return list_empty(&q->waiters) ? 0 : wait_hooks.wake(q, ~0u);
}

static inline unsigned wake_one(struct waitq *q)
{
    return list_empty(&q->waiters) ? 0 : wait_hooks.wake(q, 1);
}

#endif
