/* Spinlocks; the contract and the lock order are in lock.h. */
#include "kernel/lib/lock.h"

#include "kernel/lib/counter.h"
#include "kernel/lib/hart.h"
#include "kernel/lib/printk.h"

#ifdef DEBUG
static void lock_check(const struct spinlock *l)
{
    struct hart *h = hart_self();
    if (l->owner == h->index + 1)
        panic("lock %p of rank %u taken twice", (void *)l, l->rank);
    for (unsigned i = 0; i < h->lock_depth; i++)
        if (h->locks[i]->rank >= l->rank)
            panic("lock order: rank %u taken while rank %u is held", l->rank, h->locks[i]->rank);
}

static void lock_push(const struct spinlock *l)
{
    struct hart *h = hart_self();
    if (h->lock_depth == sizeof h->locks / sizeof h->locks[0])
        panic("too many locks held");
    h->locks[h->lock_depth++] = l;
}

static void lock_pop(const struct spinlock *l)
{
    struct hart *h = hart_self();
    for (unsigned i = h->lock_depth; i-- > 0;)
        if (h->locks[i] == l) {
            h->lock_depth--;
            for (; i < h->lock_depth; i++)
                h->locks[i] = h->locks[i + 1];
            return;
        }
    panic("lock %p released but not held", (void *)l);
}
#else
#define lock_check(l) ((void)(l))
#define lock_push(l)  ((void)(l))
#define lock_pop(l)   ((void)(l))
#endif

void spin_wait(struct spinlock *l)
{
    uint32_t me = hart_self()->index + 1, free;
    do {
        while (__atomic_load_n(&l->owner, __ATOMIC_RELAXED))
            bench_count(COUNT_SPIN);
        free = 0;
    } while (!__atomic_compare_exchange_n(&l->owner, &free, me, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
}

#if defined(DEBUG) || defined(HOST_TEST)
bool spin_trylock(struct spinlock *l)
{
    uint32_t free = 0;
    if (!__atomic_compare_exchange_n(&l->owner, &free, hart_self()->index + 1, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    lock_push(l);
    return true;
}

void spin_lock(struct spinlock *l)
{
    lock_check(l);
    spin_wait(l);
    lock_push(l);
}

void spin_unlock(struct spinlock *l)
{
    lock_pop(l);
    __atomic_store_n(&l->owner, 0, __ATOMIC_RELEASE);
}
#endif

bool spin_held(const struct spinlock *l)
{
    return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) == hart_self()->index + 1;
}
