/* Swap slots, entries and the cache; the contract is in swap.h. */
#include "vm/swap.h"

#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/wait.h"
#include "vm/reclaim.h"
#include "vm/swap_slots.h"

#define SWEEP_MAX 2048 /* slots that one sweep looks at */

void (*swap_start)(struct swap_io *io);

static struct spinlock lock = SPINLOCK_INIT(RANK_SWAP);
static struct swap_io ios[SWAP_IOS];
static struct list idle = LIST_INIT(idle);             /* (lock) transfers not in use */
static struct waitq io_wait = WAITQ_INIT(io_wait);     /* (lock) for one */
static struct waitq page_wait = WAITQ_INIT(page_wait); /* (lock) for a page to be there */
static struct waitq out_wait = WAITQ_INIT(out_wait);   /* (lock) for a transfer out to end */
static unsigned outs;                                  /* (lock) transfers out under way */
static uint64_t outs_ended;                            /* (lock) and those that have ended */
static uint32_t sweep_hand, steal_hand;                /* (lock) */

void swap_enable(uint32_t slots, void *table)
{
    slots_init(slots, table);
    for (unsigned i = 0; i < SWAP_IOS; i++)
        list_push_back(&idle, &ios[i].link);
}

void swap_retire(uint32_t slot)
{
    spin_lock(&lock);
    if (slot < slots_count() && !slots_retired(slot))
        slots_retire_free(slot);
    spin_unlock(&lock);
}

bool swap_enabled(void)
{
    return slots_count() != 0;
}

void swap_totals(struct swap_totals *t)
{
    spin_lock(&lock);
    slots_totals(t);
    spin_unlock(&lock);
}

/* -------------------------------------------------------------- the cache */

static struct frame *cached(uint32_t slot)
{
    return slots_frame(slot);
}

/* Slot + 1, or 0; without the lock, a hint. */
static uint32_t slot_of(const struct frame *f)
{
    return __atomic_load_n(&f->slot, __ATOMIC_RELAXED);
}

static void cache_insert(uint32_t slot, struct frame *f, unsigned flags)
{
    f->slot = slot + 1;
    f->flags |= flags;
    slots_set_frame(slot, f);
}

/* The cache's reference goes with it. */
static void cache_remove(struct frame *f)
{
    uint32_t slot = f->slot - 1;
    f->slot = 0;
    f->flags &= ~(PAGE_DIRTY | PAGE_REFERENCED);
    slots_set_frame(slot, NULL);
    if (slots_refs(slot) == 0)
        slots_free(slot);
    frame_unref(f);
}

static bool on_its_way(const struct frame *f)
{
    return f->flags & (PAGE_BUSY | PAGE_WRITEBACK);
}

/* Frees the cached page of a slot if nobody names or maps it any more. */
static void drop_if_unused(uint32_t slot)
{
    struct frame *f = cached(slot);
    if (slots_refs(slot))
        return;
    if (!f)
        slots_free(slot);
    else if (frame_refs(f) == 1 && !on_its_way(f))
        cache_remove(f);
}

/* ---------------------------------------------------------------- entries */

void swap_entry_copy(pte_t entry)
{
    spin_lock(&lock);
    slots_ref(pte_slot(entry));
    spin_unlock(&lock);
}

void swap_entry_drop(pte_t entry)
{
    spin_lock(&lock);
    slots_unref(pte_slot(entry));
    drop_if_unused(pte_slot(entry));
    spin_unlock(&lock);
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
    spin_lock(&lock);
    struct frame *f = cached(slot);
    if (f && f->flags & PAGE_BUSY)
        f = NULL;
    if (f) {
        frame_ref(f);
        slots_unref(slot);
        note_return(f, slot);
        *sole = slots_refs(slot) == 0 && frame_refs(f) == 2;
        f->flags &= ~PAGE_REFERENCED;
    }
    spin_unlock(&lock);
    return f;
}

struct frame *swap_adopt(uint32_t slot)
{
    spin_lock(&lock);
    struct frame *f = cached(slot);
    if (f && on_its_way(f))
        f = NULL;
    if (f) {
        slots_unref(slot);
        note_return(f, slot);
        assert(slots_refs(slot) == 0); /* others may refer to the frame: they waited for it */
        frame_ref(f);
        cache_remove(f);
    }
    spin_unlock(&lock);
    return f;
}

void swap_page_unref(struct frame *f)
{
    /* A slot that another mapping's eviction gives it right now is that one's to
     * look after: the page is in the cache then, and this reference not the last. */
    if (f->class != FRAME_ANON || f->object || !slot_of(f)) {
        frame_unref(f);
        return;
    }
    spin_lock(&lock);
    uint32_t slot = f->slot;
    frame_unref(f);
    if (slot)
        drop_if_unused(slot - 1);
    spin_unlock(&lock);
}

