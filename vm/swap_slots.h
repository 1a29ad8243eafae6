/*
 * The table of swap slots: which are in use, how many entries name each, and the
 * frame that is cached for it. Used by swap.c and its kin, under swap_lock.
 */
#ifndef VM_SWAP_SLOTS_H
#define VM_SWAP_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct frame;
struct swap_totals;

/* table: count * SWAP_SLOT_BYTES. */
void slots_init(uint32_t count, void *table);
uint32_t slots_count(void);
/* Slots with a frame. */
uint32_t slots_cached(void);
void slots_totals(struct swap_totals *t);

/* Up to `want` free slots in a row, taken; *first is the first. 0: none is free.
 * The search goes on where the last one ended. */
unsigned slots_alloc(unsigned want, uint32_t *first);
/* Gives back a slot that nothing names; a retired one stays out of use. */
void slots_free(uint32_t slot);
bool slots_valid(uint32_t slot);

/* Entries that name it. */
void slots_ref(uint32_t slot);
void slots_unref(uint32_t slot);
unsigned slots_refs(uint32_t slot);

/* The slot's page leaves memory. Was that lately: have no more pages left since than there
 * are frames? Then with twice the memory it would still be there (P. Denning, The working
 * set model, 1968, calls that a page of the working set). */
void slots_leave(uint32_t slot);
bool slots_left_lately(uint32_t slot);

/* The disk refused to write it; or it is known not to hold it, free as it is. */
void slots_retire(uint32_t slot);
void slots_retire_free(uint32_t slot);
bool slots_retired(uint32_t slot);

struct frame *slots_frame(uint32_t slot);
void slots_set_frame(uint32_t slot, struct frame *f);

#endif
