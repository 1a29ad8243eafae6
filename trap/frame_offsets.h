/*
 * Offsets that the trap assembly uses, asserted against the C structures in
 * trap/trap.c.
 */
#ifndef TRAP_FRAME_OFFSETS_H
#define TRAP_FRAME_OFFSETS_H

/* struct trapframe: slot n holds register xn; slot 0, which x0 needs not, the pc. */
#define TF_REG(n)  ((n)*8)
#define TF_PC      TF_REG(0)
#define TF_SSTATUS 256
#define TF_SCAUSE  264
#define TF_STVAL   272
#define TF_SIZE    288

/* struct hart */
#define HART_SCRATCH0     0
#define HART_SCRATCH1     8
#define HART_CURRENT      16
#define HART_KERNEL_SP    24
#define HART_EMERGENCY_SP 32
#define HART_STACK_LOW    40
#define HART_HARTID       56
#define HART_ENTRY        64
#define HART_ATTENTION    104
#define HART_SYSCALLS     (264 + 17 * 8) /* counters[COUNT_SYSCALL] */
#define HART_SIZE         (HART_SIZE_UNITS * 8)
#define HART_SIZE_UNITS   57
#define MAX_HARTS_ASM     8

#define TRAP_CALLS 72 /* in trap_up_calls; asserted in kernel/syscall.c */
#define TRAP_ECALL 8  /* CAUSE_USER_ECALL */

/* struct thread, whose frame is the first, and struct process; asserted in kernel/upcall.c */
#define THREAD_PROCESS 400
#define PROCESS_DYING  184
#define PROCESS_EXEC   192

/* struct entry_page, with isolation */
#define ENTRY_SCRATCH0    0
#define ENTRY_SCRATCH1    8
#define ENTRY_HART        16
#define ENTRY_KERNEL_SATP 24
#define ENTRY_USER_SATP   32
#define ENTRY_FENCE       40

#endif
