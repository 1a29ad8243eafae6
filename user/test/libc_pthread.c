/*
 * What the library makes of threads: data of their own, locks of every kind, and
 * how they end. (thread_*.c are about the kernel's side.)
 *
 * test: points=3 cpus=1,2
 */
#include "user/test/proc_util.h"
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#define THREADS 5

static int run_threads(void *(*fn)(void *), long count)
{
    pthread_t threads[THREADS];
    void *result;

    for (long i = 0; i < count; i++)
        CHECK_IS(pthread_create(&threads[i], 0, fn, (void *)(i + 1)), 0);
    for (long i = 0; i < count; i++) {
        CHECK_IS(pthread_join(threads[i], &result), 0);
        CHECK_IS(result, i + 1);
    }
    return 0;
}

static struct timespec in_ms(long ms)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += ms * MS;
    ts.tv_sec += ts.tv_nsec / SECOND;
    ts.tv_nsec %= SECOND;
    return ts;
}

/* ------------------------------------------------------ data of their own */

static __thread long own = 5;
static pthread_key_t key, unset_key;
static int destroyed, again;

static void destroy(void *value)
{
    __atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_RELAXED);
}

/* Sets its own value again, as often as it may. */
static void destroy_again(void *value)
{
    __atomic_add_fetch(&again, 1, __ATOMIC_RELAXED);
    pthread_setspecific(unset_key, value);
}

static void *use_own(void *number)
{
    if (own != 5 || pthread_getspecific(key))
        return 0;
    own = (long)number;
    errno = (int)own;
    if (pthread_setspecific(key, number) != 0)
        return 0;
    for (int i = 0; i < 30; i++)
        sched_yield();
    if (own != (long)number || pthread_getspecific(key) != number || errno != (int)own)
        return 0;
    return number;
}

static void *use_again(void *number)
{
    pthread_setspecific(unset_key, number);
    return number;
}

static int own_data(void *unused)
{
    pthread_key_t keys[PTHREAD_KEYS_MAX];
    int n = 0;

    (void)unused;
    CHECK_IS(pthread_key_create(&key, destroy), 0);
    CHECK_IS(run_threads(use_own, THREADS), 0);
    CHECK_IS(destroyed, 1 + 2 + 3 + 4 + 5);
    CHECK_IS(own, 5);
    CHECK_IS(pthread_key_create(&unset_key, destroy_again), 0);
    CHECK_IS(run_threads(use_again, 1), 0);
    CHECK(again >= 1 && again <= PTHREAD_DESTRUCTOR_ITERATIONS);
    CHECK_IS(pthread_setspecific(key, &n), 0);
    CHECK_IS(pthread_key_delete(key), 0);
    CHECK(pthread_key_delete(key) == EINVAL && pthread_setspecific(key, &n) == EINVAL);
    while (n < PTHREAD_KEYS_MAX && pthread_key_create(&keys[n], 0) == 0)
        CHECK(!pthread_getspecific(keys[n++])); /* the old key's value is not the new one's */
    CHECK_IS(n, PTHREAD_KEYS_MAX - 1);
    CHECK_IS(pthread_key_create(&key, 0), EAGAIN);
    return 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_runs, once_done;

static void do_once(void)
{
    once_runs++;
    usleep(5000);
    once_done = 1;
}

static void *call_once(void *number)
{
    return pthread_once(&once, do_once) == 0 && once_done ? number : 0;
}

static int only_once(void *unused)
{
    (void)unused;
    CHECK_IS(run_threads(call_once, THREADS), 0);
    CHECK_IS(once_runs, 1);
    return 0;
}

/* ------------------------------------------------------------------ mutexes */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter, turn;

static void *count_up(void *number)
{
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        counter = counter + 1;
        pthread_mutex_unlock(&mutex);
    }
    return number;
}

static void *ping_pong(void *number)
{
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != (long)number % 2)
            pthread_cond_wait(&cond, &mutex);
        turn = !turn;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return number;
}

static int mutexes(void *unused)
{
    (void)unused;
    CHECK_IS(run_threads(count_up, THREADS), 0);
    CHECK_IS(counter, 2000 * THREADS);
    CHECK_IS(run_threads(ping_pong, 2), 0);
    return 0;
}

