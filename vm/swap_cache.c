/* The swap cache and its transfers; contracts in swap.h and swap_cache.h. */
#include "vm/swap_cache.h"

#include "kernel/lib/counter.h"

void (*swap_start)(struct swap_io *io);

struct spinlock swap_lock = SPINLOCK_INIT(RANK_SWAP);
struct waitq swap_page_wait = WAITQ_INIT(swap_page_wait);
struct waitq swap_out_wait = WAITQ_INIT(swap_out_wait);

static struct swap_io ios[SWAP_IOS];
static struct list idle = LIST_INIT(idle);         /* (swap_lock) transfers not in use */
static struct waitq io_wait = WAITQ_INIT(io_wait); /* (swap_lock) for one */
static unsigned outs;                              /* (swap_lock) transfers out under way */
static uint64_t outs_ended;                        /* (swap_lock) and those that have ended */

void swap_cache_insert(uint32_t slot, struct frame *f, unsigned flags)
{
    f->slot = slot + 1;
    f->flags |= flags;
    slots_set_frame(slot, f);
}

void swap_cache_remove(struct frame *f)
{
    uint32_t slot = f->slot - 1;
    f->slot = 0;
    f->flags &= ~(PAGE_DIRTY | PAGE_REFERENCED);
    slots_set_frame(slot, NULL);
    if (slots_refs(slot) == 0)
        slots_free(slot);
    frame_unref(f);
}

void swap_cache_drop_unused(uint32_t slot)
{
    struct frame *f = swap_cached(slot);
    if (slots_refs(slot))
        return;
    if (!f)
        slots_free(slot);
    else if (frame_refs(f) == 1 && !swap_on_its_way(f))
        swap_cache_remove(f);
}

/* -------------------------------------------------------------- transfers */

void swap_io_init(void)
{
    for (unsigned i = 0; i < SWAP_IOS; i++)
        list_push_back(&idle, &ios[i].link);
}

struct swap_io *swap_io_get_locked(bool *slept)
{
    struct list *l;
    *slept = false;
    while (!(l = list_pop(&idle))) {
        *slept = true;
        wait_on(&io_wait, &swap_lock, 0, "swap transfer");
    }
    struct swap_io *io = container_of(l, struct swap_io, link);
    io->count = 0;
    return io;
}

void swap_io_put_locked(struct swap_io *io)
{
    list_push_back(&idle, &io->link);
    wake_one(&io_wait);
}

void swap_io_start_locked(struct swap_io *io)
{
    unsigned pages = io->count;
    bool out = io->out;
    outs += out;
    spin_unlock(&swap_lock);
    count_add(out ? COUNT_SWAP_OUT : COUNT_SWAP_IN, pages);
    swap_start(io);
    spin_lock(&swap_lock);
}

static void in_done_locked(struct frame *f, int error)
{
    f->flags &= ~PAGE_BUSY;
    if (error) {
        /* Who waits sees the error; who comes later tries the disk again. */
        f->flags |= PAGE_ERROR;
        swap_cache_remove(f);
    } else {
        swap_cache_drop_unused(f->slot - 1);
    }
}

static void out_done_locked(struct frame *f, int error)
{
    uint32_t slot = f->slot - 1;
    f->flags &= ~PAGE_WRITEBACK;
    if (error) {
        /* The page stays where it is; nothing is written there again. */
        f->flags |= PAGE_DIRTY;
        slots_retire(slot);
    }
    if (slots_refs(slot) && frame_refs(f) == 1 && !(f->flags & PAGE_DIRTY))
        swap_cache_remove(f);
    else
        swap_cache_drop_unused(slot);
}

void swap_io_done(struct swap_io *io, int error)
{
    spin_lock(&swap_lock);
    for (unsigned i = 0; i < io->count; i++) {
        if (io->out)
            out_done_locked(io->frames[i], error);
        else
            in_done_locked(io->frames[i], error);
    }
    if (io->out) {
        outs--;
        outs_ended++;
        wake_all(&swap_out_wait);
    } else {
        wake_all(&swap_page_wait);
    }
    swap_io_put_locked(io);
    spin_unlock(&swap_lock);
}

unsigned swap_out_count(void)
{
    return __atomic_load_n(&outs, __ATOMIC_RELAXED);
}

uint64_t swap_out_ended(void)
{
    return __atomic_load_n(&outs_ended, __ATOMIC_RELAXED);
}

void swap_wait_out(void)
{
    spin_lock(&swap_lock);
    if (outs)
        wait_on(&swap_out_wait, &swap_lock, 0, "swap out");
    spin_unlock(&swap_lock);
}
