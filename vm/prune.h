/*
 * Page tables that map nothing are given back.
 *
 * A last-level table stays while a region lies in its 2 MiB, and a table of those while one
 * lies in its 1 GiB; also while there is nothing in the table yet, or no more.
 */
#ifndef VM_PRUNE_H
#define VM_PRUNE_H

#include "vm/space.h"

/*
 * Frees the tables of [start, end) that are not needed any more: no region lies in what they
 * map, or only anonymous ones all of which the range covers. The space's lock is held, and
 * the caller has cleared all entries of the range. No hart reaches a table when it is freed:
 * spins until other harts are out of theirs (walk_begin). Never sleeps.
 */
void prune_tables_locked(struct space *s, vaddr_t start, vaddr_t end);

#endif
