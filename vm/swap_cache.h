/*
 * What the files of swap share: the cache and the transfers. swap.h says what both are.
 *
 * swap_cache.c has the lock, the cache and the transfers; swap.c the entries; swap_in.c and
 * swap_out.c what goes which way. Functions here are called with swap_lock held, but for
 * swap_slot_of and swap_io_init.
 */
#ifndef VM_SWAP_CACHE_H
#define VM_SWAP_CACHE_H

#include "kernel/lib/lock.h"
#include "kernel/lib/wait.h"
#include "vm/swap.h"
#include "vm/swap_slots.h"

extern struct spinlock swap_lock;
extern struct waitq swap_page_wait; /* (swap_lock) for a page to be there */
extern struct waitq swap_out_wait;  /* (swap_lock) for a transfer out to end */

/* ------------------------------------------------------------------ the cache */

/* The frame that is cached for a slot, or NULL. */
static inline struct frame *swap_cached(uint32_t slot)
{
    return slots_frame(slot);
}

/* Slot + 1, or 0; without the lock, a hint. */
static inline uint32_t swap_slot_of(const struct frame *f)
{
    return __atomic_load_n(&f->slot, __ATOMIC_RELAXED);
}

static inline bool swap_on_its_way(const struct frame *f)
{
    return f->flags & (PAGE_BUSY | PAGE_WRITEBACK);
}

/* The cache takes over a reference to the frame. flags: PAGE_*, added. */
void swap_cache_insert(uint32_t slot, struct frame *f, unsigned flags);
/* That reference goes, and the slot if no entry names it. */
void swap_cache_remove(struct frame *f);
/* Frees the cached page of a slot if nobody names or maps it any more. */
void swap_cache_drop_unused(uint32_t slot);

/* ---------------------------------------------------------------- transfers */

/* Makes all of them free; once. */
void swap_io_init(void);
/* One that is not in use, with no page. Sleeps for one, then *slept: the lock was dropped. */
struct swap_io *swap_io_get_locked(bool *slept);
/* Gives back one that is not started. */
void swap_io_put_locked(struct swap_io *io);
/* Hands it to the disk; swap_io_done gives it back. Drops the lock meanwhile. */
void swap_io_start_locked(struct swap_io *io);

#endif
