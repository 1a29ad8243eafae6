/*
 * Banyan's own interface for programs and servers: the raw system calls, and with
 * user/include/ipc.h the message calls on ports and sessions.
 *
 * Every sys_* function is one `ecall` and returns what the kernel returned:
 * zero or positive on success, a negated errno on failure; errno itself is not
 * touched. What each call means, which rights it needs and how it fails is said
 * once, in kernel/abi.h. Nothing here needs the C library, so that servers can
 * be built from this header alone.
 *
 * Programs that want POSIX (errno, portable types) use
 * the ordinary headers instead.
 */
#ifndef BANYAN_H
#define BANYAN_H

#include "kernel/abi.h"
#include "kernel/messages.h"
#include "user/include/ecall.h"
#include "user/include/ipc.h"

#ifdef __cplusplus
#error "banyan.h is C"
#endif

/* --------------------------------------------------- processes and threads */

BANYAN_INLINE long sys_getpid(void)
{
    return banyan_syscall0(SYS_getpid);
}

BANYAN_INLINE long sys_getppid(void)
{
    return banyan_syscall0(SYS_getppid);
}

BANYAN_INLINE long sys_fork(void)
{
    return banyan_syscall0(SYS_fork);
}

BANYAN_INLINE long sys_exec(int handle, char *const argv[], char *const envp[])
{
    return banyan_syscall3(SYS_exec, handle, (long)argv, (long)envp);
}

BANYAN_INLINE __attribute__((noreturn)) void sys_exit(int status)
{
    for (;;)
        banyan_syscall1(SYS_exit, status);
}

BANYAN_INLINE long sys_wait(int pid, int *status, int flags)
{
    return banyan_syscall3(SYS_wait, pid, (long)status, flags);
}

BANYAN_INLINE long sys_kill(int handle, int pid, int sig)
{
    return banyan_syscall3(SYS_kill, handle, pid, sig);
}

BANYAN_INLINE long sys_setpgid(int pid, int pgid)
{
    return banyan_syscall2(SYS_setpgid, pid, pgid);
}

BANYAN_INLINE long sys_getpgid(int pid)
{
    return banyan_syscall1(SYS_getpgid, pid);
}

BANYAN_INLINE long sys_thread_create(void (*entry)(void *), void *sp, void *tp, void *arg)
{
    return banyan_syscall4(SYS_thread_create, (long)entry, (long)sp, (long)tp, (long)arg);
}

BANYAN_INLINE __attribute__((noreturn)) void sys_thread_exit(unsigned *word)
{
    for (;;)
        banyan_syscall1(SYS_thread_exit, (long)word);
}

BANYAN_INLINE long sys_gettid(void)
{
    return banyan_syscall0(SYS_gettid);
}

BANYAN_INLINE long sys_yield(void)
{
    return banyan_syscall0(SYS_yield);
}

BANYAN_INLINE long sys_sleep(unsigned long ns)
{
    return banyan_syscall1(SYS_sleep, (long)ns);
}

BANYAN_INLINE long sys_futex_wait(const volatile unsigned *word, unsigned expected, long timeout_ns)
{
    return banyan_syscall3(SYS_futex_wait, (long)word, (long)expected, timeout_ns);
}

BANYAN_INLINE long sys_futex_wake(const volatile unsigned *word, unsigned count)
{
    return banyan_syscall2(SYS_futex_wake, (long)word, (long)count);
}

BANYAN_INLINE long sys_clock(int clock)
{
    return banyan_syscall1(SYS_clock, clock);
}

BANYAN_INLINE long sys_set_name(const char *name, unsigned long len)
{
    return banyan_syscall2(SYS_set_name, (long)name, (long)len);
}

/* ------------------------------------------------------------------ memory */

BANYAN_INLINE long sys_mmap(void *addr, unsigned long len, int prot, int flags, int handle,
                            unsigned long offset)
{
    return banyan_syscall6(SYS_mmap, (long)addr, (long)len, prot, flags, handle, (long)offset);
}

BANYAN_INLINE long sys_munmap(void *addr, unsigned long len)
{
    return banyan_syscall2(SYS_munmap, (long)addr, (long)len);
}

BANYAN_INLINE long sys_mprotect(void *addr, unsigned long len, int prot)
{
    return banyan_syscall3(SYS_mprotect, (long)addr, (long)len, prot);
}

BANYAN_INLINE long sys_msync(void *addr, unsigned long len, int flags)
{
    return banyan_syscall3(SYS_msync, (long)addr, (long)len, flags);
}

BANYAN_INLINE long sys_mlock(const void *addr, unsigned long len)
{
    return banyan_syscall2(SYS_mlock, (long)addr, (long)len);
}

BANYAN_INLINE long sys_munlock(const void *addr, unsigned long len)
{
    return banyan_syscall2(SYS_munlock, (long)addr, (long)len);
}

BANYAN_INLINE long sys_madvise(void *addr, unsigned long len, int advice)
{
    return banyan_syscall3(SYS_madvise, (long)addr, (long)len, advice);
}

BANYAN_INLINE long sys_mincore(void *addr, unsigned long len, unsigned char *pages)
{
    return banyan_syscall3(SYS_mincore, (long)addr, (long)len, (long)pages);
}

BANYAN_INLINE long sys_brk(void *addr)
{
    return banyan_syscall1(SYS_brk, (long)addr);
}

/* ----------------------------------------------------------------- handles */

BANYAN_INLINE long sys_close(int handle)
{
    return banyan_syscall1(SYS_close, handle);
}

