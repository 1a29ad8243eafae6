/*
 * The first instruction of a program.
 *
 * The kernel leaves sp at the argument block (kernel/abi.h, "program start") and
 * every other register zero. This makes room for the main thread's block below
 * the arguments (thread.h has the picture), points gp and tp, and goes on in C.
 */
#include "thread.h"

    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined ra
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    mv      a0, sp

    la      t0, __tls_size
    la      t1, __tls_align
    li      t2, 16
    bgeu    t1, t2, 1f
    mv      t1, t2
1:  neg     t1, t1
    sub     sp, sp, t0
    and     sp, sp, t1
    mv      tp, sp
    addi    sp, sp, -THREAD_STRUCT_SIZE
    andi    sp, sp, -16

    /* A zero frame pointer and return address end every backtrace. */
    li      s0, 0
    li      ra, 0
    tail    start_main
    .cfi_endproc
    .size _start, . - _start

/*
 * Where a thread starts, with its struct thread in a0. gp is not the kernel's to
 * set, and C must not run without it.
 */
    .section .text.thread_entry, "ax", @progbits
    .globl thread_entry
    .type thread_entry, @function
thread_entry:
    .cfi_startproc
    .cfi_undefined ra
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    li      s0, 0
    li      ra, 0
    tail    thread_start
    .cfi_endproc
    .size thread_entry, . - thread_entry
