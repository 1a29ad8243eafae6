/* Memory objects: pages, their transfers and their dirt; contract in object.h. */
#include "vm/object.h"

#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/object_page.h"
#include "vm/space.h"

#define READAHEAD_MISS 4 /* pages asked for at a miss that does not look sequential */

struct pager_ops pager_ops;

static uint64_t dirty_pages; /* atomic */
static uint64_t anon_pages;  /* atomic */

void object_count_locked(struct object *o, int change)
{
    o->resident += change;
    if (o->kind == OBJECT_ANON)
        __atomic_fetch_add(&anon_pages, change, __ATOMIC_RELAXED);
}

void object_less_dirty_locked(struct object *o)
{
    o->dirty--;
    __atomic_fetch_sub(&dirty_pages, 1, __ATOMIC_RELAXED);
}

void object_drop_page_locked(struct object *o, uint64_t index, struct frame *f)
{
    pageindex_remove(&o->pages, index);
    object_count_locked(o, -1);
    if (f->flags & PAGE_DIRTY) {
        f->flags &= ~PAGE_DIRTY;
        object_less_dirty_locked(o);
    }
    f->flags |= PAGE_DETACHED;
    frame_unref(f);
}

void object_detach_pages_locked(struct object *o, uint64_t index)
{
    struct frame *f;
    while ((f = pageindex_next(&o->pages, &index))) {
        if (page_is_away(f)) {
            object_drop_away_locked(o, index);
            continue;
        }
        region_unmap_page_locked(o, index, f);
        object_drop_page_locked(o, index, f);
    }
}

/* ------------------------------------------------------------------ pages */

struct frame *object_lookup_locked(struct object *o, uint64_t index)
{
    struct frame *f = object_frame_locked(o, index);
    return f && !(f->flags & PAGE_BUSY) ? f : NULL;
}

static enum abi_frame_class class_of(const struct object *o)
{
    return o->kind == OBJECT_ANON ? FRAME_ANON : FRAME_OBJECT;
}

static bool page_insert_locked(struct object *o, uint64_t index, struct frame *f, unsigned flags)
{
    if (pageindex_insert(&o->pages, index, f) < 0)
        return false;
    f->object = o;
    f->index = index;
    f->flags = flags;
    object_count_locked(o, 1);
    return true;
}

static struct frame *page_add_locked(struct object *o, uint64_t index, unsigned flags,
                                     enum frame_priority priority)
{
    struct frame *f = frame_alloc(class_of(o), 0, priority);
    if (f && !page_insert_locked(o, index, f, flags)) {
        frame_unref(f);
        f = NULL;
    }
    return f;
}

static struct frame *add_zero_locked(struct object *o, uint64_t index, enum frame_priority priority)
{
    struct frame *f = page_add_locked(o, index, o->kind == OBJECT_ANON ? 0 : PAGE_HOLE, priority);
    if (f)
        page_zero(frame_address(f));
    return f;
}

struct frame *object_add_zero_locked(struct object *o, uint64_t index)
{
    return add_zero_locked(o, index, FRAME_USER);
}

struct frame *object_frame_alloc(const struct object *o)
{
    return frame_alloc(class_of(o), 0, FRAME_USER);
}

bool object_add_filled_locked(struct object *o, uint64_t index, struct frame *f)
{
    return page_insert_locked(o, index, f, o->kind == OBJECT_ANON ? 0 : PAGE_HOLE);
}

/* Fills io with the absent pages from index on. Their number; 0: no memory. Only
 * the first is worth the given priority. */
static unsigned io_fill_locked(struct object *o, struct page_io *io, uint64_t index,
                               enum frame_priority priority)
{
    uint64_t last = object_pages(o);
    unsigned want =
        index == 0 || pageindex_get(&o->pages, index - 1) ? PAGE_IO_MAX : READAHEAD_MISS;
    if (frame_low())
        want = 1;
    io->object = o;
    io->first = index;
    io->out = false;
    io->count = 0;
    while (io->count < want && index + io->count < last) {
        uint64_t at = index + io->count;
        if (io->count && pageindex_get(&o->pages, at))
            break;
        struct frame *f = page_add_locked(o, at, PAGE_BUSY, io->count ? FRAME_USER : priority);
        if (!f)
            break;
        frame_ref(f);
        io->frames[io->count++] = f;
    }
    if (io->count)
        object_ref(o);
    return io->count;
}

/* Waits until the frame at index is no longer busy. Lock held. */
static int wait_busy_locked(struct object *o, struct frame *f)
{
    frame_ref(f);
    int rc = 0;
    while (f->flags & PAGE_BUSY && rc == 0)
        rc = wait_on(&o->wait, &o->lock, WAIT_KILLABLE, "page in");
    if (rc == 0 && f->flags & PAGE_ERROR)
        rc = -EIO;
    spin_unlock(&o->lock);
    frame_unref(f);
    return rc;
}

