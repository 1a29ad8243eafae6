/*
 * Threads: how they begin and end, what each has of its own, and what fork, exit
 * and faults do where there are several.
 *
 * test: points=4
 */
#include "user/test/proc_util.h"
#include <pthread.h>
#include <sys/mman.h>

static void *give_back(void *arg)
{
    return arg;
}

static int join_result(void *unused)
{
    pthread_t t[16];
    void *result;

    (void)unused;
    for (long i = 0; i < 16; i++)
        CHECK_IS(pthread_create(&t[i], 0, give_back, (void *)(i * 3)), 0);
    for (long i = 15; i >= 0; i--) {
        CHECK_IS(pthread_join(t[i], &result), 0);
        CHECK_IS((long)result, i * 3);
    }
    return 0;
}

static __thread long tls_word = 42;
static __thread char tls_zero[100];
static pthread_barrier_t barrier;

static void *use_tls(void *arg)
{
    long i = (long)arg;

    if (tls_word != 42 || tls_zero[99] != 0)
        return (void *)1;
    tls_word = i;
    tls_zero[99] = (char)i;
    pthread_barrier_wait(&barrier);
    for (int n = 0; n < 50; n++) {
        sys_yield();
        if (tls_word != i || tls_zero[99] != (char)i)
            return (void *)2;
    }
    return 0;
}

static int tls(void *unused)
{
    pthread_t t[6];
    void *result;

    (void)unused;
    CHECK_IS(pthread_barrier_init(&barrier, 0, 6), 0);
    for (long i = 0; i < 6; i++)
        CHECK_IS(pthread_create(&t[i], 0, use_tls, (void *)(i + 100)), 0);
    for (long i = 0; i < 6; i++) {
        CHECK_IS(pthread_join(t[i], &result), 0);
        CHECK_IS((long)result, 0);
    }
    CHECK_IS(tls_word, 42);
    return 0;
}

/* Floating-point registers are each thread's own, whoever runs between. */
static void *use_floats(void *arg)
{
    double x = (double)(long)arg, sum = 0;

    for (int i = 0; i < 2000; i++) {
        sum += x;
        if (i % 16 == 0)
            sys_yield();
    }
    return (void *)(long)(sum == x * 2000 ? 0 : 1);
}

static int floats(void *unused)
{
    pthread_t t[4];
    void *result;

    (void)unused;
    for (long i = 0; i < 4; i++)
        CHECK_IS(pthread_create(&t[i], 0, use_floats, (void *)(i + 1)), 0);
    for (long i = 0; i < 4; i++) {
        CHECK_IS(pthread_join(t[i], &result), 0);
        CHECK_IS((long)result, 0);
    }
    return 0;
}

static long tids[8];

static void *note_tid(void *arg)
{
    tids[(long)arg] = sys_gettid();
    pthread_barrier_wait(&barrier);
    return (void *)(long)getpid();
}

static int identities(void *unused)
{
    pthread_t t[8];
    void *pid;

    (void)unused;
    CHECK_IS(pthread_barrier_init(&barrier, 0, 8), 0);
    for (long i = 0; i < 8; i++)
        CHECK_IS(pthread_create(&t[i], 0, note_tid, (void *)i), 0);
    for (int i = 0; i < 8; i++) {
        CHECK_IS(pthread_join(t[i], &pid), 0);
        CHECK_IS((long)pid, getpid());
        CHECK(tids[i] > 0 && tids[i] != sys_gettid());
        for (int j = 0; j < i; j++)
            CHECK(tids[i] != tids[j]);
    }
    return 0;
}

/* ----------------------------------------------------- the raw system calls */

static char raw_stack[8192] __attribute__((aligned(16)));
static volatile unsigned raw_alive;
static volatile long raw_arg;

static void raw_thread(void *arg)
{
    raw_arg = (long)arg;
    sys_thread_exit((unsigned *)&raw_alive);
}

static int raw(void *unused)
{
    char *top = raw_stack + sizeof(raw_stack);
    char *tp;

    (void)unused;
    __asm__("mv %0, tp" : "=r"(tp));
    CHECK_IS(sys_thread_create(raw_thread, top - 8, tp, 0), -EINVAL); /* sp not aligned */
    CHECK_IS(sys_thread_create((void (*)(void *))1, top, tp, 0), -EINVAL);
    CHECK_IS(sys_thread_create((void (*)(void *))(1ul << 38), top, tp, 0), -EINVAL);
    CHECK_IS(sys_thread_create((void (*)(void *)) - 4096ul, top, tp, 0), -EINVAL);
    CHECK_IS(sys_thread_create(raw_thread, (void *)-16l, tp, 0), -EINVAL);
    raw_alive = 1;
    CHECK(sys_thread_create(raw_thread, top, tp, (void *)4711) > 0);
    while (raw_alive)
        sys_futex_wait(&raw_alive, 1, -1);
    CHECK_IS(raw_arg, 4711);
    return 0;
}

