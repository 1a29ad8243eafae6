/*
 * The model that vm_space.c compares spaces with: for each page of each space what
 * may be done with it and what it holds, in two words per page, with no notion of
 * frames, tables, sharing or copying later.
 */
#ifndef TEST_HOST_VM_MODEL_H
#define TEST_HOST_VM_MODEL_H

#include "test/host/vm_pager.h"
#include "vm/layout.h"

#define MMAP_TOP (USER_END - ABI_STACK_MAX - MEGAPAGE_SIZE)

/* The pages that the test uses: around a table's end, with the heap in the middle;
 * where mmap places things; and the stack. */
#define LOW_PAGES   40u
#define TOP_PAGES   48u
#define STACK_PAGES 16u
#define PAGES       (LOW_PAGES + TOP_PAGES + STACK_PAGES)
#define LOW_BASE    (2 * MEGAPAGE_SIZE - 16 * PAGE_SIZE)
#define TOP_BASE    (MMAP_TOP - TOP_PAGES * PAGE_SIZE)
#define STACK_BASE  (USER_END - STACK_PAGES * PAGE_SIZE)
#define BRK_START   (LOW_BASE + 20 * PAGE_SIZE + 0x123)
#define BRK_PAGES   14u

#define FILES        3u /* paged objects, then anonymous ones, then one physical */
#define ANONS        2u
#define OBJECTS      (FILES + ANONS + 1)
#define OBJECT_PAGES 12u
#define CELLS        2u /* words of a page that the model knows: its first and last */

struct mpage {
    bool mapped, shared, stack, own;
    unsigned prot, max_prot;
    int object; /* -1: none */
    unsigned index;
    unsigned piece; /* of which region, for what a cut does to a stack */
    uint64_t cell[CELLS];
};

static struct mspace {
    struct space *space; /* NULL: not in use */
    vaddr_t brk;
    struct mpage page[PAGES];
} mspaces[7];
#define SPACES (sizeof mspaces / sizeof mspaces[0])

static struct mobject {
    struct object *object;
    unsigned pages;
    uint64_t cell[OBJECT_PAGES][CELLS];
} mobjects[OBJECTS];

static unsigned next_piece = 1;

static inline vaddr_t va_of(unsigned page)
{
    if (page < LOW_PAGES)
        return LOW_BASE + page * PAGE_SIZE;
    if (page < LOW_PAGES + TOP_PAGES)
        return TOP_BASE + (page - LOW_PAGES) * PAGE_SIZE;
    return STACK_BASE + (page - LOW_PAGES - TOP_PAGES) * PAGE_SIZE;
}

static inline unsigned arena_end(unsigned page)
{
    return page < LOW_PAGES               ? LOW_PAGES
           : page < LOW_PAGES + TOP_PAGES ? LOW_PAGES + TOP_PAGES
                                          : PAGES;
}

/* The page at va, which must be one of the test's. */
static inline unsigned page_of(vaddr_t va)
{
    for (unsigned i = 0; i < PAGES; i++)
        if (va_of(i) == page_round_down(va))
            return i;
    panic("the model has no page at %#lx", va);
}

static inline unsigned cell_offset(unsigned cell)
{
    return cell ? PAGE_SIZE - sizeof(uint64_t) : 0;
}

/* A region is cut before `page`; what is above the cut does not grow down. */
static inline void model_cut(struct mspace *m, unsigned page, unsigned from)
{
    if (page == from || page >= PAGES || page == LOW_PAGES || page == LOW_PAGES + TOP_PAGES)
        return;
    struct mpage *below = &m->page[page - 1], *at = &m->page[page];
    if (!below->mapped || !at->mapped || below->piece != at->piece)
        return;
    unsigned piece = at->piece;
    for (unsigned i = page; i < PAGES && m->page[i].mapped && m->page[i].piece == piece; i++) {
        m->page[i].piece = next_piece;
        m->page[i].stack = false;
    }
    next_piece++;
}

