/*
 * The system-call table. What each call does is said in kernel/abi.h; the rooms
 * it leads to do the work. Calls on processes and threads are here; those on
 * memory, handles and files, and ports, in syscall_memory.c, syscall_file.c and
 * syscall_port.c.
 */

#include "kernel/abi.h"
#include "kernel/clock.h"
#include "kernel/errno.h"
#include "kernel/exec.h"
#include "kernel/family.h"
#include "kernel/futex.h"
#include "kernel/ipc.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"
#include "kernel/reclaimer.h"
#include "kernel/syscalls.h"
#include "kernel/system.h"
#include "kernel/thread.h"
#include "trap/timer.h"
#include "trap/trap.h"
#include "vm/usercopy.h"

static int64_t sys_getpid(const uint64_t *a)
{
    (void)a;
    return syscall_process()->pid;
}

static int64_t sys_getppid(const uint64_t *a)
{
    (void)a;
    int ppid, pgid;
    family_of(syscall_process(), &ppid, &pgid);
    return ppid;
}

static int64_t sys_fork(const uint64_t *a)
{
    (void)a;
    int rc = reclaimer_make_plenty();
    int pid = rc < 0 ? rc : process_fork();
    /* Memory that others can give up may make the difference. */
    if (pid == -ENOMEM && reclaimer_make_room() == 0)
        pid = process_fork();
    return pid;
}

static int64_t sys_exec(const uint64_t *a)
{
    return exec_user((int)a[0], a[1], a[2]);
}

static int64_t sys_exit(const uint64_t *a)
{
    process_exit((int)(a[0] & 0xff) << 8);
}

static int64_t sys_wait(const uint64_t *a)
{
    int status = 0;
    int pid = family_wait((int)a[0], (int)a[2], &status);
    if (pid > 0 && a[1]) {
        int rc = copy_to_user(syscall_process()->space, a[1], &status, sizeof status);
        if (rc < 0)
            return rc;
    }
    return pid;
}

static int64_t kill_by_pid(int pid, int sig, bool any)
{
    if (pid < -1)
        return family_kill_group(pid == INT32_MIN ? 0 : -pid, sig, any); /* 0: nobody's */
    struct process *p = family_find(pid);
    if (!p)
        return -ESRCH;
    int rc = any || family_may_signal(p) ? process_kill(p, sig) : -EPERM;
    kobject_unref(&p->kobject);
    return rc;
}

static int64_t sys_kill(const uint64_t *a)
{
    int h = (int)a[0], pid = (int)a[1], sig = (int)a[2];
    struct handle handle;
    if (sig < 0 || sig > ABI_SIG_MAX)
        return -EINVAL;
    if (h == H_NONE)
        return kill_by_pid(pid, sig, false);
    int rc = handle_get(&syscall_process()->handles, h, 0, RIGHT_SIGNAL, &handle);
    if (rc == -EBADF && h == H_SYSTEM)
        return kill_by_pid(pid, sig, false);
    if (rc < 0)
        return rc;
    int64_t result = -EBADF;
    if (handle.object->type == HANDLE_PROCESS)
        result = process_kill(container_of(handle.object, struct process, kobject), sig);
    else if (handle.object->type == HANDLE_SYSTEM)
        result = kill_by_pid(pid, sig, true);
    kobject_unref(handle.object);
    return result;
}

static int64_t sys_setpgid(const uint64_t *a)
{
    return family_setpgid((int)a[0], (int)a[1]);
}

static int64_t sys_getpgid(const uint64_t *a)
{
    return family_getpgid((int)a[0]);
}

static int64_t sys_thread_create(const uint64_t *a)
{
    int rc = reclaimer_make_plenty();
    return rc < 0 ? rc : process_thread_create(a[0], a[1], a[2], a[3]);
}

static int64_t sys_thread_exit(const uint64_t *a)
{
    uint32_t zero = 0;
    if (a[0] && copy_to_user(syscall_process()->space, a[0], &zero, sizeof zero) == 0)
        futex_wake(a[0], ~0ul);
    process_thread_exit();
}

static int64_t sys_gettid(const uint64_t *a)
{
    (void)a;
    return thread_self()->tid;
}

static int64_t sys_yield(const uint64_t *a)
{
    (void)a;
    sched_yield();
    return 0;
}

