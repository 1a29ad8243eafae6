/*
 * What the life of an object (object.c), its pages (object_page.c), its pages in
 * swap (object_swap.c) and the scan for pages to free (object_reclaim.c) share. Used
 * by these only.
 */
#ifndef VM_OBJECT_PAGE_H
#define VM_OBJECT_PAGE_H

#include "vm/object.h"
#include "vm/swap.h"

/*
 * A page that is in swap has no frame: its place in the index holds a word with the
 * slot and with what must come back with the page, told from a pointer by bit 0.
 *
 *   bits 1..7    PAGE_DIRTY, PAGE_HOLE, PAGE_GRANTED, as in a frame's flags
 *   bits 8..20   bytes that count; a truncation cuts them, and the rest is zero
 *   bits 21..    the slot
 */
#define AWAY_FLAGS      (PAGE_DIRTY | PAGE_HOLE | PAGE_GRANTED)
#define AWAY_SLOT_SHIFT 21

static inline bool page_is_away(const struct frame *f)
{
    return (uintptr_t)f & 1;
}

static inline unsigned away_flags(const struct frame *f)
{
    return (uintptr_t)f & AWAY_FLAGS;
}

static inline uint32_t away_slot(const struct frame *f)
{
    return (uint32_t)((uintptr_t)f >> AWAY_SLOT_SHIFT);
}

/* The frame at index, BUSY or not; NULL if there is none or it is in swap. */
static inline struct frame *object_frame_locked(const struct object *o, uint64_t index)
{
    struct frame *f = pageindex_get(&o->pages, index);
    return page_is_away(f) ? NULL : f;
}

/* One page more or less of the object's is in memory. Lock held. */
void object_count_locked(struct object *o, int change);
/* One page less of it is dirty, wherever it is. Lock held. */
void object_less_dirty_locked(struct object *o);
/* Takes a page out of the index; the index's reference goes with it. Lock held. */
void object_drop_page_locked(struct object *o, uint64_t index, struct frame *f);
/* Takes all pages from index on out of the object and of every mapping. Lock
 * held. */
void object_detach_pages_locked(struct object *o, uint64_t index);

/* ---------------------------------------------------------------- in swap */

/* Moves a page that is at rest, unmapped and referred to by the index alone to the
 * swap cache; *slot is to be cleaned. False: swap is full. Lock held. */
bool object_page_out_locked(struct object *o, uint64_t index, struct frame *f, struct swap_run *run,
                            uint32_t *slot);
/* Brings the page at index, which is away, nearer: into the object, or else (after
 * waiting, unless OBJECT_NOWAIT) into the swap cache. Lock held, and dropped. 0: look
 * again; -EAGAIN; -ENOMEM; -EIO; -EINTR. */
int object_page_back(struct object *o, uint64_t index, int flags);
/* Forgets the page at index, which is away. Lock held. */
void object_drop_away_locked(struct object *o, uint64_t index);
/* Keeps only its first `bytes`. Lock held. */
void object_cut_away_locked(struct object *o, uint64_t index, unsigned bytes);
/* More of its flags. Lock held. */
void object_flag_away_locked(struct object *o, uint64_t index, unsigned flags);

/* ------------------------------------------------------------- reclaiming */

/* What has been sent to swap and waits to be written. */
struct leaving {
    uint32_t slots[SWAP_IO_MAX];
    unsigned count;
    struct swap_run run;
    unsigned looks; /* pages that may be looked at yet */
};

/* Drops up to n clean pages that nobody maps. Lock held. Pages freed. */
uint64_t object_drop_unused_locked(struct object *o, uint64_t n);
/* Goes on with the object's pages, mapped ones too, until n have left, out->looks is 0 or
 * the end is reached (*end). Pages freed; those gone to `out` are not counted. Lock
 * held. */
uint64_t object_drop_old_locked(struct object *o, uint64_t n, struct leaving *out, bool *end);

#endif
