/*
 * vm/object.c vm/object_page.c on a pager that is late, fails, and is overtaken by truncation: the
 * bytes that readers see, what reaches the files, and that nothing is left behind.
 */
/* host-test: vm/object.c vm/object_page.c vm/pageindex.c vm/region.c vm/space.c vm/fault.c */
/* host-test: vm/prune.c vm/usercopy.c vm/asid.c */
/* host-test: vm/swap.c vm/swap_cache.c vm/swap_in.c vm/swap_out.c vm/swap_slots.c */
/* host-test: vm/reclaim.c vm/object_swap.c vm/object_reclaim.c */
/* host-test: vm/sv39.c vm/kmalloc.c vm/frame.c kernel/lib/lock.c kernel/lib/string.c */
/* host-test: kernel/lib/wait.c -DDEBUG -DHOST_WRAP -Wl,--wrap=frame_alloc */
/* host-test: -Wl,--wrap=frame_alloc_zeroed,--wrap=kmalloc,--wrap=kzalloc */
#include "test/host/vm_pager.h"
#include "test/host/vm_tlb.h"
#include "vm/kmalloc.h"
#include "vm/usercopy.h"

static uint64_t seed = 0x6a09e667f3bcc909ul;
static unsigned char buffer[FILE_PAGES * PAGE_SIZE];

void sbi_send_ipi(uint64_t hart_mask)
{
    (void)hart_mask;
    panic("a hart is in a dying space");
}

/* Ends a test: every transfer done, every page dropped, nothing left. */
static void check_nothing_left(void)
{
    memset(&pager, 0, sizeof pager);
    host_refuse_one_in = host_refuse_after = 0;
    pager_meanwhile = NULL;
    pager_drain();
    pager_press(~0ul);
    kmalloc_trim();
    CHECK(object_dirty_pages() == 0 && pager_ios == 0 && pager_ports == 0);
    CHECK(host_class_count(FRAME_OBJECT) == 0 && host_class_count(FRAME_ANON) == 0);
    CHECK(host_class_count(FRAME_KMALLOC) == 0 && kmalloc_bytes() == 0);
    CHECK(host_ledger_balanced() && host_free_frames_untouched());
}

static bool file_agrees(unsigned n, struct object *o, uint64_t at, uint64_t size)
{
    return object_read(o, at, buffer, size) == 0 && memcmp(buffer, files[n].bytes + at, size) == 0;
}

/* A file's pages come in, in runs, once. */
static void test_read(void)
{
    file_make(0, 20 * PAGE_SIZE + 100, 7, 5);
    struct object *o = file_open(0);
    CHECK(o && pager_ports == 1 && object_pages(o) == 21);
    pager.garbage = true;
    pager_started = 0;
    CHECK(file_agrees(0, o, 0, files[0].size));
    CHECK(pager_started == 2 && o->resident == 21); /* 16 and the rest */
    CHECK(file_agrees(0, o, 5000, 9000) && pager_started == 2);
    CHECK(object_read(o, files[0].size - 1, buffer, 2) == -ERANGE);
    CHECK(object_read(o, ~0ul - 10, buffer, 5) == -ERANGE);
    CHECK(object_read(o, files[0].size, buffer, 0) == 0);
    CHECK(object_bring(o, 21, 0) == -ERANGE && object_bring(o, ~0ul, 0) == -ERANGE);
    /* What the server's block holds behind the end is not the file's. */
    uint64_t size = files[0].size;
    object_resize(o, size + 100);
    CHECK(object_read(o, size - 1, buffer, 101) == 0 && buffer[1] == 0 && buffer[100] == 0);
    object_resize(o, size);
    /* Holes are known as such; the rest is as it came. */
    spin_lock(&o->lock);
    for (unsigned page = 0; page < 21; page++) {
        struct frame *f = object_lookup_locked(o, page);
        CHECK(f && f->flags == (page % 5 ? 0 : PAGE_HOLE));
        CHECK(object_may_dirty_locked(o, f) == (page % 5 != 0));
    }
    spin_unlock(&o->lock);
    object_unref(o);
    CHECK(pager_ports == 1); /* cached */
    struct object *again = object_find(pager_port(), 0);
    CHECK(again == o && file_agrees(0, again, 0, 3000) && pager_started == 2);
    object_unref(again);
    check_nothing_left();
    CHECK(object_find(pager_port(), 0) == NULL);
}