bool swap_page_sole(const struct frame *f)
{
    if (f->class != FRAME_ANON || f->object)
        return false;
    if (!slot_of(f)) /* only a mapping's eviction gives it one, and this is the last */
        return frame_refs(f) == 1;
    spin_lock(&lock);
    bool sole = f->slot ? frame_refs(f) == 2 && slots_refs(f->slot - 1) == 0 : frame_refs(f) == 1;
    spin_unlock(&lock);
    return sole;
}

/* -------------------------------------------------------------- transfers */

/* A transfer that is not in use; sleeps. Lock held, and dropped meanwhile. */
static struct swap_io *io_get_locked(bool *slept)
{
    struct list *l;
    *slept = false;
    while (!(l = list_pop(&idle))) {
        *slept = true;
        wait_on(&io_wait, &lock, 0, "swap transfer");
    }
    struct swap_io *io = container_of(l, struct swap_io, link);
    io->count = 0;
    return io;
}

static void io_put_locked(struct swap_io *io)
{
    list_push_back(&idle, &io->link);
    wake_one(&io_wait);
}

static void in_done_locked(struct frame *f, int error)
{
    f->flags &= ~PAGE_BUSY;
    if (error) {
        /* Who waits sees the error; who comes later tries the disk again. */
        f->flags |= PAGE_ERROR;
        cache_remove(f);
    } else {
        drop_if_unused(f->slot - 1);
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
        cache_remove(f);
    else
        drop_if_unused(slot);
}

void swap_io_done(struct swap_io *io, int error)
{
    spin_lock(&lock);
    for (unsigned i = 0; i < io->count; i++) {
        if (io->out)
            out_done_locked(io->frames[i], error);
        else
            in_done_locked(io->frames[i], error);
    }
    if (io->out) {
        outs--;
        outs_ended++;
        wake_all(&out_wait);
    } else {
        wake_all(&page_wait);
    }
    io_put_locked(io);
    spin_unlock(&lock);
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
    spin_lock(&lock);
    if (outs)
        wait_on(&out_wait, &lock, 0, "swap out");
    spin_unlock(&lock);
}

/* --------------------------------------------------------------- swapping in */

/* May the page of that slot be read ahead? */
static bool may_read(uint32_t slot)
{
    return slots_valid(slot) && slots_refs(slot) && !slots_retired(slot) && !cached(slot);
}

static bool add_read(struct swap_io *io, uint32_t slot, enum frame_priority priority,
                     unsigned flags)
{
    struct frame *f = frame_alloc(FRAME_ANON, 0, priority);
    if (!f)
        return false;
    cache_insert(slot, f, PAGE_BUSY | flags);
    io->frames[io->count++] = f;
    return true;
}

/* Waits until the page has come, and drops the caller's reference to it. Lock held,
 * and dropped. */
static int wait_busy_locked(struct frame *f)
{
    int rc = 0;
    while (f->flags & PAGE_BUSY && rc == 0)
        rc = wait_on(&page_wait, &lock, WAIT_KILLABLE, "swap in");
    if (rc == 0 && f->flags & PAGE_ERROR)
        rc = -EIO;
    uint32_t slot = f->slot;
    frame_unref(f);
    if (slot)
        drop_if_unused(slot - 1);
    spin_unlock(&lock);
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
        io_put_locked(io);
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
    unsigned pages = io->count;
    spin_unlock(&lock);
    count_add(COUNT_SWAP_IN, pages);
    swap_start(io);
    spin_lock(&lock);
    return wanted;
}

/* One try; *alone: it read the page, and no other with it. */
static int bring(uint32_t slot, unsigned before, unsigned after, enum frame_priority priority,
                 bool *alone)
{
    struct swap_io *io = NULL;
    bool slept;
    *alone = false;
    spin_lock(&lock);
    do {
        if (io)
            io_put_locked(io);
        struct frame *f = cached(slot);
        if (f && f->flags & PAGE_BUSY) {
            frame_ref(f);
            return wait_busy_locked(f);
        }
        if (f && f->flags & PAGE_WRITEBACK) {
            int rc = wait_on(&out_wait, &lock, WAIT_KILLABLE, "swap out");
            spin_unlock(&lock);
            return rc;
        }
        if (!may_read(slot)) { /* the entry is another one by now */
            spin_unlock(&lock);
            return 0;
        }
        io = io_get_locked(&slept);
    } while (slept);
    *alone = before == 0 && after == 0;
    struct frame *wanted = read_around_locked(io, slot, before, after, priority, 0);
    if (wanted)
        return wait_busy_locked(wanted);
    spin_unlock(&lock);
    return -ENOMEM;
}

bool swap_has(uint32_t slot)
{
    spin_lock(&lock);
    const struct frame *f = cached(slot);
    bool has = f && !(f->flags & (PAGE_BUSY | PAGE_ERROR));
    spin_unlock(&lock);
    return has;
}

void swap_read_ahead(uint32_t slot, unsigned after)
{
    bool slept = false;
    spin_lock(&lock);
    struct swap_io *io = io_get_locked(&slept);
    if (!may_read(slot)) {
        io_put_locked(io);
    } else {
        struct frame *wanted = read_around_locked(io, slot, 0, after, FRAME_USER, PAGE_REFERENCED);
        if (wanted)
            frame_unref(wanted);
    }
    spin_unlock(&lock);
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

/* -------------------------------------------------------------- swapping out */

/* Swap is full: pages that are mapped, and whose slot nothing names, can do without
 * it. They are dirty then, and get a new one when they are evicted. */
static void steal_slots(void)
{
    unsigned got = 0;
    uint32_t n = slots_count();
    for (uint32_t i = 0; i < n && i < SWEEP_MAX && slots_cached() && got < SWAP_IO_MAX; i++) {
        steal_hand = steal_hand + 1 < n ? steal_hand + 1 : 0;
        struct frame *f = cached(steal_hand);
        if (f && slots_refs(steal_hand) == 0 && !on_its_way(f)) {
            cache_remove(f);
            got++;
        }
    }
}

bool swap_reserve(struct frame *f, struct swap_run *run)
{
    /* Every page on its way out comes by here, and nothing that is pinned may. */
    assert(f->class == FRAME_ANON || f->class == FRAME_OBJECT);
    spin_lock(&lock);
    if (f->slot && slots_retired(f->slot - 1) && slots_refs(f->slot - 1) == 0 && !on_its_way(f))
        cache_remove(f); /* it cannot be written there: elsewhere, then */
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
        cache_insert(run->next++, f, PAGE_DIRTY);
    }
    bool ok = f->slot && !slots_retired(f->slot - 1);
    if (ok)
        slots_ref(f->slot - 1);
    spin_unlock(&lock);
    return ok;
}

pte_t swap_evict(struct frame *f, bool dirty)
{
    spin_lock(&lock);
    uint32_t slot = f->slot - 1;
    if (dirty)
        f->flags |= PAGE_DIRTY;
    slots_leave(slot);
    frame_unref(f);
    spin_unlock(&lock);
    return pte_of_slot(slot);
}

void swap_run_end(struct swap_run *run)
{
    spin_lock(&lock);
    for (; run->left; run->left--)
        slots_free(run->next++);
    spin_unlock(&lock);
}

/* Sends off what has been gathered. Lock held, and dropped meanwhile. */
static void io_send_locked(struct swap_io **io)
{
    if (!*io)
        return;
    struct swap_io *full = *io;
    *io = NULL;
    outs++;
    spin_unlock(&lock);
    count_add(COUNT_SWAP_OUT, full->count);
    swap_start(full);
    spin_lock(&lock);
}

/* The page of a slot, if it is cached, unmapped and at rest. */
static struct frame *idle_page(uint32_t slot)
{
    struct frame *f = cached(slot);
    return f && frame_refs(f) == 1 && !on_its_way(f) ? f : NULL;
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
            *io = io_get_locked(&slept);
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
        cache_remove(f);
    }
    return 1;
}

