/*
 * What the tests of processes, threads, messages and files share: children that
 * check things and say where they failed, and waiting until a child waits.
 */
#ifndef TEST_PROC_UTIL_H
#define TEST_PROC_UTIL_H

#include <errno.h>
#include <ktap.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>

#define MS     1000000l /* nanoseconds */
#define SECOND 1000000000l

/*
 * In a function that returns 0 for "all was well": return 1, and say which line
 * it was, unless cond holds. For children, whose exit status it becomes.
 */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(2, "# %s:%d: %s\n", __FILE__, __LINE__, #cond);                                \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

/* The same for a call's result, which is shown. */
#define CHECK_IS(call, want)                                                                       \
    do {                                                                                           \
        long got_ = (long)(call), want_ = (long)(want);                                            \
        if (got_ != want_) {                                                                       \
            dprintf(2, "# %s:%d: %s is %ld, not %ld\n", __FILE__, __LINE__, #call, got_, want_);   \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

KTAP_UNUSED static long now_ns(void)
{
    return sys_clock(ABI_CLOCK_MONOTONIC);
}

/* fn in a child; its pid, or -1. */
KTAP_UNUSED static pid_t spawn(int (*fn)(void *), void *arg)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn(arg));
    return pid;
}

/* The wait status of a child, or -1. */
KTAP_UNUSED static int reap(pid_t pid)
{
    int status;

    return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

/* A child that does nothing until it is killed. */
KTAP_UNUSED static int sleep_long(void *unused)
{
    (void)unused;
    while (sys_sleep(100 * SECOND) == 0)
        ;
    return 1;
}

/* One result: fn, run in a child, returns 0. */
KTAP_UNUSED static int ok_child(int (*fn)(void *), void *arg, const char *name)
{
    int status = ktap_in_child(fn, arg);

    if (!ok(status == 0, "%s", name))
        diag("wait status 0x%x", (unsigned)status);
    return status == 0;
}

/* One result: fn, in this process, returns 0. */
KTAP_UNUSED static int ok_zero(int (*fn)(void *), void *arg, const char *name)
{
    return ok(fn(arg) == 0, "%s", name);
}

/* Of user.ld. */
extern char __text_start[], __data_start[], __end[];

/* Have every page of this program in memory, now: what printing a result touches
 * first, between the two looks at the ledger, would count as a leak. */
KTAP_UNUSED static void touch_program(void)
{
    for (volatile char *p = __text_start; p < __end; p += 64)
        if (p < __data_start)
            (void)*p;
        else
            *p = *p;
}

struct proc_test {
    int (*fn)(void *);
    const char *name;
};

/*
 * The whole of a test program: each of the n tests in a child, and the frame
 * ledger. All of them run once before it is opened, unjudged, so that what the
 * kernel and the servers keep for the next time (pools, tables) is there.
 */
KTAP_UNUSED static int run_tests(const struct proc_test *tests, int n)
{
    ktap_plan(n + 1);
    for (int i = 0; i < n; i++)
        ktap_in_child(tests[i].fn, 0);
    touch_program();
    ledger_begin();
    for (int i = 0; i < n; i++)
        ok_child(tests[i].fn, 0, tests[i].name);
    ledger_end_ok("all frames are back");
    return ktap_done();
}

#define RUN_TESTS(tests) run_tests(tests, (int)(sizeof(tests) / sizeof((tests)[0])))

/* Is a thread of pid waiting now for what is called `wait`? (0: for anything) */
KTAP_UNUSED static int is_waiting(pid_t pid, const char *wait)
{
    static struct abi_thread threads[512];
    long n = sys_system(H_SYSTEM, SYSTEM_THREADS, (long)threads, 512, 0);

    for (long i = 0; i < n && i < 512; i++)
        if (threads[i].pid == pid && threads[i].state == 'S' &&
            (!wait || strcmp(threads[i].wait, wait) == 0))
            return 1;
    return 0;
}

/* Until it is so; 0 after ten seconds in vain. */
KTAP_UNUSED static int await_waiting(pid_t pid, const char *wait)
{
    long end = now_ns() + 10 * SECOND;

    while (!is_waiting(pid, wait)) {
        if (now_ns() > end) {
            diag("process %d does not wait for \"%s\"", (int)pid, wait ? wait : "anything");
            sys_system(H_SYSTEM, SYSTEM_DUMP, 0, 0, 0);
            return 0;
        }
        sys_sleep(MS);
    }
    return 1;
}

/* What the process table says of pid: its state, or 0 if it has none such. */
KTAP_UNUSED static char process_state(pid_t pid)
{
    static struct abi_process processes[512];
    long n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)processes, 512, 0);

    for (long i = 0; i < n && i < 512; i++)
        if (processes[i].pid == pid)
            return processes[i].state;
    return 0;
}

/* A pseudo-random sequence: xorshift of 64 bits. *state must not be 0. */
KTAP_UNUSED static unsigned long random_next(unsigned long *state)
{
    unsigned long x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

/* A byte of the pattern `seed` at position i; two patterns differ nearly
 * everywhere, and so do two positions. */
KTAP_UNUSED static unsigned char pattern_byte(unsigned seed, unsigned long i)
{
    return (unsigned char)((i + seed) * 2654435761ul >> 13);
}

KTAP_UNUSED static void pattern_fill(void *to, unsigned long n, unsigned seed, unsigned long at)
{
    unsigned char *p = to;

    for (unsigned long i = 0; i < n; i++)
        p[i] = pattern_byte(seed, at + i);
}

/* The position of the first byte that is not the pattern's, or -1. */
KTAP_UNUSED static long pattern_check(const void *of, unsigned long n, unsigned seed,
                                      unsigned long at)
{
    const unsigned char *p = of;

    for (unsigned long i = 0; i < n; i++)
        if (p[i] != pattern_byte(seed, at + i))
            return (long)i;
    return -1;
}

#endif
