/*
 * The address space: one picture, used by C, assembly and kernel.ld.
 *
 *  0x0000_0000_0000_0000  page 0: never mapped
 *                         text, rodata, data, bss     from the program's object
 *                         heap (brk), grows up
 *                         mmap area, filled from the top down
 *                         main stack, grows down on fault, guard below
 *  0x0000_003f_ffff_f000  USER_END                    root slots   0..255
 *       (the non-canonical hole)
 *  0xffff_ffc0_0000_0000  DIRECT_BASE: all RAM        root slots 256..383
 *  0xffff_ffe0_0000_0000  VMALLOC_BASE                root slots 384..387
 *  0xffff_ffff_8000_0000  KERNEL_BASE: the image      root slot  510
 *  0xffff_ffff_ffff_7000  ENTRY_PAGES, with isolation root slot  511
 *  0xffff_ffff_ffff_f000  TRAMPOLINE                  root slot  511
 *
 * The words of slots 256..511 are the same in every root table; with isolation, roots of
 * processes have only that of slot 511.
 */
#ifndef VM_LAYOUT_H
#define VM_LAYOUT_H

#ifdef __ASSEMBLER__
#define LAYOUT_U64(x) x
#else
#define LAYOUT_U64(x) x##ul
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE  LAYOUT_U64(4096)

#define USER_MIN LAYOUT_U64(0x0000000000001000)
#define USER_END LAYOUT_U64(0x0000003ffffff000)

#define DIRECT_BASE  LAYOUT_U64(0xffffffc000000000)
#define DIRECT_SIZE  LAYOUT_U64(0x0000002000000000) /* 128 GiB */
#define VMALLOC_BASE LAYOUT_U64(0xffffffe000000000)
#define VMALLOC_SIZE LAYOUT_U64(0x0000000100000000) /* 4 GiB: four root slots */
#define KERNEL_BASE  LAYOUT_U64(0xffffffff80000000)
#define KERNEL_SPAN  LAYOUT_U64(0x0000000040000000) /* one root slot */
#define TRAMPOLINE   LAYOUT_U64(0xfffffffffffff000)
#define ENTRY_PAGES  LAYOUT_U64(0xffffffffffff7000) /* one for each hart */

#define SV39_LEVELS      3
#define SV39_ENTRIES     512
#define MEGAPAGE_SIZE    LAYOUT_U64(0x200000)
#define GIGAPAGE_SIZE    LAYOUT_U64(0x40000000)
#define KERNEL_ROOT_SLOT 256 /* first root slot of the shared half */

/* A kernel stack and the unmapped guard page below it. */
#define KSTACK_PAGES    2
#define KSTACK_SIZE     (KSTACK_PAGES * PAGE_SIZE)
#define BOOT_STACK_SIZE LAYOUT_U64(16384)

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t;
typedef uint64_t vaddr_t;

#define PAGE_MASK (PAGE_SIZE - 1)

static inline uint64_t page_round_down(uint64_t x)
{
    return x & ~PAGE_MASK;
}

static inline uint64_t page_round_up(uint64_t x)
{
    return (x + PAGE_MASK) & ~PAGE_MASK;
}

/* Index into the table of `level` (2 root, 0 last) for va. */
static inline unsigned sv39_index(vaddr_t va, int level)
{
    return (va >> (PAGE_SHIFT + 9 * level)) & (SV39_ENTRIES - 1);
}

#define LAYOUT_SLOT(va) (((va) >> 30) & 511)
_Static_assert(LAYOUT_SLOT(USER_END) == 255, "user half ends in slot 255");
_Static_assert(LAYOUT_SLOT(DIRECT_BASE) == KERNEL_ROOT_SLOT, "direct map opens the kernel half");
_Static_assert(DIRECT_BASE + DIRECT_SIZE <= VMALLOC_BASE, "direct map below vmalloc");
_Static_assert(VMALLOC_BASE + VMALLOC_SIZE <= KERNEL_BASE, "vmalloc below the image");
_Static_assert(LAYOUT_SLOT(KERNEL_BASE) == 510 && KERNEL_BASE % GIGAPAGE_SIZE == 0,
               "the image has slot 510");
_Static_assert(KERNEL_BASE + KERNEL_SPAN <= ENTRY_PAGES && LAYOUT_SLOT(ENTRY_PAGES) == 511,
               "the entry pages in slot 511");
_Static_assert(KERNEL_BASE + KERNEL_SPAN <= TRAMPOLINE, "the image below the trampoline");
_Static_assert(LAYOUT_SLOT(TRAMPOLINE) == 511, "the trampoline has slot 511");
_Static_assert(DIRECT_BASE % GIGAPAGE_SIZE == 0 && VMALLOC_BASE % GIGAPAGE_SIZE == 0,
               "regions start on root slots");
#endif

#endif
