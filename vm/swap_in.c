/* Pages that come back from the swap disk; contracts in swap.h. */
#include "kernel/errno.h"
#include "vm/swap_cache.h"

/* May the page of that slot be read ahead? */
static bool may_read(uint32_t slot)
{
    return slots_valid(slot) && slots_refs(slot) && !slots_retired(slot) && !swap_cached(slot);
}

static bool add_read(struct swap_io *io, uint32_t slot, enum frame_priority priority,
                     unsigned flags)
{
    struct frame *f = frame_alloc(FRAME_ANON, 0, priority);
    if (!f)
        return false;
    swap_cache_insert(slot, f, PAGE_BUSY | flags);
    io->frames[io->count++] = f;
    return true;
}

/* Waits until the page has come, and drops the caller's reference to it. Lock held,
 * and dropped. */
static int wait_busy_locked(struct frame *f)
{
    int rc = 0;
    while (f->flags & PAGE_BUSY && rc == 0)
        rc = wait_on(&swap_page_wait, &swap_lock, WAIT_KILLABLE, "swap in");
    if (rc == 0 && f->flags & PAGE_ERROR)
        rc = -EIO;
    uint32_t slot = f->slot;
    frame_unref(f);
    if (slot)
        swap_cache_drop_unused(slot - 1);
    spin_unlock(&swap_lock);
    return rc;
}

/* Starts to read the page of a slot and its neighbours as far as memory and they allow;
 * the lock is dropped meanwhile. NULL: no memory. */
static struct frame *read_around_locked(struct swap_io *io, uint32_t slot, unsigned before,
                                        unsigned after, enum frame_priority priority,
                                        unsigned flags)
{
    uint32_t first = slot;
    if (!add_read(io, slot, priority, flags)) {
        swap_io_put_locked(io);
        return NULL;
    }
    struct frame *wanted = io->frames[0];
    while (io->count <= after && io->count < SWAP_IO_MAX && may_read(slot + io->count) &&
           add_read(io, slot + io->count, FRAME_USER, PAGE_REFERENCED))
        ;
    while (before-- && io->count < SWAP_IO_MAX && first > 0 && may_read(first - 1) &&
           add_read(io, first - 1, FRAME_USER, PAGE_REFERENCED)) {
        struct frame *f = io->frames[io->count - 1];
        for (unsigned i = io->count - 1; i > 0; i--)
            io->frames[i] = io->frames[i - 1];
        io->frames[0] = f;
        first--;
    }
    io->first = first;
    io->out = false;
    frame_ref(wanted);
    swap_io_start_locked(io);
    return wanted;
}

/* One try; *alone: it read the page, and no other with it. */
static int bring(uint32_t slot, unsigned before, unsigned after, enum frame_priority priority,
                 bool *alone)
{
    struct swap_io *io = NULL;
    bool slept;
    *alone = false;
    spin_lock(&swap_lock);
    do {
        if (io)
            swap_io_put_locked(io);
        struct frame *f = swap_cached(slot);
        if (f && f->flags & PAGE_BUSY) {
            frame_ref(f);
            return wait_busy_locked(f);
        }
        if (f && f->flags & PAGE_WRITEBACK) {
            int rc = wait_on(&swap_out_wait, &swap_lock, WAIT_KILLABLE, "swap out");
            spin_unlock(&swap_lock);
            return rc;
        }
        if (!may_read(slot)) { /* the entry is another one by now */
            spin_unlock(&swap_lock);
            return 0;
        }
        io = swap_io_get_locked(&slept);
    } while (slept);
    *alone = before == 0 && after == 0;
    struct frame *wanted = read_around_locked(io, slot, before, after, priority, 0);
    if (wanted)
        return wait_busy_locked(wanted);
    spin_unlock(&swap_lock);
    return -ENOMEM;
}

bool swap_has(uint32_t slot)
{
    spin_lock(&swap_lock);
    const struct frame *f = swap_cached(slot);
    bool has = f && !(f->flags & (PAGE_BUSY | PAGE_ERROR));
    spin_unlock(&swap_lock);
    return has;
}

void swap_read_ahead(uint32_t slot, unsigned after)
{
    bool slept = false;
    spin_lock(&swap_lock);
    struct swap_io *io = swap_io_get_locked(&slept);
    if (!may_read(slot)) {
        swap_io_put_locked(io);
    } else {
        struct frame *wanted = read_around_locked(io, slot, 0, after, FRAME_USER, PAGE_REFERENCED);
        if (wanted)
            frame_unref(wanted);
    }
    spin_unlock(&swap_lock);
}

int swap_bring(uint32_t slot, unsigned before, unsigned after, enum frame_priority priority)
{
    bool alone;
    int rc = bring(slot, before, after, priority, &alone);
    /* Of several pages, another may be the one that cannot be read. */
    while (rc == -EIO && !alone)
        rc = bring(slot, 0, 0, priority, &alone);
    return rc;
}
