/*
 * Spaces against a plain model: random map, unmap, protect, brk, fork, faults and
 * copies in several spaces on several harts, each with a translation cache that
 * keeps what it read until it is fenced; over files, shared anonymous memory and
 * DMA memory; with allocations refused and pagers failing. STEPS=N and SEED=N in
 * the environment change the run.
 */
/* host-test: vm/space.c vm/region.c vm/fault.c vm/usercopy.c vm/object.c vm/object_page.c */
/* host-test: vm/pageindex.c vm/asid.c */
/* host-test: vm/swap.c vm/swap_slots.c vm/reclaim.c */
/* host-test: vm/sv39.c vm/kmalloc.c vm/frame.c kernel/lib/lock.c kernel/lib/string.c */
/* host-test: kernel/lib/wait.c -DDEBUG -DHOST_WRAP -Wl,--wrap=frame_alloc */
/* host-test: -Wl,--wrap=frame_alloc_zeroed,--wrap=kmalloc,--wrap=kzalloc */
#include "kernel/lib/counter.h"
#include "test/host/vm_model.h"
#include "test/host/vm_pager.h"
#include "test/host/vm_tlb.h"
#include "vm/kmalloc.h"
#include "vm/region.h"
#include "vm/usercopy.h"

#define HARTS     3u
#define ASID_BITS 3 /* fewer than spaces come and go */

static uint64_t seed;
static bool troubled; /* memory is refused, pagers fail, threads are killed */

static unsigned below(unsigned n)
{
    return check_random(&seed) % n;
}

/* Harts that idle in a dying space leave it. */
void sbi_send_ipi(uint64_t hart_mask)
{
    struct hart *caller = host_hart;
    for (unsigned h = 0; h < HARTS; h++) {
        host_run_on(h);
        if (hart_mask >> h & 1)
            space_switch(NULL);
    }
    host_hart = caller;
}

static void speculate(void)
{
    unsigned hart = below(HARTS);
    if (tlb_root(hart) != kernel_root)
        tlb_fill(hart, va_of(below(PAGES)));
}

static void fence_and_speculate(enum host_fence_kind kind, vaddr_t va, uint64_t asid)
{
    tlb_fence(kind, va, asid);
    /* The cache must be right when the fence is done, whatever is read around it. */
    if (kind != HOST_SATP)
        speculate();
}

/* What can happen to memory while a thread sleeps, without a program's doing. */
static void reclaim_meanwhile(void)
{
    uint64_t refuse = host_refuse_one_in;
    host_refuse_one_in = 0;
    unsigned what = below(8);
    if (what == 0)
        object_shrink(1 + below(6), below(2));
    else if (what == 1)
        object_writeback(mobjects[below(FILES)].object, below(OBJECT_PAGES));
    host_refuse_one_in = refuse;
}

static void trouble(bool on)
{
    troubled = on;
    host_refuse_one_in = on ? 12 : 0;
    pager.fail_in = pager.fail_out = pager.fail_start = pager.fail_reserve = on ? 25 : 0;
    pager.kill = on ? 40 : 0;
    pager.room = on ? below(2) : 3;
}

/* An error that only trouble explains. */
static bool excused(int rc)
{
    return troubled && (rc == -ENOMEM || rc == -EIO || rc == -ENOSPC || rc == -EINTR);
}

/* ----------------------------------------------------------------- programs */

static bool permits(pte_t pte, unsigned access)
{
    uint64_t need = PTE_V | PTE_U | PTE_A;
    need |= access == ACCESS_WRITE ? PTE_W | PTE_D : access == ACCESS_EXEC ? PTE_X : PTE_R;
    return (pte & need) == need;
}

/* A program's load, store or fetch, as a hart does it: through its cache, else
 * through the tables, else by a fault. */
static int user_access(struct space *s, vaddr_t va, unsigned access, uint64_t *value)
{
    for (unsigned faults = 0; faults < 40; faults++) {
        space_switch(s);
        struct tlb_entry *e = tlb_fill(host_hart->index, va);
        if (e && permits(e->pte, access)) {
            char *byte = (char *)direct_map(pte_paddr(e->pte)) + (va & PAGE_MASK);
            if (access == ACCESS_WRITE)
                memcpy(byte, value, sizeof *value);
            else
                memcpy(value, byte, sizeof *value);
            return 0;
        }
        int rc = space_fault(s, va, access, 0);
        if (rc < 0)
            return rc;
    }
    struct tlb_entry *e = tlb_find(host_hart->index, va);
    panic("access %u to %#lx faults for ever: cached %#lx, entry %#lx", access, va, e ? e->pte : 0,
          tlb_walk(s->root, va));
}

