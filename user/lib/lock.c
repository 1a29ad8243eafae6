/*
 * Futex locks, and the hooks through which picolibc takes its own.
 */
#include "user/lib/lock.h"

#include <banyan.h>
#include <stdlib.h>
#include <sys/lock.h>

int thread_many;
unsigned thread_live = 1;

struct __lock __lock___libc_recursive_mutex;

void lock_word_acquire_slow(unsigned *word)
{
    /* From here on the word says 2, so that the holder wakes someone: one wake
     * too many now and then, never one too few. */
    while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0)
        sys_futex_wait(word, 2, -1);
}

void lock_word_wake(unsigned *word)
{
    sys_futex_wake(word, 1);
}

void lock_acquire_many(struct __lock *lock)
{
    struct thread *self = thread_self();

    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == self) {
        lock->depth++;
        return;
    }
    lock_word_acquire(&lock->word);
    __atomic_store_n(&lock->owner, self, __ATOMIC_RELAXED);
}

int lock_try_many(struct __lock *lock)
{
    struct thread *self = thread_self();

    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == self) {
        lock->depth++;
        return 1;
    }
    if (!lock_word_try(&lock->word))
        return 0;
    __atomic_store_n(&lock->owner, self, __ATOMIC_RELAXED);
    return 1;
}

void lock_release_many(struct __lock *lock)
{
    if (lock->depth > 0) {
        lock->depth--;
        return;
    }
    __atomic_store_n(&lock->owner, (struct thread *)0, __ATOMIC_RELAXED);
    lock_word_release(&lock->word);
}

/* --------------------------------------------------------- picolibc's hooks */

void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof(**lock));
    if (!*lock)
        abort(); /* the caller has no way to hear of it */
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    lock_acquire(lock);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    lock_acquire(lock);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return thread_many ? lock_try_many(lock) : 1;
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return thread_many ? lock_try_many(lock) : 1;
}

void __retarget_lock_release(_LOCK_T lock)
{
    lock_release(lock);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    lock_release(lock);
}
