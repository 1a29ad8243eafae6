/* Regions and the page-table entries in them; the contract is in region.h. */
#include "vm/region.h"

#include "kernel/errno.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/kmalloc.h"
#include "vm/swap.h"

#define TABLE_SPAN MEGAPAGE_SIZE /* bytes that one last-level table maps */
#define BATCH      64            /* pages shot down together */
#define WIRED_PART 4             /* that part of memory may be wired */

static uint64_t wired_pages; /* atomic: of all regions that are */

/* ------------------------------------------------------------------- life */

static void take_references(struct region *r)
{
    if (r->object)
        object_ref(r->object);
    if (r->backing)
        backing_ops.ref(r->backing);
    list_init(&r->link);
}

struct region *region_create(struct space *s, const struct space_mapping *m)
{
    struct region *r = kzalloc(sizeof *r);
    if (!r)
        return NULL;
    r->prot = m->prot;
    r->max_prot = m->max_prot;
    r->flags = m->flags;
    r->object = m->object;
    r->offset = m->offset;
    r->backing = m->backing;
    r->space = s;
    strlcpy(r->name, m->name ? m->name : "anon", sizeof r->name);
    take_references(r);
    return r;
}

struct region *region_copy(const struct region *r, struct space *s)
{
    struct region *copy = kmalloc(sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *r;
    copy->space = s;
    take_references(copy);
    return copy;
}

static void lock_object(struct region *r)
{
    if (r->object)
        spin_lock(&r->object->lock);
}

static void unlock_object(struct region *r)
{
    if (r->object)
        spin_unlock(&r->object->lock);
}

static void wired_sub(const struct region *r)
{
    __atomic_fetch_sub(&wired_pages, (r->end - r->start) >> PAGE_SHIFT, __ATOMIC_RELAXED);
}

void region_wired_grew(uint64_t bytes)
{
    __atomic_fetch_add(&wired_pages, bytes >> PAGE_SHIFT, __ATOMIC_RELAXED);
}

int region_wired_add(uint64_t bytes)
{
    uint64_t pages = bytes >> PAGE_SHIFT;
    uint64_t now = __atomic_add_fetch(&wired_pages, pages, __ATOMIC_RELAXED);
    if (now <= frame_total() / WIRED_PART)
        return 0;
    __atomic_fetch_sub(&wired_pages, pages, __ATOMIC_RELAXED);
    return -ENOMEM;
}

struct region *region_split(struct region *r, vaddr_t va)
{
    struct region *upper = region_copy(r, r->space);
    if (!upper)
        return NULL;
    lock_object(r);
    upper->start = va;
    upper->offset = r->offset + (va - r->start);
    r->end = va;
    if (r->object)
        list_push_back(&r->object->regions, &upper->link);
    unlock_object(r);
    /* The stack grows below the cut, the heap above it. */
    upper->flags &= ~REGION_STACK;
    r->flags &= ~REGION_HEAP;
    return upper;
}

void region_attach(struct region *r)
{
    if (!r->object)
        return;
    spin_lock(&r->object->lock);
    list_push_back(&r->object->regions, &r->link);
    spin_unlock(&r->object->lock);
}

void region_free(struct region *r)
{
    if (r->flags & REGION_WIRED)
        wired_sub(r);
    if (r->object) {
        spin_lock(&r->object->lock);
        list_remove(&r->link);
        spin_unlock(&r->object->lock);
        object_unref(r->object);
    }
    if (r->backing)
        backing_ops.unref(r->backing);
    kfree(r);
}

/* ---------------------------------------------------------------- entries */

/* The first address of the next last-level table. */
static vaddr_t next_table(vaddr_t va)
{
    return (va & ~(TABLE_SPAN - 1)) + TABLE_SPAN;
}

/* Clears entries of one table in [va, end), at most BATCH that were valid; they
 * go to frames[]. *at is where it stopped. */
static unsigned clear_some(struct region *r, vaddr_t va, vaddr_t end, struct frame **out,
                           vaddr_t *at)
{
    pte_t *pte = sv39_walk(r->space->root, va, false);
    unsigned n = 0;
    if (pte) {
        struct spinlock *walk = sv39_lock(pte);
        spin_lock(walk);
        for (; va < end && n < BATCH; va += PAGE_SIZE, pte++) {
            pte_t old = pte_load(pte);
            if (old & PTE_V) {
                old = pte_exchange(pte, 0);
                out[n++] = frame_valid(pte_paddr(old)) ? frame_of(pte_paddr(old)) : NULL;
            } else if (pte_is_swap(old)) {
                pte_store(pte, 0);
                swap_entry_drop(old);
                __atomic_fetch_sub(&r->space->swapped, 1, __ATOMIC_RELAXED);
            }
        }
        spin_unlock(walk);
        end = va;
    }
    *at = end;
    return n;
}

void region_clear_pages(struct region *r, vaddr_t start, vaddr_t end)
{
    bool owned = !r->object || r->object->kind != OBJECT_PHYSICAL;
    while (start < end) {
        struct frame *cleared[BATCH];
        vaddr_t stop = next_table(start) < end ? next_table(start) : end, at;
        unsigned n = clear_some(r, start, stop, cleared, &at);
        if (n) {
            /* No frame is given up before no hart can reach it. A dying space
             * has no hart left. */
            if (__atomic_load_n(&r->space->refs, __ATOMIC_RELAXED))
                space_shootdown(r->space, start, at - start);
            __atomic_fetch_sub(&r->space->resident, n, __ATOMIC_RELAXED);
            for (unsigned i = 0; owned && i < n; i++)
                swap_page_unref(cleared[i]);
        }
        start = at;
    }
}

void region_protect_pages(struct region *r)
{
    bool changed = false;
    for (vaddr_t va = r->start; va < r->end;) {
        vaddr_t stop = next_table(va) < r->end ? next_table(va) : r->end;
        pte_t *pte = sv39_walk(r->space->root, va, false);
        if (pte) {
            struct spinlock *walk = sv39_lock(pte);
            spin_lock(walk);
            for (; va < stop; va += PAGE_SIZE, pte++) {
                pte_t old = pte_load(pte);
                if (!(old & PTE_V))
                    continue;
                /* Rights are only taken here; the fault path gives them. W goes
                 * unless both sides have it: it may stand for copy-on-write. */
                uint64_t allowed = region_pte_flags(r, true);
                uint64_t keep = old & allowed & (PTE_R | PTE_W | PTE_X | PTE_U);
                if (!(keep & (PTE_R | PTE_W | PTE_X)))
                    keep = PTE_R; /* still a leaf, but not the user's */
                /* That it was written stays true: its swap slot is older. */
                pte_t new =
                    pte_make(pte_paddr(old), keep | PTE_V | (old & (PTE_A | PTE_D | PTE_WIRED)));
                if (new != old) {
                    pte_exchange(pte, new);
                    changed = true;
                }
            }
            spin_unlock(walk);
        }
        va = stop;
    }
    if (changed)
        space_shootdown(r->space, r->start, r->end - r->start);
}

void region_wire_pages(struct region *r, bool wired)
{
    if (!wired && r->flags & REGION_WIRED)
        wired_sub(r);
    r->flags = wired ? r->flags | REGION_WIRED : r->flags & ~REGION_WIRED;
    /* No fence: the bit means nothing to the hardware. */
    for (vaddr_t va = r->start; va < r->end; va = next_table(va)) {
        vaddr_t stop = next_table(va) < r->end ? next_table(va) : r->end;
        pte_t *pte = sv39_walk(r->space->root, va, false);
        if (!pte)
            continue;
        struct spinlock *walk = sv39_lock(pte);
        spin_lock(walk);
        for (vaddr_t at = va; at < stop; at += PAGE_SIZE, pte++) {
            if (pte_load(pte) & PTE_V && wired)
                pte_set_bits(pte, PTE_WIRED);
            else if (pte_load(pte) & PTE_V)
                pte_clear_bits(pte, PTE_WIRED);
        }
        spin_unlock(walk);
    }
}

/* Copies the entries of one table; both are the same 2 MiB of their spaces. */
static void share_table(pte_t *from, pte_t *to, unsigned n, struct region *child, bool *protected)
{
    uint64_t copied = 0;
    struct spinlock *walk = sv39_lock(from);
    spin_lock(walk);
    for (unsigned i = 0; i < n; i++) {
        pte_t pte = pte_load(&from[i]);
        if (pte_is_swap(pte)) {
            swap_entry_copy(pte);
            pte_store(&to[i], pte);
            __atomic_fetch_add(&child->space->swapped, 1, __ATOMIC_RELAXED);
        }
        if (!(pte & PTE_V))
            continue;
        if (pte & PTE_W) {
            pte = pte_clear_bits(&from[i], PTE_W) & ~PTE_W;
            *protected = true;
        }
        pte &= ~PTE_WIRED;
        frame_ref(frame_of(pte_paddr(pte)));
        pte_store(&to[i], pte);
        copied++;
    }
    spin_unlock(walk);
    __atomic_fetch_add(&child->space->resident, copied, __ATOMIC_RELAXED);
}

bool region_share_pages(struct region *parent, struct region *child, bool *protected)
{
    /* Shared pages are the object's: the child finds them there. */
    if (parent->flags & REGION_SHARED)
        return true;
    for (vaddr_t va = parent->start; va < parent->end;) {
        vaddr_t stop = next_table(va) < parent->end ? next_table(va) : parent->end;
        pte_t *from = sv39_walk(parent->space->root, va, false);
        if (from) {
            pte_t *to = sv39_walk(child->space->root, va, true);
            if (!to)
                return false;
            share_table(from, to, (stop - va) >> PAGE_SHIFT, child, protected);
        }
        va = stop;
    }
    return true;
}

/* ------------------------------------------------------- the object's side */

/* Calls fn on the entry of page index in each region that maps that frame. The results,
 * or'ed together. */
static unsigned for_each_mapping(struct object *o, uint64_t index, const struct frame *f,
                                 unsigned (*fn)(struct region *, vaddr_t, pte_t *))
{
    assert(spin_held(&o->lock));
    uint64_t offset = index << PAGE_SHIFT;
    unsigned result = 0;
    list_for_each (l, &o->regions) {
        struct region *r = container_of(l, struct region, link);
        if (offset < r->offset || offset - r->offset >= r->end - r->start)
            continue;
        vaddr_t va = r->start + (offset - r->offset);
        pte_t *pte = sv39_walk(r->space->root, va, false);
        if (!pte)
            continue;
        spin_lock(sv39_lock(pte));
        pte_t now = pte_load(pte);
        bool here = now & PTE_V && pte_paddr(now) == frame_paddr(f);
        if (here)
            result |= fn(r, va, pte);
        spin_unlock(sv39_lock(pte));
    }
    return result;
}

static unsigned unmap_one(struct region *r, vaddr_t va, pte_t *pte)
{
    pte_t old = pte_exchange(pte, 0);
    space_shootdown(r->space, va, PAGE_SIZE);
    __atomic_fetch_sub(&r->space->resident, 1, __ATOMIC_RELAXED);
    frame_unref(frame_of(pte_paddr(old)));
    return 0;
}

void region_unmap_page_locked(struct object *o, uint64_t index, const struct frame *f)
{
    if (frame_refs(f) > 1)
        for_each_mapping(o, index, f, unmap_one);
}

static unsigned clean_one(struct region *r, vaddr_t va, pte_t *pte)
{
    if (pte_clear_bits(pte, PTE_W | PTE_D) & PTE_W)
        space_shootdown(r->space, va, PAGE_SIZE);
    return 0;
}

void region_clean_page_locked(struct object *o, uint64_t index, const struct frame *f)
{
    if (frame_refs(f) > 1)
        for_each_mapping(o, index, f, clean_one);
}

static unsigned forget_one(struct region *r, vaddr_t va, pte_t *pte)
{
    (void)va;
    if (pte_load(pte) & PTE_WIRED) /* since the scan looked */
        return 0;
    pte_t old = pte_exchange(pte, 0);
    __atomic_fetch_sub(&r->space->resident, 1, __ATOMIC_RELAXED);
    frame_unref(frame_of(pte_paddr(old))); /* not the last: the object's index has one */
    return 1;
}

bool region_unmap_later_locked(struct object *o, uint64_t index, const struct frame *f)
{
    return frame_refs(f) > 1 && for_each_mapping(o, index, f, forget_one);
}

static unsigned use_one(struct region *r, vaddr_t va, pte_t *pte)
{
    (void)va;
    unsigned use = r->space->wired || pte_load(pte) & PTE_WIRED ? PAGE_USE_WIRED : 0;
    if (pte_load(pte) & PTE_A && pte_clear_bits(pte, PTE_A) & PTE_A)
        use |= PAGE_USE_YOUNG;
    return use;
}

unsigned region_page_use_locked(struct object *o, uint64_t index, const struct frame *f)
{
    return for_each_mapping(o, index, f, use_one);
}

void region_shootdown_locked(struct object *o)
{
    assert(spin_held(&o->lock));
    list_for_each (l, &o->regions) {
        struct region *r = container_of(l, struct region, link);
        space_shootdown(r->space, r->start, r->end - r->start);
    }
}