static struct mspace *some_space(void)
{
    for (;;) {
        struct mspace *m = &mspaces[below(SPACES)];
        if (m->space)
            return m;
    }
}

static void op_access(void)
{
    static const unsigned kinds[] = {ACCESS_READ, ACCESS_READ, ACCESS_WRITE, ACCESS_WRITE,
                                     ACCESS_EXEC};
    struct mspace *m = some_space();
    unsigned page = below(PAGES), cell = below(CELLS), access = kinds[below(5)];
    uint64_t value = check_random(&seed);
    int want = model_access(m, page, access), tell;
    uint64_t wrote = value;
    tell = user_access(m->space, va_of(page) + cell_offset(cell), access, &value);
    CHECK(tell == want || (want == 0 && excused(tell)));
    if (tell == 0 && want == 0) {
        if (access == ACCESS_WRITE)
            model_write(m, page, cell, wrote);
        else
            CHECK(value == *model_cell(m, page, cell));
    }
}

/* A copy from or to some pages in a row: from one cell to another. */
static void op_copy(void)
{
    static unsigned char bytes[4 * PAGE_SIZE];
    struct mspace *m = some_space();
    unsigned page = below(PAGES), n = 1 + (troubled ? 0 : below(4)), from = below(CELLS);
    if (page + n > arena_end(page))
        n = arena_end(page) - page;
    unsigned to = n == 1 ? from : below(CELLS);
    bool write = below(2);
    int want = 0;
    unsigned good = 0;
    uint64_t values[4][CELLS];
    memset(bytes, 0, sizeof bytes);
    for (; good < n; good++)
        if ((want = model_access(m, page + good, write ? ACCESS_WRITE : ACCESS_READ)) != 0)
            break;
    for (unsigned i = 0; i < n; i++)
        for (unsigned c = 0; c < CELLS; c++) {
            values[i][c] = check_random(&seed);
            if (write)
                memcpy(bytes + i * PAGE_SIZE + cell_offset(c), &values[i][c], 8);
        }
    vaddr_t va = va_of(page) + cell_offset(from);
    size_t size = va_of(page) + (n - 1) * PAGE_SIZE + cell_offset(to) + 8 - va;
    if (below(2))
        space_switch(NULL);
    int rc = write ? copy_to_user(m->space, va, bytes + cell_offset(from), size)
                   : copy_from_user(m->space, bytes + cell_offset(from), va, size);
    CHECK(rc == want || (want == 0 && excused(rc)));
    if (rc != want)
        return;
    for (unsigned i = 0; i < good; i++)
        for (unsigned c = 0; c < CELLS; c++) {
            if ((i == 0 && c < from) || (i == n - 1 && c > to))
                continue;
            if (write)
                model_write(m, page + i, c, values[i][c]);
            else
                CHECK(memcmp(bytes + i * PAGE_SIZE + cell_offset(c), model_cell(m, page + i, c),
                             8) == 0);
        }
}

/* --------------------------------------------------------- changes of spaces */

static unsigned some_prot(unsigned max)
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
static unsigned some_range(unsigned most, unsigned *n)
{
    unsigned page = below(PAGES), room = arena_end(page) - page;
    *n = 1 + below(most);
    if (*n > room)
        *n = room;
    return page;
}

/* Where the stack is, a refused cut would leave the model unsure of what grows. */
static void spare_stack(unsigned page)
{
    if (page >= LOW_PAGES + TOP_PAGES)
        trouble(false);
}

static void op_map(void)
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
    if (rc == -ENOMEM && troubled)
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

static void op_unmap(void)
{
    struct mspace *m = some_space();
    unsigned n, page = some_range(9, &n);
    spare_stack(page);
    int rc = space_unmap(m->space, va_of(page), n * PAGE_SIZE - below(PAGE_SIZE));
    CHECK(rc == 0 || excused(rc));
    if (rc == 0)
        model_unmap(m, page, n);
}

