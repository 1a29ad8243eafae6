/* read and write on memory objects; the contract is in filedata.h. */
#include "kernel/filedata.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/object.h"
#include "vm/usercopy.h"

#define FILE_SIZE_MAX (1ul << 42) /* bytes; what block numbers of 32 bits can reach */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int64_t filedata_read(struct object *o, uint64_t to, uint64_t n, uint64_t offset)
{
    struct space *space = thread_self()->process->space;
    if (!user_range(to, n))
        return -EFAULT;
    uint64_t done = 0;
    int rc = 0;
    while (done < n && rc == 0) {
        uint64_t at = offset + done;
        spin_lock(&o->lock);
        if (at >= o->size || at < offset) {
            spin_unlock(&o->lock);
            break;
        }
        uint64_t step = least(least(PAGE_SIZE - (at & PAGE_MASK), n - done), o->size - at);
        struct frame *f = object_lookup_locked(o, at >> PAGE_SHIFT);
        if (f)
            frame_ref(f);
        spin_unlock(&o->lock);
        if (!f) {
            rc = object_bring(o, at >> PAGE_SHIFT, 0);
            if (rc == -ENOMEM)
                rc = pager_ops.make_room();
            if (rc == -ERANGE) /* truncated meanwhile */
                break;
            continue;
        }
        const char *bytes = (const char *)frame_address(f) + (at & PAGE_MASK);
        uint64_t moved = try_copy_to_user(space, to + done, bytes, step);
        frame_unref(f);
        done += moved;
        if (moved < step)
            rc = user_fault(space, to + done, ACCESS_WRITE, 0);
    }
    return done || rc == -ERANGE ? (int64_t)done : rc;
}

/* One write call: what it has been granted so far. */
struct writing {
    struct object *object;
    struct space *space;
    uint64_t from;        /* user address of the next byte */
    uint64_t at;          /* offset of the next byte */
    uint64_t left;        /* bytes */
    uint64_t granted_end; /* blocks are reserved up to this offset, */
    uint64_t deaths;      /* by a server that lives if so many have died */
};

/* The busy mark: writes to a file are one after the other, so that appends do
 * not overlap and each write is seen whole. */
static int begin(struct object *o)
{
    int rc = 0;
    spin_lock(&o->lock);
    while (o->writing && rc == 0)
        rc = wait_on(&o->wait, &o->lock, WAIT_KILLABLE, "write");
    if (rc == 0)
        o->writing = true;
    spin_unlock(&o->lock);
    return rc;
}

static void end(struct object *o)
{
    spin_lock(&o->lock);
    o->writing = false;
    wake_all(&o->wait);
    spin_unlock(&o->lock);
}

/* Reserves blocks for what is left, as far as one request goes. */
static int reserve(struct writing *w)
{
    struct object *o = w->object;
    uint64_t first = w->at >> PAGE_SHIFT;
    uint64_t pages = ((w->at + w->left - 1) >> PAGE_SHIFT) - first + 1;
    unsigned count = (unsigned)least(pages, PAGE_IO_MAX);
    uint64_t size = least(w->at + w->left, (first + count) << PAGE_SHIFT);
    w->deaths = pager_ops.deaths(o->port);
    int n = object_prepare_write(o, first, count, size > o->size ? size : o->size, 0);
    if (n < 0)
        return n;
    w->granted_end = (first + (unsigned)n) << PAGE_SHIFT;
    return 0;
}

/* A frame with the next page's bytes, if all of that is written and it lies behind the end: so it
 * need not be zeroed first (550 instructions). NULL: it has to go the usual way. */
static struct frame *fill_ahead(const struct writing *w, uint64_t step)
{
    const struct object *o = w->object;
    if (step < PAGE_SIZE || w->at < o->size || w->at + step > w->granted_end)
        return NULL;
    struct frame *f = object_frame_alloc(o);
    if (f && try_copy_from_user(w->space, frame_address(f), w->from, PAGE_SIZE) < PAGE_SIZE) {
        frame_unref(f);
        f = NULL;
    }
    return f;
}

static struct frame *add_fresh_locked(struct object *o, uint64_t index, struct frame *filled)
{
    if (!filled)
        return object_add_zero_locked(o, index);
    return object_add_filled_locked(o, index, filled) ? filled : NULL;
}

