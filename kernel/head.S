/*
 * First instructions: from OpenSBI, paging off, to C in the kernel's half.
 *
 * _start (the boot hart: a0 = its hart id, a1 = device tree):
 *   0. Who comes second is a hart that the firmware started with the boot hart's
 *      address (late_start); it goes on as a secondary.
 *   1. Clear .bss, take the boot stack, both by physical address.
 *   2. boot_tables() makes a first root: this code where it lies (identity), the
 *      image at KERNEL_BASE, the trampoline, and all memory in the direct map.
 *   3. Paging on; jump to the same instruction at its link address.
 *   4. stvec to the trampoline, tp to struct hart, and off to kernel_main.
 *
 * secondary_start (another hart: a1 = physical address of its struct hart) does
 * the same with the tables that are there, and then takes the kernel's own.
 */
#include "trap/csr.h"
#include "trap/frame_offsets.h"
#include "vm/layout.h"

.section .text.boot, "ax"
.global _start
_start:
    csrr s4, cycle                      /* where the boot begins, for who measures it */
    csrw sie, zero
    csrw sscratch, zero
    la t0, boot_lottery                 /* 0 */
    li t1, 1
    amoswap.w.aq t1, t1, (t0)
    bnez t1, late_start
    la t0, bss_start                    /* 1 */
    la t1, bss_end
1:  sd zero, 0(t0)
    addi t0, t0, 8
    bltu t0, t1, 1b
    la sp, boot_stack_top
    mv s0, a0
    mv s1, a1
    la a0, _start
    mv s2, a0
    call boot_tables                    /* 2: a0 = satp */
    li s3, KERNEL_BASE                  /* 3: link address - physical address */
    sub s3, s3, s2
    sfence.vma
    csrw satp, a0
    sfence.vma
    la t0, 2f
    add t0, t0, s3
    jr t0
2:  la sp, boot_stack_top               /* 4 */
    la tp, harts
    mv a0, s0
    mv a1, s1
    mv a2, s2
    mv a3, s4
    li s0, 0
    li ra, 0
    call kernel_main
3:  j 3b

/*
 * OpenSBI before 1.2 marks a hart as started before it has stored where the hart
 * is to start, so a hart that looks in between leaves for the address it was
 * parked with, which is the boot hart's (a1 then is the device tree). Its struct
 * hart is found by its id: it was filled in before the hart was started.
 */
late_start:
    fence rw, rw
    la a1, harts
    li t1, MAX_HARTS_ASM
1:  ld t0, HART_HARTID(a1)
    beq t0, a0, secondary_start
    addi a1, a1, HART_SIZE
    addi t1, t1, -1
    bnez t1, 1b
6:  wfi
    j 6b

.global secondary_start
secondary_start:
    csrw sie, zero
    csrw sscratch, zero
    la a0, _start
    mv s2, a0
    li s3, KERNEL_BASE
    sub s3, s3, s2
    la t0, boot_satp
    ld t0, 0(t0)
    sfence.vma
    csrw satp, t0
    sfence.vma
    la t0, 4f
    add t0, t0, s3
    jr t0
4:  add tp, a1, s3
    la t0, kernel_satp
    ld t0, 0(t0)
    csrw satp, t0
    sfence.vma
    ld sp, HART_KERNEL_SP(tp)
    li s0, 0
    li ra, 0
    call hart_main
5:  j 5b

/* run_on_stack(sp, function): leaves the boot stack for good. */
.section .text
.global run_on_stack
run_on_stack:
    mv sp, a0
    li s0, 0
    li ra, 0
    jr a1

.section .data
.align 2
boot_lottery:
    .word 0

.section .bss
.align 12
boot_stack:
    .space BOOT_STACK_SIZE
boot_stack_top:
