/*
 * memset(dst, byte, n), for the kernel and for programs: rv64imac, no floating
 * point, no misaligned stores.
 *
 * Fewer than 16 bytes are stored one by one. Otherwise the head is aligned to 8,
 * the bulk goes in steps of 256 bytes, then up to 31 words, then up to 7 bytes.
 * The two straight runs of stores are entered at a computed place: with 4-byte
 * instructions (norvc), the last k stores of a run are its last 4 * k bytes.
 */
        .text

        .globl memset
        .type memset, @function
        .balign 4
memset:
        .cfi_startproc
        li      t0, 16
        bltu    a2, t0, .Lshort         /* a0 stays: it is the result */
        mv      a3, a0                  /* a3: where to store next */

        /* The byte in all eight places. */
        andi    a1, a1, 0xff
        beqz    a1, .Lhead
        slli    t0, a1, 8
        or      a1, a1, t0
        slli    t0, a1, 16
        or      a1, a1, t0
        slli    t0, a1, 32
        or      a1, a1, t0

.Lhead:
        andi    t0, a3, 7
        beqz    t0, .Lbulk
        andi    t1, a3, 1
        beqz    t1, 1f
        sb      a1, 0(a3)
        addi    a3, a3, 1
1:      andi    t1, a3, 2
        beqz    t1, 1f
        sh      a1, 0(a3)
        addi    a3, a3, 2
1:      andi    t1, a3, 4
        beqz    t1, 1f
        sw      a1, 0(a3)
        addi    a3, a3, 4
1:      sub     t0, a3, a0
        sub     a2, a2, t0

.Lbulk:
        andi    t0, a2, -256            /* whole steps */
        beqz    t0, .Lwords
        add     t0, t0, a3              /* t0: end of the steps */
.Lstep:
        .set    .Loffset, 0
        .rept   32
        sd      a1, .Loffset(a3)
        .set    .Loffset, .Loffset + 8
        .endr
        addi    a3, a3, 256
        bne     a3, t0, .Lstep

.Lwords:
        andi    t0, a2, 0xf8            /* bytes in whole words left */
        beqz    t0, .Ltail
        add     a3, a3, t0
        lla     t1, .Ltail
        srli    t0, t0, 1               /* 4 bytes of code per 8 of data */
        sub     t1, t1, t0
        jr      t1
        .option push
        .option norvc
        .set    .Loffset, -248
        .rept   31
        sd      a1, .Loffset(a3)
        .set    .Loffset, .Loffset + 8
        .endr
        .option pop

.Ltail:
        andi    a2, a2, 7
        beqz    a2, .Ldone
        andi    t0, a2, 4
        beqz    t0, 1f
        sw      a1, 0(a3)
        addi    a3, a3, 4
1:      andi    t0, a2, 2
        beqz    t0, 1f
        sh      a1, 0(a3)
        addi    a3, a3, 2
1:      andi    t0, a2, 1
        beqz    t0, .Ldone
        sb      a1, 0(a3)
.Ldone:
        ret

.Lshort:
        add     a3, a0, a2
        lla     t1, .Lshort_end
        slli    a2, a2, 2
        sub     t1, t1, a2
        jr      t1
        .option push
        .option norvc
        .set    .Loffset, -15
        .rept   15
        sb      a1, .Loffset(a3)
        .set    .Loffset, .Loffset + 1
        .endr
        .option pop
.Lshort_end:
        ret
        .cfi_endproc
        .size memset, . - memset