static void *try_mutex(void *m)
{
    int unlock = pthread_mutex_unlock(m);

    return (void *)(long)(pthread_mutex_trylock(m) == EBUSY && unlock == EPERM);
}

static int kinds_of_mutex(void *unused)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t m;
    pthread_t other;
    void *result;

    (void)unused;
    CHECK_IS(pthread_mutexattr_init(&attr), 0);
    CHECK_IS(pthread_mutexattr_settype(&attr, 99), EINVAL);
    CHECK_IS(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE), 0);
    CHECK_IS(pthread_mutex_init(&m, &attr), 0);
    CHECK(pthread_mutex_lock(&m) == 0 && pthread_mutex_trylock(&m) == 0);
    CHECK(pthread_mutex_unlock(&m) == 0 && pthread_mutex_destroy(&m) == EBUSY);
    CHECK_IS(pthread_create(&other, 0, try_mutex, &m), 0);
    CHECK(pthread_join(other, &result) == 0 && result);
    CHECK_IS(pthread_mutex_unlock(&m), 0);
    CHECK_IS(pthread_mutex_unlock(&m), EPERM);
    CHECK_IS(pthread_mutex_destroy(&m), 0);
    CHECK_IS(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK), 0);
    CHECK_IS(pthread_mutex_init(&m, &attr), 0);
    CHECK_IS(pthread_mutex_lock(&m), 0);
    CHECK_IS(pthread_mutex_lock(&m), EDEADLK);
    CHECK(pthread_mutex_trylock(&m) == EBUSY && pthread_mutex_unlock(&m) == 0);
    return 0;
}

static int timed(void *unused)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    struct timespec soon = in_ms(20), wrong = {0, SECOND};
    long start = now_ns();
    sem_t sem;

    (void)unused;
    CHECK_IS(pthread_mutex_lock(&m), 0);
    CHECK_IS(pthread_cond_timedwait(&cond, &m, &soon), ETIMEDOUT);
    CHECK(now_ns() - start >= 15 * MS);
    CHECK(pthread_mutex_trylock(&m) == EBUSY); /* it is ours again */
    CHECK_IS(pthread_cond_timedwait(&cond, &m, &wrong), EINVAL);
    start = now_ns();
    soon = in_ms(20);
    CHECK_IS(pthread_mutex_timedlock(&m, &soon), ETIMEDOUT);
    CHECK(now_ns() - start >= 15 * MS);
    CHECK_IS(pthread_mutex_unlock(&m), 0);
    CHECK(pthread_mutex_timedlock(&m, &soon) == 0 && pthread_mutex_unlock(&m) == 0);
    CHECK_IS(sem_init(&sem, 0, 1), 0);
    CHECK(sem_timedwait(&sem, &soon) == 0 && sem_trywait(&sem) == -1 && errno == EAGAIN);
    soon = in_ms(10);
    CHECK(sem_timedwait(&sem, &soon) == -1 && errno == ETIMEDOUT);
    return sem_destroy(&sem);
}

/* ----------------------------------------------- several readers, barriers */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long first, second;
static int readers_inside, most_readers;

static void *read_or_write(void *number)
{
    for (long i = 0; i < 200; i++) {
        if ((i + (long)number) % 4 == 0) {
            pthread_rwlock_wrlock(&rwlock);
            first++;
            sched_yield();
            second++;
            pthread_rwlock_unlock(&rwlock);
        } else {
            pthread_rwlock_rdlock(&rwlock);
            if (first != second)
                return 0;
            pthread_rwlock_unlock(&rwlock);
        }
    }
    return number;
}

static pthread_barrier_t barrier;
static int serial;

/* All hold it for reading at once: nobody would pass the barrier otherwise. */
static void *read_together(void *number)
{
    pthread_rwlock_rdlock(&rwlock);
    int inside = __atomic_add_fetch(&readers_inside, 1, __ATOMIC_SEQ_CST);
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
        most_readers = readers_inside;
    (void)inside;
    pthread_barrier_wait(&barrier);
    __atomic_sub_fetch(&readers_inside, 1, __ATOMIC_SEQ_CST);
    pthread_rwlock_unlock(&rwlock);
    return number;
}

