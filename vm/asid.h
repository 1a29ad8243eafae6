/*
 * Address-space identifiers, the switch of satp, and TLB shootdown.
 *
 * User spaces share the ASIDs 1..max in generations: when none is left a new
 * generation begins, spaces that run keep theirs, and every hart empties its TLB
 * before it enters a space of the new generation. ASID 0 is the kernel's own
 * root. With no more user ASIDs than harts there would be none left to give, so
 * then every space runs as ASID 0 and each switch empties the TLB.
 */
#ifndef VM_ASID_H
#define VM_ASID_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/layout.h"

struct space;

/* Part of struct space. */
struct asid_context {
    uint64_t id;     /* generation << 16 | asid; 0 = none yet (asid lock) */
    uint64_t active; /* harts whose satp names the space. atomic */
    uint64_t ran;    /* harts that ran it since its ASID was assigned. atomic */
    uint64_t stale;  /* harts that must fence its ASID before running it. atomic */
    uint64_t missed; /* harts that idled in it during a shootdown, and must likewise. atomic */
};

/* Probes ASIDLEN and applies the limit (bits; negative: no limit). harts: how
 * many will run. Call once, paging on. */
void asid_init(int limit_bits, unsigned harts);
/* User ASIDs in use; 0 when every switch fences. */
unsigned asid_count(void);
/* A generation has begun, and the hart empties its TLB before it enters a space. */
bool asid_must_flush(unsigned hart);

/* Makes this hart's satp name space (NULL: the kernel's own root), and does the fences that it
 * has been left. Before any thread runs, also if the space is the same. */
void space_switch(struct space *s);

/*
 * Makes every hart forget translations of [va, va + size) of the space, after
 * its entries have been changed. Returns when no hart can use an old one: harts
 * in the space are fenced, harts that ran it, or idle in it, are marked to fence
 * before they run it again. Never sleeps.
 */
void space_shootdown(struct space *s, vaddr_t va, uint64_t size);
/*
 * The same for all of the space, after tables have been taken out of it that are about to be
 * freed. Harts that idle in it are fenced, too: a processor may walk the tables of the space
 * it is in at any time, without an access, and what it found in memory that is something else
 * by then could stay in its TLB, global even.
 */
void space_shootdown_tables(struct space *s);
#define FENCE_EVERYTHING (~0ul)
/* The same for a kernel mapping: every hart. size FENCE_EVERYTHING: tables, too. */
void kernel_shootdown(vaddr_t va, uint64_t size);

#endif
