/*
 * Futexes; the contract is in futex.h.
 *
 * A word in private memory is named by its space and address; one in shared
 * memory by object and offset, so that processes that map it at different
 * addresses meet.
 */
#include "kernel/futex.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/lib/list.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "trap/timer.h"
#include "vm/usercopy.h"

#define BUCKETS 64

struct key {
    const void *what; /* space or object */
    uint64_t where;   /* address or offset */
};

/* A thread that waits; on its kernel stack. */
struct waiter {
    struct list link; /* (bucket lock) */
    struct key key;
    struct waitq queue; /* (bucket lock) just this thread */
    bool woken;         /* (bucket lock) */
};

static struct bucket {
    struct spinlock lock;
    struct list waiters; /* (lock) in order of arrival */
} buckets[BUCKETS];

void futex_init(void)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock, RANK_FUTEX);
        list_init(&buckets[i].waiters);
    }
}

static int make_key(uint64_t word, struct key *key)
{
    struct space *s = thread_self()->process->space;
    if (word % 4)
        return -EINVAL;
    spin_lock(&s->lock);
    struct region *r = space_find_locked(s, word);
    if (r && r->flags & REGION_SHARED)
        *key = (struct key){r->object, r->offset + (word - r->start)};
    else
        *key = (struct key){s, word};
    spin_unlock(&s->lock);
    return r ? 0 : -EFAULT;
}

static struct bucket *bucket_of(const struct key *key)
{
    uint64_t h = ((uint64_t)key->what ^ key->where) * 0x9e3779b97f4a7c15ul;
    return &buckets[h >> 58];
}

int futex_wait(uint64_t word, uint32_t expected, uint64_t timeout_ns)
{
    struct waiter w;
    uint64_t deadline = WAIT_FOREVER;
    int rc = make_key(word, &w.key);
    if (rc < 0)
        return rc;
    if (timeout_ns != ~0ul)
        deadline = timer_now() + timer_ns_to_ticks(timeout_ns);
    struct bucket *b = bucket_of(&w.key);
    waitq_init(&w.queue);
    w.woken = false;
    for (;;) {
        uint32_t now;
        rc = copy_from_user(thread_self()->process->space, &now, word, sizeof now);
        if (rc < 0)
            return rc;
        if (now != expected)
            return -EAGAIN;
        spin_lock(&b->lock);
        list_push_back(&b->waiters, &w.link);
        /* Queued first, compared second: a wake-up between the two finds us. */
        spin_unlock(&b->lock);
        bool read =
            try_copy_from_user(thread_self()->process->space, &now, word, sizeof now) == sizeof now;
        spin_lock(&b->lock);
        if (w.woken || (read && now == expected))
            break;
        list_remove(&w.link);
        spin_unlock(&b->lock);
    }
    while (!w.woken && rc == 0)
        rc = sched_wait_until(&w.queue, &b->lock, deadline, "futex");
    if (w.woken)
        rc = 0;
    else
        list_remove(&w.link);
    spin_unlock(&b->lock);
    return rc;
}

int64_t futex_wake(uint64_t word, uint64_t n)
{
    struct key key;
    int rc = make_key(word, &key);
    if (rc < 0)
        return rc;
    struct bucket *b = bucket_of(&key);
    int64_t woken = 0;
    spin_lock(&b->lock);
    list_for_each_safe (l, &b->waiters) {
        struct waiter *w = container_of(l, struct waiter, link);
        if ((uint64_t)woken >= n)
            break;
        if (w->key.what != key.what || w->key.where != key.where)
            continue;
        list_remove(&w->link);
        w->woken = true;
        wake_all(&w->queue);
        woken++;
    }
    spin_unlock(&b->lock);
    return woken;
}