static void op_protect(void)
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

static void op_brk(void)
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
    CHECK(rc == want || (troubled && rc == -ENOMEM));
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

static void map_stack(struct mspace *m)
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
    CHECK(space_map(m->space, &map) == (int64_t)map.addr);
    model_map(m, PAGES - 2, 2, how);
}

static void make_space(struct mspace *m)
{
    trouble(false);
    memset(m, 0, sizeof *m);
    m->space = space_create();
    m->space->brk_start = m->space->brk = m->brk = BRK_START;
    m->space->wired = below(4) == 0;
    map_stack(m);
}

static void end_space(struct mspace *m)
{
    if (host_hart->space == m->space)
        space_switch(NULL);
    space_unref(m->space);
    m->space = NULL;
}

static void op_fork(void)
{
    struct mspace *parent = some_space(), *child = &mspaces[below(SPACES)];
    if (child == parent)
        return;
    if (child->space)
        end_space(child);
    struct space *s = space_fork(parent->space);
    CHECK(s || troubled);
    if (s) {
        *child = *parent;
        child->space = s;
    }
}

static void op_end(void)
{
    struct mspace *m = some_space();
    end_space(m);
    if (below(2))
        make_space(m);
    for (unsigned i = 0; i < SPACES; i++)
        if (mspaces[i].space)
            return;
    make_space(m);
}

/* -------------------------------------------------------------------- files */

static void op_file(void)
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
        object_shrink(1 + below(20), below(2));
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

/* ------------------------------------------------------------------- checks */

/* The space's regions and entries are what the model says, and no more. */
static void check_space(struct mspace *m)
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
static void check_harts(void)
{
    const uint64_t rights = PTE_R | PTE_W | PTE_X | PTE_U | PTE_D;
    for (unsigned h = 0; h < HARTS; h++)
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            struct tlb_entry *e = &tlb[h][i];
            if (!e->valid || e->asid != tlb_asid(h) || tlb_root(h) == kernel_root)
                continue;
            pte_t now = tlb_walk(tlb_root(h), e->va);
            /* Without U it is of no use to a program. */
            bool good = now & PTE_V && pte_paddr(now) == pte_paddr(e->pte) &&
                        (!(e->pte & PTE_U) || !(e->pte & rights & ~now));
            if (!good)
                printf("# hart %u, %#lx: cached %#lx, entry %#lx\n", h, e->va, e->pte, now);
            CHECK(good);
        }
}

static void check_everything(void)
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

static void make_objects(void)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        struct mobject *o = &mobjects[i];
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
static void end_all(void)
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
    object_shrink(~0ul, true);
    kmalloc_trim();
    CHECK(pager_ios == 0 && pager_ports == 0 && pager_backings == 0);
    CHECK(host_class_count(FRAME_ANON) == 0 && host_class_count(FRAME_OBJECT) == 0);
    CHECK(host_class_count(FRAME_DMA) == 0 && host_class_count(FRAME_KMALLOC) == 0);
    CHECK(host_ledger_balanced() && host_free_frames_untouched());
}

static void test_random(unsigned steps)
{
    uint64_t tables = host_class_count(FRAME_TABLE);
    host_fence = fence_and_speculate;
    pager_meanwhile = reclaim_meanwhile;
    pager.early = pager.partial_reserve = 3;
    make_objects();
    make_space(&mspaces[0]);
    for (unsigned step = 0; step < steps && !check_failing; step++) {
        host_run_on(below(HARTS));
        trouble(step / 512 % 3 == 2);
        speculate();
        unsigned what = below(100);
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
        check_harts();
        if (step % 64 == 0)
            check_everything();
        CHECK(spin_none_held());
        if (check_failing)
            printf("# step %u\n", step);
    }
    end_all();
    CHECK(host_class_count(FRAME_TABLE) == tables);
    CHECK(
        check_failing || steps < 50000 ||
        (host_refusals > 500 && counter_sum(COUNT_COW) > 500 && counter_sum(COUNT_ROLLOVER) > 50));
}

/* ------------------------------------------------------------------- in detail */

