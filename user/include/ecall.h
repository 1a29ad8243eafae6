/*
 * A system call as one `ecall`: the number in a7, the arguments in a0 to a5, the result in a0
 * (kernel/abi.h). The named ones are in user/include/banyan.h, those for messages, which use more
 * registers, in user/include/ipc.h.
 */
#ifndef ECALL_H
#define ECALL_H

#define BANYAN_INLINE static inline __attribute__((always_inline, unused))

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

#endif
