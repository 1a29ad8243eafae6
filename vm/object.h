/*
 * Memory objects: pages that regions map and files are read from.
 *
 *   anonymous  zero-filled on first touch; shared by fork or by passing it on
 *   paged      a pager (a server behind a port) supplies and stores the pages;
 *              named (port, key) and cached as long as memory lasts
 *   physical   device registers, or DMA memory that the object owns
 *
 * A page of a paged object, by the flags of its frame (guarded by the lock):
 *
 *   absent -> BUSY            somebody needs it: page_in sent to the pager
 *   BUSY -> clean             supplied. PAGE_HOLE: blocks are missing behind it
 *   BUSY -> absent            the pager failed; those who wait get the error
 *   clean -> DIRTY            written; a hole needs blocks reserved first
 *   DIRTY -> WRITEBACK        sent to the pager; mappings write-protected before
 *   WRITEBACK -> clean        stored. Dirtied meanwhile: it is DIRTY again
 *   any -> DETACHED           truncated with I/O in flight; leaves the object
 *   clean -> absent           dropped to free memory
 *   DIRTY -> away             in swap, because its pager does not take it in time;
 *                             comes back DIRTY. The pager is not asked for it
 *
 * Pages of anonymous objects have no flags; they leave for swap and come back.
 */
#ifndef VM_OBJECT_H
#define VM_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/lib/list.h"
#include "kernel/lib/lock.h"
#include "kernel/lib/wait.h"
#include "vm/frame.h"
#include "vm/pageindex.h"

#define PAGE_IO_MAX 16 /* pages in one transfer */

enum object_kind { OBJECT_ANON, OBJECT_PAGED, OBJECT_PHYSICAL };

/* One transfer between a paged object and its pager; holds the object and each
 * frame until object_io_done. */
struct page_io {
    struct object *object;
    uint64_t first; /* page index */
    unsigned count;
    bool out;
    uint64_t cuts; /* out: the object's when the server took it */
    struct frame *frames[PAGE_IO_MAX];
};

/* What vm/ asks of the layer that knows ports. */
struct pager_ops {
    /* Memory for a transfer, the pager's own part included; NULL when out. */
    struct page_io *(*io_alloc)(void);
    void (*io_free)(struct page_io *io);
    /* Sends it off; object_io_done follows sooner or later, unless this fails. */
    int (*start)(struct page_io *io);
    /* Reserves blocks for pages about to be dirtied, in a file that will have
     * `size` bytes. Sleeps; no lock held. Pages reserved, or -errno. */
    int (*reserve)(struct object *o, uint64_t first, unsigned count, uint64_t size);
    /* How many servers of the port have died. What one of them had reserved is void
     * unless a page says so: the next one asks for these. Never sleeps. */
    uint64_t (*deaths)(void *port);
    void (*port_ref)(void *port);
    void (*port_unref)(void *port);
    uint64_t (*now_ns)(void); /* wall-clock time, for mtime */
    /* No lock held, both sleep, killable. make_room: memory was refused; 0 if it
     * is worth another try, -ENOMEM if not, -EINTR. throttle: waits while too
     * many pages are dirty; 0 or -EINTR. */
    int (*make_room)(void);
    int (*throttle)(void);
};
extern struct pager_ops pager_ops;

struct object {
    uint32_t refs; /* atomic; a cached object may live with none */
    struct spinlock lock;
    enum object_kind kind;
    uint32_t id;            /* for listings; unique */
    uint64_t size;          /* (lock) bytes */
    uint64_t cuts;          /* (lock) times that it became shorter */
    struct pageindex pages; /* (lock) */
    uint64_t resident;      /* (lock) pages in memory */
    uint64_t away;          /* (lock) pages in swap */
    uint64_t dirty;         /* (lock) pages newer than what the pager has, both kinds */
    uint64_t in_flight;     /* (lock) transfers out */
    uint64_t out_since_ns;  /* (lock) when the last transfer out began */
    uint64_t hand;          /* (lock) page that the scan for old ones goes on at */
    int error;              /* (lock) of a failed write-back, for the next fsync */
    uint64_t mtime_ns;      /* (lock) last write; 0 = none since it was created */
    struct list regions;    /* (lock) that map it */
    struct waitq wait;      /* (lock) for pages to stop being busy or in flight */
    struct list cache_link; /* (objects lock) all with pages, oldest first */
    bool writing;           /* (lock) busy mark: one write call at a time */
    bool discarded;         /* (lock) no longer named */
    uint32_t sessions;      /* atomic: files open on it */
    /* paged */
    void *port;
    uint64_t key;
    struct page_io *out_io; /* (lock) for write-back; NULL while it is in flight */
    struct list name_link;  /* (objects lock) hash chain */
    /* physical */
    paddr_t base;
    struct frame *owned; /* DMA: the first frame */
    bool boot;           /* a program of the initial RAM image */
};

struct object *object_create_anon(uint64_t size);
/* Device registers at base; or, with owned, single frames in a
 * row that go with it. */
