/*
 * fork, exit and wait: statuses, whom wait waits for, and what it says if there
 * is nobody.
 *
 * test: points=3
 */
#include "user/test/proc_util.h"

static int exit_with(void *code)
{
    return (int)(long)code;
}

static int exit_codes(void *unused)
{
    static const int codes[] = {0, 1, 2, 7, 127, 128, 255, 256 + 3, -1};

    (void)unused;
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        int status = reap(spawn(exit_with, (void *)(long)codes[i]));
        CHECK(WIFEXITED(status));
        CHECK_IS(WEXITSTATUS(status), codes[i] & 0xff);
    }
    return 0;
}

static int every_signal(void *unused)
{
    (void)unused;
    for (int sig = 1; sig <= ABI_SIG_MAX; sig++) {
        pid_t pid = spawn(sleep_long, 0);
        int status;
        CHECK_IS(sys_kill(H_NONE, pid, sig), 0);
        status = reap(pid);
        CHECK(WIFSIGNALED(status) && !WIFEXITED(status));
        CHECK_IS(WTERMSIG(status), sig);
    }
    return 0;
}

static int signal_zero(void *unused)
{
    pid_t pid = spawn(sleep_long, 0);

    (void)unused;
    CHECK_IS(sys_kill(H_NONE, pid, 0), 0);
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIG_MAX + 1), -EINVAL);
    CHECK_IS(sys_kill(H_NONE, pid, -1), -EINVAL);
    sys_sleep(5 * MS);
    CHECK_IS(sys_wait(pid, 0, ABI_WNOHANG), 0);
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGTERM), 0);
    CHECK_IS(reap(pid), ABI_SIGTERM);
    return 0;
}

static int fault(void *which)
{
    volatile int *volatile nowhere = (int *)8;

    switch ((long)which) {
    case ABI_SIGSEGV:
        *nowhere = 0;
        break;
    case ABI_SIGILL:
        __asm__ volatile(".2byte 0");
        break;
    case ABI_SIGTRAP:
        __asm__ volatile("ebreak");
        break;
    case ABI_SIGABRT:
        abort();
    }
    return 0;
}

static int faults(void *unused)
{
    static const long signals[] = {ABI_SIGSEGV, ABI_SIGILL, ABI_SIGTRAP, ABI_SIGABRT};

    (void)unused;
    for (unsigned i = 0; i < 4; i++)
        CHECK_IS(reap(spawn(fault, (void *)signals[i])), signals[i]);
    return 0;
}

static int no_hang(void *unused)
{
    pid_t pid = spawn(sleep_long, 0);
    int status = 77;

    (void)unused;
    CHECK_IS(sys_wait(-1, &status, ABI_WNOHANG), 0);
    CHECK_IS(sys_wait(pid, &status, ABI_WNOHANG), 0);
    CHECK_IS(status, 77);
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    while (sys_wait(pid, &status, ABI_WNOHANG) == 0)
        sys_sleep(MS);
    CHECK_IS(status, ABI_SIGKILL);
    CHECK_IS(sys_wait(pid, &status, ABI_WNOHANG), -ECHILD);
    return 0;
}

/* The one that is asked for comes, though another has long been dead. */
static int particular(void *unused)
{
    pid_t first = spawn(exit_with, (void *)1), second;
    int status;

    (void)unused;
    while (process_state(first) != 'Z')
        sys_sleep(MS);
    second = spawn(exit_with, (void *)2);
    CHECK_IS(sys_wait(second, &status, 0), second);
    CHECK_IS(status, 2 << 8);
    CHECK_IS(sys_wait(-1, &status, 0), first);
    CHECK_IS(status, 1 << 8);
    CHECK_IS(process_state(first), 0);
    return 0;
}