static struct object *waiting_object;
static uint64_t waiting_index;
static int waiting_result;

/* A second thread wants the same page while the first one waits. */
static void bring_too(void)
{
    pager_meanwhile = NULL;
    waiting_result = object_bring(waiting_object, waiting_index, 0);
}

static void test_failure(void)
{
    file_make(0, 8 * PAGE_SIZE, 9, 0);
    struct object *o = file_open(0);
    CHECK(object_bring(o, 3, OBJECT_NOWAIT) == -EAGAIN && o->resident == 0);
    pager.fail_in = 1;
    CHECK(object_bring(o, 3, 0) == -EIO && o->resident == 0);
    CHECK(object_read(o, 0, buffer, 10) == -EIO && o->resident == 0);
    pager.fail_in = 0;
    pager.fail_start = 1;
    CHECK(object_bring(o, 3, 0) == -EIO && o->resident == 0);
    pager.fail_start = 0;
    /* Killed while the page is on its way: it still comes, for others. */
    pager.hold = true;
    pager_started = 0;
    CHECK(object_bring(o, 3, 0) == -EINTR && object_bring(o, 3, 0) == -EINTR);
    CHECK(object_bring(o, 3, OBJECT_NOWAIT) == -EAGAIN && pager_started == 1);
    CHECK(pager_press(~0ul) == 0);
    pager.hold = false;
    pager_drain();
    CHECK(object_bring(o, 3, OBJECT_NOWAIT) == 0 && pager_started == 1);
    CHECK(file_agrees(0, o, 0, files[0].size));
    /* Two wait for one page: one request, and both get the page, or the error. */
    for (unsigned fails = 0; fails < 2; fails++) {
        pager_press(~0ul);
        pager_started = 0;
        waiting_object = o;
        waiting_index = 2;
        waiting_result = 1;
        pager.fail_in = fails;
        pager.hold = true;
        CHECK(object_bring(o, 2, 0) == -EINTR);
        pager.hold = false;
        pager_meanwhile = bring_too;
        int rc = object_bring(o, 2, 0);
        CHECK(rc == (fails ? -EIO : 0) && (waiting_result == rc || fails));
        CHECK(pager_started == 1 + fails);
    }
    object_unref(o);
    check_nothing_left();
}

/* The file is cut, and perhaps grown again, after its server has read the page and
 * before it answers: what was cut off must never be seen again. */
static void test_truncated_in_flight(void)
{
    static const uint64_t sizes[][2] = {{0, 8 * PAGE_SIZE},
                                        {100, 100},
                                        {100, 8 * PAGE_SIZE},
                                        {2 * PAGE_SIZE + 7, 3 * PAGE_SIZE},
                                        {2 * PAGE_SIZE, 2 * PAGE_SIZE},
                                        {2 * PAGE_SIZE + 7, 2 * PAGE_SIZE + 9}};
    for (unsigned i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        file_make(0, 8 * PAGE_SIZE, 11, 0);
        struct object *o = file_open(0);
        pager.early = i % 2;
        pager.hold = true;
        CHECK(object_bring(o, 0, 0) == -EINTR && o->resident == 8);
        file_resize(0, o, sizes[i / 2][0]);
        CHECK(o->resident <= object_pages(o));
        file_resize(0, o, sizes[i / 2][1]);
        CHECK(o->size == sizes[i / 2][1] && pager_queued == 1);
        pager.hold = false;
        if (i % 4 < 2)
            pager_drain();
        CHECK(file_agrees(0, o, 0, o->size));
        object_unref(o);
        check_nothing_left();
    }
}

