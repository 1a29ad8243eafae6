/*
 * Reclaim of anonymous memory: which private pages leave, by a second-chance scan
 * over page tables (docs/SWAP.md has the policy and its measurements).
 *
 * A hand goes round through all spaces, table by table, in virtual order. A page
 * seen in use since the last round (A was set) grows older, up to a limit; one not
 * in use grows younger, and leaves when it is young. The first touch of a new page
 * does not count: what is used once leaves before what is used again.
 *
 * Only private anonymous frames are candidates here: kernel memory, tables and DMA
 * have other classes, wired spaces are not scanned, and object pages age by the same
 * rule where their objects are (vm/object_reclaim.c).
 */
#ifndef VM_RECLAIM_H
#define VM_RECLAIM_H

#include <stdbool.h>

#include "vm/frame.h"

struct space;

#define AGE_MAX   4 /* rounds in use that count */
#define AGE_LEAVE 1 /* not in use and no older: it leaves */
/* Of a page that comes back soon after it left: it was missed, so it is given the time until
 * its next use. Else pages that come back leave again before that, once a whole working set
 * has been driven out, and it never gets in again. */
#define AGE_MISSED 3

/* One round of the scan has come to the page: it grows older if it was used since the
 * last, and younger if not. True if it is to leave. */
static inline bool page_ages(struct frame *f, bool used)
{
    if (used) {
        if (f->age < AGE_MAX)
            f->age++;
        return false;
    }
    if (f->age <= AGE_LEAVE)
        return true;
    f->age--;
    return false;
}

/* A space takes part from here on, until it is taken off; that waits (spinning,
 * for a moment) for a scan of it to end. No lock held. */
void reclaim_enroll(struct space *s);
void reclaim_dismiss(struct space *s);

/* Evicts up to about n pages: freed, or on their way to the disk. Looks at a bounded
 * number of entries; *scanned: pages that it looked at, 0 if none can leave because swap
 * is full. No lock held; waits for the swap disk only. */
unsigned reclaim_anon(unsigned n, unsigned *scanned);
/* Looks at up to n pages, which grow older or younger, and evicts none. Before memory is short,
 * so that by then it is known which are used again. Nothing without swap. No lock held. */
void reclaim_sample(unsigned n);
/* Waits, spinning, until one of the scans that other harts are in has ended, which is a
 * table's time; at once if there is none. No lock held. */
void reclaim_wait_others(void);

#endif