static const struct space_mapping plain = {.addr = 0x100000,
                                           .size = 4 * PAGE_SIZE,
                                           .prot = ABI_PROT_READ | ABI_PROT_WRITE,
                                           .max_prot = ABI_PROT_READ | ABI_PROT_WRITE,
                                           .fixed = true};

static void test_arguments(void)
{
    struct space *s = space_create();
    struct space_mapping m = plain;
    static const uint64_t sizes[] = {0, ~0ul, USER_END, -PAGE_SIZE, 1ul << 63};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        m.size = sizes[i];
        CHECK(space_map(s, &m) == -EINVAL);
        CHECK(space_unmap(s, m.addr, m.size) == -EINVAL);
        CHECK(space_protect(s, m.addr, m.size, 0) == -EINVAL);
    }
    static const vaddr_t addresses[] = {
        0, 1, 0x100001, USER_END, USER_END - PAGE_SIZE, DIRECT_BASE, TRAMPOLINE};
    m.size = 2 * PAGE_SIZE;
    for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        m.addr = addresses[i];
        CHECK(space_map(s, &m) == -EINVAL);
        CHECK(space_unmap(s, m.addr, m.size) == -EINVAL);
        CHECK(space_protect(s, m.addr, m.size, 0) == -EINVAL);
    }
    CHECK(s->count == 0);
    m.fixed = false;
    m.addr = 0;
    m.size = MMAP_TOP - USER_MIN + PAGE_SIZE;
    CHECK(space_map(s, &m) == -ENOMEM);
    m.size = MMAP_TOP - USER_MIN;
    CHECK(space_map(s, &m) == (int64_t)USER_MIN);
    m.size = PAGE_SIZE;
    CHECK(space_map(s, &m) == -ENOMEM && s->count == 1);
    CHECK(space_unmap(s, 0x200000, PAGE_SIZE) == 0 && space_map(s, &m) == 0x200000);
    static const vaddr_t bad[] = {0,    PAGE_SIZE - 1, USER_END, DIRECT_BASE,
                                  ~0ul, 1ul << 38,     1ul << 63};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char byte;
        CHECK(space_fault(s, bad[i], ACCESS_READ, 0) == -EFAULT);
        CHECK(copy_from_user(s, &byte, bad[i], 1) == -EFAULT);
        CHECK(copy_to_user(s, bad[i], "x", 1) == -EFAULT);
        CHECK(user_prefault(s, bad[i], 1, ACCESS_READ) == -EFAULT);
    }
    CHECK(copy_to_user(s, 0x300000, "x", ~0ul) == -EFAULT);
    CHECK(copy_from_user(s, NULL, 0, 0) == 0);
    space_unref(s);
}

static void test_strings(void)
{
    struct space *s = space_create();
    char text[64];
    CHECK(space_map(s, &plain) == 0x100000);
    vaddr_t end = 0x100000 + 4 * PAGE_SIZE, edge = 0x100000 + PAGE_SIZE;
    CHECK(copy_to_user(s, edge - 3, "across", 7) == 0);
    CHECK(copy_string_from_user(s, text, edge - 3, sizeof text) == 6 && !strcmp(text, "across"));
    CHECK(copy_string_from_user(s, text, edge - 3, 7) == 6);
    CHECK(copy_string_from_user(s, text, edge - 3, 6) == -ENAMETOOLONG);
    CHECK(copy_string_from_user(s, text, edge - 3, 0) == -ENAMETOOLONG);
    CHECK(copy_to_user(s, end - 4, "end", 4) == 0); /* its NUL is the last byte there is */
    CHECK(copy_string_from_user(s, text, end - 4, sizeof text) == 3);
    CHECK(copy_to_user(s, end - 3, "end", 3) == 0);
    CHECK(copy_string_from_user(s, text, end - 3, sizeof text) == -EFAULT);
    CHECK(try_copy_to_user(s, 0x100000 + 2 * PAGE_SIZE, "x", 1) == 0); /* not touched yet */
    CHECK(user_frame_ref(s, 0x100000 + 2 * PAGE_SIZE) == NULL);
    CHECK(user_prefault(s, 0x100000 + 1, 3 * PAGE_SIZE, ACCESS_WRITE) == 0 && s->resident == 4);
    CHECK(try_copy_to_user(s, end - 2, "abc", 3) == 2);
    struct frame *f = user_frame_ref(s, 0x100000);
    CHECK(f && frame_refs(f) == 2);
    space_unref(s);
    CHECK(frame_refs(f) == 1 && f->class == FRAME_ANON);
    frame_unref(f);
}

