/*
 * What the random tests of swap do beside the operations of vm_ops.h: reclaim, the disk's moods,
 * other threads' doings while one waits, and stores of other harts at the last moment before a
 * fence. A round of it begins with a new disk and some of memory taken away, and ends with
 * everything read once more and given up.
 */
#ifndef TEST_HOST_VM_SWAP_OPS_H
#define TEST_HOST_VM_SWAP_OPS_H

#include "test/host/vm_check.h"
#include "test/host/vm_swap_disk.h"
#include "vm/object_page.h"
#include "vm/reclaim.h"

#define HOG_MAX 640u /* frames that a round does without */

static struct frame *hog[HOG_MAX];
static unsigned hogged;
static uint64_t failed_before; /* swap_disk.failed_reads when the operation began */
static bool want_trouble;
static uint64_t bad_before; /* retired slots of the disks before this one */

static inline pte_t raw_entry(const struct space *s, vaddr_t va)
{
    pte_t *pte = sv39_walk(s->root, va, false);
    return pte ? pte_load(pte) : 0;
}

/* ------------------------------------------------------------------ reclaim */

/* A page that reclaim could take, by itself. */
static inline bool evictable(pte_t pte)
{
    if (!(pte & PTE_V) || !frame_valid(pte_paddr(pte)))
        return false;
    const struct frame *f = frame_of(pte_paddr(pte));
    return f->class == FRAME_ANON && !f->object && frame_refs(f) == 1u + (f->slot != 0) &&
           !(f->slot && slots_retired(f->slot - 1));
}

static inline unsigned count_evictable(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < SPACES; i++)
        for (unsigned page = 0; mspaces[i].space && page < PAGES; page++)
            n += !mspaces[i].space->wired && evictable(raw_entry(mspaces[i].space, va_of(page)));
    return n;
}

/* As the kernel's: goes round until there is enough, or nothing leaves any more. Then there must
 * be nothing that could, or nowhere to put it. */
static inline int swap_make_room(void)
{
    CHECK(spin_none_held());
    if (troubled && below(3) == 1)
        return -ENOMEM;
    unsigned rounds = 0;
    for (unsigned in_vain = 0; in_vain < 14; rounds++) {
        unsigned scanned;
        uint64_t done = pager_press(8);
        done += reclaim_anon(16, &scanned);
        if (frame_available())
            return 0;
        if (swap_out_count())
            swap_wait_out();
        else if (!done)
            in_vain++;
        if (rounds == 5000)
            panic("there is always something to reclaim, and never enough");
    }
    struct swap_totals t;
    swap_totals(&t);
    if (!troubled && t.free && count_evictable())
        printf("# %u pages could leave, %lu slots are free\n", count_evictable(), t.free);
    CHECK(troubled || t.free == 0 || count_evictable() == 0);
    return -ENOMEM;
}

/* ---------------------------------------------------------------- judgement */

/* A failed read is for those who need that page, and nobody else. */
static inline bool swap_judge(const struct mspace *m, unsigned page, int rc)
{
    for (unsigned i = page; rc == -EIO && i < arena_end(page) && i < page + 4; i++) {
        pte_t pte = raw_entry(m->space, va_of(i));
        if (pte_is_swap(pte) && swap_disk.failed_at[pte_slot(pte)] > failed_before)
            return true;
        if (m->page[i].object < 0 || m->page[i].own)
            continue;
        const struct frame *f =
            pageindex_get(&mobjects[m->page[i].object].object->pages, m->page[i].index);
        if (page_is_away(f) && swap_disk.failed_at[away_slot(f)] > failed_before)
            return true;
        if (troubled)
            return true;
    }
    return rc != -EIO && excused(rc);
}