int object_bring(struct object *o, uint64_t index, int flags)
{
    struct page_io *io = NULL;
    enum frame_priority priority = flags & OBJECT_URGENT ? FRAME_NORMAL : FRAME_USER;
    if (o->kind == OBJECT_PHYSICAL)
        return -ENXIO;
    if (o->kind == OBJECT_PAGED && !(flags & OBJECT_NOWAIT)) {
        io = pager_ops.io_alloc();
        if (!io)
            return -ENOMEM;
    }
    spin_lock(&o->lock);
    int rc = 0;
    unsigned filled = 0;
    struct frame *f = pageindex_get(&o->pages, index);
    if (index >= object_pages(o) || o->discarded)
        rc = -ERANGE;
    else if (page_is_away(f)) {
        if (io)
            pager_ops.io_free(io);
        return object_page_back(o, index, flags);
    } else if (f && !(f->flags & PAGE_BUSY))
        rc = 0;
    else if (o->kind == OBJECT_ANON && flags & OBJECT_AHEAD)
        rc = 0; /* zeros need not be read */
    else if (o->kind == OBJECT_ANON)
        rc = add_zero_locked(o, index, priority) ? 0 : -ENOMEM;
    else if (flags & OBJECT_NOWAIT)
        rc = -EAGAIN;
    else if (f && flags & OBJECT_AHEAD)
        rc = 0;
    else if (f) {
        pager_ops.io_free(io);
        return wait_busy_locked(o, f);
    } else {
        filled = io_fill_locked(o, io, index, priority);
        f = filled ? io->frames[0] : NULL;
        rc = filled ? 0 : -ENOMEM;
    }
    if (!filled) {
        spin_unlock(&o->lock);
        if (io)
            pager_ops.io_free(io);
        return rc;
    }
    frame_ref(f); /* until we have looked at how it ended */
    spin_unlock(&o->lock);
    count_add(COUNT_PAGE_IN, filled);
    rc = pager_ops.start(io);
    if (rc < 0)
        object_io_done(io, rc, 0);
    if (!(flags & OBJECT_AHEAD)) {
        spin_lock(&o->lock);
        rc = wait_busy_locked(o, f);
    }
    frame_unref(f);
    return rc;
}

bool object_has(struct object *o, uint64_t index)
{
    spin_lock(&o->lock);
    bool has = object_lookup_locked(o, index);
    spin_unlock(&o->lock);
    return has;
}