BANYAN_INLINE long sys_dup(int handle, int lowest, unsigned flags)
{
    return banyan_syscall3(SYS_dup, handle, lowest, (long)flags);
}

BANYAN_INLINE long sys_dup2(int handle, int to, unsigned flags)
{
    return banyan_syscall3(SYS_dup2, handle, to, (long)flags);
}

BANYAN_INLINE long sys_restrict(int handle, unsigned rights)
{
    return banyan_syscall2(SYS_restrict, handle, (long)rights);
}

BANYAN_INLINE long sys_handle_info(int handle, struct abi_handle_info *info)
{
    return banyan_syscall2(SYS_handle_info, handle, (long)info);
}

BANYAN_INLINE long sys_handle_flags(int handle, unsigned set, unsigned mask)
{
    return banyan_syscall3(SYS_handle_flags, handle, (long)set, (long)mask);
}

/* ------------------------------------------------------------------- files */

BANYAN_INLINE long sys_read(int handle, void *buf, unsigned long n)
{
    return banyan_syscall3(SYS_read, handle, (long)buf, (long)n);
}

BANYAN_INLINE long sys_write(int handle, const void *buf, unsigned long n)
{
    return banyan_syscall3(SYS_write, handle, (long)buf, (long)n);
}

BANYAN_INLINE long sys_pread(int handle, void *buf, unsigned long n, unsigned long offset)
{
    return banyan_syscall4(SYS_pread, handle, (long)buf, (long)n, (long)offset);
}

BANYAN_INLINE long sys_pwrite(int handle, const void *buf, unsigned long n, unsigned long offset)
{
    return banyan_syscall4(SYS_pwrite, handle, (long)buf, (long)n, (long)offset);
}

BANYAN_INLINE long sys_seek(int handle, long offset, int whence)
{
    return banyan_syscall3(SYS_seek, handle, offset, whence);
}

BANYAN_INLINE long sys_pipe(int fds[2], unsigned flags)
{
    return banyan_syscall2(SYS_pipe, (long)fds, (long)flags);
}

BANYAN_INLINE long sys_fsync(int handle)
{
    return banyan_syscall1(SYS_fsync, handle);
}

BANYAN_INLINE long sys_sync(void)
{
    return banyan_syscall0(SYS_sync);
}

/* ---------------------------------------------- ports, sessions, interrupts */

BANYAN_INLINE long sys_port_create(void)
{
    return banyan_syscall0(SYS_port_create);
}

BANYAN_INLINE long sys_session_create(int port, const struct ipc_session *session)
{
    return banyan_syscall2(SYS_session_create, port, (long)session);
}

BANYAN_INLINE long sys_notify(int port, unsigned long bits)
{
    return banyan_syscall2(SYS_notify, port, (long)bits);
}

BANYAN_INLINE long sys_port_timer(int port, unsigned bit, unsigned long ns)
{
    return banyan_syscall3(SYS_port_timer, port, (long)bit, (long)ns);
}

BANYAN_INLINE long sys_irq_bind(int interrupt, int port, unsigned bit)
{
    return banyan_syscall3(SYS_irq_bind, interrupt, port, (long)bit);
}

BANYAN_INLINE long sys_irq_ack(int interrupt)
{
    return banyan_syscall1(SYS_irq_ack, interrupt);
}

BANYAN_INLINE long sys_process_open(int system, int pid)
{
    return banyan_syscall2(SYS_process_open, system, pid);
}

BANYAN_INLINE long sys_port_info(int port, struct abi_port_info *info)
{
    return banyan_syscall2(SYS_port_info, port, (long)info);
}

BANYAN_INLINE long sys_port_list(int port, unsigned what, unsigned long cursor,
                                 unsigned long *entries, unsigned room)
{
    return banyan_syscall6(SYS_port_list, port, what, (long)cursor, (long)entries, room, 0);
}

BANYAN_INLINE long sys_process_watch(int process, int port, unsigned bit)
{
    return banyan_syscall3(SYS_process_watch, process, port, (long)bit);
}

/* ---------------------------------------------------------- memory objects */

BANYAN_INLINE long sys_object_create(unsigned long size)
{
    return banyan_syscall1(SYS_object_create, (long)size);
}

BANYAN_INLINE long sys_object_dma(int system, unsigned long size, unsigned long *paddr)
{
    return banyan_syscall3(SYS_object_dma, system, (long)size, (long)paddr);
}

BANYAN_INLINE long sys_object_resize(int port, unsigned long key, unsigned long size)
{
    return banyan_syscall3(SYS_object_resize, port, (long)key, (long)size);
}

BANYAN_INLINE long sys_object_info(int port, unsigned long key, struct abi_object_info *info)
{
    return banyan_syscall3(SYS_object_info, port, (long)key, (long)info);
}

BANYAN_INLINE long sys_object_discard(int port, unsigned long key)
{
    return banyan_syscall2(SYS_object_discard, port, (long)key);
}

BANYAN_INLINE long sys_object_pages(int port, unsigned long key, unsigned long page,
                                    struct abi_page_run *runs, unsigned room)
{
    return banyan_syscall6(SYS_object_pages, port, (long)key, (long)page, (long)runs, room, 0);
}

/* -------------------------------------------------------------- the system */

/* op is a SYSTEM_* number; a, b, c are what it takes, pointers cast to long. */
BANYAN_INLINE long sys_system(int system, long op, long a, long b, long c)
{
    return banyan_syscall6(SYS_system, system, op, a, b, c, 0);
}

#endif
