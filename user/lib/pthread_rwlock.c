/*
 * Reader-writer locks and barriers, made of mutexes and conditions.
 */
#include <errno.h>
#include <pthread.h>

/* ------------------------------------------------------ reader-writer locks */

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attr)
{
    (void)attr;
    *lock = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    return lock->holders ? EBUSY : 0;
}

static int rwlock_read(pthread_rwlock_t *lock, int wait)
{
    int result = 0;

    pthread_mutex_lock(&lock->mutex);
    while (wait && (lock->holders < 0 || lock->writers_waiting > 0))
        pthread_cond_wait(&lock->readers_go, &lock->mutex);
    if (lock->holders < 0 || (!wait && lock->writers_waiting > 0))
        result = EBUSY;
    else
        lock->holders++;
    pthread_mutex_unlock(&lock->mutex);
    return result;
}

static int rwlock_write(pthread_rwlock_t *lock, int wait)
{
    int result = 0;

    pthread_mutex_lock(&lock->mutex);
    lock->writers_waiting++;
    while (wait && lock->holders != 0)
        pthread_cond_wait(&lock->writers_go, &lock->mutex);
    lock->writers_waiting--;
    if (lock->holders != 0)
        result = EBUSY;
    else
        lock->holders = -1;
    pthread_mutex_unlock(&lock->mutex);
    return result;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return rwlock_read(lock, 1);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    return rwlock_read(lock, 0);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    return rwlock_write(lock, 1);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    return rwlock_write(lock, 0);
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    int result = 0;

    pthread_mutex_lock(&lock->mutex);
    if (lock->holders == 0)
        result = EPERM;
    else if (lock->holders < 0)
        lock->holders = 0;
    else
        lock->holders--;
    if (lock->holders == 0 && lock->writers_waiting > 0)
        pthread_cond_signal(&lock->writers_go);
    else if (lock->holders == 0)
        pthread_cond_broadcast(&lock->readers_go);
    pthread_mutex_unlock(&lock->mutex);
    return result;
}

/* ------------------------------------------------------------------ barriers */

int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr,
                         unsigned count)
{
    (void)attr;
    if (count == 0)
        return EINVAL;
    *barrier = (pthread_barrier_t){.need = count};
    pthread_cond_init(&barrier->all_here, 0);
    return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    return barrier->here ? EBUSY : 0;
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    int result = 0;
    unsigned round;

    pthread_mutex_lock(&barrier->mutex);
    round = barrier->round;
    if (++barrier->here == barrier->need) {
        barrier->here = 0;
        barrier->round++;
        pthread_cond_broadcast(&barrier->all_here);
        result = PTHREAD_BARRIER_SERIAL_THREAD;
    }
    while (result == 0 && round == barrier->round)
        pthread_cond_wait(&barrier->all_here, &barrier->mutex);
    pthread_mutex_unlock(&barrier->mutex);
    return result;
}
