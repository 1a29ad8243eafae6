/* Which pages of an object leave memory; the contract is in object_page.h. */
#include "kernel/lib/printk.h"
#include "vm/object_page.h"
#include "vm/reclaim.h"
#include "vm/space.h"

#define LATE_NS 1000000000ul /* a transfer out that takes longer: its server is slow, or away */

static bool at_rest(const struct frame *f)
{
    return !(f->flags & (PAGE_BUSY | PAGE_WRITEBACK)) &&
           __atomic_load_n(&f->writers, __ATOMIC_ACQUIRE) == 0;
}

/* Dirty pages go back to their server; only one that does not take them in time has
 * them swapped. */
static bool server_late(const struct object *o)
{
    return o->in_flight && pager_ops.now_ns() - o->out_since_ns > LATE_NS;
}

/* Can it be had again from its server? */
static bool may_drop(const struct object *o, const struct frame *f)
{
    return o->kind == OBJECT_PAGED && !(f->flags & PAGE_DIRTY);
}

/* Is there a place where the page can go? */
static bool may_leave(const struct object *o, const struct frame *f)
{
    if (may_drop(o, f))
        return true;
    if (f->index >= object_pages(o)) /* left by a write that failed: write-back drops it */
        return false;
    return swap_enabled() && !o->boot && (o->kind == OBJECT_ANON || server_late(o));
}

static void drop_locked(struct object *o, uint64_t index, struct frame *f)
{
    assert(f->class == FRAME_OBJECT);
    object_drop_page_locked(o, index, f);
}

uint64_t object_drop_unused_locked(struct object *o, uint64_t n)
{
    uint64_t freed = 0;
    struct frame *f;
    if (o->kind != OBJECT_PAGED)
        return 0;
    for (uint64_t index = 0; freed < n && (f = pageindex_next(&o->pages, &index)); index++)
        if (!page_is_away(f) && at_rest(f) && !(f->flags & PAGE_DIRTY) && frame_refs(f) == 1) {
            drop_locked(o, index, f);
            freed++;
        }
    return freed;
}

/* Has the page not been used for some rounds, and can it be done without? */
static bool is_old(struct object *o, uint64_t index, struct frame *f, bool *aged)
{
    unsigned use = frame_refs(f) > 1 ? region_page_use_locked(o, index, f) : 0;
    bool used = use & PAGE_USE_YOUNG || f->flags & PAGE_REFERENCED;
    f->flags &= ~PAGE_REFERENCED;
    *aged = *aged || use & PAGE_USE_YOUNG;
    return page_ages(f, used) && !(use & PAGE_USE_WIRED);
}

/* A page that is to leave. By now no hart can reach it; true if it was freed. */
static bool drop_old_page_locked(struct object *o, uint64_t index, struct leaving *out)
{
    struct frame *f = object_frame_locked(o, index);
    if (frame_refs(f) > 1) /* the kernel is at it */
        return false;
    if (may_drop(o, f)) {
        drop_locked(o, index, f);
        return true;
    }
    if (object_page_out_locked(o, index, f, &out->run, &out->slots[out->count]))
        out->count++;
    return false;
}

uint64_t object_drop_old_locked(struct object *o, uint64_t n, struct leaving *out, bool *end)
{
    uint64_t victims[SWAP_IO_MAX], freed = 0;
    unsigned count = 0;
    bool changed = false;
    *end = false;
    while (count < n && out->count + count < SWAP_IO_MAX && out->looks) {
        struct frame *f = pageindex_next(&o->pages, &o->hand);
        if (!f) {
            *end = true;
            o->hand = 0;
            break;
        }
        uint64_t index = o->hand++;
        if (page_is_away(f))
            continue;
        out->looks--;
        if (!at_rest(f) || !may_leave(o, f) || !is_old(o, index, f, &changed))
            continue;
        changed = region_unmap_later_locked(o, index, f) || changed;
        victims[count++] = index;
    }
    /* One shootdown for all: with one for each page, a remote hart's answer per page was
     * most of the time that swapping took. */
    if (changed)
        region_shootdown_locked(o);
    for (unsigned i = 0; i < count; i++)
        freed += drop_old_page_locked(o, victims[i], out);
    return freed;
}
