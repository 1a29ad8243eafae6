/*
 * Page faults: space_fault, whose contract is in space.h.
 *
 * A fault is classified by region and entry, never by scause alone:
 *
 *   no region, or access the region forbids     -EFAULT
 *   entry valid, access allowed                 spurious, or A/D/rights to set
 *   entry valid, store to a read-only entry     copy on write; or a shared page
 *                                               that becomes dirty
 *   entry names a swap slot                     swap-in
 *   entry invalid, no object                    zero-fill
 *   entry invalid, object                       the object's page, brought in
 *                                               first if it is absent
 *
 * All of it happens under the space lock; whatever has to wait (pager, memory)
 * gives every lock up, waits, and starts over.
 */
#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/fence.h"
#include "vm/region.h"
#include "vm/space.h"
#include "vm/swap.h"

#define REFUSALS_MAX 16 /* of memory, before the fault fails */

/* Results that make space_fault do something without locks and start over. */
#define NEED_PAGE  1 /* bring the page in */
#define NEED_GRANT 2 /* reserve blocks for it */
#define NEED_CALM  3 /* too many dirty pages */
#define NEED_SWAP  4 /* bring the page in from the swap disk */

#define SWAP_AHEAD_MAX (SWAP_IO_MAX - 1) /* pages read ahead */

/* Pages of a file that one read maps, if they are in memory: a power of two, at most 512.
 * First read of a cached page, per page: 889 instructions with 1, 170 with 16. */
#ifndef FAULT_AROUND
#define FAULT_AROUND 16
#endif
_Static_assert(FAULT_AROUND >= 1 && FAULT_AROUND <= 512 && (FAULT_AROUND & (FAULT_AROUND - 1)) == 0,
               "the neighbours are in one table");

struct fault {
    struct space *space;
    struct region *region;
    vaddr_t page;
    bool write;
    struct object *around; /* its pages may be mapped around this one; NULL: none */
    /* for NEED_*: referenced */
    struct object *object;
    uint64_t index;
    /* for NEED_SWAP */
    uint32_t slot;
    unsigned before, after; /* neighbours to read with it */
    unsigned refused;       /* times that memory was */
};

/* Who was refused memory and has made room goes before those who have not. */
static enum frame_priority priority(const struct fault *f)
{
    return f->space->wired ? FRAME_CRITICAL : f->refused ? FRAME_NORMAL : FRAME_USER;
}

/* This hart may hold the old entry; others that do will fault and end up here. */
static void fence_page(const struct fault *f)
{
    if (hart_self()->space == f->space)
        tlb_fence_page(f->page);
}

/*
 * A page was read for the first time, and is mapped: maps its neighbours, too, where nothing is
 * mapped and the page is in memory, for who reads one soon reads the next. They come without A,
 * so those that nobody reads are the first to leave memory. Object lock held.
 */
static void map_around_locked(struct fault *f)
{
    const struct region *r = f->region;
    struct object *o = f->around;
    vaddr_t low = f->page & ~(FAULT_AROUND * PAGE_SIZE - 1);
    vaddr_t high = low + FAULT_AROUND * PAGE_SIZE;
    low = low > r->start ? low : r->start;
    high = high < r->end ? high : r->end;
    uint64_t index = (r->offset + (low - r->start)) >> PAGE_SHIFT, pages = object_pages(o);
    uint64_t flags = region_pte_flags(r, false) & ~PTE_A, mapped = 0;
    pte_t *pte = sv39_walk(f->space->root, low, false); /* in the table that the page is in */
    struct spinlock *lock = sv39_lock(pte);
    spin_lock(lock);
    for (vaddr_t va = low; va < high && index < pages; va += PAGE_SIZE, pte++, index++) {
        struct frame *frame = pte_load(pte) ? NULL : object_lookup_locked(o, index);
        if (!frame)
            continue;
        frame_ref(frame);
        pte_store(pte, pte_make(frame_paddr(frame), flags));
        mapped++;
    }
    spin_unlock(lock);
    __atomic_fetch_add(&f->space->resident, mapped, __ATOMIC_RELAXED);
}

/* Puts a leaf where none was. No fence: an invalid entry that is cached shows up
 * as a spurious fault (section 4.2.1). The frame's reference goes to the entry. */
