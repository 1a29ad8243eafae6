/*
 * The checks of the random tests of vm/ beyond what each operation checks itself: spaces, caches of
 * translations and the ledger against the model, and that the end of everything leaves nothing.
 */
#ifndef TEST_HOST_VM_CHECK_H
#define TEST_HOST_VM_CHECK_H

#include "test/host/vm_ops.h"
#include "vm/kmalloc.h"

/* The space's regions and entries are what the model says, and no more. */
static inline void check_space(struct mspace *m)
{
    struct space *s = m->space;
    uint64_t resident = 0;
    spin_lock(&s->lock);
    for (unsigned i = 0; i < s->count; i++) {
        struct region *r = s->regions[i];
        CHECK(r->start < r->end && r->space == s && (i == 0 || s->regions[i - 1]->end <= r->start));
    }
    for (unsigned i = 0; i < PAGES; i++) {
        struct mpage *p = &m->page[i];
        struct region *r = space_find_locked(s, va_of(i));
        pte_t pte = tlb_walk(s->root, va_of(i));
        resident += (pte & PTE_V) != 0;
        CHECK(!r == !p->mapped);
        if (!r || !p->mapped) {
            CHECK(!(pte & PTE_V));
            continue;
        }
        CHECK(r->prot == p->prot && r->max_prot == p->max_prot);
        CHECK(!(r->flags & REGION_SHARED) == !p->shared);
        CHECK(r->object == (p->object < 0 ? NULL : mobjects[p->object].object));
        CHECK(p->object < 0 || r->offset + (va_of(i) - r->start) == p->index * PAGE_SIZE);
        CHECK(!(r->flags & REGION_STACK) == !p->stack);
        CHECK(!(pte & PTE_W) || p->prot & ABI_PROT_WRITE);
        CHECK(!(pte & PTE_X) || p->prot & ABI_PROT_EXEC);
        CHECK(!(pte & PTE_W && pte & PTE_X) && !(pte & PTE_G));
        CHECK(!(pte & PTE_V && pte & PTE_W) || p->shared || p->own || p->object < 0);
    }
    CHECK(resident == s->resident);
    spin_unlock(&s->lock);
}

/* No hart can use an entry that is not there any more, or with rights it lost. */
static inline void check_harts(void)
{
    const uint64_t rights = PTE_R | PTE_W | PTE_X | PTE_U | PTE_D;
    for (unsigned h = 0; h < HARTS; h++)
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            struct tlb_entry *e = &tlb[h][i];
            if (!e->valid || e->asid != tlb_asid(h) || tlb_root(h) == kernel_root)
                continue;
            pte_t now = tlb_walk(tlb_root(h), e->va);
            uint64_t use = e->pte & (e->pte & PTE_W ? rights : rights & ~PTE_D);
            /* Without U it is of no use to a program, nor D without W. */
            bool good = now & PTE_V && pte_paddr(now) == pte_paddr(e->pte) &&
                        (!(e->pte & PTE_U) || !(use & ~now));
            if (!good)
                printf("# hart %u, %#lx: cached %#lx, entry %#lx\n", h, e->va, e->pte, now);
            CHECK(good);
        }
}

static inline void check_everything(void)
{
    for (unsigned i = 0; i < SPACES; i++)
        if (mspaces[i].space)
            check_space(&mspaces[i]);
    uint64_t dirty = 0;
    for (unsigned i = 0; i < FILES; i++)
        dirty += mobjects[i].object->dirty;
    CHECK(dirty == object_dirty_pages());
    CHECK(host_ledger_balanced());
}

static struct frame *dma;

static inline void make_objects(void)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        struct mobject *o = &mobjects[i];
        memset(o, 0, sizeof *o);
        o->pages = i < OBJECTS - 1 ? 2 + below(OBJECT_PAGES - 2) : 4;
        if (i < FILES) {
            file_make(i, o->pages * PAGE_SIZE, 1000 + i, i + 1);
            for (unsigned page = 0; page < o->pages; page++)
                for (unsigned c = 0; c < CELLS; c++)
                    memcpy(&o->cell[page][c], files[i].bytes + page * PAGE_SIZE + cell_offset(c),
                           8);
            o->object = file_open(i);
        } else if (i < OBJECTS - 1) {
            o->object = object_create_anon(o->pages * PAGE_SIZE);
        } else {
            dma = frame_alloc(FRAME_DMA, 2, FRAME_NORMAL);
            memset(frame_address(dma), 0, 4 * PAGE_SIZE);
            frame_split(dma);
            o->object = object_create_physical(frame_paddr(dma), 4 * PAGE_SIZE, dma);
        }
    }
}

/* Ends everything; what the files then hold is what was written, and no frame,
 * block, transfer or reference is left. */
static inline void end_all(void)
{
    trouble(false);
    memset(&pager, 0, sizeof pager);
    pager_meanwhile = NULL;
    for (unsigned h = 0; h < HARTS; h++) {
        host_run_on(h);
        space_switch(NULL);
    }
    for (unsigned i = 0; i < SPACES; i++)
        if (mspaces[i].space)
            end_space(&mspaces[i]);
    pager_drain();
    for (unsigned i = 0; i < OBJECTS; i++) {
        struct mobject *o = &mobjects[i];
        if (i < FILES) {
            object_sync(o->object); /* an old error */
            CHECK(object_sync(o->object) == 0);
        }
        for (unsigned page = 0; i < FILES && page < o->pages; page++)
            for (unsigned c = 0; c < CELLS; c++)
                CHECK(memcmp(files[i].bytes + page * PAGE_SIZE + cell_offset(c), &o->cell[page][c],
                             8) == 0);
        object_unref(o->object);
    }
    pager_press(~0ul);
    kmalloc_trim();
    CHECK(pager_ios == 0 && pager_ports == 0 && pager_backings == 0);
    CHECK(host_class_count(FRAME_ANON) == 0 && host_class_count(FRAME_OBJECT) == 0);
    CHECK(host_class_count(FRAME_DMA) == 0 && host_class_count(FRAME_KMALLOC) == 0);
    CHECK(host_ledger_balanced() && host_free_frames_untouched());
}

#endif
