/*
 * Swap: slots of one page each on the swap disk, the entries that name them, and
 * the swap cache, which knows the frame that holds a slot's page now.
 *
 * An anonymous page that a page table maps has a last-level entry with V and one
 * reference to its frame. Evicted, the entry has V clear and names a slot; the
 * slot counts such entries, shared by fork like the frames are. A frame whose
 * page has a slot is in the cache, which holds one more reference to it. There it
 * is
 *
 *   clean      the slot has the same bytes: evicting it again costs nothing
 *   DIRTY      the slot is older (PAGE_DIRTY, or D in an entry that maps it)
 *   WRITEBACK  on its way out
 *   BUSY       on its way in: made by the first who needs it, others wait for it
 *
 * and leaves it when it is neither mapped nor on its way: written out first if it
 * is dirty and some entry still names the slot. What nobody names or maps is
 * freed, slot and frame, by whoever gives it up last.
 *
 * Writing out needs no memory and waits for nothing but the disk.
 */
#ifndef VM_SWAP_H
#define VM_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/frame.h"
#include "vm/sv39.h"

#define SWAP_IO_MAX 32 /* pages in one transfer */
#define SWAP_IOS    7  /* transfers under way at a time: 256 descriptors hold them */

/* One transfer: `count` pages from slot `first` on. Each frame is in the cache,
 * BUSY or WRITEBACK, until swap_io_done. */
struct swap_io {
    struct list link; /* (swap lock) of those not in use */
    uint32_t first;
    unsigned count;
    bool out;
    struct frame *frames[SWAP_IO_MAX];
};

/* Hands a transfer to the disk; swap_io_done follows, maybe before it returns.
 * Never sleeps. The driver fills it in. */
extern void (*swap_start)(struct swap_io *io);

#define SWAP_SLOT_BYTES 8 /* of table, for each slot */

/* Makes `slots` slots usable, with memory for their table. Once, at boot; then, for
 * slots that the disk is known not to hold, swap_retire. */
void swap_enable(uint32_t slots, void *table);
void swap_retire(uint32_t slot);
/* The end of a transfer: 0 or -errno. Never sleeps. */
void swap_io_done(struct swap_io *io, int error);

bool swap_enabled(void);

struct swap_totals {
    uint64_t slots, free, bad; /* slots */
    uint64_t cached;           /* frames in the cache */
};
void swap_totals(struct swap_totals *t);

/* ---------------------------------------------------------------- entries */

#define PTE_SWAP (1ul << 1) /* with V clear: the entry names a slot */

static inline bool pte_is_swap(pte_t pte)
{
    return (pte & (PTE_V | PTE_SWAP)) == PTE_SWAP;
}

static inline uint32_t pte_slot(pte_t pte)
{
    return (uint32_t)(pte >> PTE_PPN_SHIFT);
}

static inline pte_t pte_of_slot(uint32_t slot)
{
    return (uint64_t)slot << PTE_PPN_SHIFT | PTE_SWAP;
}

/* One more entry that names the same slot; one less. */
void swap_entry_copy(pte_t entry);
void swap_entry_drop(pte_t entry);
/* Turns an entry into a mapping: the frame, with the reference that the mapping
 * needs, or NULL if it has to be brought in first. *sole: nobody else maps it or
 * names its slot. The walk lock is held, and the caller replaces the entry. */
struct frame *swap_take(pte_t entry, bool *sole);
/* Takes the page of a slot that only the caller names out of swap: its frame, with one
 * reference, and the slot is free. NULL if it is not there, or not at rest: swap_bring
 * helps with either. */
struct frame *swap_adopt(uint32_t slot);
/* Drops a reference to a page that may be anonymous and so may have a slot: what
 * an entry that mapped it held, or a copy. */
void swap_page_unref(struct frame *f);
/* True if the mapping whose walk lock is held is the page's only user. */
bool swap_page_sole(const struct frame *f);

/* Brings the page of a slot into the cache, and up to `before` and `after` of its
 * neighbours with it; if it is on its way out, waits for that. No lock held; sleeps. 0: look again;
 * -EIO; -ENOMEM; -EINTR. */
int swap_bring(uint32_t slot, unsigned before, unsigned after, enum frame_priority priority);
/* Whether the page of a slot is there, and not on its way in. No lock held but a space's. */
bool swap_has(uint32_t slot);
/* Starts reading the page of a slot and up to `after` of those behind it, unless that one
 * is there or on its way. What is not used soon goes again. No lock held; waits only for
 * a transfer's memory. */
void swap_read_ahead(uint32_t slot, unsigned after);

/* --------------------------------------------------------------- eviction */

/* Slots set aside for the victims to come, so that they get neighbouring ones. */
struct swap_run {
    uint32_t next;
    unsigned left;
};

/* Sees to it that the page has a slot, and counts the entry that will name it.
 * false: swap is full. The walk lock of a mapping is held from here to swap_evict. */
bool swap_reserve(struct frame *f, struct swap_run *run);
/* That entry, to take the mapping's place; the mapping's reference is given up.
 * dirty: D was set in it. */
pte_t swap_evict(struct frame *f, bool dirty);
/* Gives back what is left. */
void swap_run_end(struct swap_run *run);

/* Frees the pages of those slots that are cached and not mapped, writing out those
 * that are dirty. Pages freed or on their way out. Waits only for the disk. */
unsigned swap_clean(const uint32_t *slots, unsigned n);
/* The same for what is cached unmapped anywhere; at most n pages. */
unsigned swap_sweep(unsigned n);
/* Does it for all of it, and waits until they are out. */
void swap_trim(void);
/* Waits until a transfer out has ended, if any is under way. */
void swap_wait_out(void);
/* Transfers out under way; and how many have ended since boot. */
unsigned swap_out_count(void);
uint64_t swap_out_ended(void);

#endif
