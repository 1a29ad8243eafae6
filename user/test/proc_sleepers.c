/*
 * Two thousand processes that sleep, in 128 MiB and without a swap disk: all live, each is woken
 * when it is its turn, and when they have ended nothing of them is left.
 *
 * test: points=2 mem=128M swap=0
 */
#include "user/test/proc_util.h"
#include <signal.h>

#define SLEEPERS 2000

static pid_t pids[SLEEPERS];

/* Sleeps until nobody holds the other end of `from`, and says so. */
static void sleeper(int number, int from, int to)
{
    char byte;

    if (read(from, &byte, 1) != 0 || write(to, &number, sizeof(number)) != sizeof(number))
        _exit(1);
    _exit(0);
}

static int asleep(void)
{
    static struct abi_process list[SLEEPERS + 64];
    long n = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)list, SLEEPERS + 64, 0);
    int count = 0;

    for (long i = 0; i < n; i++)
        count += list[i].pid >= pids[0] && list[i].state == 'S';
    return count;
}

static int the_others_wake(int from)
{
    static unsigned char woken[SLEEPERS];

    memset(woken, 0, sizeof(woken));
    for (int i = 0; i < SLEEPERS / 2; i++) {
        int number;

        CHECK_IS(read(from, &number, sizeof(number)), (long)sizeof(number));
        CHECK(number % 2 == 1 && number < SLEEPERS && !woken[number]);
        woken[number] = 1;
    }
    return 0;
}

static int many(void *unused)
{
    int to[2], from[2], status;

    (void)unused;
    CHECK(pipe(to) == 0 && pipe(from) == 0);
    for (int i = 0; i < SLEEPERS; i++) {
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0) {
            close(to[1]);
            sleeper(i, to[0], from[1]);
        }
    }
    while (asleep() < SLEEPERS)
        sys_sleep(10 * MS);
    for (int i = 0; i < SLEEPERS; i += 2) {
        CHECK_IS(kill(pids[i], SIGKILL), 0);
        CHECK_IS(waitpid(pids[i], &status, 0), pids[i]);
        CHECK(WIFSIGNALED(status));
    }
    CHECK_IS(asleep(), SLEEPERS / 2);
    close(to[1]); /* the end of the others' sleep */
    if (the_others_wake(from[0]))
        return 1;
    for (int i = 1; i < SLEEPERS; i += 2) {
        CHECK_IS(waitpid(pids[i], &status, 0), pids[i]);
        CHECK_IS(status, 0);
    }
    close(to[0]);
    close(from[0]);
    close(from[1]);
    return 0;
}

static const struct proc_test tests[] = {
    {many, "2,000 processes sleep in 128 MiB"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