/* A transfer that was got and not used goes back. */
static void io_end_locked(struct swap_io *io)
{
    if (io && io->count)
        io_send_locked(&io);
    else if (io)
        io_put_locked(io);
}

unsigned swap_clean(const uint32_t *slots, unsigned n)
{
    struct swap_io *io = NULL;
    unsigned done = 0;
    spin_lock(&lock);
    for (unsigned i = 0; i < n; i++)
        done += clean_one_locked(slots[i], &io);
    io_end_locked(io);
    spin_unlock(&lock);
    return done;
}

unsigned swap_sweep(unsigned n)
{
    struct swap_io *io = NULL;
    unsigned done = 0;
    spin_lock(&lock);
    uint32_t count = slots_count();
    for (uint32_t i = 0; i < count && i < SWEEP_MAX && slots_cached() && done < n; i++) {
        sweep_hand = sweep_hand + 1 < count ? sweep_hand + 1 : 0;
        struct frame *f = cached(sweep_hand);
        if (!f)
            continue;
        /* What was read ahead gets a chance to be wanted. */
        if (f->flags & PAGE_REFERENCED)
            f->flags &= ~PAGE_REFERENCED;
        else
            done += clean_one_locked(sweep_hand, &io);
    }
    io_end_locked(io);
    spin_unlock(&lock);
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
