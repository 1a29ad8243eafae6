/* Page tables that map nothing; the contract is in prune.h. */
#include "vm/prune.h"

#include "kernel/lib/lock.h"
#include "vm/sv39.h"

#define BATCH 32 /* tables for one shootdown */

/* Tables that no entry names any more, but harts may still know. */
struct unlinked {
    struct frame *tables[BATCH];
    unsigned count;
};

struct range {
    vaddr_t start, end;
};

/* All of the space is fenced: a hart may have kept the way down to a table, and sfence.vma with
 * an address is about leaves only (section 4.2.1). */
static void free_unlinked(struct space *s, struct unlinked *u)
{
    if (!u->count)
        return;
    space_shootdown_tables(s);
    walk_wait_others();
    for (unsigned i = 0; i < u->count; i++)
        frame_unref(u->tables[i]);
    u->count = 0;
}

static void unlink_table(struct space *s, pte_t *entry, struct unlinked *u)
{
    if (u->count == BATCH)
        free_unlinked(s, u);
    u->tables[u->count++] = frame_of(pte_paddr(pte_exchange(entry, 0)));
}

/*
 * May there be entries in what a table maps, or may somebody be on the way to one? Other
 * processes look for the pages of an object in every region that has it attached, with no
 * lock of the space's; so a region with an object keeps its tables.
 */
static bool needed(const struct space *s, vaddr_t start, uint64_t size, struct range cleared)
{
    bool inside = cleared.start <= start && start + size <= cleared.end;
    for (unsigned i = space_search_locked(s, start);
         i < s->count && s->regions[i]->start < start + size; i++)
        if (!inside || s->regions[i]->object)
            return true;
    return false;
}

static bool all_zero(const pte_t *table)
{
    for (unsigned i = 0; i < SV39_ENTRIES; i++)
        if (pte_load(&table[i]))
            return false;
    return true;
}

/* Unlinks what the middle table for `at` names and the range no longer needs. */
static void prune_middle(struct space *s, pte_t *middle, vaddr_t at, vaddr_t end,
                         struct range cleared, struct unlinked *u)
{
    for (; at < end; at += MEGAPAGE_SIZE) {
        pte_t *entry = &middle[sv39_index(at, 1)];
        if (pte_load(entry) & PTE_V && !needed(s, at, MEGAPAGE_SIZE, cleared))
            unlink_table(s, entry, u);
    }
}

void prune_tables_locked(struct space *s, vaddr_t start, vaddr_t end)
{
    struct range cleared = {start, end};
    struct unlinked u = {.count = 0};
    pte_t *root = direct_map(s->root);
    for (vaddr_t at = start & ~(MEGAPAGE_SIZE - 1); at < end;) {
        vaddr_t giga = at & ~(GIGAPAGE_SIZE - 1), next = giga + GIGAPAGE_SIZE;
        pte_t *entry = &root[sv39_index(at, 2)];
        if (pte_load(entry) & PTE_V) {
            pte_t *middle = direct_map(pte_paddr(pte_load(entry)));
            prune_middle(s, middle, at, next < end ? next : end, cleared, &u);
            if (all_zero(middle) && !needed(s, giga, GIGAPAGE_SIZE, cleared))
                unlink_table(s, entry, &u);
        }
        at = next;
    }
    free_unlinked(s, &u);
}
