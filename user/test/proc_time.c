/*
 * Clocks and sleep.
 *
 * test: points=2
 */
#include "user/test/proc_util.h"
#include <time.h>

static int monotonic(void *unused)
{
    long last = now_ns();

    (void)unused;
    for (int i = 0; i < 20000; i++) {
        long now = now_ns();
        CHECK(now >= last);
        last = now;
    }
    return 0;
}

/* Whichever hart a process asks on, and whoever asked before. */
static int monotonic_between(void *unused)
{
    int there[2], back[2];
    pid_t pid;

    (void)unused;
    CHECK_IS(pipe(there), 0);
    CHECK_IS(pipe(back), 0);
    pid = fork();
    if (pid == 0) {
        long got, now;
        close(there[1]);
        while (read(there[0], &got, sizeof(got)) == sizeof(got)) {
            now = now_ns();
            if (now < got)
                _exit(1);
            write(back[1], &now, sizeof(now));
        }
        _exit(0);
    }
    for (int i = 0; i < 300; i++) {
        long now = now_ns(), got;
        CHECK_IS(write(there[1], &now, sizeof(now)), sizeof(now));
        CHECK_IS(read(back[0], &got, sizeof(got)), sizeof(got));
        CHECK(got >= now && got <= now_ns());
    }
    close(there[1]);
    return reap(pid);
}

static int sleeps(void *unused)
{
    static const long lengths[] = {0, 1, 1000, MS, 7 * MS, 25 * MS, 100 * MS};

    (void)unused;
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        long start = now_ns(), took;
        CHECK_IS(sys_sleep((unsigned long)lengths[i]), 0);
        took = now_ns() - start;
        CHECK(took >= lengths[i]);
        CHECK(took < lengths[i] + SECOND); /* a machine under load is not a failure */
    }
    return 0;
}

/* Many sleepers, begun in another order than they end in. */
static int ordered(void *unused)
{
    pid_t pids[10];

    (void)unused;
    for (int i = 0; i < 10; i++) {
        long length = (10 - i) * 20 * MS;
        pids[i] = fork();
        if (pids[i] == 0) {
            long start = now_ns();
            _exit(sys_sleep((unsigned long)length) == 0 && now_ns() - start >= length ? 0 : 1);
        }
    }
    for (int i = 0; i < 10; i++)
        CHECK_IS(reap(pids[i]), 0);
    return 0;
}

/* What lies beyond all times is for ever, not at once. */
static int for_ever(void *unused)
{
    static const unsigned long lengths[] = {~0ul, 1ul << 63, ~0ul >> 1};

    (void)unused;
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(sys_sleep(lengths[i]) == 0 ? 1 : 2);
        CHECK(await_waiting(pid, "sleep"));
        sys_sleep(20 * MS);
        CHECK(is_waiting(pid, "sleep"));
        CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
        CHECK_IS(reap(pid), ABI_SIGKILL);
    }
    return 0;
}

static int clocks(void *unused)
{
    long wall = sys_clock(ABI_CLOCK_REALTIME), mono = now_ns();
    long cpu = sys_clock(ABI_CLOCK_PROCESS), end;

    (void)unused;
    CHECK(wall > 1600000000l * SECOND); /* the machine has a clock that knows the year */
    CHECK_IS(sys_clock(3), -EINVAL);
    CHECK_IS(sys_clock(-1), -EINVAL);
    sys_sleep(50 * MS);
    CHECK(sys_clock(ABI_CLOCK_REALTIME) - wall >= 49 * MS);
    CHECK(now_ns() - mono >= 50 * MS);
    /* Sleeping costs nothing, working does. */
    CHECK(sys_clock(ABI_CLOCK_PROCESS) - cpu < 40 * MS);
    end = now_ns() + 60 * MS;
    cpu = sys_clock(ABI_CLOCK_PROCESS);
    while (now_ns() < end)
        ;
    CHECK(sys_clock(ABI_CLOCK_PROCESS) - cpu > 5 * MS);
    CHECK(sys_clock(ABI_CLOCK_PROCESS) - cpu <= now_ns() - end + 61 * MS);
    /* What was used before a sleep is not forgotten by it. */
    sys_sleep(MS);
    CHECK(sys_clock(ABI_CLOCK_PROCESS) - cpu > 5 * MS);
    return 0;
}

/* cycle, time and instret may be read by programs. */
static int counters(void *unused)
{
    unsigned long a, b, c, d, e, f;

    (void)unused;
    __asm__ volatile("rdcycle %0" : "=r"(a));
    __asm__ volatile("rdtime %0" : "=r"(b));
    __asm__ volatile("rdinstret %0" : "=r"(c));
    sys_sleep(MS);
    __asm__ volatile("rdcycle %0" : "=r"(d));
    __asm__ volatile("rdtime %0" : "=r"(e));
    __asm__ volatile("rdinstret %0" : "=r"(f));
    CHECK(e > b);
    CHECK(d != a && f != c);
    return 0;
}

static const struct proc_test tests[] = {
    {monotonic, "the monotonic clock does not go back"},
    {monotonic_between, "nor does it between processes"},
    {sleeps, "sleep is not short, nor much too long"},
    {ordered, "sleepers wake in their order"},
    {for_ever, "the longest sleeps do not end"},
    {clocks, "realtime, monotonic and processor time"},
    {counters, "cycle, time and instret can be read"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