static int install(struct fault *f, paddr_t pa, uint64_t flags)
{
    pte_t *pte = sv39_walk(f->space->root, f->page, true);
    if (!pte)
        return -ENOMEM;
    spin_lock(sv39_lock(pte));
    pte_store(pte, pte_make(pa, flags));
    spin_unlock(sv39_lock(pte));
    __atomic_fetch_add(&f->space->resident, 1, __ATOMIC_RELAXED);
    if (f->around)
        map_around_locked(f);
    if (f->region->prot & ABI_PROT_EXEC)
        space_icache_sync(f->space);
    return 0;
}

static int install_frame(struct fault *f, struct frame *frame, uint64_t flags)
{
    int rc = install(f, frame_paddr(frame), flags);
    if (rc < 0)
        frame_unref(frame);
    return rc;
}

static int zero_fill(struct fault *f)
{
    struct frame *frame = frame_alloc_zeroed(FRAME_ANON, priority(f));
    if (!frame)
        return -ENOMEM;
    count(COUNT_ZERO_FILL);
    return install_frame(f, frame, region_pte_flags(f->region, true));
}

/* A store to a private page that is mapped read-only. */
static int copy_on_write(struct fault *f, pte_t *pte)
{
    uint64_t flags = region_pte_flags(f->region, true);
    spin_lock(sv39_lock(pte));
    pte_t now = pte_load(pte);
    struct frame *old = frame_of(pte_paddr(now));
    /* References are only made under the walk lock of an entry that maps the
     * frame; with one left, this entry is the last, and no copy is needed. */
    bool gone = !(now & PTE_V);
    bool sole = !gone && swap_page_sole(old);
    if (sole)
        pte_store(pte, pte_make(frame_paddr(old), flags));
    else if (!gone)
        frame_ref(old);
    spin_unlock(sv39_lock(pte));
    if (sole)
        fence_page(f);
    if (sole || gone) /* a truncation took the page away: the access faults again */
        return 0;
    struct frame *copy = frame_alloc(FRAME_ANON, 0, priority(f));
    if (!copy) {
        swap_page_unref(old);
        return -ENOMEM;
    }
    count(COUNT_COW);
    page_copy(frame_address(copy), frame_address(old));
    spin_lock(sv39_lock(pte));
    pte_t was = pte_exchange(pte, pte_make(frame_paddr(copy), flags));
    spin_unlock(sv39_lock(pte));
    if (was & PTE_V) {
        space_shootdown(f->space, f->page, PAGE_SIZE);
        swap_page_unref(old);
    } else {
        /* Truncated, or evicted, meanwhile. */
        if (pte_is_swap(was)) {
            swap_entry_drop(was);
            __atomic_fetch_sub(&f->space->swapped, 1, __ATOMIC_RELAXED);
        }
        __atomic_fetch_add(&f->space->resident, 1, __ATOMIC_RELAXED);
    }
    swap_page_unref(old);
    return 0;
}

/* The entry is valid and W is no question: A, D or rights the region gives. */
static int refresh(struct fault *f, pte_t *pte)
{
    bool executable = false; /* from now on */
    spin_lock(sv39_lock(pte));
    pte_t old = pte_load(pte);
    if (old & PTE_V) {
        bool writable = old & PTE_W;
        pte_t new = pte_make(pte_paddr(old), region_pte_flags(f->region, writable));
        if (writable && !f->write)
            new &= ~PTE_D;
        new |= old &PTE_D;
        executable = new & ~old &PTE_X;
        if (new != old)
            pte_store(pte, new);
        else
            count(COUNT_SPURIOUS);
    }
    spin_unlock(sv39_lock(pte));
    fence_page(f);
    if (executable)
        space_icache_sync(f->space);
    return 0;
}

/* How much to read with the slot: more and more as long as faults come in the
 * order of slots, up or down, and nothing when they do not. */
static void plan_swap_in(struct fault *f, uint32_t slot)
{
    struct space *s = f->space;
    bool up = slot == s->swap_last + 1, down = slot + 1 == s->swap_last;
    s->swap_window = !up && !down                          ? 0
                     : s->swap_window < SWAP_AHEAD_MAX / 2 ? s->swap_window * 2 + 1
                                                           : SWAP_AHEAD_MAX;
    f->slot = slot;
    f->after = down ? 0 : s->swap_window;
    f->before = down ? s->swap_window : 0;
}

