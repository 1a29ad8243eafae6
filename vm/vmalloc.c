/*
 * The vmalloc window; the contract is in vmalloc.h.
 *
 * The window is kept as an address-ordered list of ranges in use; a request
 * takes the first gap that fits, its guard page included.
 */
#include "vm/vmalloc.h"

#include <stdbool.h>

#include "kernel/lib/list.h"
#include "kernel/lib/printk.h"
#include "vm/asid.h"
#include "vm/frame.h"
#include "vm/kmalloc.h"
#include "vm/shadow.h"
#include "vm/sv39.h"

struct vrange {
    struct list link;
    vaddr_t start; /* first mapped byte; the page below is the guard */
    uint64_t size;
    bool mmio;
};

static struct spinlock vmalloc_lock = SPINLOCK_INIT(RANK_VMALLOC);
static struct list ranges = LIST_INIT(ranges); /* (vmalloc_lock) by address */
static void *free_stacks;                      /* (vmalloc_lock) chained at their lowest word */

static struct vrange *range_take(uint64_t size)
{
    struct vrange *r = size <= VMALLOC_SIZE ? kmalloc(sizeof *r) : NULL;
    if (!r)
        return NULL;
    r->size = page_round_up(size);
    r->mmio = false;
    spin_lock(&vmalloc_lock);
    vaddr_t at = VMALLOC_BASE;
    struct list *before = ranges.next;
    for (; before != &ranges; before = before->next) {
        struct vrange *next = container_of(before, struct vrange, link);
        if (at + PAGE_SIZE + r->size <= next->start - PAGE_SIZE)
            break;
        at = next->start + next->size;
    }
    r->start = at + PAGE_SIZE;
    bool fits = r->size && r->start + r->size <= VMALLOC_BASE + VMALLOC_SIZE;
    if (fits)
        list_insert(before, &r->link);
    spin_unlock(&vmalloc_lock);
    if (!fits) {
        kfree(r);
        return NULL;
    }
    return r;
}

/* Takes one page out; with the last one of its table the table goes, too. The
 * table above stays: it belongs to a root slot. */
static void unmap_page(vaddr_t va, bool mmio)
{
    spin_lock(&vmalloc_lock);
    pte_t *pte = sv39_walk(kernel_root, va, false);
    pte_t old = pte_exchange(pte, 0);
    struct frame *table = frame_of(direct_unmap(pte));
    bool last = --table->in_use == 0;
    if (last) {
        pte_t *root = direct_map(kernel_root);
        pte_t *above = direct_map(pte_paddr(root[sv39_index(va, 2)]));
        pte_store(&above[sv39_index(va, 1)], 0);
    }
    spin_unlock(&vmalloc_lock);
    /* An address fences leaves only (section 4.2.1); a table needs all of it. */
    if (last)
        kernel_shootdown(0, FENCE_EVERYTHING);
    else
        kernel_shootdown(va, PAGE_SIZE);
    if (last)
        frame_unref(table);
    if (!mmio)
        frame_unref(frame_of(pte_paddr(old)));
}

/* Unmaps the first `mapped` bytes, and gives frames and range back. */
static void range_drop(struct vrange *r, uint64_t mapped)
{
    for (uint64_t off = 0; off < mapped; off += PAGE_SIZE)
        unmap_page(r->start + off, r->mmio);
    spin_lock(&vmalloc_lock);
    list_remove(&r->link);
    spin_unlock(&vmalloc_lock);
    kfree(r);
}

/* Maps one page. Tables below the fixed root slots are shared by every root. */
static bool map_page(vaddr_t va, paddr_t pa)
{
    spin_lock(&vmalloc_lock);
    pte_t *pte = shadow_window_table(va) ? sv39_walk(kernel_root, va, true) : NULL;
    if (pte) {
        frame_of(direct_unmap(pte))->in_use++;
        pte_store(pte, pte_make(pa, PTE_KERNEL_RW));
    }
    spin_unlock(&vmalloc_lock);
    return pte != NULL;
}

static void *map_frames(uint64_t size, enum abi_frame_class class)
{
    struct vrange *r = range_take(size);
    if (!r)
        return NULL;
    for (uint64_t off = 0; off < r->size; off += PAGE_SIZE) {
        struct frame *f = frame_alloc(class, 0, FRAME_NORMAL);
        if (!f || !map_page(r->start + off, frame_paddr(f))) {
            if (f)
                frame_unref(f);
            range_drop(r, off);
            return NULL;
        }
    }
    if (class == FRAME_KSTACK)
        shadow_window_stack(r->start, r->size);
    kernel_shootdown(r->start, r->size);
    return (void *)r->start;
}

void *vmalloc(size_t size)
{
    return map_frames(size, FRAME_KMALLOC);
}

void vfree(void *p)
{
    if (!p)
        return;
    struct vrange *found = NULL;
    spin_lock(&vmalloc_lock);
    list_for_each (l, &ranges) {
        struct vrange *r = container_of(l, struct vrange, link);
        if (r->start == (vaddr_t)p)
            found = r;
    }
    spin_unlock(&vmalloc_lock);
    if (!found)
        panic("vfree(%p): not from vmalloc", p);
    range_drop(found, found->size);
}

void *vmap_mmio(paddr_t pa, uint64_t size)
{
    paddr_t first = page_round_down(pa);
    struct vrange *r = range_take(pa + size - first);
    if (!r)
        return NULL;
    r->mmio = true;
    for (uint64_t off = 0; off < r->size; off += PAGE_SIZE)
        if (!map_page(r->start + off, first + off)) {
            range_drop(r, off);
            return NULL;
        }
    kernel_shootdown(r->start, r->size);
    return (void *)(r->start + (pa - first));
}

void *kstack_alloc(void)
{
    spin_lock(&vmalloc_lock);
    void *low = free_stacks;
    if (low)
        free_stacks = *(void **)low;
    spin_unlock(&vmalloc_lock);
    return low ? low : map_frames(KSTACK_SIZE, FRAME_KSTACK);
}

void kstack_free(void *low)
{
    spin_lock(&vmalloc_lock);
    *(void **)low = free_stacks;
    free_stacks = low;
    spin_unlock(&vmalloc_lock);
}

unsigned kstack_trim(void)
{
    unsigned n = 0;
    for (;; n++) {
        spin_lock(&vmalloc_lock);
        void *low = free_stacks;
        if (low)
            free_stacks = *(void **)low;
        spin_unlock(&vmalloc_lock);
        if (!low)
            return n;
        vfree(low);
    }
}