/* Entries and slots agree, and frames and slots. */
static inline void check_slots(void)
{
    static unsigned named[SWAP_DISK_SLOTS];
    struct swap_totals t;
    uint64_t free = 0, cached = 0, bad = 0;
    memset(named, 0, sizeof named);
    for (unsigned i = 0; i < SPACES; i++)
        for (unsigned page = 0; mspaces[i].space && page < PAGES; page++) {
            pte_t pte = raw_entry(mspaces[i].space, va_of(page));
            if (pte_is_swap(pte))
                named[pte_slot(pte)]++;
        }
    for (unsigned i = 0; i < sizeof mobjects / sizeof mobjects[0]; i++) {
        struct object *o = mobjects[i].object;
        struct frame *f;
        for (uint64_t index = 0; o && (f = pageindex_next(&o->pages, &index)); index++)
            if (page_is_away(f))
                named[away_slot(f)]++;
    }
    for (uint32_t slot = 0; slot < swap_disk.slots; slot++) {
        struct frame *f = slots_frame(slot);
        CHECK(slots_refs(slot) == named[slot]);
        CHECK(!f || (f->slot == slot + 1 && slots_valid(slot) && frame_refs(f) > 0));
        CHECK(f || !named[slot] || swap_disk.written[slot]);
        CHECK(!slots_valid(slot) || f || named[slot] || slots_retired(slot));
        free += !slots_valid(slot);
        cached += f != NULL;
        bad += slots_retired(slot);
    }
    swap_totals(&t);
    CHECK(t.slots == swap_disk.slots && t.free == free && t.cached == cached);
    CHECK(t.bad == bad_before + bad);
}

/* ---------------------------------------------------- what happens meanwhile */

/* Another thread, of another process, while one waits. */
static inline void op_meanwhile(void)
{
    unsigned what = below(10), scanned;
    if (what == 0)
        below(2) ? pager_press(1 + below(6)) : object_drop_unused(1 + below(6));
    else if (what == 1)
        object_writeback(mobjects[below(FILES)].object, below(OBJECT_PAGES));
    else if (what == 2)
        reclaim_anon(1 + below(40), &scanned);
    else if (what == 3)
        swap_sweep(1 + below(20));
    else if (!other_space(op_barred))
        return;
    else if (what == 4)
        op_unmap();
    else if (what == 5)
        op_fork();
    else
        op_access();
}

static bool barred_copies; /* the thread that waits copies to or from op_barred */

static inline void swap_meanwhile(void)
{
    static bool deep;
    if (deep || below(3) != 1)
        return;
    deep = true;
    struct mspace *space = op_space;
    bool copies = op_copies, was_troubled = troubled;
    uint64_t refuse = host_refuse_one_in, failed = failed_before;
    __typeof__(pager) manners = pager;
    op_barred = space;
    op_shy = true;
    barred_copies = copies;
    op_copies = false;
    failed_before = swap_disk.failed_reads;
    trouble(false);
    host_run_on(below(HARTS));
    op_meanwhile();
    op_barred = NULL;
    barred_copies = false;
    op_shy = false;
    op_space = space;
    op_copies = copies;
    failed_before = failed;
    troubled = was_troubled;
    host_refuse_one_in = refuse;
    pager = manners;
    deep = false;
}

/* A hart stores through what it has cached: allowed until it fences, and not lost. */
static inline void store_late(unsigned hart, struct tlb_entry *e)
{
    struct mspace *m = NULL;
    unsigned page = 0, cell = below(CELLS);
    for (unsigned i = 0; i < SPACES; i++)
        if (mspaces[i].space && mspaces[i].space->root == tlb_root(hart))
            m = &mspaces[i];
    while (page < PAGES && va_of(page) != e->va)
        page++;
    if (!m || page == PAGES)
        return;
    struct mpage *p = &m->page[page];
    if (!p->mapped || (p->shared && (op_shy || op_copies)))
        return;
    /* What is being copied, by this thread or by the one that waits, the model knows later. */
    if ((m == op_space && op_copies) || (m == op_barred && barred_copies))
        return;
    uint64_t value = check_random(&seed);
    memcpy((char *)direct_map(pte_paddr(e->pte)) + cell_offset(cell), &value, sizeof value);
    if (!p->shared || p->index < mobjects[p->object].pages)
        model_write(m, page, cell, value);
}

