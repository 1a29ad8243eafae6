/*
 * Banyan's own interface for programs and servers: the raw system calls, and
 * the message calls on ports and sessions.
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
#include "user/include/message.h"

#ifdef __cplusplus
#error "banyan.h is C"
#endif

#define BANYAN_INLINE static inline __attribute__((always_inline, unused))

/* ------------------------------------------------------------- raw ecalls */

/*
 * The kernel may change every caller-saved integer register, so those that do
 * not carry an argument are clobbers and those that do are in-out.
 */
#define BANYAN_CLOBBER_T "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory"

#ifdef __clang_analyzer__
/* An analyzer does not see what an ecall writes; a function it cannot see into it
 * takes to write all that the arguments lead to. */
long banyan_syscall0(long number);
long banyan_syscall1(long number, long x0);
long banyan_syscall2(long number, long x0, long x1);
long banyan_syscall3(long number, long x0, long x1, long x2);
long banyan_syscall4(long number, long x0, long x1, long x2, long x3);
long banyan_syscall6(long number, long x0, long x1, long x2, long x3, long x4, long x5);
#else

BANYAN_INLINE long banyan_syscall0(long number)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0");
    __asm__ volatile("ecall"
                     : "=r"(a0), "+r"(a7)
                     :
                     : "a1", "a2", "a3", "a4", "a5", "a6", BANYAN_CLOBBER_T);
    return a0;
}

BANYAN_INLINE long banyan_syscall1(long number, long x0)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = x0;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a7)
                     :
                     : "a1", "a2", "a3", "a4", "a5", "a6", BANYAN_CLOBBER_T);
    return a0;
}

BANYAN_INLINE long banyan_syscall2(long number, long x0, long x1)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = x0;
    register long a1 __asm__("a1") = x1;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a7)
                     :
                     : "a2", "a3", "a4", "a5", "a6", BANYAN_CLOBBER_T);
    return a0;
}

BANYAN_INLINE long banyan_syscall3(long number, long x0, long x1, long x2)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = x0;
    register long a1 __asm__("a1") = x1;
    register long a2 __asm__("a2") = x2;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a7)
                     :
                     : "a3", "a4", "a5", "a6", BANYAN_CLOBBER_T);
    return a0;
}

BANYAN_INLINE long banyan_syscall4(long number, long x0, long x1, long x2, long x3)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = x0;
    register long a1 __asm__("a1") = x1;
    register long a2 __asm__("a2") = x2;
    register long a3 __asm__("a3") = x3;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a7)
                     :
                     : "a4", "a5", "a6", BANYAN_CLOBBER_T);
    return a0;
}

BANYAN_INLINE long banyan_syscall6(long number, long x0, long x1, long x2, long x3, long x4,
                                   long x5)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = x0;
    register long a1 __asm__("a1") = x1;
    register long a2 __asm__("a2") = x2;
    register long a3 __asm__("a3") = x3;
    register long a4 __asm__("a4") = x4;
    register long a5 __asm__("a5") = x5;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a7)
                     :
                     : "a6", BANYAN_CLOBBER_T);
    return a0;
}

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

/* ---------------------------------------------------------------- messages */

/* struct message and struct ipc_ext are in user/include/message.h. The ext argument may be 0: no
 * buffers, no handles. */

#define BANYAN_LOAD_WORDS(m)                                                                       \
    register unsigned long a2 __asm__("a2") = (m)->w[0];                                           \
    register unsigned long a3 __asm__("a3") = (m)->w[1];                                           \
    register unsigned long a4 __asm__("a4") = (m)->w[2];                                           \
    register unsigned long a5 __asm__("a5") = (m)->w[3];                                           \
    register unsigned long a6 __asm__("a6") = (m)->w[4];                                           \
    register unsigned long t0 __asm__("t0") = (m)->w[5];                                           \
    register unsigned long t1 __asm__("t1") = (m)->w[6];                                           \
    register unsigned long t2 __asm__("t2") = (m)->w[7]

#define BANYAN_WORD_OPERANDS                                                                       \
    "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(t0), "+r"(t1), "+r"(t2)

#define BANYAN_STORE_WORDS(m)                                                                      \
    do {                                                                                           \
        (m)->w[0] = a2;                                                                            \
        (m)->w[1] = a3;                                                                            \
        (m)->w[2] = a4;                                                                            \
        (m)->w[3] = a5;                                                                            \
        (m)->w[4] = a6;                                                                            \
        (m)->w[5] = t0;                                                                            \
        (m)->w[6] = t1;                                                                            \
        (m)->w[7] = t2;                                                                            \
    } while (0)

/* The gifts, buffers and their sizes as the message calls take them, in registers. A size that is
 * too large is so for the kernel, too. */
BANYAN_INLINE unsigned long banyan_size(unsigned long bytes)
{
    return bytes < 0xffffffff ? bytes : 0xffffffff;
}

#define BANYAN_LOAD_EXT(ext)                                                                       \
    register unsigned long a1 __asm__("a1") =                                                      \
        (ext) && ((ext)->gifts.count || (ext)->gifts.make_session) ? (unsigned long)&(ext)->gifts  \
                                                                   : 0;                            \
    register unsigned long t4 __asm__("t4") = (ext) ? (ext)->send_addr : 0;                        \
    register unsigned long t5 __asm__("t5") = (ext) ? (ext)->recv_addr : 0;                        \
    register unsigned long t6 __asm__("t6") =                                                      \
        (ext) ? IPC_SIZES(banyan_size((ext)->send_len), banyan_size((ext)->recv_cap)) : 0

