/*
 * Physical memory: one struct frame per 4 KiB frame, a buddy allocator, and a
 * small cache of free frames per hart.
 *
 * Every frame has an owner class (enum abi_frame_class), and the classes' counts
 * sum to the total at any instant (the ledger). Classes other than anonymous
 * and object pages are pinned: reclaim never touches them.
 */
#ifndef VM_FRAME_H
#define VM_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi.h"
#include "kernel/lib/list.h"
#include "kernel/lib/lock.h"
#include "vm/layout.h"

#define FRAME_MAX_ORDER 10 /* largest run: 4 MiB */

/* Page flags of object pages; guarded by the object's lock. */
#define PAGE_BUSY       0x01 /* contents on their way in */
#define PAGE_DIRTY      0x02 /* newer than what the server has */
#define PAGE_WRITEBACK  0x04 /* contents on their way out */
#define PAGE_HOLE       0x08 /* not wholly backed by blocks */
#define PAGE_GRANTED    0x10 /* blocks for it are reserved */
#define PAGE_ERROR      0x20 /* page-in failed; the page leaves the object */
#define PAGE_DETACHED   0x40 /* truncated while busy: a later supply is dropped */
#define PAGE_REFERENCED 0x80 /* mapped or supplied since the scan for memory last passed */

struct object;

struct frame {
    struct spinlock lock; /* of a last-level table: the walk lock */
    uint32_t refs;        /* references; 0 = free. atomic */
    uint32_t writers;     /* copies into the page under way (object pages). atomic */
    uint8_t class;        /* enum abi_frame_class */
    uint8_t order;        /* of the run this frame heads */
    uint8_t flags;        /* PAGE_* */
    uint8_t size_class;   /* kmalloc: index of its slab */
    bool on_list;         /* (buddy lock) heads a free run */
    uint8_t age;          /* how often it was seen in use (vm/reclaim.h) */
    union {
        uint32_t in_use; /* kmalloc: objects handed out; kernel table: entries in use */
        uint32_t slot;   /* (swap lock) anonymous: swap slot + 1; 0 = none */
    };
    union {
        struct list link; /* free runs, slabs */
        struct {
            struct object *object; /* object page: its object and index */
            uint64_t index;
        };
    };
    void *free_objects; /* kmalloc: chain of free objects */
};

extern struct frame *frames; /* frames[pfn - frame_base] */
extern uint64_t frame_base, frame_span;

/* What an allocation may dip into. */
enum frame_priority {
    FRAME_USER,     /* stops at the user watermark */
    FRAME_NORMAL,   /* kernel memory: stops at the reserve */
    FRAME_CRITICAL, /* page tables, the pager and wired servers: to the last */
};

/* Boot: `span` frames from base_pfn on, described in storage, which is zeroed. Those that are not
 * added below are nobody's: not in the ledger, on no list. What is done for each frame of the
 * machine's memory is that zeroing alone. */
void frame_init(struct frame *storage, uint64_t base_pfn, uint64_t span);
/* Whole frames of RAM [start, end) that were not added before: the allocator's. */
void frame_add_free(paddr_t start, paddr_t end);
/* Frames of RAM that the kernel keeps. */
void frame_add_kernel(paddr_t start, paddr_t end);
/* Sets the watermarks, once all memory is known. */
void frame_set_watermarks(void);

/*
 * A run of 2^order frames, naturally aligned, with one reference on its head;
 * NULL when there is none at that priority. Contents are undefined (poison in
 * debug builds). Never reclaims, never sleeps; callable under any lock below
 * RANK_FRAME.
 */
struct frame *frame_alloc(enum abi_frame_class class, unsigned order, enum frame_priority priority);
/* The same for one frame, zeroed. */
struct frame *frame_alloc_zeroed(enum abi_frame_class class, enum frame_priority priority);
/* Gives a frame that is in use to another class. */
void frame_reclass(struct frame *f, enum abi_frame_class class);
/* Makes a run that was just allocated single frames, each with a reference of
 * its own: for frames that users map, and so may be held one by one. */
void frame_split(struct frame *f);

static inline void frame_ref(struct frame *f)
{
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
}

static inline uint32_t frame_refs(const struct frame *f)
{
    return __atomic_load_n(&f->refs, __ATOMIC_RELAXED);
}

/* For frame_unref: what it does if it had so few references, 1 or 0. */
void frame_unref_last(struct frame *f, uint32_t before);

/* Drops a reference; the last one frees the run. In line, for most are not the last: a call cost a
 * sixth of what fork and exit take for a page. */
static inline void frame_unref(struct frame *f)
{
    uint32_t before = __atomic_fetch_sub(&f->refs, 1, __ATOMIC_ACQ_REL);
    if (before <= 1)
        frame_unref_last(f, before);
}

static inline bool frame_valid(paddr_t pa)
{
    return (pa >> PAGE_SHIFT) - frame_base < frame_span;
}

static inline struct frame *frame_of(paddr_t pa)
{
    return &frames[(pa >> PAGE_SHIFT) - frame_base];
}

static inline paddr_t frame_paddr(const struct frame *f)
{
    return (paddr_t)(f - frames + frame_base) << PAGE_SHIFT;
}

#ifdef HOST_TEST
void *direct_map(paddr_t pa);
paddr_t direct_unmap(const void *va);
#else
/* Kernel address of physical memory, and back. */
static inline void *direct_map(paddr_t pa)
{
    return (void *)(pa + DIRECT_BASE);
}

static inline paddr_t direct_unmap(const void *va)
{
    return (paddr_t)va - DIRECT_BASE;
}
#endif

static inline void *frame_address(const struct frame *f)
{
    return direct_map(frame_paddr(f));
}

/* Free frames in all, per-hart caches included. */
uint64_t frame_free_count(void);
/* Those without the caches: one load. */
uint64_t frame_free_estimate(void);
/* True when free memory is below the watermark at which reclaim should run. */
bool frame_low(void);
/* True if an allocation of FRAME_USER would succeed. */
bool frame_available(void);
/* True while there is enough for a new process or thread: they are refused before
 * those that exist are refused a page. */
bool frame_plenty(void);
/* Frames to free until it is above it again; 0 if it is. */
uint64_t frame_shortage(void);
uint64_t frame_total(void);
/* Fills the class counts of the ledger. */
void frame_ledger(struct abi_memory *m);
/* Empties this hart's cache into the buddy lists. */
void frame_flush_cache(void);

#endif
