/*
 * What changes the spaces and objects of vm_model.h in the random tests of vm/: map, unmap,
 * protect, brk, fork, exit, and what happens to files; each compared with the model at once.
 */
#ifndef TEST_HOST_VM_OPS_H
#define TEST_HOST_VM_OPS_H

#include "test/host/vm_access.h"
#include "vm/region.h"

/* --------------------------------------------------------- changes of spaces */

static inline unsigned some_prot(unsigned max)
{
    static const unsigned prots[] = {0,
                                     ABI_PROT_READ,
                                     ABI_PROT_READ | ABI_PROT_WRITE,
                                     ABI_PROT_READ | ABI_PROT_WRITE,
                                     ABI_PROT_READ | ABI_PROT_EXEC,
                                     ABI_PROT_WRITE,
                                     ABI_PROT_EXEC};
    return prots[below(sizeof prots / sizeof prots[0])] & max;
}

/* A range of pages within one arena. */
static inline unsigned some_range(unsigned most, unsigned *n)
{
    unsigned page = below(PAGES), room = arena_end(page) - page;
    *n = 1 + below(most);
    if (*n > room)
        *n = room;
    return page;
}

/* Where the stack is, a refused cut would leave the model unsure of what grows. */
static inline void spare_stack(unsigned page)
{
    if (page >= LOW_PAGES + TOP_PAGES)
        trouble(false);
}

static inline void op_map(void)
{
    struct mspace *m = some_space();
    unsigned n, page = some_range(9, &n), gap;
    int object = below(3) ? (int)below(OBJECTS) : -1;
    struct mpage how = {.object = object, .shared = object >= 0 && below(2)};
    how.max_prot = below(4) ? ABI_PROT_READ | ABI_PROT_WRITE | ABI_PROT_EXEC : ABI_PROT_READ;
    how.prot = some_prot(how.max_prot);
    how.index = object >= 0 ? below(OBJECT_PAGES) : 0;
    struct space_mapping map = {.addr = va_of(page),
                                .size = n * PAGE_SIZE - below(PAGE_SIZE),
                                .prot = how.prot,
                                .max_prot = how.max_prot,
                                .flags = how.shared ? REGION_SHARED : 0,
                                .fixed = below(3) == 0,
                                .object = object >= 0 ? mobjects[object].object : NULL,
                                .offset = how.index * PAGE_SIZE,
                                .backing = below(2) ? &pager_backings : NULL,
                                .name = "a mapping with a long name"};
    if (!map.fixed && below(2))
        map.addr = 0;
    bool at_hint = map.addr && model_free(m, page, n);
    gap = model_gap(m, n);
    spare_stack(page);
    int64_t rc = space_map(m->space, &map);
    if (rc == -EINVAL) {
        CHECK(object == (int)OBJECTS - 1 && !how.shared);
        return;
    }
    if (rc == -ENOMEM && excused(-ENOMEM))
        return;
    CHECK(rc > 0 && rc % PAGE_SIZE == 0);
    if (rc <= 0)
        return;
    if (!map.fixed && !at_hint && gap == PAGES) {
        /* No room where the model looks: it went further down. */
        CHECK((vaddr_t)rc < TOP_BASE && (vaddr_t)rc + n * PAGE_SIZE >= TOP_BASE - 9 * PAGE_SIZE);
        trouble(false);
        CHECK(space_unmap(m->space, (vaddr_t)rc, n * PAGE_SIZE) == 0);
        return;
    }
    if (!map.fixed && !at_hint)
        page = gap;
    CHECK((vaddr_t)rc == va_of(page));
    model_map(m, page, n, how);
}

static inline void op_unmap(void)
{
    struct mspace *m = some_space();
    unsigned n, page = some_range(9, &n);
    spare_stack(page);
    int rc = space_unmap(m->space, va_of(page), n * PAGE_SIZE - below(PAGE_SIZE));
    CHECK(rc == 0 || excused(rc));
    if (rc == 0)
        model_unmap(m, page, n);
}

static inline void op_protect(void)
{
    struct mspace *m = some_space();
    unsigned n, page = some_range(7, &n), prot = below(8);
    spare_stack(page);
    int want = model_protect_error(m, page, n, prot);
    int rc = space_protect(m->space, va_of(page), n * PAGE_SIZE - below(PAGE_SIZE), prot);
    CHECK(rc == want || (want == 0 && excused(rc)));
    if (rc == 0) {
        model_isolate(m, page, n);
        for (unsigned i = page; i < page + n; i++)
            m->page[i].prot = prot;
    }
}

