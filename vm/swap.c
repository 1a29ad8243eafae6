/* Swap: its slots, and the entries that name them; contracts in swap.h. */
#include "vm/swap.h"

#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "vm/reclaim.h"
#include "vm/swap_cache.h"

void swap_enable(uint32_t slots, void *table)
{
    slots_init(slots, table);
    swap_io_init();
}

void swap_retire(uint32_t slot)
{
    spin_lock(&swap_lock);
    if (slot < slots_count() && !slots_retired(slot))
        slots_retire_free(slot);
    spin_unlock(&swap_lock);
}

bool swap_enabled(void)
{
    return slots_count() != 0;
}

void swap_totals(struct swap_totals *t)
{
    spin_lock(&swap_lock);
    slots_totals(t);
    spin_unlock(&swap_lock);
}

/* ---------------------------------------------------------------- entries */

void swap_entry_copy(pte_t entry)
{
    spin_lock(&swap_lock);
    slots_ref(pte_slot(entry));
    spin_unlock(&swap_lock);
}

void swap_entry_drop(pte_t entry)
{
    spin_lock(&swap_lock);
    slots_unref(pte_slot(entry));
    swap_cache_drop_unused(pte_slot(entry));
    spin_unlock(&swap_lock);
}

/* A page is used again: one that was missed soon after it had left stays for longer. */
static void note_return(struct frame *f, uint32_t slot)
{
    bool missed = slots_left_lately(slot);
    f->age = missed ? AGE_MISSED : 0;
    if (missed)
        count(COUNT_REFAULT);
}

struct frame *swap_take(pte_t entry, bool *sole)
{
    uint32_t slot = pte_slot(entry);
    spin_lock(&swap_lock);
    struct frame *f = swap_cached(slot);
    if (f && f->flags & PAGE_BUSY)
        f = NULL;
    if (f) {
        frame_ref(f);
        slots_unref(slot);
        note_return(f, slot);
        *sole = slots_refs(slot) == 0 && frame_refs(f) == 2;
        f->flags &= ~PAGE_REFERENCED;
    }
    spin_unlock(&swap_lock);
    return f;
}

struct frame *swap_adopt(uint32_t slot)
{
    spin_lock(&swap_lock);
    struct frame *f = swap_cached(slot);
    if (f && swap_on_its_way(f))
        f = NULL;
    if (f) {
        slots_unref(slot);
        note_return(f, slot);
        assert(slots_refs(slot) == 0); /* others may refer to the frame: they waited for it */
        frame_ref(f);
        swap_cache_remove(f);
    }
    spin_unlock(&swap_lock);
    return f;
}

static __attribute__((noinline)) void unref_with_slot(struct frame *f)
{
    spin_lock(&swap_lock);
    uint32_t slot = f->slot;
    frame_unref(f);
    if (slot)
        swap_cache_drop_unused(slot - 1);
    spin_unlock(&swap_lock);
}

void swap_page_unref(struct frame *f)
{
    /* A slot that another mapping's eviction gives it right now is that one's to
     * look after: the page is in the cache then, and this reference not the last. */
    if (f->class != FRAME_ANON || f->object || !swap_slot_of(f))
        frame_unref(f);
    else
        unref_with_slot(f);
}

bool swap_page_sole(const struct frame *f)
{
    if (f->class != FRAME_ANON || f->object)
        return false;
    if (!swap_slot_of(f)) /* only a mapping's eviction gives it one, and this is the last */
        return frame_refs(f) == 1;
    spin_lock(&swap_lock);
    bool sole = f->slot ? frame_refs(f) == 2 && slots_refs(f->slot - 1) == 0 : frame_refs(f) == 1;
    spin_unlock(&swap_lock);
    return sole;
}
