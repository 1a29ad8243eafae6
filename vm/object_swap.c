/*
 * Pages of objects in swap; the contract is in object_page.h.
 *
 * Unlike a private page, an object's has one place that names its slot: the index.
 * So it is either in the object, without a slot, or in swap, where the cache is only
 * a station on its way out or in.
 */
#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/object_page.h"

#define AWAY        1
#define BYTES_SHIFT 8
#define BYTES_MASK  0x1fffu
#define AHEAD       15 /* pages read with the one wanted, if the one before it is here */

static struct frame *make_away(uint32_t slot, unsigned flags, unsigned bytes)
{
    return (struct frame *)((uintptr_t)slot << AWAY_SLOT_SHIFT | (uintptr_t)bytes << BYTES_SHIFT |
                            (flags & AWAY_FLAGS) | AWAY);
}

static unsigned bytes_of(const struct frame *away)
{
    return (uintptr_t)away >> BYTES_SHIFT & BYTES_MASK;
}

static struct frame *away_at(struct object *o, uint64_t index)
{
    struct frame *away = pageindex_get(&o->pages, index);
    assert(spin_held(&o->lock) && page_is_away(away));
    return away;
}

bool object_page_out_locked(struct object *o, uint64_t index, struct frame *f, struct swap_run *run,
                            uint32_t *slot)
{
    unsigned flags = f->flags;
    assert(frame_refs(f) == 1 && !f->writers && !(flags & (PAGE_BUSY | PAGE_WRITEBACK)));
    f->object = NULL;
    f->flags = 0;
    if (!swap_reserve(f, run)) {
        f->object = o;
        f->flags = flags;
        return false;
    }
    frame_reclass(f, FRAME_ANON);
    *slot = pte_slot(swap_evict(f, true));
    pageindex_replace(&o->pages, index, make_away(*slot, flags, PAGE_SIZE));
    object_count_locked(o, -1);
    o->away++;
    return true;
}

static void take_back_locked(struct object *o, uint64_t index, struct frame *f)
{
    const struct frame *away = away_at(o, index);
    unsigned bytes = bytes_of(away);
    frame_reclass(f, o->kind == OBJECT_ANON ? FRAME_ANON : FRAME_OBJECT);
    f->object = o;
    f->index = index;
    f->flags = away_flags(away);
    memset((char *)frame_address(f) + bytes, 0, PAGE_SIZE - bytes);
    pageindex_replace(&o->pages, index, f);
    object_count_locked(o, 1);
    o->away--;
}

int object_page_back(struct object *o, uint64_t index, int flags)
{
    uint32_t slot = away_slot(away_at(o, index));
    struct frame *f = swap_adopt(slot);
    if (f) {
        take_back_locked(o, index, f);
        spin_unlock(&o->lock);
        count(COUNT_SWAP_FAULT);
        return 0;
    }
    unsigned ahead = index && object_frame_locked(o, index - 1) ? AHEAD : 0;
    spin_unlock(&o->lock);
    if (flags & OBJECT_NOWAIT)
        return -EAGAIN;
    if (flags & OBJECT_AHEAD) {
        swap_read_ahead(slot, ahead);
        return 0;
    }
    return swap_bring(slot, 0, ahead, flags & OBJECT_URGENT ? FRAME_NORMAL : FRAME_USER);
}

void object_drop_away_locked(struct object *o, uint64_t index)
{
    const struct frame *away = away_at(o, index);
    if (away_flags(away) & PAGE_DIRTY)
        object_less_dirty_locked(o);
    swap_entry_drop(pte_of_slot(away_slot(away)));
    pageindex_remove(&o->pages, index);
    o->away--;
}

void object_cut_away_locked(struct object *o, uint64_t index, unsigned bytes)
{
    const struct frame *away = away_at(o, index);
    if (bytes < bytes_of(away))
        pageindex_replace(&o->pages, index, make_away(away_slot(away), away_flags(away), bytes));
}

void object_flag_away_locked(struct object *o, uint64_t index, unsigned flags)
{
    const struct frame *away = away_at(o, index);
    pageindex_replace(&o->pages, index,
                      make_away(away_slot(away), away_flags(away) | flags, bytes_of(away)));
}

/* The first dirty page that is away, at *index or above. Lock held. */
static bool find_dirty_away(struct object *o, uint64_t *index)
{
    struct frame *f;
    while ((f = pageindex_next(&o->pages, index))) {
        if (page_is_away(f) && away_flags(f) & PAGE_DIRTY)
            return true;
        ++*index;
    }
    return false;
}

bool object_recall(struct object *o)
{
    uint64_t index = 0;
    bool came = false;
    for (unsigned n = 0; n < PAGE_IO_MAX; n++) {
        spin_lock(&o->lock);
        /* Nothing is stored while a transfer is under way. */
        if (!o->out_io || !o->away || !find_dirty_away(o, &index)) {
            spin_unlock(&o->lock);
            break;
        }
        /* Twice: to the cache, from the cache. */
        if (object_page_back(o, index, 0) < 0)
            break;
        spin_lock(&o->lock);
        if (!page_is_away(pageindex_get(&o->pages, index)))
            spin_unlock(&o->lock);
        else if (object_page_back(o, index, 0) < 0)
            break;
        came = true;
    }
    return came;
}