static inline void op_brk(void)
{
    struct mspace *m = some_space();
    vaddr_t brk = BRK_START + below(BRK_PAGES * PAGE_SIZE), old = page_round_up(m->brk);
    unsigned special = below(20);
    brk = special == 0 ? 0 : special == 1 ? BRK_START - 1 : special == 2 ? ~0ul : brk;
    vaddr_t end = page_round_up(brk);
    int64_t want = (int64_t)brk;
    if (brk == 0)
        want = (int64_t)m->brk;
    else if (brk < BRK_START || brk >= MMAP_TOP)
        want = -ENOMEM;
    else if (end > old && !model_free(m, page_of(old), (end - old) >> PAGE_SHIFT))
        want = -ENOMEM;
    int64_t rc = space_brk(m->space, brk);
    CHECK(rc == want || (rc == -ENOMEM && excused(-ENOMEM)));
    if (rc < 0 || brk == 0)
        return;
    struct mpage how = {.object = -1,
                        .prot = ABI_PROT_READ | ABI_PROT_WRITE,
                        .max_prot = ABI_PROT_READ | ABI_PROT_WRITE | ABI_PROT_EXEC};
    if (end > old)
        model_map(m, page_of(old), (end - old) >> PAGE_SHIFT, how);
    else if (end < old)
        model_unmap(m, page_of(end), (old - end) >> PAGE_SHIFT);
    m->brk = brk;
}

static inline bool map_stack(struct mspace *m)
{
    struct mpage how = {.object = -1,
                        .stack = true,
                        .prot = ABI_PROT_READ | ABI_PROT_WRITE,
                        .max_prot = ABI_PROT_READ | ABI_PROT_WRITE};
    struct space_mapping map = {.addr = USER_END - 2 * PAGE_SIZE,
                                .size = 2 * PAGE_SIZE,
                                .prot = how.prot,
                                .max_prot = how.max_prot,
                                .flags = REGION_STACK,
                                .fixed = true,
                                .name = "stack"};
    if (space_map(m->space, &map) != (int64_t)map.addr)
        return false;
    model_map(m, PAGES - 2, 2, how);
    return true;
}

static inline void end_space(struct mspace *m)
{
    if (host_hart->space == m->space)
        space_switch(NULL);
    space_unref(m->space);
    m->space = NULL;
}

/* Stays without a space only if memory is short. */
static inline void make_space(struct mspace *m)
{
    trouble(false);
    memset(m, 0, sizeof *m);
    m->space = space_create();
    if (m->space) {
        m->space->brk_start = m->space->brk = m->brk = BRK_START;
        m->space->wired = below(4) == 0;
        if (!map_stack(m))
            end_space(m);
    }
    CHECK(m->space || frame_low());
}

static inline void op_fork(void)
{
    struct mspace *parent = some_space(), *child = &mspaces[below(SPACES)];
    if (child == parent || child == op_barred)
        return;
    if (child->space)
        end_space(child);
    struct space *s = space_fork(parent->space);
    CHECK(s || excused(-ENOMEM));
    if (s) {
        *child = *parent;
        child->space = s;
    }
}

static inline void op_end(void)
{
    struct mspace *m = some_space();
    end_space(m);
    if (below(2))
        make_space(m);
    if (!other_space(NULL))
        make_space(m);
}

/* -------------------------------------------------------------------- files */

static inline void op_file(void)
{
    unsigned n = below(FILES), page = below(OBJECT_PAGES), cell = below(CELLS);
    struct mobject *o = &mobjects[n];
    uint64_t value = check_random(&seed);
    int rc;
    switch (below(12)) {
    case 0:
        o->pages = 1 + below(OBJECT_PAGES);
        memset(o->cell[o->pages], 0, (OBJECT_PAGES - o->pages) * sizeof o->cell[0]);
        file_resize(n, o->object, o->pages * PAGE_SIZE);
        break;
    case 1:
        n = FILES + below(ANONS);
        o = &mobjects[n];
        o->pages = 1 + below(OBJECT_PAGES);
        memset(o->cell[o->pages], 0, (OBJECT_PAGES - o->pages) * sizeof o->cell[0]);
        object_resize(o->object, o->pages * PAGE_SIZE);
        break;
    case 2:
    case 3:
        below(2) ? pager_press(1 + below(20)) : object_drop_unused(1 + below(20));
        break;
    case 4:
    case 5:
    case 6:
        object_writeback(o->object, page);
        break;
    case 7:
        rc = object_sync(o->object);
        CHECK(rc == 0 || rc == -EIO || excused(rc));
        CHECK(rc || o->object->dirty == 0);
        break;
    case 8:
    case 9:
        pager_step();
        break;
    default:
        if (page >= o->pages)
            break;
        rc = file_write(n, o->object, page * PAGE_SIZE + cell_offset(cell), &value, sizeof value);
        CHECK(rc == 0 || excused(rc));
        if (rc == 0)
            o->cell[page][cell] = value;
    }
}

/* ---------------------------------------------------------------------- any */

/* One of them; `what` is below 100. */
static inline void op_any(unsigned what)
{
    if (what < 50)
        op_access();
    else if (what < 65)
        op_copy();
    else if (what < 75)
        op_map();
    else if (what < 80)
        op_unmap();
    else if (what < 86)
        op_protect();
    else if (what < 89)
        op_brk();
    else if (what < 91)
        op_fork();
    else if (what < 92)
        op_end();
    else
        op_file();
}

#endif
