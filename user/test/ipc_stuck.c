/*
 * A program's own pager that answers nothing does harm to those who use it, and
 * to nobody else: others' pages are stored, others' files are synced.
 *
 * test: points=3 cpus=2
 */
#include "user/test/ipc_util.h"
#include <fcntl.h>

#define NAME "/tmp/ipc_stuck"

static int file;

static unsigned long dirty_pages(void)
{
    struct abi_memory memory = {0};

    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0);
    return memory.dirty;
}

/* A dirty page whose pager takes what it is sent, and never answers. */
static int make_stuck(void)
{
    struct message m;
    pid_t pid;

    port = (int)sys_port_create();
    file = make_file(port, 1, 4096);
    CHECK(port >= 0 && file >= 0);
    pid = fork();
    if (pid == 0)
        _exit(sys_pwrite(file, "x", 1, 0) == 1 ? 0 : 1);
    CHECK(ipc_receive(port, &m, 0) > 0);
    CHECK_IS(m.w[0], MSG_PAGE_IN);
    m.w[0] = m.w[1] = 0;
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    return reap(pid);
}

/* The timer stores other files' pages although this one's are on their way for
 * ever. */
static int timer_goes_on(void *unused)
{
    long end = now_ns() + 40 * SECOND;
    int fd;

    (void)unused;
    sys_sync();
    CHECK_IS(make_stuck(), 0);
    for (int round = 0; round < 2; round++) {
        fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
        CHECK(fd >= 0);
        CHECK_IS(write(fd, "stored by the timer", 19), 19);
        CHECK_IS(close(fd), 0);
        while (dirty_pages() > 1) {
            CHECK(now_ns() < end);
            sys_sleep(100 * MS);
        }
    }
    return unlink(NAME);
}

/* fsync of another file does not wait for it. */
static int fsync_goes_on(void *unused)
{
    int fd;

    (void)unused;
    CHECK_IS(make_stuck(), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit((int)sys_fsync(file)); /* this one waits */
    CHECK(await_waiting(pid, "write-back"));
    fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    CHECK_IS(write(fd, "data", 4), 4);
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(close(fd), 0);
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    return unlink(NAME);
}

/* A process that waits in sync for it can be killed; and sync ends when the pager
 * does. */
static int sync_ends(void *unused)
{
    pid_t pager, killed, waits;

    (void)unused;
    pager = fork();
    if (pager == 0) {
        if (make_stuck())
            _exit(1);
        _exit(sleep_long(0));
    }
    CHECK(await_waiting(pager, "sleep"));
    killed = fork();
    if (killed == 0) {
        sys_sync();
        _exit(0);
    }
    CHECK(await_waiting(killed, 0));
    sys_sleep(50 * MS);
    CHECK(is_waiting(killed, 0));
    CHECK_IS(sys_kill(H_NONE, killed, ABI_SIGKILL), 0);
    CHECK_IS(reap(killed), ABI_SIGKILL);
    waits = fork();
    if (waits == 0) {
        sys_sync();
        _exit(0);
    }
    CHECK(await_waiting(waits, 0));
    CHECK_IS(sys_kill(H_NONE, pager, ABI_SIGKILL), 0);
    CHECK_IS(reap(pager), ABI_SIGKILL);
    return reap(waits);
}

static const struct proc_test tests[] = {
    {timer_goes_on, "the timer stores others' pages"},
    {fsync_goes_on, "fsync of other files goes on"},
    {sync_ends, "sync can be killed, and ends with the pager"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
