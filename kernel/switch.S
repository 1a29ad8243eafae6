/*
 * switch_context(from, to): saves the callee-saved registers in *from and loads
 * them from *to (struct context, kernel/thread.h). Everything else is saved by
 * the C caller, as for any call.
 */
#include "trap/frame_offsets.h"

.section .text
.global switch_context
.type switch_context, @function
switch_context:
    sd ra, 0(a0)
    sd sp, 8(a0)
    sd s0, 16(a0)
    sd s1, 24(a0)
    sd s2, 32(a0)
    sd s3, 40(a0)
    sd s4, 48(a0)
    sd s5, 56(a0)
    sd s6, 64(a0)
    sd s7, 72(a0)
    sd s8, 80(a0)
    sd s9, 88(a0)
    sd s10, 96(a0)
    sd s11, 104(a0)
    mv a0, a1
.size switch_context, . - switch_context

/* load_context(to): the half of it that loads. */
.global load_context
.type load_context, @function
load_context:
    ld ra, 0(a0)
    ld sp, 8(a0)
    ld s0, 16(a0)
    ld s1, 24(a0)
    ld s2, 32(a0)
    ld s3, 40(a0)
    ld s4, 48(a0)
    ld s5, 56(a0)
    ld s6, 64(a0)
    ld s7, 72(a0)
    ld s8, 80(a0)
    ld s9, 88(a0)
    ld s10, 96(a0)
    ld s11, 104(a0)
    ret
.size load_context, . - load_context

/*
 * switch_to_user(on_cpu, frame): to user mode with that frame. The stack in use is another
 * thread's, which may go on elsewhere as soon as *on_cpu, its mark, is cleared: by then we are off
 * it, on that of this hart's current thread.
 */
.global switch_to_user
.type switch_to_user, @function
switch_to_user:
    ld sp, HART_KERNEL_SP(tp)
    li s0, 0
    fence rw, w
    sb zero, 0(a0)
    mv a0, a1
    tail trap_return
.size switch_to_user, . - switch_to_user
