/*
 * Processes that are killed just as they go to sleep, or are being woken: each
 * goes at once, though nobody will ever wake it again.
 *
 * test: points=2 cpus=2..
 */
#include "user/test/proc_util.h"
#include <sys/mman.h>

#define ROUNDS  300
#define DELAY   4096         /* turns of an empty loop, at most, before the kills */
#define AT_ONCE (5 * SECOND) /* on however busy a host */

static volatile unsigned *passed; /* shared: how often */

/* Passes a byte on for ever. */
static int pass_on(int from, int to)
{
    char byte;

    while (sys_read(from, &byte, 1) == 1 && sys_write(to, &byte, 1) == 1)
        ++*passed;
    return 1;
}

/* 0 when pid has gone, as one who was killed. */
static int gone(pid_t pid)
{
    long end = now_ns() + AT_ONCE;
    int status = 0;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (now_ns() > end) {
            diag("process %d is killed and does not go", (int)pid);
            sys_system(H_SYSTEM, SYSTEM_DUMP, 0, 0, 0);
            return 1;
        }
        sys_yield();
    }
    return status == ABI_SIGKILL ? 0 : 1;
}

static int asleep_or_not(void *unused)
{
    unsigned long random = 0x9e3779b97f4a7c15ul;
    int there[2], back[2];

    (void)unused;
    passed = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(passed != MAP_FAILED);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t one, other;
        /* We keep all ends, so that no end of file wakes anybody. */
        CHECK(sys_pipe(there, 0) == 0 && sys_pipe(back, 0) == 0);
        one = fork();
        if (one == 0)
            _exit(pass_on(there[0], back[1]));
        other = fork();
        if (other == 0)
            _exit(pass_on(back[0], there[1]));
        *passed = 0;
        CHECK_IS(sys_write(there[1], "b", 1), 1);
        while (*passed < 4) /* both are at it */
            ;
        random = random * 6364136223846793005ul + 1442695040888963407ul;
        for (volatile unsigned long n = (random >> 33) % DELAY; n; n--)
            ;
        CHECK_IS(sys_kill(H_NONE, one, ABI_SIGKILL), 0);
        CHECK_IS(sys_kill(H_NONE, other, ABI_SIGKILL), 0);
        CHECK(gone(one) == 0 && gone(other) == 0);
        for (int i = 0; i < 2; i++)
            CHECK(sys_close(there[i]) == 0 && sys_close(back[i]) == 0);
    }
    return 0;
}

static const struct proc_test tests[] = {
    {asleep_or_not, "killed on the way to sleep or out of it"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