/* The entry names a slot. */
static int swap_in(struct fault *f, pte_t *pte)
{
    bool sole = false;
    spin_lock(sv39_lock(pte));
    pte_t now = pte_load(pte);
    struct frame *frame = swap_take(now, &sole);
    if (frame) {
        /* Without D the page is as in its slot. */
        uint64_t flags = region_pte_flags(f->region, sole) & (f->write ? ~0ul : ~PTE_D);
        pte_store(pte, pte_make(frame_paddr(frame), flags));
    }
    spin_unlock(sv39_lock(pte));
    if (!frame) {
        plan_swap_in(f, pte_slot(now));
        return NEED_SWAP;
    }
    f->space->swap_last = pte_slot(now);
    count(COUNT_SWAP_FAULT);
    __atomic_fetch_sub(&f->space->swapped, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&f->space->resident, 1, __ATOMIC_RELAXED);
    if (f->region->prot & ABI_PROT_EXEC)
        space_icache_sync(f->space);
    return 0;
}

static int need(struct fault *f, struct object *o, uint64_t index, int what)
{
    object_ref(o);
    f->object = o;
    f->index = index;
    return what;
}

/* A store to a shared page: it becomes dirty. Object lock held. */
static int dirty_locked(struct fault *f, struct object *o, struct frame *frame)
{
    if (o->kind != OBJECT_PAGED)
        return 0;
    if (!object_may_dirty_locked(o, frame))
        return need(f, o, frame->index, NEED_GRANT);
    if (!(frame->flags & PAGE_DIRTY) && object_dirty_pages() > frame_total() / 4)
        return need(f, o, frame->index, NEED_CALM);
    object_mark_dirty_locked(o, frame);
    return 0;
}

/* Maps the object's page, or a private copy of it. Object lock held. */
static int map_page_locked(struct fault *f, struct object *o, struct frame *frame)
{
    struct region *r = f->region;
    bool shared = r->flags & REGION_SHARED;
    if (f->write && !shared) {
        struct frame *copy = frame_alloc(FRAME_ANON, 0, priority(f));
        if (!copy)
            return -ENOMEM;
        count(COUNT_COW);
        page_copy(frame_address(copy), frame_address(frame));
        return install_frame(f, copy, region_pte_flags(r, true));
    }
    if (f->write) {
        int rc = dirty_locked(f, o, frame);
        if (rc)
            return rc;
    }
    /* Anonymous pages need no dirty marks: writable at once. */
    bool write = shared && (f->write || o->kind == OBJECT_ANON);
    frame_ref(frame);
    frame->flags |= PAGE_REFERENCED;
    count(COUNT_OBJECT_FAULT);
    if (!f->write && o->kind == OBJECT_PAGED && !(r->flags & REGION_WIRED))
        f->around = o;
    return install_frame(f, frame, region_pte_flags(r, write));
}

/* Registers or DMA memory: no copies, no dirt; the region's rights at once. */
static int physical_fault(struct fault *f, pte_t *pte, struct object *o, uint64_t offset)
{
    uint64_t flags = region_pte_flags(f->region, true);
    if (!pte)
        return offset < o->size ? install(f, o->base + offset, flags) : -ENXIO;
    spin_lock(sv39_lock(pte));
    if (pte_load(pte) & PTE_V)
        pte_store(pte, pte_make(o->base + offset, flags));
    spin_unlock(sv39_lock(pte));
    fence_page(f);
    return 0;
}

