/* Pages that leave for the swap disk; contracts in swap.h. */
#include "kernel/lib/printk.h"
#include "vm/swap_cache.h"

#define SWEEP_MAX 2048 /* slots that one sweep looks at */

static uint32_t sweep_hand, steal_hand; /* (swap_lock) */

/* Swap is full: pages that are mapped, and whose slot nothing names, can do without
 * it. They are dirty then, and get a new one when they are evicted. */
static void steal_slots(void)
{
    unsigned got = 0;
    uint32_t n = slots_count();
    for (uint32_t i = 0; i < n && i < SWEEP_MAX && slots_cached() && got < SWAP_IO_MAX; i++) {
        steal_hand = steal_hand + 1 < n ? steal_hand + 1 : 0;
        struct frame *f = swap_cached(steal_hand);
        if (f && slots_refs(steal_hand) == 0 && !swap_on_its_way(f)) {
            swap_cache_remove(f);
            got++;
        }
    }
}

bool swap_reserve(struct frame *f, struct swap_run *run)
{
    /* Every page that goes to the disk comes by here; none of a class that is pinned may. */
    assert(f->class == FRAME_ANON || f->class == FRAME_OBJECT);
    spin_lock(&swap_lock);
    if (f->slot && slots_retired(f->slot - 1) && slots_refs(f->slot - 1) == 0 &&
        !swap_on_its_way(f))
        swap_cache_remove(f); /* it cannot be written there: elsewhere, then */
    if (!f->slot && run->left == 0) {
        run->left = slots_alloc(SWAP_IO_MAX, &run->next);
        if (run->left == 0) {
            steal_slots();
            run->left = slots_alloc(SWAP_IO_MAX, &run->next);
        }
    }
    if (!f->slot && run->left) {
        run->left--;
        frame_ref(f);
        swap_cache_insert(run->next++, f, PAGE_DIRTY);
    }
    bool ok = f->slot && !slots_retired(f->slot - 1);
    if (ok)
        slots_ref(f->slot - 1);
    spin_unlock(&swap_lock);
    return ok;
}

pte_t swap_evict(struct frame *f, bool dirty)
{
    spin_lock(&swap_lock);
    uint32_t slot = f->slot - 1;
    if (dirty)
        f->flags |= PAGE_DIRTY;
    slots_leave(slot);
    frame_unref(f);
    spin_unlock(&swap_lock);
    return pte_of_slot(slot);
}

void swap_run_end(struct swap_run *run)
{
    spin_lock(&swap_lock);
    for (; run->left; run->left--)
        slots_free(run->next++);
    spin_unlock(&swap_lock);
}

/* Sends off what has been gathered. Lock held, and dropped meanwhile. */
static void io_send_locked(struct swap_io **io)
{
    if (!*io)
        return;
    struct swap_io *full = *io;
    *io = NULL;
    swap_io_start_locked(full);
}

/* The page of a slot, if it is cached, unmapped and at rest. */
static struct frame *idle_page(uint32_t slot)
{
    struct frame *f = swap_cached(slot);
    return f && frame_refs(f) == 1 && !swap_on_its_way(f) ? f : NULL;
}

/* Frees it or adds it to the transfer being gathered. Lock held, which may be
 * dropped meanwhile. Pages dealt with. */
static unsigned clean_one_locked(uint32_t slot, struct swap_io **io)
{
    struct frame *f = idle_page(slot);
    bool slept;
    if (f && f->flags & PAGE_DIRTY && slots_refs(slot)) {
        if (slots_retired(slot))
            return 0;
        if (*io && (*io)->count &&
            ((*io)->count == SWAP_IO_MAX || (*io)->first + (*io)->count != slot))
            io_send_locked(io);
        if (!*io)
            *io = swap_io_get_locked(&slept);
        /* The lock may have been dropped, and the slot retired. */
        f = slots_retired(slot) ? NULL : idle_page(slot);
    }
    if (!f)
        return 0;
    /* What is evicted here is nobody's but reclaim's. */
    assert(f->class == FRAME_ANON && !f->object);
    if (f->flags & PAGE_DIRTY && slots_refs(slot)) {
        if (!*io)
            return 0; /* it became so meanwhile: the next sweep's */
        if ((*io)->count == 0)
            (*io)->first = slot;
        (*io)->out = true;
        f->flags = (f->flags & ~PAGE_DIRTY) | PAGE_WRITEBACK;
        (*io)->frames[(*io)->count++] = f;
    } else {
        swap_cache_remove(f);
    }
    return 1;
}

/* A transfer that was got and not used goes back. */
static void io_end_locked(struct swap_io *io)
{
    if (io && io->count)
        io_send_locked(&io);
    else if (io)
        swap_io_put_locked(io);
}

unsigned swap_clean(const uint32_t *slots, unsigned n)
{
    struct swap_io *io = NULL;
    unsigned done = 0;
    spin_lock(&swap_lock);
    for (unsigned i = 0; i < n; i++)
        done += clean_one_locked(slots[i], &io);
    io_end_locked(io);
    spin_unlock(&swap_lock);
    return done;
}

unsigned swap_sweep(unsigned n)
{
    struct swap_io *io = NULL;
    unsigned done = 0;
    spin_lock(&swap_lock);
    uint32_t count = slots_count();
    for (uint32_t i = 0; i < count && i < SWEEP_MAX && slots_cached() && done < n; i++) {
        sweep_hand = sweep_hand + 1 < count ? sweep_hand + 1 : 0;
        struct frame *f = swap_cached(sweep_hand);
        if (!f)
            continue;
        /* What was read ahead gets a chance to be wanted. */
        if (f->flags & PAGE_REFERENCED)
            f->flags &= ~PAGE_REFERENCED;
        else
            done += clean_one_locked(sweep_hand, &io);
    }
    io_end_locked(io);
    spin_unlock(&swap_lock);
    return done;
}

void swap_trim(void)
{
    /* Twice round: the first takes the chance of what was read ahead. */
    for (uint64_t seen = 0; seen < 2 * (uint64_t)slots_count(); seen += SWEEP_MAX)
        swap_sweep(~0u);
    while (swap_out_count())
        swap_wait_out();
}
