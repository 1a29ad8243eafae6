/*
 * Trap entry and exit: the page that stvec points to, mapped at TRAMPOLINE in
 * every address space.
 *
 * sscratch: in user mode the address of this hart's struct hart (with isolation, of its
 * entry page); in the kernel 0. That is how entry tells where it came from.
 *
 * Entry from user mode:
 *   1. Swap tp with sscratch: tp = struct hart. Most system calls go to SYSTEM CALLS below.
 *   2. Save every register in current's trap frame, which is the first member
 *      of struct thread, and set sscratch to 0.
 *   3. Save pc, sstatus, scause, stval.
 *   4. Take current's kernel stack and enter trap_user(frame), which ends in
 *      trap_return(frame).
 * Entry from the kernel, which is always a bug (interrupts are off there):
 *   5. tp = struct hart again, sscratch = 0.
 *   6. If the stack has no room for a frame, take the hart's emergency stack:
 *      the base architecture has no double fault, and a push on the guard page
 *      would trap for ever.
 *   7. Save as above, on the stack, and enter trap_kernel(frame, overflow).
 *
 * The page runs at an alias of its link address, so it reaches C only through
 * the absolute words at its end.
 */
#include "trap/csr.h"
#include "trap/frame_offsets.h"

.section .text.trampoline, "ax"

.macro save_registers base
    .irp n, 1,3,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, TF_REG(\n)(\base)
    .endr
.endm

.macro save_csrs base
    csrr t1, sepc
    sd t1, TF_PC(\base)
    csrr t1, sstatus
    sd t1, TF_SSTATUS(\base)
    csrr t1, scause
    sd t1, TF_SCAUSE(\base)
    csrr t1, stval
    sd t1, TF_STVAL(\base)
.endm

.global trap_entry
.align 2
trap_entry:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_undefined ra
    csrrw tp, sscratch, tp              /* 1 */
    beqz tp, from_kernel

from_user:
    sd t0, HART_SCRATCH0(tp)
    sd t1, HART_SCRATCH1(tp)
    csrr t0, scause
    addi t0, t0, -TRAP_ECALL
    beqz t0, system_call
not_short:
    ld t1, HART_SCRATCH1(tp)
    ld t0, HART_CURRENT(tp)
    save_registers t0
    sd sp, TF_REG(2)(t0)
    ld t1, HART_SCRATCH0(tp)
    sd t1, TF_REG(5)(t0)
    csrrw t1, sscratch, zero
    sd t1, TF_REG(4)(t0)

    save_csrs t0                        /* 3 */

    ld sp, HART_KERNEL_SP(tp)           /* 4 */
    mv a0, t0
    li s0, 0                            /* frame pointer: the backtrace ends here */
    ld t1, user_vector
    jr t1

/*
 * Entry with isolation: satp names a root without the kernel, and sscratch is, in user
 * mode, the address of this hart's entry page, which every root has. Switch satp to the
 * kernel's own root, and go on as above with tp = struct hart.
 */
.global trap_entry_isolated
.align 2
trap_entry_isolated:
    csrrw tp, sscratch, tp
    beqz tp, from_kernel
    sd t0, ENTRY_SCRATCH0(tp)
    sd t1, ENTRY_SCRATCH1(tp)
    ld t0, ENTRY_KERNEL_SATP(tp)
    ld t1, ENTRY_FENCE(tp)
    csrw satp, t0
    beqz t1, 1f
    sfence.vma
1:  ld t0, ENTRY_SCRATCH0(tp)
    ld t1, ENTRY_SCRATCH1(tp)
    ld tp, ENTRY_HART(tp)
    j from_user

/*
 * SYSTEM CALLS. Those in trap_up_calls are C functions of their arguments, and to the
 * program a system call is one, too: the C code that makes it keeps the callee-saved
 * registers, and the others may change. So only what the kernel itself uses is saved (ra,
 * sp, s0), and what the trap or other threads' returns change meanwhile (gp, tp, the pc,
 * sstatus). Registers that may hold the kernel's values are cleared. 83 instructions
 * for getpid, of which 10 are the call's own; by the long way it took 287.
 */
system_call:
    li t1, TRAP_CALLS
    bgeu a7, t1, not_short
    slli t1, a7, 3
    ld t0, calls
    add t1, t1, t0
    ld t1, (t1)
    beqz t1, not_short
    ld t0, HART_CURRENT(tp)
    sd ra, TF_REG(1)(t0)
    sd sp, TF_REG(2)(t0)
    sd gp, TF_REG(3)(t0)
    sd s0, TF_REG(8)(t0)
    .irp n, 10,11,12,13,14,15
    sd x\n, TF_REG(\n)(t0)
    .endr
    csrrw a1, sscratch, zero
    sd a1, TF_REG(4)(t0)
    csrr a1, sepc
    addi a1, a1, 4
    sd a1, TF_PC(t0)
    csrr a1, sstatus
    sd a1, TF_SSTATUS(t0)
    ld sp, HART_KERNEL_SP(tp)
    li s0, 0                            /* the backtrace ends here */
    addi a0, t0, TF_REG(10)
    jalr t1
    ld t0, HART_CURRENT(tp)
    ld t1, HART_SYSCALLS(tp)
    addi t1, t1, 1
    sd t1, HART_SYSCALLS(tp)
leave_call:                             /* t0: the frame; a0: the result */
    lw t1, HART_ATTENTION(tp)
    ld t2, THREAD_PROCESS(t0)
    bnez t1, attend
    lbu t1, PROCESS_DYING(t2)
    ld t2, PROCESS_EXEC(t2)
    or t1, t1, t2
    bnez t1, attend
restore_call:
    ld t1, TF_PC(t0)
    csrw sepc, t1
    ld t1, TF_SSTATUS(t0)
    csrw sstatus, t1
    ld ra, TF_REG(1)(t0)
    ld sp, TF_REG(2)(t0)
    ld gp, TF_REG(3)(t0)
    ld s0, TF_REG(8)(t0)
    .irp n, 7,11,12,13,14,15,16,17,28,29,30,31
    li x\n, 0
    .endr
    ld t1, HART_ENTRY(tp)
    bnez t1, leave_isolated
    csrw sscratch, tp
    ld tp, TF_REG(4)(t0)
    li t0, 0
    li t1, 0
    sret

attend:
    sd a0, TF_REG(10)(t0)
    ld t1, attend_vector
    jalr t1
    ld t0, HART_CURRENT(tp)
    ld a0, TF_REG(10)(t0)
    j restore_call

leave_isolated:                         /* t0: the frame; t1: the entry page */
    csrw sscratch, t1
    sd a0, ENTRY_SCRATCH0(t1)
    ld t0, TF_REG(4)(t0)
    sd t0, ENTRY_SCRATCH1(t1)
    mv tp, t1
    li t0, 0
    li t1, 0
    j to_user_root

from_kernel:
    csrrw tp, sscratch, zero            /* 5 */
    sd t0, HART_SCRATCH0(tp)
    sd t1, HART_SCRATCH1(tp)
    mv t1, sp                           /* 6 */
    addi sp, sp, -TF_SIZE
    ld t0, HART_STACK_LOW(tp)
    bltu sp, t0, 1f
    ld t0, HART_KERNEL_SP(tp)
    bltu t0, sp, 1f
    li t0, 0
    j 2f
1:  ld sp, HART_EMERGENCY_SP(tp)
    addi sp, sp, -TF_SIZE
    li t0, 1
2:  sd t1, TF_REG(2)(sp)                /* 7 */
    ld t1, HART_SCRATCH1(tp)
    save_registers sp
    mv a1, t0
    ld t1, HART_SCRATCH0(tp)
    sd t1, TF_REG(5)(sp)
    sd tp, TF_REG(4)(sp)
    save_csrs sp
    mv a0, sp
    .cfi_def_cfa sp, TF_SIZE
    .cfi_offset ra, TF_REG(1) - TF_SIZE
    .cfi_offset s0, TF_REG(8) - TF_SIZE
    ld t1, kernel_vector
    jr t1
    .cfi_endproc

/*
 * trap_return_code(frame): to user mode, with every register from the frame.
 * tp is this hart's struct hart.
 */
.global trap_return_code
trap_return_code:
    csrw sscratch, tp
    ld t0, TF_PC(a0)
    csrw sepc, t0
    ld t0, TF_SSTATUS(a0)
    csrw sstatus, t0
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, TF_REG(\n)(a0)
    .endr
    ld a0, TF_REG(10)(a0)
    sret

/*
 * The same with isolation. The frame is the kernel's, so every register is loaded before
 * satp is switched; the last two come from the entry page.
 */
.global trap_return_isolated
trap_return_isolated:
    ld t0, HART_ENTRY(tp)
    csrw sscratch, t0
    ld t1, TF_PC(a0)
    csrw sepc, t1
    ld t1, TF_SSTATUS(a0)
    csrw sstatus, t1
    ld t1, TF_REG(10)(a0)
    sd t1, ENTRY_SCRATCH0(t0)
    ld t1, TF_REG(4)(a0)
    sd t1, ENTRY_SCRATCH1(t0)
    .irp n, 1,2,3,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, TF_REG(\n)(a0)
    .endr
    csrr tp, sscratch
to_user_root:
    ld a0, ENTRY_USER_SATP(tp)
    csrw satp, a0
    ld a0, ENTRY_FENCE(tp)
    beqz a0, 1f
    sfence.vma
1:  ld a0, ENTRY_SCRATCH0(tp)
    ld tp, ENTRY_SCRATCH1(tp)
    sret

.align 3
user_vector:
    .dword trap_user
kernel_vector:
    .dword trap_kernel
calls:
    .dword trap_up_calls
attend_vector:
    .dword trap_up_leave
