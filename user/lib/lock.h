/*
 * Locks on futexes: picolibc's own (malloc, environ, time zone), the streams'
 * and the mutexes of <pthread.h>.
 *
 * The word is 0 free, 1 held, 2 held while someone may wait. In a process that
 * never made a thread nothing is stored at all.
 */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include "user/lib/thread.h"

#include <time.h>

/* Take and give back a bare word; not recursive. */
void lock_word_acquire_slow(unsigned *word);
void lock_word_wake(unsigned *word);

static inline int lock_word_try(unsigned *word)
{
    unsigned expected = 0;

    return __atomic_compare_exchange_n(word, &expected, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void lock_word_acquire(unsigned *word)
{
    if (!lock_word_try(word))
        lock_word_acquire_slow(word);
}

static inline void lock_word_release(unsigned *word)
{
    if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
        lock_word_wake(word);
}

/* Wait on word, as long as it holds value, until deadline on clock (0 = for
 * ever). Returns 0 to look again, or an errno: ETIMEDOUT, EINVAL. */
int lock_wait_until(const unsigned *word, unsigned value, clockid_t clock,
                    const struct timespec *deadline);

/* Recursive; this is picolibc's struct too. Zero-filled is free. */
struct __lock {
    unsigned word;
    unsigned depth;       /* holds beyond the first, by owner only */
    struct thread *owner; /* 0, or who holds it */
};

void lock_acquire_many(struct __lock *lock);
void lock_release_many(struct __lock *lock);
int lock_try_many(struct __lock *lock);

static inline void lock_acquire(struct __lock *lock)
{
    if (thread_many)
        lock_acquire_many(lock);
}

static inline void lock_release(struct __lock *lock)
{
    if (thread_many)
        lock_release_many(lock);
}

/* The one lock that picolibc names: around malloc, environ and the rest. */
extern struct __lock __lock___libc_recursive_mutex;

#endif