/* The same while pages are on their way out, and all of it cut off. */
static void test_truncated_write_back(void)
{
    for (unsigned i = 0; i < 4; i++) {
        file_make(0, 8 * PAGE_SIZE, 13, 0);
        struct object *o = file_open(0);
        memset(buffer, 0x66, sizeof buffer);
        CHECK(file_write(0, o, 0, buffer, 8 * PAGE_SIZE) == 0);
        CHECK(object_writeback(o, 0) == 8);
        file_resize(0, o, i % 2 ? 0 : 3 * PAGE_SIZE + 10);
        file_resize(0, o, 6 * PAGE_SIZE);
        pager.fail_out = i / 2;
        CHECK(file_write(0, o, 5 * PAGE_SIZE, "new", 3) == 0);
        pager_drain();
        pager.fail_out = 0;
        CHECK(object_sync(o) == (i / 2 ? -EIO : 0) || i % 2);
        CHECK(object_sync(o) == 0 && o->dirty == 0);
        unsigned char first = i % 2 ? 0 : 0x66;
        CHECK(object_read(o, 0, buffer, 6 * PAGE_SIZE) == 0 && buffer[0] == first);
        CHECK(buffer[3 * PAGE_SIZE + 9] == first && buffer[3 * PAGE_SIZE + 10] == 0);
        CHECK(memcmp(buffer + 5 * PAGE_SIZE, "new", 4) == 0);
        CHECK(file_agrees(0, o, 0, o->size));
        object_unref(o);
        check_nothing_left();
    }
}

static void test_write_back(void)
{
    file_make(0, 10 * PAGE_SIZE, 17, 3);
    struct object *o = file_open(0);
    /* A hole must have blocks first; a refusal leaves all as it was. */
    pager.fail_reserve = 1;
    CHECK(file_write(0, o, 10, "abc", 3) == -ENOSPC && o->dirty == 0);
    CHECK(object_prepare_write(o, 0, 1, o->size, OBJECT_NOWAIT) == -EAGAIN);
    pager.fail_reserve = 0;
    pager_clock = 1234;
    CHECK(file_write(0, o, 10, "abc", 3) == 0 && o->dirty == 1 && object_dirty_pages() == 1);
    CHECK(o->mtime_ns == 1234);
    CHECK(pager_press(~0ul) == o->resident || o->resident == 1);
    CHECK(o->resident == 1); /* dirty pages stay */
    /* Sent; written again before it is stored: dirty again after. */
    CHECK(object_writeback(o, 0) == 1 && o->dirty == 0 && o->in_flight == 1);
    CHECK(object_writeback(o, 0) == 0);
    CHECK(pager_press(~0ul) == 0);
    CHECK(file_write(0, o, 20, "defg", 4) == 0 && o->dirty == 1);
    CHECK(object_writeback(o, 0) == 0); /* one transfer at a time */
    pager_drain();
    CHECK(o->dirty == 1 && o->in_flight == 0 && memcmp(files[0].bytes + 10, "abc", 3) == 0);
    CHECK(object_sync(o) == 0 && o->dirty == 0 && memcmp(files[0].bytes + 20, "defg", 4) == 0);
    /* A failure is told once, keeps the page dirty and its time as it was. */
    pager_clock = 2000;
    CHECK(file_write(0, o, PAGE_SIZE, "hij", 3) == 0);
    pager_clock = 3000;
    pager.fail_out = 1;
    CHECK(object_sync(o) == -EIO && o->dirty == 1 && o->mtime_ns == 2000);
    pager.fail_out = 0;
    pager.fail_start = 1;
    CHECK(object_sync(o) == -EIO && o->dirty == 1);
    pager.fail_start = 0;
    CHECK(object_sync(o) == 0 && o->dirty == 0 && object_sync(o) == 0);
    CHECK(memcmp(files[0].bytes + PAGE_SIZE, "hij", 3) == 0);
    spin_lock(&o->lock);
    CHECK(object_lookup_locked(o, 0)->flags == 0); /* no hole any more, nothing granted */
    spin_unlock(&o->lock);
    /* Runs: 40 pages dirty go in three transfers. */
    memset(buffer, 0x5a, sizeof buffer);
    CHECK(file_write(0, o, 0, buffer, 40 * PAGE_SIZE) == 0 && o->dirty == 40);
    CHECK(o->size == 40 * PAGE_SIZE);
    pager_started = 0;
    CHECK(object_sync(o) == 0 && pager_started == 3 && o->dirty == 0);
    CHECK(memcmp(files[0].bytes, buffer, 40 * PAGE_SIZE) == 0);
    pager.immediate = 1;
    CHECK(file_write(0, o, 0, "xyz", 3) == 0 && object_sync(o) == 0);
    object_unref(o);
    check_nothing_left();
}