/* ------------------------------------------------------------------- endings */

static void *sleeper(void *unused)
{
    sleep_long(unused);
    return 0;
}

static void *exiter(void *code)
{
    _exit((int)(long)code);
}

static void *crasher(void *unused)
{
    volatile int *volatile nowhere = 0;

    (void)unused;
    *nowhere = 1;
    return 0;
}

static int exit_from_thread(void *unused)
{
    pthread_t t;

    pthread_create(&t, 0, sleeper, 0);
    pthread_create(&t, 0, exiter, (void *)9);
    return sleep_long(unused);
}

static int main_exits(void *unused)
{
    pthread_t t;

    (void)unused;
    for (int i = 0; i < 4; i++)
        pthread_create(&t, 0, sleeper, 0);
    return 5;
}

static int crash_in_thread(void *unused)
{
    pthread_t t;

    pthread_create(&t, 0, sleeper, 0);
    pthread_create(&t, 0, crasher, 0);
    return sleep_long(unused);
}

/* The process ends with its last thread, and then well. */
static int leave_one_by_one(void *unused)
{
    (void)unused;
    sys_thread_exit(0);
}

static int endings(void *unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++) {
        CHECK_IS(ktap_in_child(exit_from_thread, 0), 9 << 8);
        CHECK_IS(ktap_in_child(main_exits, 0), 5 << 8);
        CHECK_IS(ktap_in_child(leave_one_by_one, 0), 0);
    }
    CHECK_IS(ktap_in_child(crash_in_thread, 0), ABI_SIGSEGV);
    return 0;
}

static void *busy(void *counter)
{
    for (;;)
        __atomic_add_fetch((unsigned *)counter, 1, __ATOMIC_RELAXED);
    return 0;
}

/* fork takes the calling thread along and no other. */
static int fork_in_threads(void *unused)
{
    static unsigned counter;
    struct abi_process processes[256];
    pthread_t t;
    pid_t pid;
    long n;

    (void)unused;
    for (int i = 0; i < 3; i++)
        CHECK_IS(pthread_create(&t, 0, busy, &counter), 0);
    for (int i = 0; i < 10; i++) {
        pid = fork();
        if (pid == 0) {
            unsigned before = counter;
            sys_sleep(10 * MS);
            _exit(counter == before ? 0 : 1);
        }
        CHECK(pid > 0);
        n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)processes, 256, 0);
        for (long j = 0; j < n && j < 256; j++)
            if (processes[j].pid == pid)
                CHECK(processes[j].threads <= 1);
        CHECK_IS(reap(pid), 0);
    }
    return 0;
}

static void *forker(void *arg)
{
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit((int)(long)arg);
        if (reap(pid) != (int)(long)arg << 8)
            return (void *)1;
    }
    return 0;
}

/* Each thread waits for its own children, and gets those. */
static int fork_by_threads(void *unused)
{
    pthread_t t[4];
    void *result;

    (void)unused;
    for (long i = 0; i < 4; i++)
        CHECK_IS(pthread_create(&t[i], 0, forker, (void *)(i + 10)), 0);
    for (int i = 0; i < 4; i++) {
        CHECK_IS(pthread_join(t[i], &result), 0);
        CHECK_IS((long)result, 0);
    }
    CHECK_IS(sys_wait(-1, 0, 0), -ECHILD);
    return 0;
}

static int churn(void *unused)
{
    pthread_t t;

    (void)unused;
    for (int i = 0; i < 300; i++) {
        CHECK_IS(pthread_create(&t, 0, give_back, 0), 0);
        if (i % 3)
            CHECK_IS(pthread_join(t, 0), 0);
        else
            CHECK_IS(pthread_detach(t), 0);
    }
    return 0;
}

static const struct proc_test tests[] = {
    {join_result, "create and join"},
    {tls, "thread-local variables"},
    {floats, "floating-point registers"},
    {identities, "thread ids"},
    {raw, "the raw calls, and what they refuse"},
    {endings, "exit, return, a fault: the process ends; the last thread's leaving too"},
    {fork_in_threads, "fork takes one thread along"},
    {fork_by_threads, "forks by several threads at once"},
    {churn, "many short lives, joined and detached"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
