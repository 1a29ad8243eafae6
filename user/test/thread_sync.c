/*
 * Mutexes, condition variables, barriers and semaphores under load, on all harts.
 *
 * test: points=3
 */
#include "user/test/proc_util.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#define THREADS 6
#define ROUNDS  400

static int run_threads(void *(*fn)(void *))
{
    pthread_t t[THREADS];
    void *result;

    for (long i = 0; i < THREADS; i++)
        CHECK_IS(pthread_create(&t[i], 0, fn, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK_IS(pthread_join(t[i], &result), 0);
        CHECK_IS((long)result, 0);
    }
    return 0;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static long counter;
static int inside;

static void *count_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        if (inside++)
            return (void *)1;
        long seen = counter;
        if (i % 8 == 0)
            sched_yield(); /* with the lock held: the others must wait */
        counter = seen + 1;
        inside--;
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}

static int exclusion(void *unused)
{
    (void)unused;
    counter = 0;
    CHECK_IS(run_threads(count_up), 0);
    CHECK_IS(counter, THREADS * ROUNDS);
    return 0;
}

/* A queue of four places; half of the threads fill it, half empty it. */
static long queue[4];
static unsigned head, tail;
static long produced, consumed;

static void put(long value)
{
    pthread_mutex_lock(&mutex);
    while (tail - head == 4)
        pthread_cond_wait(&not_full, &mutex);
    queue[tail++ % 4] = value;
    produced += value;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&mutex);
}

static void take(void)
{
    pthread_mutex_lock(&mutex);
    while (tail == head)
        pthread_cond_wait(&not_empty, &mutex);
    consumed += queue[head++ % 4];
    pthread_cond_signal(&not_full);
    pthread_mutex_unlock(&mutex);
}

static void *produce_or_consume(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        if ((long)arg % 2)
            put((long)arg * 1000 + i);
        else
            take();
    }
    return 0;
}

static int conditions(void *unused)
{
    (void)unused;
    head = tail = 0;
    produced = consumed = 0;
    CHECK_IS(run_threads(produce_or_consume), 0);
    CHECK_IS(head, tail);
    CHECK_IS(consumed, produced);
    CHECK_IS(head, THREADS / 2 * ROUNDS);
    return 0;
}

static pthread_barrier_t barrier;
static unsigned arrived;

static void *meet(void *unused)
{
    (void)unused;
    for (unsigned round = 1; round <= 60; round++) {
        __atomic_add_fetch(&arrived, 1, __ATOMIC_RELAXED);
        pthread_barrier_wait(&barrier);
        /* All are here, and nobody is in the next round yet. */
        if (__atomic_load_n(&arrived, __ATOMIC_RELAXED) != round * THREADS)
            return (void *)1;
        pthread_barrier_wait(&barrier);
    }
    return 0;
}

static int barriers(void *unused)
{
    (void)unused;
    arrived = 0;
    CHECK_IS(pthread_barrier_init(&barrier, 0, THREADS), 0);
    return run_threads(meet);
}

static sem_t places;
static int within, most;

static void *share(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        if (sem_wait(&places))
            return (void *)1;
        int now = __atomic_add_fetch(&within, 1, __ATOMIC_RELAXED);
        if (now > 2)
            return (void *)2;
        if (now == 2)
            most = 2;
        /* Until two have met once, each gives the other a chance to come in. */
        for (int patience = 0; most < 2 && patience < 1000; patience++)
            sched_yield();
        sched_yield();
        __atomic_sub_fetch(&within, 1, __ATOMIC_RELAXED);
        sem_post(&places);
    }
    return 0;
}

static int semaphores(void *unused)
{
    (void)unused;
    within = most = 0;
    CHECK_IS(sem_init(&places, 0, 2), 0);
    CHECK_IS(run_threads(share), 0);
    CHECK_IS(most, 2);
    return 0;
}

static void *broadcast_waiter(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_cond_signal(&not_full);
    while (inside == 0)
        pthread_cond_wait(&not_empty, &mutex);
    pthread_mutex_unlock(&mutex);
    return 0;
}

static int broadcast(void *unused)
{
    pthread_t t[THREADS];

    (void)unused;
    for (int round = 0; round < 20; round++) {
        counter = inside = 0;
        for (int i = 0; i < THREADS; i++)
            CHECK_IS(pthread_create(&t[i], 0, broadcast_waiter, 0), 0);
        pthread_mutex_lock(&mutex);
        while (counter < THREADS)
            pthread_cond_wait(&not_full, &mutex);
        inside = 1;
        pthread_cond_broadcast(&not_empty);
        pthread_mutex_unlock(&mutex);
        for (int i = 0; i < THREADS; i++)
            CHECK_IS(pthread_join(t[i], 0), 0);
    }
    inside = 0;
    return 0;
}

/* A wait with a deadline ends by it, holding the mutex. */
static int deadlines(void *unused)
{
    struct timespec at;
    long start = now_ns();

    (void)unused;
    CHECK_IS(clock_gettime(CLOCK_REALTIME, &at), 0);
    at.tv_nsec += 30 * MS;
    if (at.tv_nsec >= SECOND) {
        at.tv_sec++;
        at.tv_nsec -= SECOND;
    }
    pthread_mutex_lock(&mutex);
    CHECK_IS(pthread_cond_timedwait(&not_empty, &mutex, &at), ETIMEDOUT);
    CHECK(now_ns() - start >= 29 * MS);
    CHECK_IS(pthread_mutex_trylock(&mutex), EBUSY);
    CHECK_IS(pthread_mutex_timedlock(&mutex, &at), ETIMEDOUT);
    CHECK_IS(pthread_mutex_unlock(&mutex), 0);
    return 0;
}

static const struct proc_test tests[] = {
    {exclusion, "a mutex keeps others out"},
    {conditions, "a bounded queue with condition variables"},
    {broadcast, "broadcast wakes everyone"},
    {barriers, "barriers hold until all are there"},
    {semaphores, "semaphores let so many in, and no more"},
    {deadlines, "waits with a deadline"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