/* A server that dies takes what it had reserved with it: the next one is told of each page
 * that counts on it, and what nobody has noted yet is asked for again. */
static void test_server_dies(void)
{
    struct abi_page_run runs[8];
    file_make(0, 10 * PAGE_SIZE, 17, 3); /* pages 0, 3, 6 and 9 are holes */
    struct object *o = file_open(0);
    CHECK(object_dirtyable(o, 0, runs, 8) == 0);
    for (unsigned i = 0; i < 10; i++)
        CHECK(object_bring(o, i, 0) == 0);
    CHECK(object_dirtyable(o, 0, runs, 8) == 3);
    CHECK(runs[0].first == 1 && runs[0].count == 2 && runs[1].first == 4 && runs[2].first == 7);
    CHECK(object_dirtyable(o, 2, runs, 1) == 1 && runs[0].first == 2 && runs[0].count == 1);
    CHECK(object_prepare_write(o, 2, 2, o->size, 0) == 2);
    CHECK(object_dirtyable(o, 0, runs, 8) == 2 && runs[0].first == 1 && runs[0].count == 5);
    CHECK(object_dirtyable(o, 9, runs, 8) == 0);
    pager_die(o);
    CHECK(files[0].reserved[3] && !files[0].reserved[0]);
    pager.die_after = 1;
    CHECK(object_prepare_write(o, 6, 1, o->size, 0) == 1 && files[0].reserved[6]);
    pager.die_after = 1;
    CHECK(object_prepare_write(o, 20, 4, 24 * PAGE_SIZE, 0) == 4 && files[0].reserved[23]);
    CHECK(file_write(0, o, 0, "abc", 3) == 0 && object_sync(o) == 0);
    object_unref(o);
    check_nothing_left();
}

static void write_meanwhile(void)
{
    static unsigned times;
    if (times++ < 5)
        CHECK(file_write(0, waiting_object, 4 * PAGE_SIZE, &times, sizeof times) == 0);
}

/* Sync while others write: it ends, and what was dirty before is stored. */
static void test_sync_meanwhile(void)
{
    file_make(0, 6 * PAGE_SIZE, 19, 0);
    struct object *o = waiting_object = file_open(0);
    memset(buffer, 0x77, sizeof buffer);
    CHECK(file_write(0, o, 0, buffer, 6 * PAGE_SIZE) == 0);
    pager_meanwhile = write_meanwhile;
    CHECK(object_sync(o) == 0);
    pager_meanwhile = NULL;
    CHECK(memcmp(files[0].bytes, buffer, 4 * PAGE_SIZE) == 0);
    CHECK(object_sync(o) == 0 && file_agrees(0, o, 0, o->size));
    pager.kill = 1;
    int rc = 0;
    for (unsigned i = 0; i < 50 && rc == 0; i++) {
        CHECK(file_write(0, o, i % 6 * PAGE_SIZE, "k", 1) == 0);
        CHECK(file_write(0, o, (i + 2) % 6 * PAGE_SIZE, "k", 1) == 0);
        rc = object_sync(o);
        CHECK(rc == 0 || rc == -EINTR);
    }
    pager.kill = 0;
    CHECK(object_sync(o) == 0 && o->dirty == 0);
    object_unref(o);
    check_nothing_left();
}