static int64_t sys_sleep(const uint64_t *a)
{
    /* Nobody else knows this queue: only time or death end the wait. */
    struct spinlock lock = SPINLOCK_INIT(RANK_SLEEP);
    struct waitq nobody;
    waitq_init(&nobody);
    spin_lock(&lock);
    int rc = sched_wait_until(&nobody, &lock, timer_now() + timer_ns_to_ticks(a[0]), "sleep");
    spin_unlock(&lock);
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int64_t sys_futex_wait(const uint64_t *a)
{
    return futex_wait(a[0], (uint32_t)a[1], a[2]);
}

static int64_t sys_futex_wake(const uint64_t *a)
{
    return futex_wake(a[0], a[1]);
}

static int64_t sys_clock(const uint64_t *a)
{
    switch (a[0]) {
    case ABI_CLOCK_REALTIME:
        return (int64_t)clock_realtime_ns();
    case ABI_CLOCK_MONOTONIC:
        return (int64_t)clock_monotonic_ns();
    case ABI_CLOCK_PROCESS:
        return (int64_t)timer_ticks_to_ns(process_cpu_time(syscall_process()));
    default:
        return -EINVAL;
    }
}

static int64_t sys_set_name(const uint64_t *a)
{
    char name[PROCESS_NAME] = {0};
    uint64_t n = a[1] < sizeof name - 1 ? a[1] : sizeof name - 1;
    int rc = copy_from_user(syscall_process()->space, name, a[0], n);
    if (rc == 0)
        process_set_name(syscall_process(), name);
    return rc;
}

static int64_t sys_system(const uint64_t *a)
{
    return system_call((int)a[0], a[1], a[2], a[3], a[4]);
}

/* Those that need or replace the whole frame. */
static int64_t (*const whole[])(const uint64_t *) = {
    [SYS_fork] = sys_fork,
    [SYS_exec] = sys_exec,
    [SYS_thread_create] = sys_thread_create,
};

_Static_assert(SYS_MAX == TRAP_CALLS, "TRAP_CALLS");

int64_t (*const trap_up_calls[SYS_MAX])(const uint64_t *) = {
    [SYS_getpid] = sys_getpid,
    [SYS_getppid] = sys_getppid,
    [SYS_exit] = sys_exit,
    [SYS_wait] = sys_wait,
    [SYS_kill] = sys_kill,
    [SYS_setpgid] = sys_setpgid,
    [SYS_getpgid] = sys_getpgid,
    [SYS_thread_exit] = sys_thread_exit,
    [SYS_gettid] = sys_gettid,
    [SYS_yield] = sys_yield,
    [SYS_sleep] = sys_sleep,
    [SYS_futex_wait] = sys_futex_wait,
    [SYS_futex_wake] = sys_futex_wake,
    [SYS_clock] = sys_clock,
    [SYS_set_name] = sys_set_name,
    [SYS_mmap] = sys_mmap,
    [SYS_munmap] = sys_munmap,
    [SYS_mprotect] = sys_mprotect,
    [SYS_msync] = sys_msync,
    [SYS_mlock] = sys_mlock,
    [SYS_munlock] = sys_munlock,
    [SYS_madvise] = sys_madvise,
    [SYS_mincore] = sys_mincore,
    [SYS_brk] = sys_brk,
    [SYS_close] = sys_close,
    [SYS_dup] = sys_dup,
    [SYS_dup2] = sys_dup2,
    [SYS_restrict] = sys_restrict,
    [SYS_handle_info] = sys_handle_info,
    [SYS_handle_flags] = sys_handle_flags,
    [SYS_read] = sys_read,
    [SYS_write] = sys_write,
    [SYS_pread] = sys_pread,
    [SYS_pwrite] = sys_pwrite,
    [SYS_seek] = sys_seek,
    [SYS_pipe] = sys_pipe,
    [SYS_fsync] = sys_fsync,
    [SYS_sync] = sys_sync,
    [SYS_port_create] = sys_port_create,
    [SYS_session_create] = sys_session_create,
    [SYS_notify] = sys_notify,
    [SYS_port_timer] = sys_port_timer,
    [SYS_irq_bind] = sys_irq_bind,
    [SYS_irq_ack] = sys_irq_ack,
    [SYS_process_open] = sys_process_open,
    [SYS_process_watch] = sys_process_watch,
    [SYS_port_info] = sys_port_info,
    [SYS_port_list] = sys_port_list,
    [SYS_object_create] = sys_object_create,
    [SYS_object_dma] = sys_object_dma,
    [SYS_object_resize] = sys_object_resize,
    [SYS_object_info] = sys_object_info,
    [SYS_object_discard] = sys_object_discard,
    [SYS_object_pages] = sys_object_pages,
    [SYS_system] = sys_system,
};

/* The message calls return more than one register. */
static void (*const messages[])(struct trapframe *) = {
    ipc_call,
    ipc_receive,
    ipc_reply,
    ipc_reply_receive,
};

void trap_up_syscall(struct trapframe *tf)
{
    uint64_t number = tf->x[REG_A7];
    if (number >= SYS_call && number <= SYS_reply_receive) {
        messages[number - SYS_call](tf);
        return;
    }
    int64_t result = -ENOSYS;
    if (number < sizeof whole / sizeof whole[0] && whole[number]) {
        result = whole[number](&tf->x[REG_A0]);
        if (number == SYS_exec && result == 0)
            return; /* the frame is the new program's */
    }
    tf->x[REG_A0] = (uint64_t)result;
}