/* The frame for the next byte, marked dirty and with a copy under way: 0. `filled`, if not NULL,
 * becomes that frame if none is there. Or what await_page needs to know, as an error. */
static int enter_page(struct writing *w, uint64_t step, struct frame *filled, struct frame **out)
{
    struct object *o = w->object;
    uint64_t index = w->at >> PAGE_SHIFT;
    spin_lock(&o->lock);
    if (o->kind == OBJECT_PAGED && w->granted_end && pager_ops.deaths(o->port) != w->deaths)
        w->granted_end = 0;
    struct frame *f = object_lookup_locked(o, index);
    bool fresh = !f && index >= object_pages(o) && object_empty_at_locked(o, index);
    bool grows = w->at + step > o->size;
    int rc = 0;
    if (o->discarded)
        rc = -EIO;
    else if (!f && !fresh)
        rc = -ENOENT;
    else if ((grows || fresh || !object_may_dirty_locked(o, f)) && w->at + step > w->granted_end &&
             o->kind == OBJECT_PAGED)
        rc = -EAGAIN;
    else if (object_dirty_pages() > frame_total() / 4 && (fresh || !(f->flags & PAGE_DIRTY)))
        rc = -EBUSY;
    else if (fresh && !(f = add_fresh_locked(o, index, filled)))
        rc = -ENOMEM;
    if (rc == 0) {
        object_mark_dirty_locked(o, f);
        if (w->at + step <= w->granted_end)
            f->flags |= PAGE_GRANTED;
        __atomic_fetch_add(&f->writers, 1, __ATOMIC_RELAXED);
        frame_ref(f);
        *out = f;
    }
    spin_unlock(&o->lock);
    return rc;
}

/* Does what enter_page said has to be done, with no lock held, nor any frame: 0, then the page is
 * looked at anew, or -errno. Sleeps. */
static int await_page(struct writing *w, int rc)
{
    if (rc == -ENOENT)
        rc = object_bring(w->object, w->at >> PAGE_SHIFT, 0);
    else if (rc == -EAGAIN)
        rc = reserve(w);
    else if (rc == -EBUSY)
        rc = pager_ops.throttle();
    else if (rc != -ENOMEM)
        return rc;
    if (rc == -ENOMEM)
        rc = pager_ops.make_room();
    return rc < 0 && rc != -ERANGE ? rc : 0;
}

/* Copies what fits in one page. */
static int write_some(struct writing *w)
{
    uint64_t step = least(PAGE_SIZE - (w->at & PAGE_MASK), w->left), moved = step;
    int rc = user_prefault(w->space, w->from, step, ACCESS_READ);
    if (rc)
        return rc;
    struct frame *f = NULL, *filled = fill_ahead(w, step);
    rc = enter_page(w, step, filled, &f);
    if (filled && f != filled)
        frame_unref(filled);
    if (rc)
        return await_page(w, rc);
    if (f != filled)
        moved = try_copy_from_user(w->space, (char *)frame_address(f) + (w->at & PAGE_MASK),
                                   w->from, step);
    struct object *o = w->object;
    spin_lock(&o->lock);
    __atomic_fetch_sub(&f->writers, 1, __ATOMIC_RELEASE);
    /* Unless a truncation has taken the page away meanwhile. */
    if (moved && w->at + moved > o->size && !(f->flags & PAGE_DETACHED))
        o->size = w->at + moved;
    spin_unlock(&o->lock);
    frame_unref(f);
    w->from += moved;
    w->at += moved;
    w->left -= moved;
    return 0;
}

int64_t filedata_write(struct object *o, uint64_t from, uint64_t n, uint64_t *offset, int append)
{
    if (!user_range(from, n))
        return -EFAULT;
    int rc = begin(o);
    if (rc < 0)
        return rc;
    if (append)
        *offset = o->size; /* only a write makes a file longer, and this is the one */
    struct writing w = {.object = o,
                        .space = thread_self()->process->space,
                        .from = from,
                        .at = *offset,
                        .left = n};
    if (w.at > FILE_SIZE_MAX || n > FILE_SIZE_MAX - w.at)
        rc = -EFBIG;
    while (w.left && rc == 0)
        rc = write_some(&w);
    end(o);
    uint64_t done = n - w.left;
    *offset = w.at;
    return done ? (int64_t)done : rc;
}