/* Forgotten with pages busy, dirty and on their way out: all of it goes. */
static void test_discard(void)
{
    for (unsigned i = 0; i < 8; i++) {
        file_make(0, 20 * PAGE_SIZE, 23, 0);
        file_make(1, 5 * PAGE_SIZE, 24, 0);
        struct object *o = file_open(0), *p = file_open(1);
        CHECK(file_write(0, o, 0, "a", 1) == 0 && file_write(0, o, 9000, "b", 1) == 0);
        CHECK(object_writeback(o, 0) > 0);
        CHECK(file_write(0, o, 1, "c", 1) == 0);
        CHECK(file_write(1, p, 4 * PAGE_SIZE, "d", 1) == 0);
        uint64_t dirty = o->dirty + p->dirty;
        if (i % 2) {
            object_discard(o);
            CHECK(o->dirty == 0 && p->dirty == 1);
            object_discard(p);
        } else {
            CHECK(object_discard_port(pager_port()) == dirty);
        }
        CHECK(o->resident == 0 && p->resident == 0 && object_dirty_pages() == 0);
        CHECK(object_read(o, 0, buffer, 1) == -ERANGE && object_bring(o, 0, 0) == -ERANGE);
        CHECK(object_find(pager_port(), 0) == NULL);
        CHECK(object_sync(p) == 0 && object_writeback(o, 0) == 0);
        struct object *fresh = file_open(0); /* the name is free again */
        CHECK(fresh && fresh != o);
        if (i % 4 < 2)
            pager_drain();
        object_unref(p);
        object_unref(o);
        object_unref(fresh);
        check_nothing_left();
    }
}

static void test_anonymous(void)
{
    struct object *o = object_create_anon(10 * PAGE_SIZE);
    CHECK(object_read(o, PAGE_SIZE, buffer, 10) == 0 && buffer[0] == 0 && buffer[9] == 0);
    CHECK(o->resident == 1 && host_class_count(FRAME_ANON) == 1);
    CHECK(object_bring(o, 2, OBJECT_NOWAIT) == 0 && object_bring(o, 10, 0) == -ERANGE);
    spin_lock(&o->lock);
    struct frame *f = object_lookup_locked(o, 2);
    memset(frame_address(f), 1, PAGE_SIZE);
    object_mark_dirty_locked(o, f);
    spin_unlock(&o->lock);
    CHECK(o->dirty == 0 && pager_press(~0ul) == 0);
    object_resize(o, 2 * PAGE_SIZE + 5);
    object_resize(o, 4 * PAGE_SIZE);
    CHECK(object_read(o, 2 * PAGE_SIZE, buffer, PAGE_SIZE) == 0 && buffer[4] == 1 &&
          buffer[5] == 0);
    CHECK(object_prepare_write(o, 0, 3, 4 * PAGE_SIZE, 0) == 3);
    host_refuse_after = 1;
    CHECK(object_bring(o, 3, 0) == -ENOMEM);
    object_ref(o);
    object_unref(o);
    object_unref(o);
    struct frame *run = frame_alloc(FRAME_DMA, 2, FRAME_NORMAL);
    frame_split(run);
    o = object_create_physical(frame_paddr(run), 4 * PAGE_SIZE, run);
    CHECK(object_bring(o, 0, 0) < 0 && object_read(o, 0, buffer, 4) < 0);
    object_unref(o);
    CHECK(host_class_count(FRAME_DMA) == 0);
    check_nothing_left();
}

/* Opening is refused as a whole, whichever part there is no memory for. */
static void test_open_refused(void)
{
    struct object *o = NULL;
    unsigned n = 0;
    file_make(0, PAGE_SIZE, 31, 0);
    while (!o && n < 10) {
        kmalloc_trim();
        host_refuse_after = ++n;
        o = file_open(0);
        host_refuse_after = 0;
        CHECK(o || (pager_ios == 0 && kmalloc_bytes() == 0 && pager_ports == 0));
    }
    CHECK(o && n >= 3); /* the object and its transfer, at least */
    if (o)
        object_unref(o);
    pager_press(~0ul);
    check_nothing_left();
}

