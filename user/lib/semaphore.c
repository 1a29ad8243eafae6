/*
 * Counting semaphores on futexes.
 */
#include "user/lib/glue.h"
#include "user/lib/lock.h"

#include <limits.h>
#include <semaphore.h>

int sem_init(sem_t *sem, int shared, unsigned value)
{
    (void)shared; /* a futex is where its memory is, whoever maps it */
    if (value > SEM_VALUE_MAX)
        return (int)glue_result(-EINVAL);
    sem->value = value;
    sem->waiters = 0;
    return 0;
}

int sem_destroy(sem_t *sem)
{
    return (int)glue_result(sem->waiters ? -EBUSY : 0);
}

/* Take one if there is one. */
static int sem_take(sem_t *sem)
{
    unsigned value = __atomic_load_n(&sem->value, __ATOMIC_RELAXED);

    while (value > 0) {
        if (__atomic_compare_exchange_n(&sem->value, &value, value - 1, 1, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return 1;
    }
    return 0;
}

int sem_trywait(sem_t *sem)
{
    return (int)glue_result(sem_take(sem) ? 0 : -EAGAIN);
}

int sem_timedwait(sem_t *sem, const struct timespec *deadline)
{
    int err = 0;

    if (sem_take(sem))
        return 0;
    __atomic_add_fetch(&sem->waiters, 1, __ATOMIC_SEQ_CST);
    while (err == 0 && !sem_take(sem))
        err = lock_wait_until(&sem->value, 0, CLOCK_REALTIME, deadline);
    __atomic_sub_fetch(&sem->waiters, 1, __ATOMIC_SEQ_CST);
    return (int)glue_result(-err);
}

int sem_wait(sem_t *sem)
{
    return sem_timedwait(sem, 0);
}

int sem_post(sem_t *sem)
{
    unsigned value = __atomic_load_n(&sem->value, __ATOMIC_RELAXED);

    do {
        if (value >= SEM_VALUE_MAX)
            return (int)glue_result(-EOVERFLOW);
    } while (!__atomic_compare_exchange_n(&sem->value, &value, value + 1, 1, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    if (__atomic_load_n(&sem->waiters, __ATOMIC_SEQ_CST) > 0)
        sys_futex_wake(&sem->value, 1);
    return 0;
}

int sem_getvalue(sem_t *sem, int *value)
{
    *value = (int)__atomic_load_n(&sem->value, __ATOMIC_RELAXED);
    return 0;
}
