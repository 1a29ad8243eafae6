/*
 * memcpy(dst, src, n) and memmove(dst, src, n), for the kernel and for programs:
 * rv64imac, no floating point, no misaligned loads or stores.
 *
 * Forward (memcpy, and memmove when dst is not inside the source):
 *   both on 8           steps of 256 bytes, then up to 31 words, then bytes
 *   same distance to 8  the head is aligned first, then as above
 *   otherwise           16 bytes or more: dst is aligned, then each word stored
 *                       is put together by shifts from two aligned words of the
 *                       source
 * Backward (memmove up into its own source): the same by words, from the end.
 *
 * Forward copies read ahead of what they store, never behind it, so they are
 * right for any dst below src: memmove relies on that. The aligned words read
 * for shifting each hold at least one byte of the source, so that no page is
 * touched that the source does not touch.
 *
 * The straight runs of load and store are entered at a computed place: with
 * 4-byte instructions (norvc) the last k pairs are the last 8 * k bytes of code.
 *
 * Registers: a0 the result, a3 and a1 the places to store to and load from, a2
 * the bytes left.
 */
        .text

        .globl memcpy
        .type memcpy, @function
        .balign 4
memcpy:
        .cfi_startproc
        mv      a3, a0
        or      t0, a0, a1
        andi    t0, t0, 7
        bnez    t0, .Lnot_aligned

.Laligned:
        andi    t0, a2, -256            /* whole steps */
        beqz    t0, .Lwords
        add     t0, t0, a3              /* t0: end of the steps, in dst */
.Lstep:
        .set    .Loffset, 0
        .rept   4
        ld      a4, .Loffset + 0(a1)
        ld      a5, .Loffset + 8(a1)
        ld      a6, .Loffset + 16(a1)
        ld      a7, .Loffset + 24(a1)
        ld      t1, .Loffset + 32(a1)
        ld      t2, .Loffset + 40(a1)
        ld      t3, .Loffset + 48(a1)
        ld      t4, .Loffset + 56(a1)
        sd      a4, .Loffset + 0(a3)
        sd      a5, .Loffset + 8(a3)
        sd      a6, .Loffset + 16(a3)
        sd      a7, .Loffset + 24(a3)
        sd      t1, .Loffset + 32(a3)
        sd      t2, .Loffset + 40(a3)
        sd      t3, .Loffset + 48(a3)
        sd      t4, .Loffset + 56(a3)
        .set    .Loffset, .Loffset + 64
        .endr
        addi    a1, a1, 256
        addi    a3, a3, 256
        bne     a3, t0, .Lstep

.Lwords:
        andi    t0, a2, 0xf8            /* bytes in whole words left */
        beqz    t0, .Ltail
        add     a1, a1, t0
        add     a3, a3, t0
        lla     t1, .Ltail
        sub     t1, t1, t0              /* 8 bytes of code per 8 of data */
        jr      t1
        .option push
        .option norvc
        .set    .Loffset, -248
        .rept   31
        ld      t0, .Loffset(a1)
        sd      t0, .Loffset(a3)
        .set    .Loffset, .Loffset + 8
        .endr
        .option pop

.Ltail:
        andi    a2, a2, 7
        beqz    a2, .Ldone
        andi    t0, a2, 4
        beqz    t0, 1f
        lw      t1, 0(a1)
        addi    a1, a1, 4
        sw      t1, 0(a3)
        addi    a3, a3, 4
1:      andi    t0, a2, 2
        beqz    t0, 1f
        lh      t1, 0(a1)
        addi    a1, a1, 2
        sh      t1, 0(a3)
        addi    a3, a3, 2
1:      andi    t0, a2, 1
        beqz    t0, .Ldone
        lb      t1, 0(a1)
        sb      t1, 0(a3)
.Ldone:
        ret

.Lnot_aligned:
        li      t0, 16
        bltu    a2, t0, .Lbytes
        xor     t0, a0, a1
        andi    t0, t0, 7
        bnez    t0, .Lskewed

        /* Same distance: align both. */
        andi    t0, a3, 1
        beqz    t0, 1f
        lb      t1, 0(a1)
        addi    a1, a1, 1
        sb      t1, 0(a3)
        addi    a3, a3, 1
1:      andi    t0, a3, 2
        beqz    t0, 1f
        lh      t1, 0(a1)
        addi    a1, a1, 2
        sh      t1, 0(a3)
        addi    a3, a3, 2
1:      andi    t0, a3, 4
        beqz    t0, 1f
        lw      t1, 0(a1)
        addi    a1, a1, 4
        sw      t1, 0(a3)
        addi    a3, a3, 4
1:      sub     t0, a3, a0
        sub     a2, a2, t0
        j       .Laligned

        /* Different distances, 16 bytes or more: align dst. */
.Lskewed:
        andi    t0, a3, 7
        beqz    t0, 2f
        li      t1, 8
        sub     t0, t1, t0              /* bytes of the head */
        sub     a2, a2, t0
        add     t0, t0, a3              /* its end */
1:      lb      t1, 0(a1)
        addi    a1, a1, 1
        sb      t1, 0(a3)
        addi    a3, a3, 1
        bne     a3, t0, 1b