/* A mapped page is dropped only when asked to twice, and then unmapped first. */
static void test_shrink_mapped(void)
{
    file_make(0, 4 * PAGE_SIZE, 29, 0);
    struct object *o = file_open(0);
    struct space *s = space_create();
    const struct space_mapping m = {.addr = 0x100000,
                                    .size = 4 * PAGE_SIZE,
                                    .prot = ABI_PROT_READ | ABI_PROT_WRITE,
                                    .max_prot = ABI_PROT_READ | ABI_PROT_WRITE,
                                    .flags = REGION_SHARED,
                                    .fixed = true,
                                    .object = o,
                                    .backing = &pager_backings};
    CHECK(space_map(s, &m) == 0x100000 && pager_backings == 1);
    CHECK(space_fault(s, 0x100000, ACCESS_READ, 0) == 0);
    CHECK(space_fault(s, 0x102000, ACCESS_WRITE, 0) == 0);
    /* The second and the fourth came with the first, and nobody used them. */
    CHECK(o->resident == 4 && o->dirty == 1 && s->resident == 4);
    CHECK(object_drop_unused(~0ul) == 0 && o->resident == 4);
    CHECK(pager_drop_old(~0ul) == 2 && o->resident == 2 && s->resident == 2);
    CHECK(tlb_walk(s->root, 0x100000) & PTE_V && !(tlb_walk(s->root, 0x101000) & PTE_V));
    CHECK(pager_drop_old(~0ul) == 1 && o->resident == 1 && s->resident == 1);
    CHECK(!(tlb_walk(s->root, 0x100000) & PTE_V) && tlb_walk(s->root, 0x102000) & PTE_W);
    /* Sent: no store may slip in unseen. */
    CHECK(object_writeback(o, 0) == 1 && !(tlb_walk(s->root, 0x102000) & (PTE_W | PTE_D)));
    CHECK(space_fault(s, 0x102000, ACCESS_WRITE, 0) == 0 && o->dirty == 1);
    CHECK(tlb_walk(s->root, 0x102000) & PTE_W);
    pager_drain();
    CHECK(o->dirty == 1);
    object_resize(o, PAGE_SIZE);
    CHECK(s->resident == 0 && space_fault(s, 0x102000, ACCESS_READ, 0) == -ENXIO);
    CHECK(space_fault(s, 0x100000, ACCESS_READ, FAULT_NOWAIT) == -EAGAIN);
    space_unref(s);
    object_unref(o);
    CHECK(pager_backings == 0);
    check_nothing_left();
}

/* Sends the dirty pages of file 0 off, has them answered with error, and cuts the file
 * meanwhile if told so. The error that fsync then sees. */
static int answer(struct object *o, int error, bool cut)
{
    CHECK(object_writeback(o, 0) > 0 && pager_queued == 1);
    pager_queue[0].io->cuts = o->cuts;
    if (cut)
        file_resize(0, o, 2 * PAGE_SIZE + 10);
    pager_finish(0, error);
    int found = o->error;
    o->error = 0;
    return found;
}

/* A server may send back what a truncation overtook, and that alone. */
static void test_overtaken(void)
{
    file_make(0, 4 * PAGE_SIZE, 29, 0);
    struct object *o = file_open(0);
    memset(buffer, 7, sizeof buffer);
    CHECK(file_write(0, o, 0, buffer, 4 * PAGE_SIZE) == 0 && o->dirty == 4);
    CHECK(answer(o, -EAGAIN, false) == -EAGAIN && o->dirty == 4);
    CHECK(answer(o, -EIO, true) == -EIO && o->dirty == 3);
    CHECK(file_write(0, o, 0, buffer, 4 * PAGE_SIZE) == 0 && o->dirty == 4);
    CHECK(answer(o, -EAGAIN, true) == 0 && o->dirty == 3);
    CHECK(object_sync(o) == 0 && o->dirty == 0);
    CHECK(files[0].bytes[2 * PAGE_SIZE + 9] == 7);
    object_unref(o);
    pager_press(~0ul);
    check_nothing_left();
}