#define BANYAN_EXT_OPERANDS "+r"(a1), "+r"(t4), "+r"(t5), "+r"(t6)

/* What came, if the call succeeded. */
BANYAN_INLINE void banyan_came(struct ipc_ext *ext, unsigned long t4, unsigned long t5,
                               unsigned long t6)
{
    unsigned n = (unsigned)(t4 >> 32);

    ext->recv_len = t4 & 0xffffffff;
    ext->recv_handle_count = n;
    if (n) {
        ext->recv_handles[0] = (int)t5;
        ext->recv_handles[1] = (int)(t5 >> 32);
        ext->recv_handles[2] = (int)t6;
        ext->recv_handles[3] = (int)(t6 >> 32);
    }
}

/* Send m on a session and wait for the answer, which replaces m->w. Returns 0
 * or the negated errno of the delivery; the server's own verdict is m->w[0]. */
BANYAN_INLINE long ipc_call(int session, struct message *m, struct ipc_ext *ext)
{
    BANYAN_LOAD_WORDS(m);
    BANYAN_LOAD_EXT(ext);
    register long a7 __asm__("a7") = SYS_call;
    register long a0 __asm__("a0") = session;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a7), BANYAN_WORD_OPERANDS, BANYAN_EXT_OPERANDS
                     :
                     : "t3", "memory");
    BANYAN_STORE_WORDS(m);
    if (ext && a0 == 0)
        banyan_came(ext, t4, t5, t6);
    return a0;
}

/* As ipc_call, and the server's verdict is folded in: returns the negated errno
 * of the delivery, or else w[0] of the reply. */
BANYAN_INLINE long ipc_request(int session, struct message *m, struct ipc_ext *ext)
{
    long err = ipc_call(session, m, ext);

    return err < 0 ? err : (long)m->w[0];
}

/* Wait for a request or a notification on a port. Returns the request's id
 * (> 0), 0 for a notification, or a negated errno; all of m is set. */
BANYAN_INLINE long ipc_receive(int port, struct message *m, struct ipc_ext *ext)
{
    register long a7 __asm__("a7") = SYS_receive;
    register long a0 __asm__("a0") = port;
    register unsigned long a1 __asm__("a1");
    register unsigned long a2 __asm__("a2");
    register unsigned long a3 __asm__("a3");
    register unsigned long a4 __asm__("a4");
    register unsigned long a5 __asm__("a5");
    register unsigned long a6 __asm__("a6");
    register unsigned long t0 __asm__("t0");
    register unsigned long t1 __asm__("t1");
    register unsigned long t2 __asm__("t2");
    register unsigned long t3 __asm__("t3");
    register unsigned long t4 __asm__("t4");
    register unsigned long t5 __asm__("t5") = ext ? ext->recv_addr : 0;
    register unsigned long t6 __asm__("t6") = ext ? IPC_SIZES(0ul, banyan_size(ext->recv_cap)) : 0;
    __asm__ volatile("ecall"
                     : "+r"(a0), "=r"(a1), "+r"(a7), "=r"(a2), "=r"(a3), "=r"(a4), "=r"(a5),
                       "=r"(a6), "=r"(t0), "=r"(t1), "=r"(t2), "=r"(t3), "=r"(t4), "+r"(t5),
                       "+r"(t6)
                     :
                     : "memory");
    BANYAN_STORE_WORDS(m);
    m->badge = a1;
    m->origin = t3;
    m->id = a0;
    if (ext && a0 >= 0)
        banyan_came(ext, t4, t5, t6);
    return a0;
}

/* Answer request id with m->w. Returns 0 or a negated errno; on -EMSGSIZE,
 * -EAGAIN and -EFAULT the request is still in service. */
BANYAN_INLINE long ipc_reply(int port, long id, const struct message *m, struct ipc_ext *ext)
{
    BANYAN_LOAD_WORDS(m);
    BANYAN_LOAD_EXT(ext);
    register long a7 __asm__("a7") = SYS_reply;
    register long a0 __asm__("a0") = port;
    register long t3 __asm__("t3") = id;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a7), "+r"(t3), BANYAN_WORD_OPERANDS, BANYAN_EXT_OPERANDS
                     :
                     : "memory");
    return a0;
}

/* Answer request id with m->w, then wait as ipc_receive does; all of m is set.
 * A reply that fails returns its error and nothing was received. */
BANYAN_INLINE long ipc_reply_receive(int port, long id, struct message *m, struct ipc_ext *ext)
{
    BANYAN_LOAD_WORDS(m);
    BANYAN_LOAD_EXT(ext);
    register long a7 __asm__("a7") = SYS_reply_receive;
    register long a0 __asm__("a0") = port;
    register long t3 __asm__("t3") = id;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a7), "+r"(t3), BANYAN_WORD_OPERANDS, BANYAN_EXT_OPERANDS
                     :
                     : "memory");
    BANYAN_STORE_WORDS(m);
    m->badge = a1;
    m->origin = (unsigned long)t3;
    m->id = a0;
    if (ext && a0 >= 0)
        banyan_came(ext, t4, t5, t6);
    return a0;
}

#undef BANYAN_LOAD_WORDS
#undef BANYAN_STORE_WORDS
#undef BANYAN_WORD_OPERANDS
#undef BANYAN_LOAD_EXT
#undef BANYAN_EXT_OPERANDS

#endif
