/*
 * Orphans: they become init's children, and init buries them.
 *
 * test: points=2
 */
#include "user/test/proc_util.h"

#define ORPHANS 40

static int await_gone(pid_t pid)
{
    long end = now_ns() + 10 * SECOND;

    while (process_state(pid)) {
        CHECK(now_ns() < end);
        sys_sleep(MS);
    }
    return 0;
}

/* Makes `n` grandchildren, tells their pids, and is gone. */
static int leave_orphans(int to, int n, unsigned long life_ns)
{
    for (int i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            sys_sleep(life_ns);
            _exit(0);
        }
        CHECK(pid > 0);
        CHECK_IS(write(to, &pid, sizeof(pid)), sizeof(pid));
    }
    return 0;
}

static int adopted(void *unused)
{
    int fds[2];
    pid_t child, words[2];

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        if (fork() == 0) {
            while ((words[1] = getppid()) != 1)
                sys_sleep(MS);
            words[0] = getpid();
            write(fds[1], words, sizeof(words));
        }
        _exit(0);
    }
    CHECK_IS(reap(child), 0);
    CHECK_IS(read(fds[0], words, sizeof(words)), sizeof(words));
    CHECK_IS(words[1], 1);
    return await_gone(words[0]);
}

static int many_orphans(void *life)
{
    int fds[2];
    pid_t child, pid;

    CHECK_IS(pipe(fds), 0);
    child = fork();
    if (child == 0)
        _exit(leave_orphans(fds[1], ORPHANS, (unsigned long)life));
    close(fds[1]);
    CHECK_IS(reap(child), 0);
    for (int i = 0; i < ORPHANS; i++) {
        CHECK_IS(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
        CHECK_IS(await_gone(pid), 0);
    }
    return 0;
}

/* Dead before their parent: init gets zombies, and must still notice them. */
static int zombies(void *unused)
{
    int fds[2];
    pid_t child, pids[8];

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        if (leave_orphans(fds[1], 8, 0))
            _exit(1);
        sys_sleep(100 * SECOND);
    }
    for (int i = 0; i < 8; i++) {
        CHECK_IS(read(fds[0], &pids[i], sizeof(pid_t)), sizeof(pid_t));
        while (process_state(pids[i]) != 'Z')
            sys_sleep(MS);
    }
    CHECK_IS(sys_kill(H_NONE, child, ABI_SIGKILL), 0);
    CHECK_IS(reap(child), ABI_SIGKILL);
    for (int i = 0; i < 8; i++)
        CHECK_IS(await_gone(pids[i]), 0);
    return 0;
}

static int live_orphans(void *unused)
{
    (void)unused;
    return many_orphans((void *)(20 * MS));
}

static const struct proc_test tests[] = {
    {adopted, "an orphan's parent is process 1, which reaps it"},
    {live_orphans, "many orphans that die later"},
    {zombies, "zombies whose parent is killed"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
