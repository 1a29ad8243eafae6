/*
 * What threads wait for each other with: mutexes, conditions, once. All of them
 * come down to futexes; the word of a mutex is lock.h's.
 */
#include "user/lib/glue.h"
#include "user/lib/lock.h"

#include <limits.h>
#include <pthread.h>

#define NS_PER_SECOND 1000000000l

/*
 * Nanoseconds from now to deadline on clock: 0 if it has passed, a negated
 * errno if it is no time. Forever (-1) is not among the results.
 */
static long sync_time_left(clockid_t clock, const struct timespec *deadline)
{
    struct timespec now;
    long seconds, ns;

    if (deadline->tv_nsec < 0 || deadline->tv_nsec >= NS_PER_SECOND ||
        clock_gettime(clock, &now) < 0)
        return -EINVAL;
    seconds = deadline->tv_sec - now.tv_sec;
    if (seconds < 0)
        return 0;
    if (seconds > 1000000000) /* thirty years: the caller looks again then */
        seconds = 1000000000;
    ns = seconds * NS_PER_SECOND + deadline->tv_nsec - now.tv_nsec;
    return ns < 0 ? 0 : ns;
}

int lock_wait_until(const unsigned *word, unsigned value, clockid_t clock,
                    const struct timespec *deadline)
{
    long left = -1;

    if (deadline) {
        left = sync_time_left(clock, deadline);
        if (left < 0)
            return (int)-left;
        if (left == 0)
            return ETIMEDOUT;
    }
    sys_futex_wait(word, value, left);
    return 0;
}

/* ------------------------------------------------------------------ mutexes */

int pthread_mutexattr_init(pthread_mutexattr_t *attr)
{
    attr->type = PTHREAD_MUTEX_DEFAULT;
    return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t *attr)
{
    (void)attr;
    return 0;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int type)
{
    if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ERRORCHECK)
        return EINVAL;
    attr->type = type;
    return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *attr, int *type)
{
    *type = attr->type;
    return 0;
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
    *mutex = (pthread_mutex_t){.type = attr ? attr->type : PTHREAD_MUTEX_DEFAULT};
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    return __atomic_load_n(&mutex->word, __ATOMIC_RELAXED) ? EBUSY : 0;
}

/* What the types make of a mutex its owner takes again: -1 = go and wait. */
static int mutex_held_by_self(pthread_mutex_t *mutex)
{
    if (mutex->type == PTHREAD_MUTEX_NORMAL ||
        __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) != thread_self())
        return -1;
    if (mutex->type == PTHREAD_MUTEX_ERRORCHECK)
        return EDEADLK;
    if (mutex->count == UINT_MAX)
        return EAGAIN;
    mutex->count++;
    return 0;
}

static int mutex_lock(pthread_mutex_t *mutex, const struct timespec *deadline)
{
    int result = mutex_held_by_self(mutex);

    if (result >= 0)
        return result;
    if (!lock_word_try(&mutex->word)) {
        while (__atomic_exchange_n(&mutex->word, 2, __ATOMIC_ACQUIRE) != 0) {
            result = lock_wait_until(&mutex->word, 2, CLOCK_REALTIME, deadline);
            if (result > 0)
                return result;
        }
    }
    __atomic_store_n(&mutex->owner, thread_self(), __ATOMIC_RELAXED);
    return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return mutex_lock(mutex, 0);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline)
{
    return mutex_lock(mutex, deadline);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    int result = mutex_held_by_self(mutex);

    if (result >= 0)
        return result == EDEADLK ? EBUSY : result;
    if (!lock_word_try(&mutex->word))
        return EBUSY;
    __atomic_store_n(&mutex->owner, thread_self(), __ATOMIC_RELAXED);
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (mutex->type != PTHREAD_MUTEX_NORMAL) {
        if (__atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) != thread_self())
            return EPERM;
        if (mutex->count > 0) {
            mutex->count--;
            return 0;
        }
    }
    __atomic_store_n(&mutex->owner, (pthread_t)0, __ATOMIC_RELAXED);
    lock_word_release(&mutex->word);
    return 0;
}

/* --------------------------------------------------------------- conditions */

int pthread_condattr_init(pthread_condattr_t *attr)
{
    attr->clock = CLOCK_REALTIME;
    return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *attr)
{
    (void)attr;
    return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return EINVAL;
    attr->clock = clock;
    return 0;
}

int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    *cond = (pthread_cond_t){.clock = attr ? attr->clock : CLOCK_REALTIME};
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *cond)
{
    (void)cond;
    return 0;
}

/*
 * The sequence is read while the mutex is held. A signal after that changes it,
 * so the futex does not sleep over it; at worst a waiter wakes for nothing,
 * which POSIX allows.
 */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *deadline)
{
    unsigned sequence = __atomic_load_n(&cond->sequence, __ATOMIC_ACQUIRE);
    unsigned depth = mutex->count;
    int result;

    __atomic_add_fetch(&cond->waiters, 1, __ATOMIC_SEQ_CST);
    mutex->count = 0; /* a recursive mutex is let go of altogether */
    result = pthread_mutex_unlock(mutex);
    if (result == 0) {
        result = lock_wait_until(&cond->sequence, sequence, cond->clock, deadline);
        /* A wait that ran out says so, unless a signal came all the same. */
        if (result == 0 && deadline &&
            __atomic_load_n(&cond->sequence, __ATOMIC_ACQUIRE) == sequence &&
            sync_time_left(cond->clock, deadline) == 0)
            result = ETIMEDOUT;
        pthread_mutex_lock(mutex);
    }
    mutex->count = depth;
    __atomic_sub_fetch(&cond->waiters, 1, __ATOMIC_SEQ_CST);
    return result;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    return pthread_cond_timedwait(cond, mutex, 0);
}

static int cond_wake(pthread_cond_t *cond, unsigned count)
{
    __atomic_add_fetch(&cond->sequence, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&cond->waiters, __ATOMIC_SEQ_CST) > 0)
        sys_futex_wake(&cond->sequence, count);
    return 0;
}

int pthread_cond_signal(pthread_cond_t *cond)
{
    return cond_wake(cond, 1);
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
    return cond_wake(cond, INT_MAX);
}

/* ---------------------------------------------------------------------- once */

enum once_state {
    ONCE_NEW,
    ONCE_RUNNING,
    ONCE_DONE,
};

int pthread_once(pthread_once_t *once, void (*init)(void))
{
    unsigned state = __atomic_load_n(&once->state, __ATOMIC_ACQUIRE);

    while (state != ONCE_DONE) {
        if (state == ONCE_RUNNING) {
            sys_futex_wait(&once->state, ONCE_RUNNING, -1);
            state = __atomic_load_n(&once->state, __ATOMIC_ACQUIRE);
        } else if (__atomic_compare_exchange_n(&once->state, &state, ONCE_RUNNING, 0,
                                               __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
            init();
            __atomic_store_n(&once->state, ONCE_DONE, __ATOMIC_RELEASE);
            sys_futex_wake(&once->state, INT_MAX);
            return 0;
        }
    }
    return 0;
}