/* ------------------------------------------------------------------ random */

#define RANDOM_FILES 4

/* What each file should read as, wherever its bytes are. */
static struct {
    struct object *object; /* open, or NULL */
    uint64_t size;
    unsigned char bytes[FILE_PAGES * PAGE_SIZE];
    unsigned version; /* counts writes and truncations */
} model[RANDOM_FILES];
static unsigned random_depth;

static void random_resize(unsigned n)
{
    uint64_t size = check_random(&seed) % (FILE_PAGES * PAGE_SIZE);
    if (check_random(&seed) % 2 && model[n].size)
        size = model[n].size - check_random(&seed) % model[n].size % 9000;
    if (size < model[n].size)
        memset(model[n].bytes + size, 0, model[n].size - size);
    model[n].size = size;
    model[n].version++;
    file_resize(n, model[n].object, size);
}

static void random_write(unsigned n)
{
    uint64_t word = check_random(&seed), at = check_random(&seed) % (FILE_PAGES * PAGE_SIZE);
    if (check_random(&seed) % 3)
        at = check_random(&seed) % (model[n].size + 1) % (FILE_PAGES * PAGE_SIZE);
    at &= ~7ul; /* within a page: all or nothing */
    int rc = file_write(n, model[n].object, at, &word, sizeof word);
    CHECK(rc == 0 || rc == -EIO || rc == -ENOSPC || rc == -ENOMEM || rc == -EINTR || rc == -ERANGE);
    if (rc == 0) {
        memcpy(model[n].bytes + at, &word, sizeof word);
        if (at + sizeof word > model[n].size)
            model[n].size = at + sizeof word;
        model[n].version++;
    }
}

static void random_read(unsigned n)
{
    unsigned char bytes[3 * PAGE_SIZE];
    if (!model[n].size)
        return;
    uint64_t at = check_random(&seed) % model[n].size, size = model[n].size - at;
    if (size > sizeof bytes)
        size = check_random(&seed) % sizeof bytes;
    unsigned version = model[n].version;
    int rc = object_read(model[n].object, at, bytes, size);
    CHECK(rc == 0 || rc == -EIO || rc == -ENOMEM || rc == -EINTR ||
          (rc == -ERANGE && version != model[n].version));
    if (rc == 0 && version == model[n].version)
        CHECK(memcmp(bytes, model[n].bytes + at, size) == 0);
}

static void random_sync(unsigned n)
{
    unsigned version = model[n].version;
    int rc = object_sync(model[n].object);
    CHECK(rc == 0 || rc == -EIO || rc == -EINTR);
    if (rc == 0 && version == model[n].version) {
        CHECK(model[n].object->dirty == 0 && files[n].size == model[n].size);
        CHECK(memcmp(files[n].bytes, model[n].bytes, model[n].size) == 0);
    }
}

static void random_step(void)
{
    uint64_t r = check_random(&seed);
    unsigned n = r / 64 % RANDOM_FILES;
    host_run_on(r / 1024 % 3);
    if (!model[n].object) {
        host_refuse_one_in = 0;
        model[n].object = file_open(n);
        CHECK(model[n].object && model[n].object->size == model[n].size);
    }
    host_refuse_one_in = r / 4096 % 8 ? 0 : 5;
    switch (r % 16) {
    case 0:
        if (r / 65536 % 4 == 0)
            random_resize(n);
        break;
    case 1:
        if (random_depth == 0) {
            object_unref(model[n].object);
            model[n].object = NULL;
        }
        break;
    case 2:
        if (r / 65536 % 2)
            pager_press(check_random(&seed) % 40);
        else
            object_drop_unused(check_random(&seed) % 40);
        break;
    case 3:
        if (random_depth == 0)
            random_sync(n);
        break;
    case 4:
    case 5:
        object_writeback(model[n].object, check_random(&seed) % FILE_PAGES);
        break;
    case 6:
    case 7:
        pager_step();
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        random_write(n);
        break;
    default:
        random_read(n);
    }
    host_refuse_one_in = 0;
}