int object_read(struct object *o, uint64_t offset, void *to, uint64_t n)
{
    uint64_t done = 0;
    while (done < n) {
        uint64_t at = offset + done, step = PAGE_SIZE - (at & PAGE_MASK);
        if (step > n - done)
            step = n - done;
        spin_lock(&o->lock);
        bool past = at < offset || at > o->size || step > o->size - at;
        struct frame *f = past ? NULL : object_lookup_locked(o, at >> PAGE_SHIFT);
        if (f)
            memcpy((char *)to + done, (const char *)frame_address(f) + (at & PAGE_MASK), step);
        spin_unlock(&o->lock);
        if (past)
            return -ERANGE;
        if (f) {
            done += step;
            continue;
        }
        int rc = object_bring(o, at >> PAGE_SHIFT, 0);
        if (rc == -ENOMEM)
            rc = pager_ops.make_room();
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void in_done_locked(struct page_io *io, int error, uint64_t holes)
{
    struct object *o = io->object;
    for (unsigned i = 0; i < io->count; i++) {
        struct frame *f = io->frames[i];
        uint64_t at = (io->first + i) << PAGE_SHIFT;
        f->flags &= ~PAGE_BUSY;
        if (error)
            f->flags |= PAGE_ERROR;
        if (f->flags & PAGE_DETACHED)
            continue;
        if (error) {
            object_drop_page_locked(o, io->first + i, f);
            continue;
        }
        if (holes >> i & 1)
            f->flags |= PAGE_HOLE;
        /* The file may have shrunk while the supply was under way. */
        if (o->size < at + PAGE_SIZE && o->size > at)
            memset((char *)frame_address(f) + (o->size - at), 0, at + PAGE_SIZE - o->size);
    }
}

static void set_dirty_locked(struct object *o, struct frame *f)
{
    if (!(f->flags & PAGE_DIRTY)) {
        f->flags |= PAGE_DIRTY;
        o->dirty++;
        __atomic_fetch_add(&dirty_pages, 1, __ATOMIC_RELAXED);
    }
}

static void out_done_locked(struct page_io *io, int error)
{
    struct object *o = io->object;
    /* The server had it when the object was cut: what is left of it goes out anew. Each
     * of these takes a truncation, so that no server can have that for ever. */
    bool overtaken = error == -EAGAIN && io->cuts != o->cuts;
    for (unsigned i = 0; i < io->count; i++) {
        struct frame *f = io->frames[i];
        f->flags &= ~PAGE_WRITEBACK;
        if (f->flags & PAGE_DETACHED) /* truncated: nobody misses it */
            continue;
        if (error) {
            set_dirty_locked(o, f); /* and no newer than it was */
            if (!overtaken)
                o->error = error;
        } else {
            f->flags &= ~(PAGE_HOLE | PAGE_GRANTED);
        }
    }
    o->in_flight--;
}

void object_io_done(struct page_io *io, int error, uint64_t holes)
{
    struct object *o = io->object;
    spin_lock(&o->lock);
    if (io->out)
        out_done_locked(io, error);
    else
        in_done_locked(io, error, holes);
    for (unsigned i = 0; i < io->count; i++)
        frame_unref(io->frames[i]);
    if (io->out)
        o->out_io = io;
    wake_all(&o->wait);
    spin_unlock(&o->lock);
    if (!io->out)
        pager_ops.io_free(io);
    object_unref(o);
}

/* ------------------------------------------------------------------- dirt */

uint64_t object_anon_pages(void)
{
    return __atomic_load_n(&anon_pages, __ATOMIC_RELAXED);
}

uint64_t object_dirty_pages(void)
{
    return __atomic_load_n(&dirty_pages, __ATOMIC_RELAXED);
}

bool object_may_dirty_locked(struct object *o, const struct frame *f)
{
    return o->kind != OBJECT_PAGED || !(f->flags & PAGE_HOLE) || f->flags & PAGE_GRANTED;
}

#define SCAN_MAX 1024 /* pages looked at with the lock held */

/* As object_dirtyable, for at most SCAN_MAX pages: *from is where to go on, 0 at the end.
 * Lock held. */
static unsigned dirtyable_locked(struct object *o, uint64_t *from, struct abi_page_run *runs,
                                 unsigned room)
{
    unsigned n = 0;
    uint64_t index = *from;
    for (unsigned scanned = 0; scanned < SCAN_MAX; scanned++, index++) {
        const struct frame *f = pageindex_next(&o->pages, &index);
        *from = f ? index : 0;
        if (!f)
            return n;
        unsigned flags = page_is_away(f) ? away_flags(f) : f->flags;
        /* Whether one that is still to come is a hole, its server will say then. */
        if (flags & (PAGE_BUSY | PAGE_HOLE) && !(flags & PAGE_GRANTED))
            continue;
        if (n && runs[n - 1].first + runs[n - 1].count == index)
            runs[n - 1].count++;
        else if (n == room)
            return n;
        else
            runs[n++] = (struct abi_page_run){index, 1};
    }
    *from = index;
    return n;
}

unsigned object_dirtyable(struct object *o, uint64_t from, struct abi_page_run *runs, unsigned room)
{
    unsigned n = 0;
    do {
        spin_lock(&o->lock);
        n = dirtyable_locked(o, &from, runs, room);
        spin_unlock(&o->lock);
    } while (n == 0 && from && room);
    return n;
}

/* Asks the pager for blocks, and comes back with the lock held, unless it fails: its
 * server has not died since. */
static int reserve_and_lock(struct object *o, uint64_t first, unsigned count, uint64_t size)
{
    for (;;) {
        uint64_t deaths = pager_ops.deaths(o->port);
        int n = pager_ops.reserve(o, first, count, size);
        if (n <= 0)
            return n < 0 ? n : -ENOSPC;
        spin_lock(&o->lock);
        if (pager_ops.deaths(o->port) == deaths)
            return n;
        spin_unlock(&o->lock);
    }
}

int object_prepare_write(struct object *o, uint64_t first, unsigned count, uint64_t size, int flags)
{
    if (o->kind != OBJECT_PAGED)
        return (int)count;
    if (flags & OBJECT_NOWAIT)
        return -EAGAIN;
    int n = reserve_and_lock(o, first, count, size);
    if (n < 0)
        return n;
    for (int i = 0; i < n; i++) {
        struct frame *f = pageindex_get(&o->pages, first + i);
        if (page_is_away(f))
            object_flag_away_locked(o, first + i, PAGE_GRANTED);
        else if (f)
            f->flags |= PAGE_GRANTED;
    }
    spin_unlock(&o->lock);
    return n;
}

void object_mark_dirty_locked(struct object *o, struct frame *f)
{
    assert(spin_held(&o->lock));
    if (o->kind != OBJECT_PAGED)
        return;
    o->mtime_ns = pager_ops.now_ns();
    set_dirty_locked(o, f);
}

static bool may_send(const struct frame *f)
{
    return !page_is_away(f) &&
           (f->flags & (PAGE_DIRTY | PAGE_BUSY | PAGE_WRITEBACK)) == PAGE_DIRTY &&
           __atomic_load_n(&f->writers, __ATOMIC_ACQUIRE) == 0;
}

unsigned object_writeback(struct object *o, uint64_t from)
{
    spin_lock(&o->lock);
    struct page_io *io = o->out_io;
    struct frame *f = NULL;
    uint64_t index = from;
    if (io && !o->discarded)
        while ((f = pageindex_next(&o->pages, &index)) && !may_send(f))
            index++;
    if (f && index >= object_pages(o)) { /* never away: a page leaves only below the end */
        /* Left by a write that failed before it made the file longer. */
        object_drop_page_locked(o, index, f);
        f = NULL;
    }
    if (!f) {
        spin_unlock(&o->lock);
        return 0;
    }
    io->object = o;
    io->first = index;
    io->out = true;
    io->count = 0;
    while (f && io->count < PAGE_IO_MAX && may_send(f)) {
        /* No write may slip in behind the copy that the pager takes: mappings
         * lose W and D first, and the next store faults and dirties again. */
        region_clean_page_locked(o, index, f);
        f->flags = (f->flags & ~PAGE_DIRTY) | PAGE_WRITEBACK;
        object_less_dirty_locked(o);
        frame_ref(f);
        io->frames[io->count++] = f;
        f = pageindex_get(&o->pages, ++index);
    }
    unsigned n = io->count;
    o->out_io = NULL;
    o->out_since_ns = pager_ops.now_ns();
    o->in_flight++;
    object_ref(o);
    spin_unlock(&o->lock);
    count_add(COUNT_PAGE_OUT, n);
    int rc = pager_ops.start(io);
    if (rc < 0)
        object_io_done(io, rc, 0);
    return n;
}

/* What is stored must be in memory. Lock held, and dropped meanwhile. */
static int bring_dirty_back(struct object *o, uint64_t index)
{
    int rc = object_page_back(o, index, OBJECT_URGENT);
    if (rc == -ENOMEM)
        rc = pager_ops.make_room();
    spin_lock(&o->lock);
    return rc;
}

int object_sync(struct object *o)
{
    int rc = 0;
    uint64_t index = 0;
    spin_lock(&o->lock);
    while (rc == 0) {
        struct frame *f = pageindex_next(&o->pages, &index);
        if (!f)
            break;
        if (page_is_away(f)) {
            if (away_flags(f) & PAGE_DIRTY)
                rc = bring_dirty_back(o, index);
            else
                index++;
        } else if (!(f->flags & (PAGE_DIRTY | PAGE_WRITEBACK))) {
            index++;
        } else if (f->flags & PAGE_WRITEBACK || !o->out_io) {
            rc = wait_on(&o->wait, &o->lock, WAIT_KILLABLE, "write-back");
        } else {
            spin_unlock(&o->lock);
            object_writeback(o, index);
            spin_lock(&o->lock);
            /* A copy into the page may have been under way: then it was passed
             * over, and is looked at again. */
            f = pageindex_get(&o->pages, index);
            if (!f || (!page_is_away(f) && f->flags & PAGE_WRITEBACK))
                index++;
            else if (o->error)
                break;
        }
    }
    while (rc == 0 && o->in_flight)
        rc = wait_on(&o->wait, &o->lock, WAIT_KILLABLE, "write-back");
    if (rc == 0) {
        rc = o->error;
        o->error = 0;
    }
    spin_unlock(&o->lock);
    return rc;
}

void object_resize(struct object *o, uint64_t size)
{
    spin_lock(&o->lock);
    uint64_t old = o->size;
    o->size = size;
    if (size < old) {
        o->cuts++;
        uint64_t last = size >> PAGE_SHIFT;
        struct frame *f = size % PAGE_SIZE ? pageindex_get(&o->pages, last) : NULL;
        if (page_is_away(f)) {
            object_cut_away_locked(o, last, size % PAGE_SIZE);
            f = NULL;
        }
        /* A supply on its way still has the bytes that are cut off: whoever needs
         * that page asks for it anew. */
        bool stale = f && f->flags & PAGE_BUSY;
        object_detach_pages_locked(o, object_pages(o) - stale);
        if (stale)
            f = NULL;
        if (f)
            memset((char *)frame_address(f) + size % PAGE_SIZE, 0, PAGE_SIZE - size % PAGE_SIZE);
        wake_all(&o->wait);
    }
    spin_unlock(&o->lock);
}
