/*
 * The scheduler: everybody gets on, whatever the others do.
 *
 * test: points=3
 */
#include "user/test/proc_util.h"
#include <sys/mman.h>

#define BUSY   8  /* more than there are harts */
#define UNFAIR 10 /* times more work than another */

static volatile unsigned long *shared;

static int busy(void *slot)
{
    for (;;)
        shared[(long)slot]++;
    return 0;
}

/* `n` busy loops for the length of fn. */
static int among_busy(int n, int (*fn)(void))
{
    pid_t pids[BUSY];
    int rc;

    shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK((void *)shared != MAP_FAILED);
    for (long i = 0; i < n; i++) {
        pids[i] = spawn(busy, (void *)(i * 8));
        CHECK(pids[i] > 0);
    }
    rc = fn();
    for (int i = 0; i < n; i++) {
        CHECK_IS(sys_kill(H_NONE, pids[i], ABI_SIGKILL), 0);
        CHECK_IS(reap(pids[i]), ABI_SIGKILL);
    }
    return rc;
}

/* Each of them moves on, in every one of several spells. */
static int watch_progress(void)
{
    unsigned long before[BUSY];

    sys_sleep(100 * MS);
    for (int spell = 0; spell < 3; spell++) {
        long end = now_ns() + 10 * SECOND;
        int moved = 0;
        for (int i = 0; i < BUSY; i++)
            before[i] = shared[i * 8];
        while (moved < BUSY && now_ns() < end) {
            sys_sleep(20 * MS);
            moved = 0;
            for (int i = 0; i < BUSY; i++)
                moved += shared[i * 8] != before[i];
        }
        CHECK_IS(moved, BUSY);
    }
    return 0;
}

static int all_progress(void *unused)
{
    (void)unused;
    return among_busy(BUSY, watch_progress);
}

/* Long enough for each to have had many turns. Shares differ with the length of
 * each hart's queue, but not without bound. A host that gives one of the harts no
 * time at all for most of a second makes that hart's processes fall behind; what
 * the scheduler does shows over a longer time. */
static int compare(void)
{
    unsigned long before[BUSY], least, most;
    long end = now_ns() + 10 * SECOND;

    sys_sleep(100 * MS);
    for (int i = 0; i < BUSY; i++)
        before[i] = shared[i * 8];
    do {
        sys_sleep(800 * MS);
        least = ~0ul;
        most = 0;
        for (int i = 0; i < BUSY; i++) {
            unsigned long did = shared[i * 8] - before[i];
            least = did < least ? did : least;
            most = did > most ? did : most;
        }
    } while (most / UNFAIR > least && now_ns() < end);
    CHECK(least > 0);
    CHECK(most / UNFAIR <= least);
    return 0;
}

static int fair(void *unused)
{
    (void)unused;
    return among_busy(BUSY, compare);
}

/* Who sleeps or talks is served among those who never let go. */
static int interact(void)
{
    int fds[2];
    pid_t pid;
    long start = now_ns();
    char byte;

    CHECK_IS(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 20; i++) {
            sys_sleep(MS);
            write(fds[1], "x", 1);
        }
        _exit(0);
    }
    for (int i = 0; i < 20; i++)
        CHECK_IS(read(fds[0], &byte, 1), 1);
    CHECK_IS(reap(pid), 0);
    CHECK(now_ns() - start < 10 * SECOND);
    return 0;
}

static int not_starved(void *unused)
{
    (void)unused;
    return among_busy(5, interact);
}

/* Those who yield all the time do not keep others from running, nor each other. */
static int yielder(void *slot)
{
    for (;;) {
        shared[(long)slot]++;
        sys_yield();
    }
    return 0;
}

static int yielding(void *unused)
{
    pid_t pids[BUSY];

    (void)unused;
    shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK((void *)shared != MAP_FAILED);
    for (long i = 0; i < BUSY; i++)
        pids[i] = spawn(i % 2 ? yielder : busy, (void *)(i * 8));
    CHECK_IS(watch_progress(), 0);
    for (int i = 0; i < BUSY; i++) {
        CHECK_IS(sys_kill(H_NONE, pids[i], ABI_SIGKILL), 0);
        CHECK_IS(reap(pids[i]), ABI_SIGKILL);
    }
    return 0;
}

/* As many harts work at once as there are: idle ones take work from others. */
static int measure_harts(void)
{
    struct abi_counters counters;
    struct abi_thread threads[256];
    unsigned seen = 0, want = 0;
    long n;

    CHECK_IS(sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&counters, 0, 0), 0);
    for (long end = now_ns() + 5 * SECOND; now_ns() < end && want < counters.harts;) {
        sys_sleep(5 * MS);
        n = sys_system(H_SYSTEM, SYSTEM_THREADS, (long)threads, 256, 0);
        for (long i = 0; i < n && i < 256; i++)
            if (threads[i].state == 'R' && threads[i].hart >= 0)
                seen |= 1u << threads[i].hart;
        want = (unsigned)__builtin_popcount(seen);
    }
    CHECK_IS(want, counters.harts);
    return 0;
}

static int all_harts(void *unused)
{
    (void)unused;
    return among_busy(BUSY, measure_harts);
}

static const struct proc_test tests[] = {
    {all_progress, "more busy loops than harts, and all of them get on"},
    {fair, "no one's share is out of all proportion"},
    {not_starved, "sleepers and talkers are served among busy loops"},
    {yielding, "yielders and busy loops side by side"},
    {all_harts, "every hart works"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