/* While one thread waits, others go on. */
static void random_meanwhile(void)
{
    unsigned refuse = host_refuse_one_in;
    if (random_depth < 3 && check_random(&seed) % 2) {
        random_depth++;
        random_step();
        random_depth--;
    }
    host_refuse_one_in = refuse;
}

static void test_random(void)
{
    for (unsigned n = 0; n < RANDOM_FILES; n++) {
        file_make(n, check_random(&seed) % (FILE_PAGES * PAGE_SIZE), 100 + n, n);
        model[n].size = files[n].size;
        memcpy(model[n].bytes, files[n].bytes, sizeof files[n].bytes);
    }
    pager.room = 1000000;
    for (unsigned step = 0; step < 60000 && !check_failing; step++) {
        bool quiet = step / 2000 % 3 == 0;
        pager.fail_in = pager.fail_out = pager.fail_reserve = quiet ? 0 : 12;
        pager.fail_start = pager.kill = quiet ? 0 : 15;
        pager.immediate = step / 1000 % 2 ? 5 : 0;
        pager.early = pager.partial_reserve = 2;
        pager_meanwhile = random_meanwhile;
        random_step();
        uint64_t dirty = 0, resident = 0;
        if (step % 64 == 0) {
            for (unsigned n = 0; n < RANDOM_FILES; n++) {
                struct object *o = object_find(pager_port(), n);
                dirty += o ? o->dirty : 0;
                resident += o ? o->resident : 0;
                if (o)
                    object_unref(o);
            }
            CHECK(dirty == object_dirty_pages());
            /* Frames that left their object live as long as their transfer. */
            CHECK(host_class_count(FRAME_OBJECT) >= resident);
            CHECK(host_class_count(FRAME_OBJECT) <= resident + pager_queued * PAGE_IO_MAX);
        }
        if (step % 2000 == 0)
            CHECK(host_ledger_balanced());
    }
    memset(&pager, 0, sizeof pager);
    pager_meanwhile = NULL;
    pager_drain();
    for (unsigned n = 0; n < RANDOM_FILES; n++) {
        if (!model[n].object)
            model[n].object = file_open(n);
        object_sync(model[n].object); /* an earlier error is told */
        random_sync(n);
        CHECK(file_agrees(n, model[n].object, 0, model[n].size));
        object_unref(model[n].object);
    }
    check_nothing_left();
}

int main(void)
{
    check_plan(14);
    host_boot(3);
    kmalloc_init();
    tlb_boot();
    asid_init(-1, 3);
    pager_boot();
    test_read();
    check_end("pages come in once, in runs, and holes are known");
    test_failure();
    check_end("failed, late and abandoned page-ins");
    test_truncated_in_flight();
    check_end("truncation overtakes page-ins");
    test_truncated_write_back();
    check_end("truncation overtakes write-back");
    test_write_back();
    check_end("write-back, with redirtying and failures");
    test_server_dies();
    check_end("a server that dies loses no reservation");
    test_sync_meanwhile();
    check_end("sync while others write");
    test_discard();
    check_end("a forgotten object forgets its pages");
    test_anonymous();
    check_end("anonymous and physical objects");
    test_open_refused();
    check_end("an object that is refused leaves nothing");
    test_shrink_mapped();
    check_end("mapped pages are unmapped before they go");
    test_overtaken();
    check_end("pages that a truncation overtook are sent again");
    test_random();
    check_end("random reads, writes, truncations and failures agree with a model");
    CHECK(host_refusals > 100);
    check_end("memory was refused");
    host_halt();
    return check_exit();
}
