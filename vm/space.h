/*
 * Address spaces: a root table and the regions that say what may be there.
 */
#ifndef VM_SPACE_H
#define VM_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/lib/list.h"
#include "kernel/lib/lock.h"
#include "vm/asid.h"
#include "vm/layout.h"
#include "vm/object.h"

#define REGION_SHARED 1
#define REGION_STACK  2 /* grows down on fault */
#define REGION_HEAP   4 /* what brk moves */
#define REGION_WIRED  8 /* its pages stay in memory */

/* [start, end) of a space. Of a region with an object, start, end and offset
 * change only under the object's lock, too. */
struct region {
    vaddr_t start, end;
    unsigned prot;         /* ABI_PROT_* */
    unsigned max_prot;     /* what mprotect may give */
    unsigned flags;        /* REGION_* */
    struct object *object; /* NULL: private anonymous memory */
    uint64_t offset;       /* of start in the object, bytes */
    struct list link;      /* (object's lock) object->regions */
    struct space *space;
    void *backing; /* kept alive by the mapping (the file's session); may be NULL */
    char name[16];
};

struct space {
    uint32_t refs; /* atomic */
    struct spinlock lock;
    paddr_t root;
    struct asid_context asid;
    struct region **regions;  /* (lock) by address */
    unsigned count, capacity; /* (lock) */
    vaddr_t brk_start, brk;   /* (lock) */
    uint64_t resident;        /* atomic: leaves in the user half */
    uint64_t swapped;         /* atomic: entries that name a swap slot */
    uint64_t icache_stale;    /* atomic: harts to fence.i before they run it */
    bool wired;               /* its pages may come from the reserve, and stay */
    bool drives;              /* (lock) has mapped a device's registers */
    /* reclaim.c */
    struct list reclaim_link; /* (reclaim lock) */
    bool scanned;             /* (reclaim lock) busy mark: a scan is in it */
    vaddr_t reclaim_hand;     /* the scanner's: where it goes on */
    /* Swapping in: the slot before, and how far ahead to read. */
    uint32_t swap_last;   /* (lock) */
    unsigned swap_window; /* (lock) */
};

/* How a mapping keeps the thing behind its object alive (filled by the kernel). */
struct backing_ops {
    void (*ref)(void *backing);
    void (*unref)(void *backing);
};
extern struct backing_ops backing_ops;

struct space *space_create(void);
void space_ref(struct space *s);
/* The last reference frees regions, pages and tables. Not while this hart's
 * satp names it; waits until no other (idle) hart's does. */
void space_unref(struct space *s);

struct space_mapping {
    vaddr_t addr;  /* where, or a hint; 0 = anywhere */
    uint64_t size; /* bytes, rounded up to pages */
    unsigned prot, max_prot;
    unsigned flags;        /* REGION_* */
    bool fixed;            /* exactly at addr; what is there goes */
    struct object *object; /* referenced by the call, not consumed */
    uint64_t offset;
    void *backing;
    const char *name;
};
/* The address, or -errno (-EINVAL, -ENOMEM). Never sleeps. */
int64_t space_map(struct space *s, const struct space_mapping *m);
/* 0 or -EINVAL, -ENOMEM (a region would have to be split). */
int space_unmap(struct space *s, vaddr_t addr, uint64_t size);
/* 0; -EINVAL; -ENOMEM, also if part of the range is a hole; -EACCES: more than a mapping
 * may ever have, or W with X. Nothing is changed then. */
int space_protect(struct space *s, vaddr_t addr, uint64_t size, unsigned prot);
/* Calls fn with the lock held for the base of each device whose registers this space,
 * and not one that it was forked from, has mapped for writing. */
void space_for_each_driven(struct space *s, void (*fn)(paddr_t base));
/* Moves the end of the heap; the (new) break. */
int64_t space_brk(struct space *s, vaddr_t brk);
/* A copy-on-write copy; NULL when memory is out (the parent is unharmed). */
struct space *space_fork(struct space *parent);

/* The region that holds va, or NULL. Lock held. */
struct region *space_find_locked(struct space *s, vaddr_t va);
/* Whether no part of the range is a hole. Lock held. */
bool space_covers_locked(const struct space *s, vaddr_t addr, uint64_t size);
/* Cuts regions so that none crosses addr or addr + size. 0 or -ENOMEM. Lock held. */
int space_isolate_locked(struct space *s, vaddr_t addr, uint64_t size);
/* The index of the first region that ends above va. Lock held. */
unsigned space_search_locked(const struct space *s, vaddr_t va);

#define ACCESS_READ  1
#define ACCESS_WRITE 2
#define ACCESS_EXEC  4
#define FAULT_NOWAIT 1

/*
 * Makes va accessible in the way named. No lock held; may sleep, killable, unless
 * NOWAIT (-EAGAIN). 0; -EFAULT no such access; -ENXIO past an object's end, -EIO
 * its pager failed (both are SIGBUS); -ENOMEM; -ENOSPC (SIGBUS); -EINTR.
 */
int space_fault(struct space *s, vaddr_t va, unsigned access, int flags);

/* Object side (object's lock held): takes page `index` out of every region that
 * maps it; and takes away the right to write it. */
void region_unmap_page_locked(struct object *o, uint64_t index, const struct frame *f);
void region_clean_page_locked(struct object *o, uint64_t index, const struct frame *f);
/* How the page is used by those who map it, PAGE_USE_*; A is cleared, and so is not set
 * by harts that still know the old entry until region_shootdown_locked. */
#define PAGE_USE_YOUNG 1 /* used since it was asked last */
#define PAGE_USE_WIRED 2 /* wired, or mapped by a wired process */
unsigned region_page_use_locked(struct object *o, uint64_t index, const struct frame *f);
/* Takes the page out of every region that maps it, but those that have it wired; harts may know the
 * entries until region_shootdown_locked, and until then the page must stay as it is. True if there
 * was one. */
bool region_unmap_later_locked(struct object *o, uint64_t index, const struct frame *f);
/* Makes every hart forget what it knows of the object's mappings. */
void region_shootdown_locked(struct object *o);
/* Instructions may have changed: every hart forgets old ones before it runs the
 * space's code again. */
void space_icache_sync(struct space *s);

#endif
