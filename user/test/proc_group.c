/*
 * Who may kill whom: kinship, groups, the system handle, process handles; and
 * being told of a death.
 *
 * test: points=4
 */
#include "user/test/proc_util.h"

#include <sys/mman.h>

/* A process that is neither our child nor in our group: our parent's child,
 * started before us. */
static pid_t stranger;

static int start_stranger(int (*fn)(void *))
{
    pid_t child;
    int status;

    stranger = spawn(sleep_long, 0);
    CHECK(stranger > 0);
    CHECK_IS(sys_setpgid(stranger, stranger), 0);
    child = spawn(fn, 0);
    status = reap(child);
    CHECK_IS(sys_wait(stranger, 0, ABI_WNOHANG), 0); /* it lives */
    CHECK_IS(sys_kill(H_NONE, stranger, ABI_SIGKILL), 0);
    CHECK_IS(reap(stranger), ABI_SIGKILL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int no_authority(void *unused)
{
    int handle;

    (void)unused;
    CHECK_IS(sys_close(H_SYSTEM), 0);
    CHECK_IS(sys_kill(H_NONE, stranger, ABI_SIGKILL), -EPERM);
    CHECK_IS(sys_kill(H_NONE, stranger, 0), -EPERM);
    CHECK_IS(sys_kill(H_SYSTEM, stranger, ABI_SIGKILL), -EPERM);
    CHECK_IS(sys_kill(H_NONE, -stranger, ABI_SIGKILL), -EPERM);
    CHECK_IS(sys_kill(H_NONE, 1, ABI_SIGKILL), -EPERM);
    CHECK_IS(sys_kill(77, stranger, ABI_SIGKILL), -EBADF);
    CHECK_IS(sys_kill(H_NONE, 999999, ABI_SIGKILL), -ESRCH);
    CHECK_IS(sys_kill(H_NONE, -999999, ABI_SIGKILL), -ESRCH);
    CHECK_IS(sys_process_open(H_NONE, stranger), -EPERM);
    CHECK_IS(sys_process_open(H_SYSTEM, stranger), -EPERM);
    handle = (int)sys_port_create();
    CHECK(handle >= 0);
    CHECK(sys_kill(handle, stranger, ABI_SIGKILL) < 0); /* a handle, but of another kind */
    return 0;
}

/* Groups are no way round it: only one's own family's can be joined. */
static int no_joining(void *unused)
{
    (void)unused;
    CHECK_IS(sys_close(H_SYSTEM), 0);
    CHECK_IS(sys_setpgid(0, 1), -EPERM);
    CHECK_IS(sys_getpgid(0) != 1, 1);
    CHECK_IS(sys_setpgid(stranger, 0), -ESRCH);
    CHECK_IS(sys_setpgid(1, 0), -ESRCH);
    CHECK_IS(sys_setpgid(0, -5), -EINVAL);
    CHECK_IS(sys_setpgid(-5, 0), -EINVAL);
    CHECK_IS(sys_setpgid(0, 999999), -EPERM);
    return 0;
}

static int strangers(void *unused)
{
    (void)unused;
    return start_stranger(no_authority);
}

static int joining(void *unused)
{
    (void)unused;
    return start_stranger(no_joining);
}

static int with_system(void *unused)
{
    long weak;

    (void)unused;
    CHECK_IS(sys_kill(H_SYSTEM, stranger, 0), 0);
    weak = sys_restrict(H_SYSTEM, RIGHT_INSPECT | RIGHT_DEVICE);
    CHECK(weak >= 0);
    CHECK_IS(sys_kill((int)weak, stranger, ABI_SIGKILL), -EPERM);
    CHECK_IS(sys_process_open((int)weak, stranger), -EPERM);
    CHECK_IS(sys_kill(H_SYSTEM, 1, ABI_SIGKILL), -EPERM); /* init: nobody may */
    CHECK_IS(sys_kill(H_SYSTEM, 999999, ABI_SIGKILL), -ESRCH);
    CHECK_IS(sys_process_open(H_SYSTEM, 999999), -ESRCH);
    CHECK_IS(sys_process_open(H_SYSTEM, -1), -ESRCH);
    return 0;
}

static int authority(void *unused)
{
    (void)unused;
    return start_stranger(with_system);
}

/* A whole group, and nobody else. */
static int kill_group(void *unused)
{
    pid_t a = spawn(sleep_long, 0), b = spawn(sleep_long, 0), out = spawn(sleep_long, 0);

    (void)unused;
    CHECK_IS(sys_setpgid(a, 0), 0);
    CHECK_IS(sys_setpgid(b, a), 0);
    CHECK_IS(sys_getpgid(b), a);
    CHECK_IS(sys_kill(H_NONE, -a, ABI_SIGINT), 0);
    CHECK_IS(reap(a), ABI_SIGINT);
    CHECK_IS(reap(b), ABI_SIGINT);
    CHECK_IS(sys_wait(out, 0, ABI_WNOHANG), 0);
    CHECK_IS(sys_kill(H_NONE, -a, ABI_SIGINT), -ESRCH);
    CHECK_IS(sys_kill(H_NONE, out, ABI_SIGKILL), 0);
    CHECK_IS(reap(out), ABI_SIGKILL);
    return 0;
}

/* Forks and leaves the rest to its child, for ever: each is gone before somebody who
 * looks for the members of its group has come round to it. */
static int hop(void *hops)
{
    for (;;) {
        long pid = sys_fork();
        if (pid > 0)
            sys_exit(0);
        if (pid == 0)
            __atomic_add_fetch((unsigned *)hops, 1, __ATOMIC_RELAXED);
    }
}

/* One kill ends a group whose members fork meanwhile: nobody is born out of it. */
static int kill_forkers(void *unused)
{
    enum { HOPPERS = 6, ROUNDS = 20 };
    unsigned *hops = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    CHECK(hops != MAP_FAILED);
    unsigned *joined = hops + 1;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t group = spawn(sleep_long, 0);
        CHECK_IS(sys_setpgid(group, 0), 0);
        unsigned before = __atomic_load_n(hops, __ATOMIC_RELAXED);
        for (int i = 0; i < HOPPERS; i++) {
            pid_t pid = fork();
            if (pid == 0) {
                sys_setpgid(0, group);
                __atomic_add_fetch(joined, 1, __ATOMIC_RELAXED);
                hop(hops);
            }
        }
        while (__atomic_load_n(joined, __ATOMIC_RELAXED) < (unsigned)(round + 1) * HOPPERS ||
               __atomic_load_n(hops, __ATOMIC_RELAXED) < before + 10 * HOPPERS)
            sys_sleep(MS);
        CHECK_IS(sys_kill(H_SYSTEM, -group, ABI_SIGKILL), 0);
        CHECK_IS(reap(group), ABI_SIGKILL);
        /* Those hit are on their way out; whoever escaped goes on for ever. */
        long end = now_ns() + 10 * SECOND;
        while (sys_kill(H_SYSTEM, -group, 0) == 0 && now_ns() < end)
            sys_sleep(MS);
        CHECK_IS(sys_kill(H_SYSTEM, -group, ABI_SIGKILL), -ESRCH);
        while (sys_wait(-1, 0, 0) > 0) /* the first of each row */
            ;
    }
    return 0;
}

static int die_by_group(void *unused)
{
    (void)unused;
    sys_setpgid(0, 0);
    sys_kill(H_NONE, -getpid(), ABI_SIGTERM);
    return 3; /* whoever kills his own group dies before the call returns */
}

static int own_group(void *unused)
{
    (void)unused;
    CHECK_IS(reap(spawn(die_by_group, 0)), ABI_SIGTERM);
    return 0;
}

static int handles(void *unused)
{
    pid_t pid = spawn(sleep_long, 0);
    long h = sys_process_open(H_NONE, pid), weak;
    struct abi_handle_info info;

    (void)unused;
    CHECK(h >= 0);
    CHECK_IS(sys_handle_info((int)h, &info), 0);
    CHECK_IS(info.type, HANDLE_PROCESS);
    weak = sys_restrict((int)h, RIGHT_READ);
    CHECK(weak >= 0);
    CHECK_IS(sys_kill((int)weak, 0, ABI_SIGKILL), -EPERM);
    CHECK_IS(sys_read((int)h, &info, 1), -EBADF);
    CHECK_IS(sys_kill((int)h, 999, ABI_SIGTERM), 0); /* the pid says nothing */
    CHECK_IS(reap(pid), ABI_SIGTERM);
    /* The handle still names the dead one, not a new process of that number. */
    CHECK_IS(sys_kill((int)h, 0, ABI_SIGTERM), 0);
    CHECK_IS(sys_process_open(H_NONE, pid), -ESRCH);
    return 0;
}

static int watch(void *unused)
{
    int port = (int)sys_port_create();
    pid_t pid = spawn(sleep_long, 0);
    long h = sys_process_open(H_NONE, pid), weak = sys_restrict((int)h, RIGHT_SIGNAL);
    struct message m;

    (void)unused;
    CHECK(port >= 0 && h >= 0 && weak >= 0);
    CHECK_IS(sys_process_watch((int)weak, port, 1), -EPERM);
    CHECK_IS(sys_process_watch((int)h, port, 64), -EINVAL);
    CHECK_IS(sys_process_watch(port, port, 1), -EBADF);
    CHECK_IS(sys_process_watch((int)h, (int)h, 1), -EBADF);
    CHECK_IS(sys_process_watch((int)h, port, 5), 0);
    CHECK_IS(sys_process_watch((int)h, port, 9), 0); /* two watches, two bits */
    CHECK_IS(sys_notify(port, 1), 0);
    CHECK_IS(ipc_receive(port, &m, 0), 0);
    CHECK_IS(m.w[0], 1); /* it lives: only what was raised by hand */
    CHECK_IS(sys_kill((int)h, 0, ABI_SIGKILL), 0);
    for (unsigned long bits = 0; bits != (1ul << 5 | 1ul << 9); bits |= m.w[0])
        CHECK_IS(ipc_receive(port, &m, 0), 0);
    CHECK_IS(sys_process_watch((int)h, port, 3), 0); /* dead already: at once */
    CHECK_IS(ipc_receive(port, &m, 0), 0);
    CHECK_IS(m.w[0], 1ul << 3);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    return 0;
}

/* The last reference to a port may be a watch's. */
static int watch_outlives(void *unused)
{
    (void)unused;
    for (int i = 0; i < 8; i++) {
        int port = (int)sys_port_create();
        pid_t pid = spawn(sleep_long, 0);
        long h = sys_process_open(H_NONE, pid);
        CHECK_IS(sys_process_watch((int)h, port, 5), 0);
        CHECK_IS(sys_close(port), 0);
        CHECK_IS(sys_close((int)h), 0);
        CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
        CHECK_IS(reap(pid), ABI_SIGKILL);
    }
    return 0;
}

/* Waits until the bit is raised, with nothing else, and no timer but ours. */
static int raised(int port, unsigned bit)
{
    struct message m;

    CHECK_IS(sys_port_timer(port, 62, 10 * SECOND), 0);
    CHECK_IS(ipc_receive(port, &m, 0), 0);
    CHECK_IS(m.w[0], 1ul << bit);
    return 0;
}

static int watch_children(void *unused)
{
    int port = (int)sys_port_create(), other = (int)sys_port_create();
    pid_t first = spawn(sleep_long, 0), second = spawn(sleep_long, 0), third;

    (void)unused;
    CHECK_IS(sys_process_watch(H_NONE, port, 64), -EINVAL);
    CHECK_IS(sys_process_watch(H_NONE, 999, 1), -EBADF);
    CHECK_IS(sys_process_watch(H_NONE, (int)sys_restrict(port, RIGHT_NOTIFY), 1), -EPERM);
    CHECK_IS(sys_process_watch(H_NONE, other, 3), 0);
    CHECK_IS(sys_process_watch(H_NONE, port, 7), 0); /* in place of the other */
    third = spawn(sleep_long, 0);                    /* born after it */
    CHECK_IS(sys_kill(H_NONE, third, ABI_SIGKILL), 0);
    CHECK_IS(raised(port, 7), 0);
    CHECK_IS(sys_kill(H_NONE, first, ABI_SIGKILL), 0);
    CHECK_IS(raised(port, 7), 0); /* each time anew */
    CHECK_IS(reap(third), ABI_SIGKILL);
    CHECK_IS(sys_process_watch(H_NONE, port, 8), 0); /* one is dead already: at once */
    CHECK_IS(raised(port, 8), 0);
    CHECK_IS(reap(first), ABI_SIGKILL);
    CHECK_IS(sys_close(other), 0);
    CHECK_IS(sys_close(port), 0); /* the watch is left without a receiver */
    CHECK_IS(sys_kill(H_NONE, second, ABI_SIGKILL), 0);
    CHECK_IS(reap(second), ABI_SIGKILL);
    return 0;
}

static const struct proc_test tests[] = {
    {strangers, "no handle, no kin: EPERM"},
    {joining, "no joining of groups of others"},
    {authority, "the system handle kills, but not without SIGNAL, and not init"},
    {kill_group, "a group dies, others live"},
    {kill_forkers, "nobody escapes the kill of a group by forking"},
    {own_group, "a process kills its own group"},
    {handles, "process handles and their rights"},
    {watch, "deaths are notified, once for each watch"},
    {watch_outlives, "a watch outlives its handles"},
    {watch_children, "deaths of children are notified, whichever they are"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
