/*
 * Processes: fork, wait, signals and groups, and who the one user is.
 */
#include "user/lib/glue.h"
#include "user/lib/lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Only the calling thread lives on in the child. The library's locks are taken
 * across the fork, so that none is left held by a thread that is no more.
 */
pid_t fork(void)
{
    long pid;

    if (!thread_many)
        return (pid_t)glue_result(sys_fork());
    stream_fork_begin();
    lock_acquire(&__lock___libc_recursive_mutex);
    pid = sys_fork();
    if (pid == 0)
        thread_live = 1;
    lock_release(&__lock___libc_recursive_mutex);
    stream_fork_end(pid == 0);
    return (pid_t)glue_result(pid);
}

pid_t vfork(void)
{
    return fork();
}

pid_t waitpid(pid_t pid, int *status, int flags)
{
    /* WUNTRACED asks for stops, which never happen. */
    if (flags & ~(WNOHANG | WUNTRACED))
        return (pid_t)glue_result(-EINVAL);
    return (pid_t)glue_result(sys_wait(pid, status, flags & WNOHANG));
}

pid_t wait(int *status)
{
    return waitpid(-1, status, 0);
}

/*
 * First by kinship, which needs no handle; if that is not enough, by the
 * authority of the system handle, where there is one.
 */
int kill(pid_t pid, int sig)
{
    long err, by_system;

    if (sig < 0 || sig > ABI_SIG_MAX)
        return (int)glue_result(-EINVAL);
    if (pid == -1)
        return (int)glue_result(-EPERM); /* nobody may signal everyone */
    if (pid == 0)
        pid = -(pid_t)sys_getpgid(0);
    err = sys_kill(H_NONE, pid, sig);
    if (err == -EPERM || err == -ESRCH || err == -ECHILD) {
        by_system = sys_kill(H_SYSTEM, pid, sig);
        if (by_system != -EBADF)
            err = by_system;
    }
    return (int)glue_result(err);
}

int killpg(pid_t group, int sig)
{
    if (group < 0)
        return (int)glue_result(-EINVAL);
    return kill(-group, sig);
}

pid_t getpid(void)
{
    return (pid_t)sys_getpid();
}

pid_t getppid(void)
{
    return (pid_t)sys_getppid();
}

int setpgid(pid_t pid, pid_t group)
{
    return (int)glue_result(sys_setpgid(pid, group));
}

pid_t getpgid(pid_t pid)
{
    return (pid_t)glue_result(sys_getpgid(pid));
}

pid_t getpgrp(void)
{
    return getpgid(0);
}

int setpgrp(void)
{
    return setpgid(0, 0);
}

/* Sessions of processes do not exist: a new group is what is left of one. */
pid_t setsid(void)
{
    return setpgid(0, 0) < 0 ? -1 : getpid();
}

uid_t getuid(void)
{
    return 0;
}

uid_t geteuid(void)
{
    return 0;
}

gid_t getgid(void)
{
    return 0;
}

gid_t getegid(void)
{
    return 0;
}

int setuid(uid_t uid)
{
    return (int)glue_result(uid == 0 ? 0 : -EPERM);
}

int setgid(gid_t gid)
{
    return (int)glue_result(gid == 0 ? 0 : -EPERM);
}

int getgroups(int room, gid_t groups[])
{
    if (room < 0)
        return (int)glue_result(-EINVAL);
    if (room > 0)
        groups[0] = 0;
    return 1;
}
