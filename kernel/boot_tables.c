/*
 * The first page tables, made before paging is on: this file runs at physical
 * addresses, so it uses nothing but pc-relative references (-mcmodel=medany) and
 * no pointer that the linker has put into memory.
 */
#include "trap/csr.h"
#include "vm/layout.h"
#include "vm/sv39.h"

extern char trampoline_start[], kernel_start[], kernel_end[];

static pte_t root[SV39_ENTRIES] __attribute__((aligned(4096)));
static pte_t image_table[SV39_ENTRIES] __attribute__((aligned(4096)));
static pte_t top_table[SV39_ENTRIES] __attribute__((aligned(4096)));
static pte_t trampoline_table[SV39_ENTRIES] __attribute__((aligned(4096)));

uint64_t boot_satp;

/* Everything is writable and executable here; the final tables end that. */
#define BOOT_LEAF (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)

/* image: physical address of the first byte of the kernel, 2 MiB aligned. The
 * value for satp. */
uint64_t boot_tables(paddr_t image)
{
    root[sv39_index(image, 2)] = pte_make(image & ~(GIGAPAGE_SIZE - 1), BOOT_LEAF);
    for (uint64_t i = 0; i < DIRECT_SIZE / GIGAPAGE_SIZE; i++)
        root[KERNEL_ROOT_SLOT + i] = pte_make(i * GIGAPAGE_SIZE, BOOT_LEAF);
    uint64_t size = (uint64_t)kernel_end - (uint64_t)kernel_start;
    for (uint64_t off = 0; off < size; off += MEGAPAGE_SIZE)
        image_table[off / MEGAPAGE_SIZE] = pte_make(image + off, BOOT_LEAF);
    root[sv39_index(KERNEL_BASE, 2)] = pte_make((paddr_t)image_table, PTE_V);
    root[sv39_index(TRAMPOLINE, 2)] = pte_make((paddr_t)top_table, PTE_V);
    top_table[sv39_index(TRAMPOLINE, 1)] = pte_make((paddr_t)trampoline_table, PTE_V);
    trampoline_table[sv39_index(TRAMPOLINE, 0)] =
        pte_make((paddr_t)trampoline_start, PTE_V | PTE_R | PTE_X | PTE_A);
    boot_satp = SATP_SV39 | (uint64_t)root >> PAGE_SHIFT;
    return boot_satp;
}
