/*
 * Reclaim of anonymous memory: which private pages leave, by a second-chance scan
 * over page tables (docs/SWAP.md has the policy and its measurements).
 *
 * A hand goes round through all spaces, table by table, in virtual order. A page
 * seen in use since the last round (A was set) grows older, up to a limit; one not
 * in use grows younger, and leaves when it is young. The first touch of a new page
 * does not count: what is used once leaves before what is used again.
 *
 * Only private anonymous frames are ever candidates: kernel memory, tables, DMA
 * and object pages have other classes, and wired spaces are not scanned.
 */
#ifndef VM_RECLAIM_H
#define VM_RECLAIM_H

struct space;

/* A space takes part from here on, until it is taken off; that waits (spinning,
 * for a moment) for a scan of it to end. No lock held. */
void reclaim_enroll(struct space *s);
void reclaim_dismiss(struct space *s);

/* Evicts up to about n pages: freed, or on their way to the disk. Looks at a bounded
 * number of entries; *scanned: pages that it looked at. No lock held; waits for the
 * swap disk only. */
unsigned reclaim_anon(unsigned n, unsigned *scanned);

#endif