static int readers_and_writers(void *unused)
{
    (void)unused;
    CHECK_IS(run_threads(read_or_write, 4), 0);
    CHECK(first == 200 && second == 200);
    CHECK_IS(pthread_barrier_init(&barrier, 0, 4), 0);
    CHECK_IS(run_threads(read_together, 4), 0);
    CHECK_IS(most_readers, 4);
    CHECK_IS(pthread_rwlock_rdlock(&rwlock), 0);
    CHECK(pthread_rwlock_tryrdlock(&rwlock) == 0 && pthread_rwlock_trywrlock(&rwlock) == EBUSY);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    CHECK(pthread_rwlock_trywrlock(&rwlock) == 0 && pthread_rwlock_tryrdlock(&rwlock) == EBUSY);
    CHECK(pthread_rwlock_destroy(&rwlock) == EBUSY && pthread_rwlock_unlock(&rwlock) == 0);
    CHECK_IS(pthread_rwlock_unlock(&rwlock), EPERM);
    return pthread_rwlock_destroy(&rwlock);
}

static void *meet_often(void *number)
{
    for (int i = 0; i < 30; i++)
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
    return number;
}

static int barriers(void *unused)
{
    (void)unused;
    CHECK_IS(pthread_barrier_init(&barrier, 0, 0), EINVAL);
    CHECK_IS(pthread_barrier_init(&barrier, 0, 4), 0);
    CHECK_IS(run_threads(meet_often, 4), 0);
    CHECK_IS(serial, 30);
    return pthread_barrier_destroy(&barrier);
}

/* ----------------------------------------------------------------- the end */

static sem_t posted;

static void *post(void *number)
{
    sem_post(&posted);
    pthread_exit(number);
}

/* Detached from the start, or later; 16 KiB of stack are enough. */
static int detached(void *unused)
{
    pthread_attr_t attr;
    pthread_t thread;

    (void)unused;
    CHECK_IS(sem_init(&posted, 0, 0), 0);
    CHECK_IS(pthread_attr_init(&attr), 0);
    CHECK(pthread_attr_setstacksize(&attr, 100) == EINVAL &&
          pthread_attr_setdetachstate(&attr, 9) == EINVAL);
    CHECK_IS(pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN), 0);
    CHECK_IS(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED), 0);
    for (int i = 0; i < 40; i++)
        CHECK_IS(pthread_create(&thread, &attr, post, 0), 0);
    for (int i = 0; i < 20; i++) {
        CHECK_IS(pthread_create(&thread, 0, post, 0), 0);
        CHECK_IS(pthread_detach(thread), 0);
    }
    for (int i = 0; i < 60; i++)
        CHECK_IS(sem_wait(&posted), 0);
    CHECK_IS(pthread_join(pthread_self(), 0), EDEADLK);
    CHECK(pthread_equal(pthread_self(), pthread_self()));
    return 0;
}

static void *outlive(void *unused)
{
    (void)unused;
    usleep(20000);
    printf("outlived");
    return 0;
}

/* The last thread ends the process, with 0, as exit does. */
static int leave_main(void *fd)
{
    pthread_t thread;

    dup2((int)(long)fd, 1);
    setvbuf(stdout, 0, _IOFBF, 100);
    if (pthread_create(&thread, 0, outlive, 0) != 0)
        return 1;
    pthread_exit(0);
}

static int the_last_thread(void *unused)
{
    char b[20] = {0};
    int ends[2];

    (void)unused;
    CHECK_IS(pipe(ends), 0);
    CHECK_IS(ktap_in_child(leave_main, (void *)(long)ends[1]), 0);
    CHECK(read(ends[0], b, sizeof(b) - 1) == 8 && strcmp(b, "outlived") == 0);
    return 0;
}

static const struct proc_test tests[] = {
    {own_data, "thread-local variables, errno, keys and their destructors"},
    {only_once, "pthread_once"},
    {mutexes, "mutexes and conditions"},
    {kinds_of_mutex, "recursive and checking mutexes"},
    {timed, "waits that run out"},
    {readers_and_writers, "reader-writer locks"},
    {barriers, "barriers"},
    {detached, "detached threads, small stacks"},
    {the_last_thread, "the last thread ends the process"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