static int object_fault(struct fault *f, pte_t *pte)
{
    struct region *r = f->region;
    struct object *o = r->object;
    uint64_t offset = r->offset + (f->page - r->start), index = offset >> PAGE_SHIFT;
    bool valid = pte && pte_load(pte) & PTE_V;
    if (o->kind == OBJECT_PHYSICAL)
        return physical_fault(f, valid ? pte : NULL, o, offset);
    if (valid && (!f->write || pte_load(pte) & PTE_W))
        return refresh(f, pte);
    if (valid && !(r->flags & REGION_SHARED))
        return copy_on_write(f, pte);
    spin_lock(&o->lock);
    struct frame *frame = object_lookup_locked(o, index);
    int rc;
    if (index >= object_pages(o) || o->discarded)
        rc = -ENXIO;
    else if (!frame)
        rc = need(f, o, index, NEED_PAGE);
    else if (!valid)
        rc = map_page_locked(f, o, frame);
    else {
        rc = dirty_locked(f, o, frame);
        if (rc == 0) {
            spin_lock(sv39_lock(pte));
            if (pte_load(pte) & PTE_V)
                pte_store(pte, pte_make(frame_paddr(frame), region_pte_flags(r, true)));
            spin_unlock(sv39_lock(pte));
            fence_page(f);
        }
    }
    spin_unlock(&o->lock);
    return rc;
}

/* The region of va; the stack grows down to it if it may. */
static struct region *find_region(struct space *s, vaddr_t va)
{
    unsigned i = space_search_locked(s, va);
    if (i == s->count)
        return NULL;
    struct region *r = s->regions[i];
    if (r->start <= va)
        return r;
    vaddr_t page = page_round_down(va);
    if (!(r->flags & REGION_STACK) || va < USER_END - ABI_STACK_MAX)
        return NULL;
    /* A page stays free below the stack: its guard. */
    if (i > 0 && s->regions[i - 1]->end + PAGE_SIZE > page)
        return NULL;
    if (r->flags & REGION_WIRED)
        region_wired_grew(r->start - page);
    r->start = page;
    return r;
}

static bool access_allowed(const struct region *r, unsigned access)
{
    if (access == ACCESS_WRITE)
        return r->prot & ABI_PROT_WRITE;
    if (access == ACCESS_EXEC)
        return r->prot & ABI_PROT_EXEC;
    return r->prot & (ABI_PROT_READ | ABI_PROT_WRITE);
}

static int fault_locked(struct fault *f, vaddr_t va, unsigned access)
{
    f->region = find_region(f->space, va);
    f->around = NULL;
    if (!f->region || !access_allowed(f->region, access))
        return -EFAULT;
    pte_t *pte = sv39_walk(f->space->root, f->page, false);
    if (pte && pte_is_swap(pte_load(pte)))
        return swap_in(f, pte);
    if (f->region->object)
        return object_fault(f, pte);
    if (!pte || !(pte_load(pte) & PTE_V))
        return zero_fill(f);
    if (f->write && !(pte_load(pte) & PTE_W))
        return copy_on_write(f, pte);
    return refresh(f, pte);
}

/* What had to wait until no lock is held. 0: start over. */
static int wait_for(struct fault *f, int what)
{
    int rc = 0;
    if (what == NEED_SWAP)
        return swap_bring(f->slot, f->before, f->after, priority(f));
    if (what == NEED_PAGE)
        rc = object_bring(f->object, f->index, f->refused ? OBJECT_URGENT : 0);
    else if (what == NEED_GRANT)
        rc = object_prepare_write(f->object, f->index, 1, f->object->size, 0);
    else
        rc = pager_ops.throttle();
    object_unref(f->object);
    if (rc == -ERANGE)
        return -ENXIO;
    return rc < 0 ? rc : 0;
}

int space_fault(struct space *s, vaddr_t va, unsigned access, int flags)
{
    if (va < USER_MIN || va >= USER_END)
        return -EFAULT;
    struct fault f = {.space = s, .page = page_round_down(va), .write = access == ACCESS_WRITE};
    for (;;) {
        spin_lock(&s->lock);
        int rc = fault_locked(&f, va, access);
        spin_unlock(&s->lock);
        if (rc > 0 && flags & FAULT_NOWAIT) {
            if (rc != NEED_SWAP)
                object_unref(f.object);
            return -EAGAIN;
        }
        if (rc > 0)
            rc = wait_for(&f, rc);
        else if (rc == 0)
            return 0;
        /* Bounded: what is freed here, others may take, for ever. */
        if (rc == -ENOMEM && !(flags & FAULT_NOWAIT) && f.refused++ < REFUSALS_MAX)
            rc = pager_ops.make_room();
        if (rc < 0)
            return rc;
    }
}
