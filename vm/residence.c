/* mlock, madvise and mincore; the contract is in residence.h. */
#include "vm/residence.h"

#include "kernel/errno.h"
#include "vm/prune.h"
#include "vm/region.h"
#include "vm/swap.h"
#include "vm/usercopy.h"

/* Rounds a range out to pages and locks the space, if all of it is mapped. */
static int enter(struct space *s, vaddr_t *addr, uint64_t *size)
{
    vaddr_t start = page_round_down(*addr), end = page_round_up(*addr + *size);
    if (*addr + *size < *addr || end < start || start < USER_MIN || end > USER_END)
        return -ENOMEM;
    *addr = start;
    *size = end - start;
    spin_lock(&s->lock);
    if (space_covers_locked(s, start, end - start))
        return 0;
    spin_unlock(&s->lock);
    return -ENOMEM;
}

/* ------------------------------------------------------------------- wiring */

static uint64_t not_wired_locked(struct space *s, vaddr_t addr, uint64_t size)
{
    uint64_t bytes = 0;
    for (unsigned i = space_search_locked(s, addr);
         i < s->count && s->regions[i]->start < addr + size; i++)
        if (!(s->regions[i]->flags & REGION_WIRED))
            bytes += s->regions[i]->end - s->regions[i]->start;
    return bytes;
}

/* Marks a range as wired, or no longer so. */
static int mark(struct space *s, vaddr_t addr, uint64_t size, bool wired)
{
    int rc = enter(s, &addr, &size);
    if (rc < 0)
        return rc;
    rc = space_isolate_locked(s, addr, size);
    if (rc == 0 && wired)
        rc = region_wired_add(not_wired_locked(s, addr, size));
    for (unsigned i = space_search_locked(s, addr);
         rc == 0 && i < s->count && s->regions[i]->start < addr + size; i++)
        region_wire_pages(s->regions[i], wired);
    spin_unlock(&s->lock);
    return rc;
}

/* How pages of a region are brought in to be wired; 0: they cannot be. */
static unsigned access_of(const struct region *r)
{
    if (r->prot & ABI_PROT_WRITE && !(r->flags & REGION_SHARED))
        return ACCESS_WRITE; /* with a copy of its own; but a shared page is not made dirty */
    if (r->prot & (ABI_PROT_READ | ABI_PROT_WRITE))
        return ACCESS_READ;
    return r->prot & ABI_PROT_EXEC ? ACCESS_EXEC : 0;
}

static int populate(struct space *s, vaddr_t at, vaddr_t end)
{
    int rc = 0;
    while (at < end && rc == 0) {
        spin_lock(&s->lock);
        struct region *r = space_find_locked(s, at);
        vaddr_t stop = r && r->end < end ? r->end : end;
        unsigned access = r ? access_of(r) : 0;
        /* Registers and DMA memory are no frames that could leave. */
        bool stays = r && r->object && r->object->kind == OBJECT_PHYSICAL;
        spin_unlock(&s->lock);
        if (!stays)
            rc = access ? user_prefault(s, at, stop - at, access) : -ENOMEM;
        at = stop;
    }
    return rc == -EFAULT || rc == -ENXIO ? -ENOMEM : rc;
}

int space_wire(struct space *s, vaddr_t addr, uint64_t size)
{
    /* Marked first: what is brought in then stays. */
    int rc = mark(s, addr, size, true);
    if (rc == 0)
        rc = populate(s, page_round_down(addr), page_round_up(addr + size));
    else
        return rc;
    if (rc < 0)
        space_unwire(s, addr, size);
    return rc;
}

int space_unwire(struct space *s, vaddr_t addr, uint64_t size)
{
    return mark(s, addr, size, false);
}

/* ------------------------------------------------------------------- advice */

int space_drop(struct space *s, vaddr_t addr, uint64_t size)
{
    int rc = enter(s, &addr, &size);
    if (rc < 0)
        return rc;
    vaddr_t end = addr + size;
    unsigned first = space_search_locked(s, addr);
    for (unsigned i = first; i < s->count && s->regions[i]->start < end; i++)
        if (s->regions[i]->flags & REGION_WIRED)
            rc = -EINVAL;
    for (unsigned i = first; rc == 0 && i < s->count && s->regions[i]->start < end; i++) {
        struct region *r = s->regions[i];
        region_clear_pages(r, r->start > addr ? r->start : addr, r->end < end ? r->end : end);
    }
    if (rc == 0)
        prune_tables_locked(s, addr, end);
    spin_unlock(&s->lock);
    return rc;
}

/* Where a page is that is not mapped. Space lock held. */
struct place {
    struct object *object; /* referenced; or NULL */
    uint64_t index;
    uint32_t slot;
    bool swapped;
};

static void find_locked(struct space *s, vaddr_t va, struct place *place)
{
    *place = (struct place){.object = NULL};
    struct region *r = space_find_locked(s, va);
    pte_t *pte = r ? sv39_walk(s->root, va, false) : NULL;
    pte_t entry = pte ? pte_load(pte) : 0;
    if (!r || entry & PTE_V)
        return;
    place->swapped = pte_is_swap(entry);
    if (place->swapped) {
        place->slot = pte_slot(entry);
    } else if (r->object && r->object->kind != OBJECT_PHYSICAL) {
        place->object = r->object;
        place->index = (r->offset + (va - r->start)) >> PAGE_SHIFT;
        object_ref(place->object);
    }
}

int space_will_need(struct space *s, vaddr_t addr, uint64_t size)
{
    int rc = enter(s, &addr, &size);
    if (rc < 0)
        return rc;
    spin_unlock(&s->lock);
    for (vaddr_t va = addr; va < addr + size && frame_plenty(); va += PAGE_SIZE) {
        struct place place;
        spin_lock(&s->lock);
        find_locked(s, va, &place);
        spin_unlock(&s->lock);
        uint64_t after = (addr + size - va - 1) >> PAGE_SHIFT;
        if (place.swapped)
            swap_read_ahead(place.slot, after < SWAP_IO_MAX ? (unsigned)after : SWAP_IO_MAX - 1);
        if (place.object) {
            object_bring(place.object, place.index, OBJECT_AHEAD);
            object_unref(place.object);
        }
    }
    return 0;
}

int space_residence(struct space *s, vaddr_t addr, unsigned n, unsigned char *pages)
{
    uint64_t size = (uint64_t)n << PAGE_SHIFT;
    int rc = enter(s, &addr, &size);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < n; i++) {
        vaddr_t va = addr + ((vaddr_t)i << PAGE_SHIFT);
        pte_t *pte = sv39_walk(s->root, va, false);
        pte_t entry = pte ? pte_load(pte) : 0;
        struct region *r = space_find_locked(s, va);
        pages[i] = entry & PTE_V;
        if (pte_is_swap(entry))
            pages[i] = swap_has(pte_slot(entry));
        else if (!pages[i] && r->object)
            pages[i] = object_has(r->object, (r->offset + (va - r->start)) >> PAGE_SHIFT);
    }
    spin_unlock(&s->lock);
    return 0;
}
