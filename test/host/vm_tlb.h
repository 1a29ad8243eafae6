/*
 * The part of a hart that vm/ has to keep honest: a walker that reads the tables
 * in simulated RAM by the rules of the privileged specification (section 4.3.2),
 * and a translation cache per hart that holds on to what it once read until a
 * fence removes it.
 *
 * The walker fills the cache whenever it likes for whatever satp names, as
 * hardware may; it never caches an invalid entry.
 */
#ifndef TEST_HOST_VM_TLB_H
#define TEST_HOST_VM_TLB_H

#include "test/host/vm_host.h"
#include "trap/csr.h"
#include "vm/sv39.h"

#ifndef TLB_ENTRIES
#define TLB_ENTRIES 64
#endif

static struct tlb_entry {
    bool valid;
    uint64_t asid;
    vaddr_t va; /* of its 4 KiB page */
    pte_t pte;  /* with the frame of that very page */
} tlb[MAX_HARTS][TLB_ENTRIES];

static uint64_t tlb_seed = 1442695040888963407ul;
static uint64_t tlb_fences; /* fences of any kind, on any hart */

static inline uint64_t tlb_asid(unsigned hart)
{
    return host_satp[hart] >> SATP_ASID_SHIFT & SATP_ASID_MASK;
}

static inline paddr_t tlb_root(unsigned hart)
{
    return (host_satp[hart] & ((1ul << 44) - 1)) << PAGE_SHIFT;
}

/* The leaf for va under root, its address part that of va's 4 KiB page; 0 if there
 * is none. Entries that the specification reserves are the test's failure. */
static inline pte_t tlb_walk(paddr_t root, vaddr_t va)
{
    paddr_t table = root;
    for (int level = 2; level >= 0; level--) {
        pte_t pte = ((pte_t *)direct_map(table))[va >> (12 + 9 * level) & 511];
        if (!(pte & PTE_V))
            return 0;
        bool leaf = pte & (PTE_R | PTE_X);
        if (pte >> 54 || (!(pte & PTE_R) && pte & PTE_W) ||
            (!leaf && (level == 0 || pte & (PTE_A | PTE_D | PTE_U))))
            panic("reserved entry %#lx at level %d for %#lx", pte, level, va);
        paddr_t pa = (pte >> 10 & ((1ul << 44) - 1)) << 12;
        if (leaf) {
            uint64_t within = va & ((1ul << (12 + 9 * level)) - 1) & ~0xffful;
            if (pa & ((1ul << (12 + 9 * level)) - 1))
                panic("misaligned leaf %#lx at level %d for %#lx", pte, level, va);
            return (pa + within) >> 12 << 10 | (pte & 0x3ff);
        }
        table = pa;
    }
    return 0;
}

static inline struct tlb_entry *tlb_find(unsigned hart, vaddr_t va)
{
    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        struct tlb_entry *e = &tlb[hart][i];
        if (e->valid && e->va == page_round_down(va) &&
            (e->pte & PTE_G || e->asid == tlb_asid(hart)))
            return e;
    }
    return NULL;
}

/* Reads the entry for va on that hart, if it is valid, into the cache. */
static inline struct tlb_entry *tlb_fill(unsigned hart, vaddr_t va)
{
    struct tlb_entry *e = tlb_find(hart, va);
    if (e)
        return e;
    pte_t pte = tlb_walk(tlb_root(hart), va);
    if (!pte)
        return NULL;
    e = &tlb[hart][check_random(&tlb_seed) % TLB_ENTRIES];
    *e = (struct tlb_entry){true, tlb_asid(hart), page_round_down(va), pte};
    return e;
}

/* The effect of a fence on this hart's cache: what it must remove and no more. */
static inline void tlb_fence(enum host_fence_kind kind, vaddr_t va, uint64_t asid)
{
    if (kind == HOST_SATP || kind == HOST_FENCE_ICACHE)
        return;
    tlb_fences++;
    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        struct tlb_entry *e = &tlb[host_hart->index][i];
        bool by_asid = kind == HOST_FENCE_ASID || kind == HOST_FENCE_PAGE_ASID;
        bool by_page = kind == HOST_FENCE_PAGE || kind == HOST_FENCE_PAGE_ASID;
        if (by_asid && (e->pte & PTE_G || e->asid != asid))
            continue;
        if (by_page && e->va != page_round_down(va))
            continue;
        e->valid = false;
    }
}

/* A root for the kernel: tables for the vmalloc window, nothing else; and every
 * hart in it. */
static inline void tlb_boot(void)
{
    kernel_root = frame_paddr(frame_alloc_zeroed(FRAME_TABLE, FRAME_NORMAL));
    pte_t *root = direct_map(kernel_root);
    for (vaddr_t va = VMALLOC_BASE; va < VMALLOC_BASE + VMALLOC_SIZE; va += GIGAPAGE_SIZE)
        root[sv39_index(va, 2)] =
            pte_make(frame_paddr(frame_alloc_zeroed(FRAME_TABLE, FRAME_NORMAL)), PTE_V);
    for (unsigned i = 0; i < MAX_HARTS; i++)
        host_satp[i] = SATP_SV39 | kernel_root >> PAGE_SHIFT;
    host_fence = tlb_fence;
}

#endif
