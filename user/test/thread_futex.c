/*
 * Futexes: waiting, waking, time-outs, and words shared between processes.
 *
 * test: points=3
 */
#include "user/test/proc_util.h"
#include <pthread.h>
#include <sys/mman.h>

static unsigned *map_shared(unsigned long bytes)
{
    return mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int refusals(void *unused)
{
    unsigned word = 5;

    (void)unused;
    CHECK_IS(sys_futex_wait(&word, 4, -1), -EAGAIN);
    CHECK_IS(sys_futex_wait(&word, 4, 0), -EAGAIN);
    CHECK_IS(sys_futex_wait((unsigned *)((char *)&word + 1), 5, 0), -EINVAL);
    CHECK_IS(sys_futex_wait((unsigned *)16, 0, 0), -EFAULT);
    CHECK_IS(sys_futex_wait((unsigned *)-4096l, 0, 0), -EFAULT);
    CHECK_IS(sys_futex_wake((unsigned *)((char *)&word + 2), 1), -EINVAL);
    CHECK_IS(sys_futex_wake((unsigned *)-4096l, 1), -EFAULT);
    CHECK_IS(sys_futex_wake(&word, 1), 0);
    return 0;
}

static int timeouts(void *unused)
{
    static const long waits[] = {0, 1, 1 * MS, 20 * MS, 60 * MS};
    unsigned word = 0;

    (void)unused;
    for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        long start = now_ns();
        CHECK_IS(sys_futex_wait(&word, 0, waits[i]), -ETIMEDOUT);
        CHECK(now_ns() - start >= waits[i]);
        CHECK(now_ns() - start < waits[i] + SECOND);
    }
    return 0;
}

static int waiter(void *word)
{
    return sys_futex_wait(word, 0, -1) == 0 ? 0 : 1;
}

/* So many are woken as were asked for, the first to come first. */
static int counts(void *unused)
{
    unsigned *word = map_shared(4096);
    pid_t pids[5];

    (void)unused;
    CHECK(word != MAP_FAILED);
    for (int i = 0; i < 5; i++) {
        pids[i] = spawn(waiter, word);
        CHECK(await_waiting(pids[i], "futex"));
    }
    for (int i = 1; i < 1024; i++) /* every other word of the page is another */
        CHECK_IS(sys_futex_wake(word + i, 9), 0);
    CHECK_IS(sys_futex_wake(word, 0), 0);
    CHECK_IS(sys_futex_wake(word, 2), 2);
    CHECK_IS(reap(pids[0]), 0);
    CHECK_IS(reap(pids[1]), 0);
    CHECK(is_waiting(pids[2], "futex") && is_waiting(pids[3], "futex"));
    CHECK_IS(sys_futex_wake(word, 99), 3);
    for (int i = 2; i < 5; i++)
        CHECK_IS(reap(pids[i]), 0);
    return 0;
}

/* One word of one object, at different addresses in two processes. */
static int through_object(void *unused)
{
    int object = (int)sys_object_create(8192);
    unsigned *here = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    pid_t pid;

    (void)unused;
    CHECK(object >= 0 && here != MAP_FAILED);
    pid = fork();
    if (pid == 0) {
        /* The same word through another mapping, of the second page alone. */
        unsigned *there = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, object, 4096);
        _exit(there == MAP_FAILED || there == here + 1024 ? 1 : waiter(there + 3));
    }
    CHECK(await_waiting(pid, "futex"));
    CHECK_IS(sys_futex_wake(here + 3, 1), 0); /* the first page's */
    CHECK_IS(sys_futex_wake(here + 1024 + 3, 1), 1);
    CHECK_IS(reap(pid), 0);
    return 0;
}

/* Private memory at one address is not one word in two processes. */
static int private(void *unused)
{
    static unsigned word;
    pid_t pid = spawn(waiter, &word);

    (void)unused;
    CHECK(await_waiting(pid, "futex"));
    CHECK_IS(sys_futex_wake(&word, 1), 0);
    CHECK(is_waiting(pid, "futex"));
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    return 0;
}

/* --------------------------------------------------------- no wake-up is lost */

#define ROUNDS 2000

static int ping(void *words)
{
    volatile unsigned *w = words;

    for (unsigned i = 0; i < ROUNDS; i++) {
        while (w[0] != i + 1)
            sys_futex_wait(&w[0], i, -1);
        w[256] = i + 1;
        sys_futex_wake(&w[256], 1);
    }
    return 0;
}

static int ping_pong(void *unused)
{
    volatile unsigned *w = map_shared(4096);
    pid_t pid;

    (void)unused;
    CHECK(w != MAP_FAILED);
    pid = spawn(ping, (void *)w);
    for (unsigned i = 0; i < ROUNDS; i++) {
        w[0] = i + 1;
        sys_futex_wake(&w[0], 1);
        while (w[256] != i + 1)
            sys_futex_wait(&w[256], i, -1);
    }
    CHECK_IS(reap(pid), 0);
    return 0;
}

/* Wake and time-out meet: each waiter is woken or timed out, never both. */
static volatile unsigned race_word;
static unsigned race_woken;

static void *race_waiter(void *unused)
{
    (void)unused;
    for (int i = 0; i < 400; i++) {
        long rc = sys_futex_wait(&race_word, 0, 30000 + i * 97);
        if (rc == 0)
            __atomic_add_fetch(&race_woken, 1, __ATOMIC_RELAXED);
        else if (rc != -ETIMEDOUT)
            return (void *)1;
    }
    return 0;
}

static int race(void *unused)
{
    pthread_t t[3];
    unsigned long woke = 0;
    void *result;
    long end = now_ns() + 200 * MS;

    (void)unused;
    race_woken = 0;
    for (int i = 0; i < 3; i++)
        CHECK_IS(pthread_create(&t[i], 0, race_waiter, 0), 0);
    while (now_ns() < end) {
        long n = sys_futex_wake(&race_word, 1);
        CHECK(n == 0 || n == 1);
        woke += (unsigned long)n;
        sys_yield();
    }
    for (int i = 0; i < 3; i++) {
        CHECK_IS(pthread_join(t[i], &result), 0);
        CHECK_IS((long)result, 0);
    }
    CHECK_IS(race_woken, woke);
    return 0;
}

static const struct proc_test tests[] = {
    {refusals, "a word that differs, is not aligned, is not there"},
    {timeouts, "time-outs: not early, not much late"},
    {counts, "as many wake as were asked for, in order"},
    {through_object, "a word is one through different mappings"},
    {private, "private words are each process's own"},
    {ping_pong, "thousands of turns, none lost"},
    {race, "woken or timed out, never both"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