static inline void model_isolate(struct mspace *m, unsigned page, unsigned n)
{
    model_cut(m, page, 0);
    model_cut(m, page + n, 0);
}

static inline void model_unmap(struct mspace *m, unsigned page, unsigned n)
{
    model_isolate(m, page, n);
    memset(&m->page[page], 0, n * sizeof m->page[0]);
}

static inline bool model_free(const struct mspace *m, unsigned page, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (m->page[page + i].mapped)
            return false;
    return true;
}

static inline void model_map(struct mspace *m, unsigned page, unsigned n, struct mpage how)
{
    model_unmap(m, page, n);
    how.mapped = true;
    how.piece = next_piece++;
    for (unsigned i = 0; i < n; i++, how.index++)
        m->page[page + i] = how;
}

/* What mprotect answers; it changes nothing then. */
static inline int model_protect_error(const struct mspace *m, unsigned page, unsigned n,
                                      unsigned prot)
{
    if (prot & ABI_PROT_WRITE && prot & ABI_PROT_EXEC)
        return -EACCES;
    for (unsigned i = page; i < page + n; i++)
        if (!m->page[i].mapped)
            return -ENOMEM;
    for (unsigned i = page; i < page + n; i++)
        if (prot & ~m->page[i].max_prot)
            return -EACCES;
    return 0;
}

/* A touch below the stack: it grows if nothing is in the way. */
static inline void model_grow_stack(struct mspace *m, unsigned page)
{
    unsigned first = page;
    while (first < PAGES && !m->page[first].mapped)
        first++;
    if (page < LOW_PAGES + TOP_PAGES || first == page || first == PAGES || !m->page[first].stack)
        return;
    if (page > LOW_PAGES + TOP_PAGES && m->page[page - 1].mapped)
        return; /* the guard */
    for (unsigned i = page; i < first; i++) {
        m->page[i] = m->page[first];
        m->page[i].own = false;
        memset(m->page[i].cell, 0, sizeof m->page[i].cell);
    }
}

/* What such an access must come to: 0, -EFAULT or -ENXIO. */
static inline int model_access(struct mspace *m, unsigned page, unsigned access)
{
    model_grow_stack(m, page);
    const struct mpage *p = &m->page[page];
    unsigned need = access == ACCESS_WRITE  ? ABI_PROT_WRITE
                    : access == ACCESS_EXEC ? ABI_PROT_EXEC
                                            : ABI_PROT_READ | ABI_PROT_WRITE;
    if (!p->mapped || !(p->prot & need))
        return -EFAULT;
    if (p->object >= 0 && !p->own && p->index >= mobjects[p->object].pages)
        return -ENXIO;
    return 0;
}

/* The word that the page holds. */
static inline uint64_t *model_cell(struct mspace *m, unsigned page, unsigned cell)
{
    struct mpage *p = &m->page[page];
    if (p->object >= 0 && !p->own)
        return &mobjects[p->object].cell[p->index][cell];
    return &p->cell[cell];
}

/* A private page becomes the space's own before it is written. */
static inline void model_write(struct mspace *m, unsigned page, unsigned cell, uint64_t value)
{
    struct mpage *p = &m->page[page];
    if (!p->shared && !p->own) {
        for (unsigned i = 0; p->object >= 0 && i < CELLS; i++)
            p->cell[i] = mobjects[p->object].cell[p->index][i];
        p->own = true;
    }
    *model_cell(m, page, cell) = value;
}

/* The highest gap of n pages below MMAP_TOP, as a page; PAGES if there is none
 * among those of the test. */
static inline unsigned model_gap(const struct mspace *m, unsigned n)
{
    for (unsigned page = LOW_PAGES + TOP_PAGES - n + 1; page-- > LOW_PAGES;)
        if (model_free(m, page, n))
            return page;
    return PAGES;
}

#endif