struct object *object_create_physical(paddr_t base, uint64_t size, struct frame *owned);
/* The object (port, key), made with that size if there is none. NULL: no memory. */
struct object *object_open(void *port, uint64_t key, uint64_t size);
/* The same, but only if it exists. */
struct object *object_find(void *port, uint64_t key);
void object_ref(struct object *o);
/* Drops a reference. A paged object then stays cached until its pages go. */
void object_unref(struct object *o);

static inline uint64_t object_pages(const struct object *o)
{
    return page_round_up(o->size) >> PAGE_SHIFT;
}

/* Copies bytes [offset, offset + n) to kernel memory, bringing pages in; sleeps.
 * 0, or -ERANGE past the end, or as object_bring. */
int object_read(struct object *o, uint64_t offset, void *to, uint64_t n);

#define OBJECT_NOWAIT 1 /* -EAGAIN instead of waiting for the pager */
#define OBJECT_URGENT 2 /* memory was refused before: go deeper into what is left */
#define OBJECT_AHEAD  4 /* starts a read, and waits for none */

/* The page, if it is in memory and usable now; NULL otherwise. Lock held. */
struct frame *object_lookup_locked(struct object *o, uint64_t index);
/* Whether there is such a page. No lock held. */
bool object_has(struct object *o, uint64_t index);
/* True if the object has nothing at index: no page in memory, on its way, or in swap.
 * Lock held. */
static inline bool object_empty_at_locked(const struct object *o, uint64_t index)
{
    return !pageindex_get(&o->pages, index);
}
/*
 * Sees to it that the page is in memory (it may be dropped again right after:
 * look it up under the lock and retry). No lock held; sleeps unless NOWAIT; with
 * AHEAD the page may still be on its way.
 * -ERANGE past the end; -EIO pager failure; -ENOMEM; -EINTR; -EAGAIN.
 */
int object_bring(struct object *o, uint64_t index, int flags);
/* True if the page may be dirtied as it stands (blocks exist or are reserved). */
bool object_may_dirty_locked(struct object *o, const struct frame *f);
/* Runs of pages from one on that may become dirty without the pager being asked (`room`
 * of them at most). Their number; 0: there are no more. Takes the lock. */
unsigned object_dirtyable(struct object *o, uint64_t from, struct abi_page_run *runs,
                          unsigned room);
/* Reserves what the pages lack. No lock held; sleeps. Pages granted (1..count)
 * or -errno. */
int object_prepare_write(struct object *o, uint64_t first, unsigned count, uint64_t size,
                         int flags);
void object_mark_dirty_locked(struct object *o, struct frame *f);
/* A new zeroed page for a write at or past the end, where there is nothing to
 * read. Lock held. NULL: no memory. */
struct frame *object_add_zero_locked(struct object *o, uint64_t index);
/* The same with a frame of object_frame_alloc (NULL: no memory) that the caller has filled, and
 * which is the object's then; false: no memory, and it is the caller's still. */
struct frame *object_frame_alloc(const struct object *o);
bool object_add_filled_locked(struct object *o, uint64_t index, struct frame *f);

/* The end of a transfer: error 0 or -errno; holes: bit i set if page i is not
 * wholly backed. Frees io. Never sleeps. */
void object_io_done(struct page_io *io, int error, uint64_t holes);
/* Truncates or extends. Never waits for transfers in flight. */
void object_resize(struct object *o, uint64_t size);
/* Forgets name, pages and dirt. */
void object_discard(struct object *o);
/* Forgets every object of a port that was given up; dirty pages dropped in all. */
uint64_t object_discard_port(void *port);

/* Starts storing dirty pages from index on (one transfer at most). Pages sent,
 * 0 if there was nothing to do or a transfer is in flight already. */
unsigned object_writeback(struct object *o, uint64_t from);
/* Stores all pages that are dirty now, and waits for it. No lock held. */
int object_sync(struct object *o);
/* Calls fn for each paged object, with a reference, no lock held. port NULL: all. */
void object_for_each(void *port, void (*fn)(struct object *, void *), void *arg);
/* Brings dirty pages that are in swap back (up to one transfer of them), so that they
 * can be stored. No lock held; waits for the swap disk. False: none came. */
bool object_recall(struct object *o);
/* Drops up to n clean pages that nobody maps. Never sleeps. Pages freed. */
uint64_t object_drop_unused(uint64_t n);
/* Frees up to n pages that have not been used for some rounds of the scan, mapped ones
 * too: clean ones are dropped, those of anonymous objects and those that their pager
 * does not take in time go to swap. Looks at some pages for each, and adds their number
 * to *scanned. No lock held; waits for the swap disk only. Pages freed, or on their
 * way. */
uint64_t object_drop_old(uint64_t n, unsigned *scanned);
/* Dirty pages of all objects, in memory or in swap. */
uint64_t object_dirty_pages(void);
/* Pages of anonymous objects that are in memory. */
uint64_t object_anon_pages(void);

#endif
