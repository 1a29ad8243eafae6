/*
 * page_zero(page) and page_copy(dst, src): one whole 4 KiB page.
 *
 * Both arguments are page-aligned. Steps of 256 bytes make 547 instructions to
 * zero a page and 1,075 to copy one, the return included. Loads go out eight at
 * a time before their stores, so that an in-order core need not wait for each.
 */
#define PAGE_BYTES 4096
#define STEP 256

        .text

        .globl page_zero
        .type page_zero, @function
        .balign 4
page_zero:
        .cfi_startproc
        li      a1, PAGE_BYTES
        add     a1, a0, a1              /* a1: end of the page */
.Lzero_step:
        .set    .Loffset, 0
        .rept   STEP / 8
        sd      zero, .Loffset(a0)
        .set    .Loffset, .Loffset + 8
        .endr
        addi    a0, a0, STEP
        bne     a0, a1, .Lzero_step
        ret
        .cfi_endproc
        .size page_zero, . - page_zero

        .globl page_copy
        .type page_copy, @function
        .balign 4
page_copy:
        .cfi_startproc
        li      a2, PAGE_BYTES
        add     a2, a0, a2              /* a2: end of dst */
.Lcopy_step:
        .set    .Loffset, 0
        .rept   STEP / 64
        ld      a3, .Loffset + 0(a1)
        ld      a4, .Loffset + 8(a1)
        ld      a5, .Loffset + 16(a1)
        ld      a6, .Loffset + 24(a1)
        ld      a7, .Loffset + 32(a1)
        ld      t0, .Loffset + 40(a1)
        ld      t1, .Loffset + 48(a1)
        ld      t2, .Loffset + 56(a1)
        sd      a3, .Loffset + 0(a0)
        sd      a4, .Loffset + 8(a0)
        sd      a5, .Loffset + 16(a0)
        sd      a6, .Loffset + 24(a0)
        sd      a7, .Loffset + 32(a0)
        sd      t0, .Loffset + 40(a0)
        sd      t1, .Loffset + 48(a0)
        sd      t2, .Loffset + 56(a0)
        .set    .Loffset, .Loffset + 64
        .endr
        addi    a1, a1, STEP
        addi    a0, a0, STEP
        bne     a0, a2, .Lcopy_step
        ret
        .cfi_endproc
        .size page_copy, . - page_copy