/* Device registers: a program may touch them, the kernel never does for it. */
static void test_device(void)
{
    struct space *s = space_create();
    struct object *o = object_create_physical(0x10001000, PAGE_SIZE, NULL);
    struct space_mapping m = plain;
    char byte;
    m.object = o;
    CHECK(space_map(s, &m) == -EINVAL); /* a private copy of a device */
    m.flags = REGION_SHARED;
    CHECK(space_map(s, &m) == 0x100000);
    CHECK(space_fault(s, 0x100000, ACCESS_WRITE, 0) == 0);
    CHECK(pte_paddr(tlb_walk(s->root, 0x100000)) == 0x10001000);
    CHECK(space_fault(s, 0x100000 + PAGE_SIZE, ACCESS_READ, 0) == -ENXIO);
    CHECK(copy_from_user(s, &byte, 0x100000, 1) == -EFAULT);
    CHECK(copy_to_user(s, 0x100000, "x", 1) == -EFAULT);
    CHECK(user_prefault(s, 0x100000, 1, ACCESS_READ) == -EFAULT);
    CHECK(user_frame_ref(s, 0x100000) == NULL);
    struct space *child = space_fork(s);
    CHECK(space_fault(child, 0x100000, ACCESS_READ, 0) == 0 && child->resident == 1);
    space_unref(child);
    /* Rights given later come with the next access. */
    CHECK(space_protect(s, 0x100000, PAGE_SIZE, ABI_PROT_READ) == 0);
    CHECK(!(tlb_walk(s->root, 0x100000) & PTE_W));
    CHECK(space_protect(s, 0x100000, PAGE_SIZE, ABI_PROT_READ | ABI_PROT_WRITE) == 0);
    CHECK(space_fault(s, 0x100000, ACCESS_WRITE, 0) == 0);
    CHECK(tlb_walk(s->root, 0x100000) & PTE_W && s->resident == 1);
    space_unref(s);
    object_unref(o);
}

/*
 * A and D on hardware that leaves setting them to software (Svade): a read sets A and leaves D
 * as it was, a write sets both, whether the program makes it or a copy does.
 */
static void test_marks(void)
{
    struct space *s = space_create();
    char byte = 1;
    CHECK(space_map(s, &plain) == 0x100000 && copy_to_user(s, 0x100000, &byte, 1) == 0);
    pte_t *pte = sv39_walk(s->root, 0x100000, false);
    const pte_t marked = pte_load(pte), bare = marked & ~(PTE_A | PTE_D);
    CHECK(marked & PTE_A && marked & PTE_D && marked & PTE_W);
    pte_store(pte, bare);
    CHECK(space_fault(s, 0x100000, ACCESS_READ, 0) == 0 && pte_load(pte) == (bare | PTE_A));
    CHECK(space_fault(s, 0x100000, ACCESS_WRITE, 0) == 0 && pte_load(pte) == marked);
    pte_store(pte, bare);
    CHECK(copy_from_user(s, &byte, 0x100000, 1) == 0 && pte_load(pte) == (bare | PTE_A));
    CHECK(copy_to_user(s, 0x100000, &byte, 1) == 0 && pte_load(pte) == marked);
    space_unref(s);
}

