/*
 * Regions: their life, and the page-table entries within them. Used by vm/
 * only. "Space lock" is the lock of the region's space.
 */
#ifndef VM_REGION_H
#define VM_REGION_H

#include <stdbool.h>

#include "vm/space.h"
#include "vm/sv39.h"

/* A region not yet in a space, start and end unset; references taken. */
struct region *region_create(struct space *s, const struct space_mapping *m);
/* A copy for another space, with its own references. */
struct region *region_copy(const struct region *r, struct space *s);
/* Cuts r at va; the upper part is returned, attached. NULL: no memory. */
struct region *region_split(struct region *r, vaddr_t va);
/* Lets the object know of the region; undone by region_free. */
void region_attach(struct region *r);
/* Gives up the references; the pages must have been cleared. */
void region_free(struct region *r);

/* Removes the entries of [start, end), shoots them down, drops their frames.
 * Space lock held, or the space is dying. */
void region_clear_pages(struct region *r, vaddr_t start, vaddr_t end);
/* Takes from the entries what r->prot no longer allows. Space lock held. */
void region_protect_pages(struct region *r);
/* Wires the region, or no more: its pages then stay, those that are there and those that
 * come. Counts off what is wired no more. Space lock held. */
void region_wire_pages(struct region *r, bool wired);
/* That many bytes more are to be wired. -ENOMEM: all have wired their share already. */
int region_wired_add(uint64_t bytes);
/* A wired region has become larger by that, whatever the limit. */
void region_wired_grew(uint64_t bytes);
/* Shares the parent's private pages with the child's region, copy on write. Sets
 * *protected if parent entries lost W: the caller must shoot them down. */
bool region_share_pages(struct region *parent, struct region *child, bool *protected);

/* The permission bits of a leaf in r. write: the page may be written as it is. */
static inline uint64_t region_pte_flags(const struct region *r, bool write)
{
    uint64_t wired = r->flags & REGION_WIRED ? PTE_WIRED : 0;
    if (!(r->prot & (ABI_PROT_READ | ABI_PROT_WRITE | ABI_PROT_EXEC)))
        return PTE_V | PTE_R | PTE_A | wired; /* PROT_NONE: a leaf without U */
    uint64_t flags = PTE_V | PTE_U | PTE_A | wired;
    /* W without R is reserved (table 4.5), so writable implies readable. */
    if (r->prot & (ABI_PROT_READ | ABI_PROT_WRITE))
        flags |= PTE_R;
    if (r->prot & ABI_PROT_EXEC)
        flags |= PTE_X;
    if (write && r->prot & ABI_PROT_WRITE)
        flags |= PTE_W | PTE_D;
    return flags;
}

#endif
