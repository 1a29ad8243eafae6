/*
 * Each hart's copy of the vmalloc window's tables, refreshed by its fences; the contract
 * is in vm/shadow.h.
 */
#include "kernel/debug/shadow_tables.h"
#include "vm/shadow.h"

paddr_t shadow_window(const struct shadow_hart *h, vaddr_t va)
{
    paddr_t above = h->window[(va - VMALLOC_BASE) / GIGAPAGE_SIZE];
    pte_t entry = shadow_table(above)[sv39_index(va, 1)];
    return entry & PTE_V ? pte_paddr(entry) : 0;
}

void shadow_window_page(struct shadow_hart *h, vaddr_t va)
{
    const pte_t *real = sv39_walk(kernel_root, va, false);
    paddr_t table = shadow_window(h, va);
    if (!table)
        return;
    if (real && !shadow_origin(table)) {
        frame_of(table)->index = page_round_down(direct_unmap(real));
        shadow_reach(shadow_origin(table), 1);
    }
    pte_t *leaf = &shadow_table(table)[sv39_index(va, 0)], now = real ? pte_load(real) : 0;
    if (pte_load(leaf) == now)
        return;
    shadow_forget_leaf(leaf);
    if (now & PTE_V)
        shadow_reach(pte_paddr(now), 1);
    pte_store(leaf, now);
}

void shadow_window_all(struct shadow_hart *h)
{
    for (vaddr_t va = VMALLOC_BASE; va < VMALLOC_BASE + VMALLOC_SIZE; va += MEGAPAGE_SIZE) {
        paddr_t table = shadow_window(h, va);
        if (!table)
            continue;
        for (vaddr_t page = va; page < va + MEGAPAGE_SIZE; page += PAGE_SIZE)
            shadow_window_page(h, page);
        if (sv39_walk(kernel_root, va, false))
            continue;
        paddr_t above = h->window[(va - VMALLOC_BASE) / GIGAPAGE_SIZE];
        pte_store(&shadow_table(above)[sv39_index(va, 1)], 0);
        if (shadow_origin(table))
            shadow_reach(shadow_origin(table), -1);
        frame_unref(frame_of(table));
    }
}

bool shadow_window_table(vaddr_t va)
{
    bool all = true;
    for (unsigned n = 0; n < shadow_count; n++) {
        struct shadow_hart *h = &shadow_harts[n];
        spin_lock(&h->lock);
        if (!shadow_window(h, va)) {
            struct frame *f = frame_alloc_zeroed(FRAME_TABLE, FRAME_CRITICAL);
            paddr_t above = h->window[(va - VMALLOC_BASE) / GIGAPAGE_SIZE];
            if (f)
                pte_store(&shadow_table(above)[sv39_index(va, 1)], pte_make(frame_paddr(f), PTE_V));
            all &= f != NULL;
        }
        spin_unlock(&h->lock);
    }
    return all;
}

void shadow_window_stack(vaddr_t va, uint64_t size)
{
    for (unsigned n = 0; n < shadow_count; n++) {
        struct shadow_hart *h = &shadow_harts[n];
        spin_lock(&h->lock);
        for (uint64_t off = 0; h->online && off < size; off += PAGE_SIZE)
            shadow_window_page(h, va + off);
        spin_unlock(&h->lock);
    }
}