/* The stack's limit and its guard; and no waiting where none is wanted. */
static void test_stack(void)
{
    struct mspace *m = &mspaces[0];
    make_space(m);
    struct space *s = m->space;
    CHECK(space_fault(s, USER_END - ABI_STACK_MAX - 1, ACCESS_WRITE, 0) == -EFAULT);
    CHECK(s->regions[0]->start == USER_END - 2 * PAGE_SIZE);
    struct space_mapping in_the_way = plain;
    in_the_way.addr = USER_END - 10 * PAGE_SIZE;
    in_the_way.size = PAGE_SIZE;
    CHECK(space_map(s, &in_the_way) > 0);
    CHECK(space_fault(s, USER_END - 9 * PAGE_SIZE, ACCESS_WRITE, 0) == -EFAULT);
    CHECK(space_fault(s, USER_END - 8 * PAGE_SIZE, ACCESS_WRITE, 0) == 0);
    CHECK(space_unmap(s, in_the_way.addr, PAGE_SIZE) == 0);
    CHECK(space_fault(s, USER_END - ABI_STACK_MAX, ACCESS_WRITE, 0) == 0 && s->count == 1);
    CHECK(s->resident == 2);
    end_space(m);
    file_make(0, PAGE_SIZE, 3, 0);
    struct object *o = file_open(0);
    struct space_mapping map = plain;
    map.object = o;
    s = space_create();
    CHECK(space_map(s, &map) > 0);
    CHECK(space_fault(s, 0x100000, ACCESS_READ, FAULT_NOWAIT) == -EAGAIN && o->refs == 2);
    CHECK(space_fault(s, 0x100000, ACCESS_READ, 0) == 0);
    CHECK(space_fault(s, 0x100000, ACCESS_WRITE, FAULT_NOWAIT) == 0);
    space_unref(s);
    object_unref(o);
    object_shrink(~0ul, true);
    kmalloc_trim();
    CHECK(host_class_count(FRAME_KMALLOC) == 0 && host_class_count(FRAME_ANON) == 0);
}

/* A fork with each of its allocations refused in turn harms nobody. */
static void test_fork_refused(void)
{
    struct space *s = space_create(), *child = NULL;
    struct space_mapping m = plain;
    for (unsigned i = 0; i < 12; i++) {
        m.addr = 0x100000 + i * MEGAPAGE_SIZE;
        CHECK(space_map(s, &m) == (int64_t)m.addr && copy_to_user(s, m.addr, &i, sizeof i) == 0);
    }
    host_flush_caches();
    kmalloc_trim();
    uint64_t tables = host_class_count(FRAME_TABLE), anon = host_class_count(FRAME_ANON);
    uint64_t bytes = kmalloc_bytes();
    unsigned n = 1;
    for (; !child && n < 200; n++) {
        host_refuse_after = n;
        child = space_fork(s);
        CHECK(child || (host_class_count(FRAME_TABLE) == tables && kmalloc_bytes() == bytes));
        CHECK(host_class_count(FRAME_ANON) == anon);
    }
    host_refuse_after = 0;
    CHECK(n > 20 && child);
    if (!child)
        return;
    uint64_t copies = counter_sum(COUNT_COW);
    for (unsigned i = 0; i < 12; i++) {
        unsigned got, other = i + 100;
        vaddr_t va = 0x100000 + i * MEGAPAGE_SIZE;
        CHECK(copy_to_user(i % 2 ? s : child, va, &other, sizeof other) == 0);
        CHECK(copy_from_user(i % 2 ? child : s, &got, va, sizeof got) == 0 && got == i);
    }
    /* With one left, no copy is made. */
    CHECK(counter_sum(COUNT_COW) == copies + 12);
    space_unref(child);
    CHECK(copy_to_user(s, 0x100000, &n, sizeof n) == 0 && counter_sum(COUNT_COW) == copies + 12);
    space_unref(s);
    kmalloc_trim();
    CHECK(host_class_count(FRAME_ANON) == 0 && host_class_count(FRAME_KMALLOC) == 0);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

int main(void)
{
    seed = number_from("SEED", 0xb5ad4eceda1ce2a9ul);
    unsigned steps = number_from("STEPS", 220000);
    check_plan(7);
    printf("# SEED=%#lx STEPS=%u\n", seed, steps);
    tlb_seed ^= seed >> 1;
    pager_seed ^= seed >> 2;
    host_boot(HARTS);
    tlb_boot();
    asid_init(ASID_BITS, HARTS);
    pager_boot();
    test_arguments();
    check_end("bad addresses and sizes are refused");
    test_strings();
    check_end("strings and copies end where they should");
    test_device();
    check_end("device registers are the program's alone");
    test_marks();
    check_end("accesses are marked by software where hardware does not");
    test_stack();
    check_end("the stack grows to its limit and keeps its guard");
    test_fork_refused();
    check_end("a refused fork harms nobody");
    test_random(steps);
    check_end("random operations agree with a model");
    host_halt();
    return check_exit();
}
