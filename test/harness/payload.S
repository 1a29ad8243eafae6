/*
 * The smallest guest that can go wrong: it prints a line through SBI, then powers
 * off (END_OFF), makes QEMU end with a status (END_FAIL), resets (END_RESET),
 * spins (END_SPIN), waits for ever (END_WAIT) or starts the firmware's own entry
 * again by hand (END_LOOP prints its banner).
 */
    .section .text.start, "ax"
    .globl _start
_start:
    csrw    sie, zero
    la      sp, stack_end
    li      s0, 0
    la      s1, text
    jal     print
#if defined(END_LOOP)
    la      s1, banner
    jal     print
#endif
#ifdef END_FAIL
    li      t0, 0x100000            /* the test device: fail, with status 1 */
    li      t1, 0x13333
    sw      t1, 0(t0)
#endif
#if defined(END_OFF) || defined(END_RESET)
    li      a7, 0x53525354          /* SRST, system_reset(type, reason) */
    li      a6, 0
#ifdef END_OFF
    li      a0, 0
#else
    li      a0, 1
#endif
    li      a1, 0
    ecall
#endif
    jal     outer

print:                              /* s1: text */
    lbu     a0, 0(s1)
    beqz    a0, 1f
    li      a7, 1                   /* legacy putchar */
    ecall
    addi    s1, s1, 1
    j       print
1:  ret

    .globl outer
    .type outer, @function
outer:                              /* a function with a frame, for the backtrace */
    addi    sp, sp, -16
    sd      ra, 8(sp)
    sd      s0, 0(sp)
    addi    s0, sp, 16
    jal     stuck
    .size outer, . - outer

    .globl stuck
    .type stuck, @function
stuck:
    addi    sp, sp, -16
    sd      ra, 8(sp)
    sd      s0, 0(sp)
    addi    s0, sp, 16
    li      a0, 0x1234
1:
#ifndef END_SPIN
    wfi
#endif
    j       1b
    .size stuck, . - stuck

    .section .rodata
text:
    .asciz  "payload speaking\n"
banner:
    .asciz  "\nOpenSBI v1.1\n"
    .bss
    .align  4
    .skip   4096
stack_end:
