/*
 * Swap against a plain model: everything that vm_space.c does, while pages leave for a disk that
 * is late, answers in another order and fails, and come back; with little memory, little swap,
 * and other threads at work while one waits. STEPS=N and SEED=N in the environment change the run.
 */
/* host-test: vm/space.c vm/region.c vm/fault.c vm/usercopy.c vm/object.c vm/object_page.c */
/* host-test: vm/prune.c vm/pageindex.c vm/asid.c */
/* host-test: vm/swap.c vm/swap_cache.c vm/swap_in.c vm/swap_out.c vm/swap_slots.c */
/* host-test: vm/reclaim.c vm/object_swap.c vm/object_reclaim.c */
/* host-test: vm/sv39.c vm/kmalloc.c vm/frame.c kernel/lib/lock.c kernel/lib/string.c */
/* host-test: kernel/lib/wait.c -DDEBUG -DHOST_WRAP -DHOST_FRAMES=1000 */
/* host-test: -Wl,--wrap=frame_alloc -Wl,--wrap=frame_alloc_zeroed,--wrap=kmalloc,--wrap=kzalloc */
#include "kernel/lib/counter.h"
#include "test/host/vm_swap_ops.h"
#include "vm/kmalloc.h"

#define ROUND_STEPS 2500u

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

/* ------------------------------------------------------------------- in detail */

#define BASE 0x100000ul

static struct space *space_of(unsigned pages)
{
    struct space_mapping m = {.addr = BASE,
                              .size = pages * PAGE_SIZE,
                              .prot = ABI_PROT_READ | ABI_PROT_WRITE,
                              .max_prot = ABI_PROT_READ | ABI_PROT_WRITE,
                              .fixed = true};
    struct space *s = space_create();
    CHECK(space_map(s, &m) == (int64_t)BASE);
    return s;
}

static int put(struct space *s, unsigned page, uint64_t value)
{
    return copy_to_user(s, BASE + page * PAGE_SIZE + 8, &value, sizeof value);
}

/* What the page holds, or the error. */
static int64_t get(struct space *s, unsigned page)
{
    int64_t value;
    int rc = copy_from_user(s, &value, BASE + page * PAGE_SIZE + 8, sizeof value);
    return rc < 0 ? rc : value;
}

static pte_t entry(struct space *s, unsigned page)
{
    return raw_entry(s, BASE + page * PAGE_SIZE);
}

/* Until the scan has had every page that it can have. */
static void evict_all(void)
{
    unsigned scanned;
    for (unsigned i = 0; i < 16; i++) {
        reclaim_anon(SWAP_DISK_SLOTS, &scanned);
        swap_disk_drain();
    }
}

static void begin(uint32_t slots)
{
    swap_disk_replace(slots);
    swap_disk.reads = swap_disk.writes = swap_disk.pages_in = swap_disk.pages_out = 0;
}

static uint64_t retired(void)
{
    struct swap_totals t;
    swap_totals(&t);
    return t.bad - bad_before;
}

/* Nothing is left, in memory or on the disk, but what was retired. */
static void finish(void)
{
    struct swap_totals t;
    swap_disk_drain();
    kmalloc_trim();
    swap_totals(&t);
    CHECK(t.cached == 0 && t.free + t.bad - bad_before == t.slots);
    CHECK(host_class_count(FRAME_ANON) == 0 && host_class_count(FRAME_KMALLOC) == 0);
    CHECK(host_ledger_balanced() && host_free_frames_untouched());
    bad_before = t.bad;
}

/* Out and in again; a page that was not written since costs no second write. */
static void test_out_and_in(void)
{
    begin(SWAP_DISK_SLOTS);
    struct space *s = space_of(100);
    for (unsigned i = 0; i < 100; i++)
        CHECK(put(s, i, 1000 + i) == 0);
    evict_all();
    CHECK(s->resident == 0 && host_class_count(FRAME_ANON) == 0);
    CHECK(swap_disk.pages_out == 100 && swap_disk.writes <= 5 && swap_disk.pages_in == 0);
    for (unsigned i = 0; i < 100; i++)
        CHECK(get(s, i) == 1000 + i);
    CHECK(swap_disk.pages_in == 100 && swap_disk.reads < 12); /* read ahead in order */
    CHECK(put(s, 7, 7) == 0);
    evict_all();
    CHECK(s->resident == 0 && swap_disk.pages_out == 101);
    for (unsigned i = 100; i-- > 0;)
        CHECK(get(s, i) == (i == 7 ? 7 : 1000 + i));
    CHECK(swap_disk.pages_in == 200 && swap_disk.reads < 24); /* and against it */
    space_unref(s);
    finish();
}

/* The frame that page i of the space is in. */
static const struct frame *page_in(struct space *s, unsigned i)
{
    return frame_of(pte_paddr(pte_load(sv39_walk(s->root, BASE + i * PAGE_SIZE, false))));
}

/* A page that is asked for again counts unless as many pages have left since as there are
 * frames. */
static void test_refaults(void)
{
    begin(SWAP_DISK_SLOTS);
    struct space *s = space_of(11);
    uint64_t before = counter_sum(COUNT_REFAULT), n = 0;
    CHECK(put(s, 0, 1) == 0);
    evict_all();
    CHECK(get(s, 0) == 1 && counter_sum(COUNT_REFAULT) == before + 1);
    CHECK(page_in(s, 0)->age == AGE_MISSED); /* it stays for longer */
    CHECK(get(s, 0) == 1 && counter_sum(COUNT_REFAULT) == before + 1);
    evict_all();
    for (; n < frame_total() + frame_total() / 8; n += 10) {
        for (unsigned i = 1; i < 11; i++)
            CHECK(put(s, i, i) == 0);
        evict_all();
    }
    before = counter_sum(COUNT_REFAULT);
    CHECK(get(s, 0) == 1 && counter_sum(COUNT_REFAULT) == before);
    CHECK(page_in(s, 0)->age == 0);
    CHECK(get(s, 10) == 10 && counter_sum(COUNT_REFAULT) > before);
    space_unref(s);
    finish();
}

/* A slot is given up by the last who names it, and each has its own page from then on. */
static void test_fork(void)
{
    begin(SWAP_DISK_SLOTS);
    struct space *s = space_of(10), *child;
    for (unsigned i = 0; i < 10; i++)
        CHECK(put(s, i, i) == 0);
    evict_all();
    CHECK((child = space_fork(s)));
    CHECK(slots_refs(pte_slot(entry(s, 3))) == 2 && entry(s, 3) == entry(child, 3));
    CHECK(put(child, 3, 33) == 0 && get(s, 3) == 3 && get(child, 3) == 33 && get(s, 4) == 4);
    evict_all();
    CHECK(get(s, 3) == 3 && get(child, 3) == 33 && get(child, 4) == 4);
    space_unref(s);
    CHECK(get(child, 5) == 5 && put(child, 5, 55) == 0 && get(child, 5) == 55);
    space_unref(child);
    finish();
}

/* A page that cannot be read is an error for whoever needs it, each time, and for nobody else:
 * not for those whose pages were to be read with it, and not for the page itself, which is there
 * again as soon as the disk is. */
static void test_read_error(void)
{
    begin(SWAP_DISK_SLOTS);
    struct space *s = space_of(60), *other = space_of(60);
    for (unsigned i = 0; i < 60; i++)
        CHECK(put(s, i, 100 + i) == 0 && put(other, i, 200 + i) == 0);
    evict_all();
    uint32_t bad = pte_slot(entry(s, 30));
    swap_disk.bad_in[bad] = true;
    for (unsigned i = 0; i < 60; i++) {
        CHECK(get(s, i) == (i == 30 ? -EIO : 100 + (int)i));
        CHECK(get(other, i) == 200 + i);
    }
    for (unsigned i = 60; i-- > 0;)
        CHECK(get(s, i) == (i == 30 ? -EIO : 100 + (int)i));
    CHECK(put(s, 30, 1) == -EIO && pte_slot(entry(s, 30)) == bad);
    struct space *child = space_fork(s);
    CHECK(get(child, 30) == -EIO && get(child, 29) == 129);
    swap_disk.bad_in[bad] = false;
    CHECK(get(s, 30) == 130 && get(child, 30) == 130 && retired() == 0);
    space_unref(s);
    space_unref(other);
    space_unref(child);
    finish();
}

/* A page that cannot be written stays as it is, its slot is not used again, and it leaves for
 * another when it is written again. */
static void test_write_error(void)
{
    begin(200);
    struct space *s = space_of(20);
    swap_disk.fail_out = 1;
    for (unsigned i = 0; i < 20; i++)
        CHECK(put(s, i, i) == 0);
    evict_all();
    CHECK(swap_disk.failed_writes > 0 && host_class_count(FRAME_ANON) == 20 && retired() == 20);
    swap_disk.fail_out = 0;
    uint64_t reads = swap_disk.reads;
    for (unsigned i = 0; i < 20; i++)
        CHECK(get(s, i) == i);
    CHECK(swap_disk.reads == reads && retired() == 20);
    evict_all();
    CHECK(s->resident == 0 && host_class_count(FRAME_ANON) == 0 && retired() == 20);
    for (unsigned i = 0; i < 20; i++)
        CHECK(get(s, i) == i);
    space_unref(s);
    finish();
}

/* One page that cannot leave, its slot being retired and still named by another process, does
 * not keep the others in memory. */
static void test_stuck_page(void)
{
    begin(SWAP_DISK_SLOTS);
    struct space *s = space_of(20), *child;
    CHECK(put(s, 0, 1) == 0);
    evict_all();
    CHECK((child = space_fork(s)));
    uint32_t slot = pte_slot(entry(s, 0));
    CHECK(put(child, 1, 1) == 0 && get(s, 0) == 1 && slots_refs(slot) == 1);
    /* What is in the cache is dirty, and cannot be written: the slot is retired. */
    frame_of(pte_paddr(entry(s, 0)))->flags |= PAGE_DIRTY;
    slots_retire(slot);
    for (unsigned i = 1; i < 20; i++)
        CHECK(put(s, i, i) == 0);
    evict_all();
    CHECK(s->resident <= 1 && get(s, 0) == 1 && get(child, 0) == 1 && get(s, 19) == 19);
    space_unref(s);
    space_unref(child);
    finish();
}

/* What another thread does while this one waits for a transfer: writes the page that it is to
 * write, in vain. */
static void write_in_vain(void)
{
    const uint32_t slot = SWAP_IOS * SWAP_IO_MAX; /* of the transfer that waits */
    pager_meanwhile = NULL;
    swap_disk.fail_out = swap_disk.immediate = 1;
    CHECK(swap_clean(&slot, 1) == 1 && slots_retired(slot));
    swap_disk.fail_out = swap_disk.immediate = 0;
}

/* A slot that is retired while its writer waits for a transfer is not written. */
static void test_retired_meanwhile(void)
{
    begin(SWAP_DISK_SLOTS);
    struct space *s = space_of(300);
    unsigned scanned;
    for (unsigned i = 0; i < 300; i++)
        CHECK(put(s, i, i) == 0);
    pager_meanwhile = write_in_vain;
    for (unsigned i = 0; i < 8; i++)
        reclaim_anon((SWAP_IOS + 1) * SWAP_IO_MAX, &scanned);
    CHECK(pager_meanwhile == NULL && retired() == 1);
    pager_meanwhile = NULL;
    swap_disk_drain();
    for (unsigned i = 0; i < 300 && !check_failing; i++)
        CHECK(get(s, i) == i);
    space_unref(s);
    finish();
}

/* Swap is full: what has no room stays, and is right; room that comes is used. */
static void test_full(void)
{
    begin(40);
    struct space *s = space_of(100);
    for (unsigned i = 0; i < 100; i++)
        CHECK(put(s, i, 300 + i) == 0);
    evict_all();
    CHECK(s->resident == 60 && swap_disk.pages_out == 40);
    for (unsigned i = 0; i < 100; i++)
        CHECK(get(s, i) == 300 + i);
    /* Mapped again, they let others have their slots. */
    evict_all();
    CHECK(s->resident == 60);
    CHECK(space_unmap(s, BASE, 90 * PAGE_SIZE) == 0);
    evict_all();
    CHECK(s->resident == 0);
    for (unsigned i = 90; i < 100; i++)
        CHECK(get(s, i) == 300 + i);
    space_unref(s);
    finish();
}

