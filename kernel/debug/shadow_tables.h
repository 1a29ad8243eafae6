/*
 * What the files of the shadow tables share: the tables themselves, a hart's pool of them,
 * and the marks of frames. vm/shadow.h says what it is all for.
 *
 * Functions that take a struct shadow_hart are called with its lock held.
 */
#ifndef KERNEL_DEBUG_SHADOW_TABLES_H
#define KERNEL_DEBUG_SHADOW_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/lib/hart.h"
#include "kernel/lib/lock.h"
#include "vm/asid.h"
#include "vm/sv39.h"

#define SHADOWS      8 /* ASIDs that a hart remembers */
#define WINDOW_ROOTS (VMALLOC_SIZE / GIGAPAGE_SIZE)

struct shadow {
    const struct asid_context *context; /* whose it is; NULL: of one that is no more */
    uint64_t asid;
    paddr_t root;    /* for good */
    paddr_t real;    /* the root that it was filled from; 0: it is empty */
    bool must_empty; /* a shootdown left that to the hart, before it enters again */
    bool missed;     /* one did while the hart was idle in it; until it empties it */
};

struct shadow_hart {
    struct spinlock lock;
    bool online;                    /* runs on these tables */
    paddr_t root;                   /* the kernel's own */
    paddr_t window[WINDOW_ROOTS];   /* its tables of the vmalloc window */
    struct shadow shadows[SHADOWS]; /* (lock) */
    struct shadow *current;         /* (lock) satp names it; NULL: the kernel's own */
    unsigned next;                  /* (lock) to be taken for another ASID */
    paddr_t pool;                   /* (lock) free tables, chained by their struct frame */
    unsigned pool_count;            /* (lock) */
    uint32_t icache_fenced;         /* atomic: when it last fenced its instructions */
};

extern struct shadow_hart shadow_harts[MAX_HARTS];
extern unsigned shadow_count; /* harts that have tables */

static inline pte_t *shadow_table(paddr_t pa)
{
    return direct_map(pa);
}

/* The real table from which a shadow's table was made. */
static inline paddr_t shadow_origin(paddr_t table)
{
    return frame_of(table)->index;
}

/* Adds a table to the pool, or takes one, empty, that stands for a real one. */
void shadow_pool_put(struct shadow_hart *h, paddr_t table);
paddr_t shadow_pool_take(struct shadow_hart *h, paddr_t real);
/* Makes one entry invalid; all of a shadow; the one for va, if there is one. */
void shadow_forget_leaf(pte_t *leaf);
void shadow_forget(struct shadow_hart *h, struct shadow *s);
void shadow_forget_page(const struct shadow *s, vaddr_t va);

/* Makes the marks of all frames; shadow_count is set after. */
void shadow_frames_init(void);
/* n more entries name the frame, as a page or as a table. */
void shadow_reach(paddr_t pa, int n);
/* This hart is about to execute from the frame: panics if it has not done a fence.i. */
void shadow_check_fetch(paddr_t pa);

/* The hart's copy of the window's table that has va; 0: there is none. */
paddr_t shadow_window(const struct shadow_hart *h, vaddr_t va);
/* Brings the copy up to date: one page; all of it, without the tables that are gone. */
void shadow_window_page(struct shadow_hart *h, vaddr_t va);
void shadow_window_all(struct shadow_hart *h);

#endif