static inline void store_before_fence(void)
{
    for (unsigned h = 0; h < HARTS; h++) {
        if (&harts[h] == host_hart || tlb_root(h) == kernel_root)
            continue;
        unsigned first = below(TLB_ENTRIES);
        for (unsigned i = 0; i < TLB_ENTRIES / 4; i++) {
            struct tlb_entry *e = &tlb[h][(first + i) % TLB_ENTRIES];
            if (e->valid && e->asid == tlb_asid(h) && permits(e->pte, ACCESS_WRITE))
                store_late(h, e);
        }
    }
}

/* -------------------------------------------------------------------- rounds */

static inline void op_disk(void)
{
    uint32_t slot = below(swap_disk.slots);
    switch (below(8)) {
    case 0:
        swap_disk.bad_in[slot] = true;
        break;
    case 1:
        swap_disk.bad_out[slot] = true;
        break;
    case 2:
        swap_disk.fail_in = below(3) * 8;
        break;
    case 3:
        swap_disk.fail_out = below(4) / 3 * 12;
        break;
    case 4:
        swap_disk.immediate = below(4);
        swap_disk.early = below(3);
        break;
    case 5:
        swap_disk_drain();
        break;
    default: /* repaired, but for what is retired */
        memset(swap_disk.bad_in, 0, sizeof swap_disk.bad_in);
        memset(swap_disk.bad_out, 0, sizeof swap_disk.bad_out);
        swap_disk.fail_in = swap_disk.fail_out = 0;
    }
}

static inline void swap_step(void)
{
    unsigned what = below(128), scanned;
    host_run_on(below(HARTS));
    trouble(want_trouble);
    failed_before = swap_disk.failed_reads;
    op_space = NULL;
    speculate();
    if (what < 100)
        op_any(what);
    else if (what < 109)
        reclaim_anon(1 + below(60), &scanned);
    else if (what < 112)
        swap_sweep(1 + below(60));
    else if (what < 116)
        swap_disk_step();
    else if (what < 118)
        op_disk();
    else if (what == 118)
        want_trouble = below(3) == 1;
    else if (what == 119)
        hardware_marks = below(2);
    else
        op_access();
    check_harts();
    CHECK(spin_none_held());
}

static inline void round_begin(void)
{
    static const unsigned slots[] = {SWAP_DISK_SLOTS, 300, 64, 700};
    static const unsigned hogs[] = {0, 300, 480, 560};
    swap_disk_replace(slots[below(4)]);
    swap_disk.fail_in = swap_disk.fail_out = swap_disk.immediate = swap_disk.early = 0;
    want_trouble = hardware_marks = false;
    pager.early = pager.partial_reserve = 3;
    pager_meanwhile = swap_meanwhile;
    host_remote = store_before_fence;
    host_judge = swap_judge;
    host_run_on(0);
    make_objects();
    make_space(&mspaces[0]);
    unsigned want = hogs[below(4)];
    while (hogged < want && (hog[hogged] = frame_alloc(FRAME_DMA, 0, FRAME_NORMAL)))
        hogged++;
}

/* Nothing that a space holds is lost, wherever it is. */
static inline void read_everything(struct mspace *m)
{
    for (unsigned page = 0; page < PAGES; page++)
        for (unsigned cell = 0; cell < CELLS; cell++) {
            uint64_t value;
            if (!m->page[page].mapped || model_access(m, page, ACCESS_READ))
                continue;
            op_space = m;
            int rc = user_access(m->space, va_of(page) + cell_offset(cell), ACCESS_READ, &value);
            CHECK(rc == 0 && value == *model_cell(m, page, cell));
        }
}

static inline void round_end(void)
{
    struct swap_totals t;
    trouble(want_trouble = false);
    swap_disk.fail_in = swap_disk.fail_out = 0;
    memset(swap_disk.bad_in, 0, sizeof swap_disk.bad_in);
    pager_drain();
    host_run_on(0);
    while (hogged)
        frame_unref(hog[--hogged]);
    for (unsigned i = 0; i < SPACES; i++)
        if (mspaces[i].space)
            read_everything(&mspaces[i]);
    check_slots();
    check_everything();
    end_all();
    swap_totals(&t);
    CHECK(t.cached == 0 && t.free + t.bad - bad_before == t.slots);
    bad_before = t.bad;
    host_remote = NULL;
    host_judge = NULL;
}

#endif