/* Wired spaces and other frames than anonymous ones are never looked at. */
static void test_pinned(void)
{
    begin(SWAP_DISK_SLOTS);
    struct space *s = space_of(10);
    unsigned scanned;
    s->wired = true;
    for (unsigned i = 0; i < 10; i++)
        CHECK(put(s, i, i) == 0);
    evict_all();
    reclaim_anon(10, &scanned);
    CHECK(s->resident == 10 && swap_disk.writes == 0 && scanned == 0);
    space_unref(s);
    /* A frame of any class that is pinned is found out on its way to the disk. */
    static const enum abi_frame_class pinned[] = {FRAME_KERNEL, FRAME_TABLE, FRAME_KMALLOC,
                                                  FRAME_KSTACK, FRAME_DMA};
    for (unsigned i = 0; i < sizeof pinned / sizeof pinned[0]; i++) {
        struct frame *f = frame_alloc(pinned[i], 0, FRAME_NORMAL);
        struct swap_run run = {0, 0};
        CHECK(f);
        CHECK_PANICS(swap_reserve(f, &run), "f->class == FRAME_ANON");
        frame_unref(f);
    }
    finish();
}

/* Slots that the disk is known not to hold are never used. */
static void test_known_bad(void)
{
    begin(64);
    for (uint32_t slot = 0; slot < 64; slot += 2) {
        swap_retire(slot);
        swap_retire(slot);
    }
    swap_retire(64);
    swap_retire(~0u);
    CHECK(retired() == 32);
    struct space *s = space_of(64);
    for (unsigned i = 0; i < 64; i++)
        CHECK(put(s, i, i) == 0);
    evict_all();
    CHECK(s->resident == 32 && swap_disk.pages_out == 32);
    for (unsigned i = 0; i < 64; i++)
        CHECK(get(s, i) == i);
    space_unref(s);
    finish();
}

/* ---------------------------------------------------------------------- random */

static void test_random(unsigned steps)
{
    uint64_t tables = host_class_count(FRAME_TABLE);
    swap_disk.failed_reads = swap_disk.failed_writes = 0;
    host_fence = fence_and_speculate;
    for (unsigned step = 0; step < steps && !check_failing;) {
        round_begin();
        for (unsigned i = 0; i < ROUND_STEPS && step < steps && !check_failing; i++, step++) {
            swap_step();
            if (step % 64 == 0) {
                check_everything();
                check_slots();
            }
        }
        if (check_failing)
            printf("# step %u\n", step);
        round_end();
        CHECK(host_class_count(FRAME_TABLE) == tables);
    }
    printf("# %lu pages out, %lu in, %lu writes failed, %lu reads, %lu allocations refused\n",
           swap_disk.pages_out, swap_disk.pages_in, swap_disk.failed_writes, swap_disk.failed_reads,
           host_refusals);
    CHECK(steps < 100000 ||
          (swap_disk.pages_out > steps / 25 && swap_disk.pages_in > steps / 50 &&
           swap_disk.failed_reads > 100 && swap_disk.failed_writes > 100 && host_refusals > 1000));
}

int main(void)
{
    seed = number_from("SEED", 0x9e3779b97f4a7c15ul);
    unsigned steps = number_from("STEPS", 1000000);
    check_plan(11);
    printf("# SEED=%#lx STEPS=%u\n", seed, steps);
    tlb_seed ^= seed >> 1;
    pager_seed ^= seed >> 2;
    host_boot(HARTS);
    kmalloc_init();
    tlb_boot();
    asid_init(ASID_BITS, HARTS);
    pager_boot();
    pager_ops.make_room = swap_make_room;
    swap_disk_boot();
    swap_disk.seed ^= seed >> 3;
    test_out_and_in();
    check_end("pages go out and come in again, clean ones at no cost");
    test_refaults();
    check_end("pages that come back soon are counted, others are not");
    test_fork();
    check_end("fork shares slots, and the last gives them up");
    test_read_error();
    check_end("a page that cannot be read is the error of who needs it");
    test_write_error();
    check_end("a failed write retires the slot and loses nothing");
    test_stuck_page();
    check_end("a page that cannot leave keeps no other");
    test_retired_meanwhile();
    check_end("a slot that is retired meanwhile is not written");
    test_full();
    check_end("full swap keeps what has no room");
    test_pinned();
    check_end("wired spaces stay, and a pinned frame that is forced out is found");
    test_known_bad();
    check_end("bad slots of the disk are left alone");
    test_random(steps);
    check_end("random operations agree with a model");
    swap_disk_halt();
    host_halt();
    return check_exit();
}