static int groups(void *unused)
{
    pid_t mine = spawn(exit_with, (void *)1), other = spawn(sleep_long, 0);
    int status;

    (void)unused;
    CHECK_IS(sys_setpgid(other, other), 0);
    CHECK_IS(sys_getpgid(other), other);
    CHECK_IS(sys_kill(H_NONE, other, ABI_SIGTERM), 0);
    while (process_state(mine) != 'Z' || process_state(other) != 'Z')
        sys_sleep(MS);
    CHECK_IS(sys_wait(-mine, &status, ABI_WNOHANG), -ECHILD); /* leads no group */
    CHECK_IS(sys_wait(-other, &status, 0), other);
    CHECK_IS(status, ABI_SIGTERM);
    CHECK_IS(sys_wait(-other, &status, 0), -ECHILD);
    CHECK_IS(sys_wait(0, &status, 0), mine);
    CHECK_IS(sys_wait(0, &status, 0), -ECHILD);
    return 0;
}

static int nobody(void *unused)
{
    pid_t pid;
    int status = 77;

    (void)unused;
    CHECK_IS(sys_wait(-1, &status, 0), -ECHILD);
    CHECK_IS(sys_wait(-1, &status, ABI_WNOHANG), -ECHILD);
    CHECK_IS(sys_wait(1, &status, 0), -ECHILD);
    CHECK_IS(sys_wait(getpid(), &status, 0), -ECHILD);
    CHECK_IS(sys_wait(getppid(), &status, 0), -ECHILD);
    CHECK_IS(sys_wait(0, &status, 0), -ECHILD);
    CHECK_IS(sys_wait(999999, &status, 0), -ECHILD);
    CHECK_IS(status, 77);
    pid = spawn(exit_with, 0);
    CHECK_IS(sys_wait(pid, 0, 0), pid); /* nobody need take the status */
    pid = spawn(exit_with, 0);
    CHECK_IS(sys_wait(pid, (int *)-4096l, 0), -EFAULT);
    return 0;
}

/* A child's child is not ours to wait for, and a zombie has no memory. */
static int family(void *unused)
{
    int fds[2];
    pid_t child, grandchild = 0;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        pid_t mine = spawn(sleep_long, 0);
        write(fds[1], &mine, sizeof(mine));
        sys_sleep(100 * SECOND);
        _exit(1);
    }
    CHECK_IS(read(fds[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
    CHECK(grandchild > 0 && grandchild != child);
    CHECK_IS(sys_wait(grandchild, 0, ABI_WNOHANG), -ECHILD);
    CHECK_IS(sys_kill(H_SYSTEM, grandchild, ABI_SIGKILL), 0);
    while (process_state(grandchild) != 'Z')
        sys_sleep(MS);
    CHECK_IS(sys_wait(grandchild, 0, ABI_WNOHANG), -ECHILD);
    CHECK_IS(sys_kill(H_NONE, child, ABI_SIGKILL), 0);
    CHECK_IS(reap(child), ABI_SIGKILL);
    return 0;
}

/* Several children die in their own order, and each is found exactly once. */
static int many(void *unused)
{
    pid_t pids[20];
    int status, seen = 0;

    (void)unused;
    for (int i = 0; i < 20; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            sys_sleep((unsigned long)(i * 7 % 20) * MS);
            _exit(i);
        }
        CHECK(pids[i] > 0);
    }
    for (int i = 0; i < 20; i++) {
        long pid = sys_wait(-1, &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) < 20);
        CHECK_IS(pid, pids[WEXITSTATUS(status)]);
        CHECK(!(seen & 1 << WEXITSTATUS(status)));
        seen |= 1 << WEXITSTATUS(status);
    }
    CHECK_IS(sys_wait(-1, &status, 0), -ECHILD);
    return 0;
}

static const struct proc_test tests[] = {
    {exit_codes, "exit codes come as they are, cut to a byte"},
    {every_signal, "every signal kills and is the cause"},
    {signal_zero, "signal 0 only looks; one out of range is EINVAL"},
    {faults, "faults are causes: SEGV, ILL, TRAP, ABRT"},
    {no_hang, "WNOHANG does not wait"},
    {particular, "wait for one child passes over others"},
    {groups, "wait for groups"},
    {nobody, "ECHILD, a null status, a bad status"},
    {family, "a grandchild is not a child"},
    {many, "many children, each reaped once"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