2:      andi    t0, a1, 7               /* not 0: the distances differ */
        slli    t1, t0, 3               /* t1: shift for the lower word */
        neg     t2, t1                  /* t2: 64 - t1, for the upper (mod 64) */
        sub     a4, a1, t0              /* a4: the source, rounded down */
        ld      a5, 0(a4)
        andi    t0, a2, -32
        beqz    t0, .Lskewed_words
        add     a1, a1, t0
        add     t0, t0, a3
1:      ld      a6, 8(a4)
        ld      a7, 16(a4)
        ld      t3, 24(a4)
        ld      t4, 32(a4)
        addi    a4, a4, 32
        srl     a5, a5, t1
        sll     t5, a6, t2
        or      a5, a5, t5
        srl     a6, a6, t1
        sll     t5, a7, t2
        or      a6, a6, t5
        srl     a7, a7, t1
        sll     t5, t3, t2
        or      a7, a7, t5
        srl     t3, t3, t1
        sll     t5, t4, t2
        or      t3, t3, t5
        sd      a5, 0(a3)
        sd      a6, 8(a3)
        sd      a7, 16(a3)
        sd      t3, 24(a3)
        mv      a5, t4
        addi    a3, a3, 32
        bne     a3, t0, 1b
.Lskewed_words:
        andi    t0, a2, 0x18
        beqz    t0, 2f
        add     a1, a1, t0
        add     t0, t0, a3
1:      ld      a6, 8(a4)
        addi    a4, a4, 8
        srl     a5, a5, t1
        sll     t5, a6, t2
        or      a5, a5, t5
        sd      a5, 0(a3)
        mv      a5, a6
        addi    a3, a3, 8
        bne     a3, t0, 1b
2:      andi    a2, a2, 7

.Lbytes:                                /* 15 bytes at most */
        add     a1, a1, a2
        add     a3, a3, a2
        lla     t0, .Lbytes_end
        slli    a2, a2, 3
        sub     t0, t0, a2
        jr      t0
        .option push
        .option norvc
        .set    .Loffset, -15
        .rept   15
        lb      t0, .Loffset(a1)
        sb      t0, .Loffset(a3)
        .set    .Loffset, .Loffset + 1
        .endr
        .option pop
.Lbytes_end:
        ret
        .cfi_endproc
        .size memcpy, . - memcpy

        .globl memmove
        .type memmove, @function
        .balign 4
memmove:
        .cfi_startproc
        sub     t0, a0, a1
        bgeu    t0, a2, memcpy          /* dst below src, or clear of it */
        beqz    t0, .Lmove_done

        /* dst is inside the source. From here a3 and a1 are the ends. */
        add     a3, a0, a2
        add     a1, a1, a2
        li      t0, 16
        bltu    a2, t0, .Lmove_bytes

        andi    t0, a3, 7               /* align the end of dst */
        beqz    t0, 2f
        sub     a2, a2, t0
        sub     t0, a3, t0
1:      lb      t1, -1(a1)
        addi    a1, a1, -1
        sb      t1, -1(a3)
        addi    a3, a3, -1
        bne     a3, t0, 1b
2:      andi    t0, a1, 7
        bnez    t0, .Lmove_skewed

        andi    t0, a2, -64
        beqz    t0, 2f
        sub     t0, a3, t0
1:      ld      a4, -8(a1)
        ld      a5, -16(a1)
        ld      a6, -24(a1)
        ld      a7, -32(a1)
        ld      t1, -40(a1)
        ld      t2, -48(a1)
        ld      t3, -56(a1)
        ld      t4, -64(a1)
        addi    a1, a1, -64
        sd      a4, -8(a3)
        sd      a5, -16(a3)
        sd      a6, -24(a3)
        sd      a7, -32(a3)
        sd      t1, -40(a3)
        sd      t2, -48(a3)
        sd      t3, -56(a3)
        sd      t4, -64(a3)
        addi    a3, a3, -64
        bne     a3, t0, 1b
2:      andi    t0, a2, 0x38
        beqz    t0, .Lmove_last
        sub     t0, a3, t0
1:      ld      t1, -8(a1)
        addi    a1, a1, -8
        sd      t1, -8(a3)
        addi    a3, a3, -8
        bne     a3, t0, 1b
.Lmove_last:
        andi    a2, a2, 7

.Lmove_bytes:
        beqz    a2, .Lmove_done
        sub     t0, a3, a2
1:      lb      t1, -1(a1)
        addi    a1, a1, -1
        sb      t1, -1(a3)
        addi    a3, a3, -1
        bne     a3, t0, 1b
.Lmove_done:
        ret

.Lmove_skewed:                          /* t0: bytes of src past an aligned word */
        slli    t1, t0, 3
        neg     t2, t1
        sub     a4, a1, t0              /* the end of the source, rounded down */
        ld      a5, 0(a4)
        andi    t0, a2, -8              /* not 0: 9 bytes or more are left */
        sub     a1, a1, t0
        sub     t0, a3, t0
1:      ld      a6, -8(a4)
        addi    a4, a4, -8
        sll     a5, a5, t2
        srl     t5, a6, t1
        or      a5, a5, t5
        sd      a5, -8(a3)
        mv      a5, a6
        addi    a3, a3, -8
        bne     a3, t0, 1b
        j       .Lmove_last
        .cfi_endproc
        .size memmove, . - memmove
