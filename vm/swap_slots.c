/* The table of swap slots; the contract is in swap_slots.h. */
#include "vm/swap_slots.h"

#include <stddef.h>

#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/frame.h"
#include "vm/swap.h"

#define LEFT_BITS 13
#define STEPS     64 /* of the clock, for as many pages as there are frames */

struct slot {
    uint32_t frame;            /* index in frames[] + 1; 0: not cached */
    uint32_t refs : 17;        /* of 4096 processes at most */
    uint32_t left : LEFT_BITS; /* when its page last left, by `departures` */
    uint32_t used : 1;         /* not free */
    uint32_t retired : 1;
};

_Static_assert(sizeof(struct slot) == SWAP_SLOT_BYTES, "the table's size");

static struct slot *slots;
static uint32_t count, unused, bad, with_frame;
static uint32_t hand;       /* where the search for free slots goes on */
static uint64_t departures; /* pages that have left memory */

void slots_init(uint32_t n, void *table)
{
    slots = memset(table, 0, n * sizeof *slots);
    count = unused = n;
}

uint32_t slots_count(void)
{
    return count;
}

uint32_t slots_cached(void)
{
    return with_frame;
}

void slots_totals(struct swap_totals *t)
{
    t->slots = count;
    t->free = unused;
    t->bad = bad;
    t->cached = with_frame;
}

bool slots_valid(uint32_t slot)
{
    return slot < count && slots[slot].used;
}

unsigned slots_alloc(unsigned want, uint32_t *first)
{
    if (unused == 0)
        return 0;
    while (slots[hand].used)
        hand = hand + 1 < count ? hand + 1 : 0;
    unsigned n = 0;
    *first = hand;
    while (n < want && hand < count && !slots[hand].used) {
        slots[hand++].used = 1;
        n++;
    }
    if (hand == count)
        hand = 0;
    unused -= n;
    return n;
}

void slots_free(uint32_t slot)
{
    struct slot *s = &slots[slot];
    assert(s->used && s->refs == 0 && s->frame == 0);
    if (s->retired)
        return;
    s->used = 0;
    unused++;
}

void slots_ref(uint32_t slot)
{
    assert(slots_valid(slot));
    slots[slot].refs++;
}

void slots_unref(uint32_t slot)
{
    assert(slots_valid(slot) && slots[slot].refs > 0);
    slots[slot].refs--;
}

static uint32_t left_clock(void)
{
    return (uint32_t)(departures / (frame_total() / STEPS + 1)) & ((1u << LEFT_BITS) - 1);
}

void slots_leave(uint32_t slot)
{
    departures++;
    slots[slot].left = left_clock();
}

bool slots_left_lately(uint32_t slot)
{
    return ((left_clock() - slots[slot].left) & ((1u << LEFT_BITS) - 1)) <= STEPS;
}

unsigned slots_refs(uint32_t slot)
{
    return slots[slot].refs;
}

void slots_retire(uint32_t slot)
{
    bad += !slots[slot].retired;
    slots[slot].retired = 1;
}

void slots_retire_free(uint32_t slot)
{
    assert(!slots[slot].used);
    slots[slot].used = 1;
    unused--;
    slots_retire(slot);
}

bool slots_retired(uint32_t slot)
{
    return slots[slot].retired;
}

struct frame *slots_frame(uint32_t slot)
{
    return slot < count && slots[slot].frame ? &frames[slots[slot].frame - 1] : NULL;
}

void slots_set_frame(uint32_t slot, struct frame *f)
{
    with_frame += (f != NULL) - (slots[slot].frame != 0);
    slots[slot].frame = f ? (uint32_t)(f - frames) + 1 : 0;
}
