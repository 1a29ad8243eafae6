/*
 * vm/vmalloc.c: ranges apart with guard pages between, fences on every hart before
 * a range is handed out and before its frames are given back, a window that
 * fills up, memory refused at each allocation, and memory that is all fragments.
 */
/* host-test: vm/vmalloc.c vm/asid.c vm/sv39.c vm/kmalloc.c vm/frame.c kernel/lib/lock.c -DDEBUG */
/* host-test: -DHOST_WRAP -Wl,--wrap=frame_alloc,--wrap=frame_alloc_zeroed,--wrap=kmalloc */
/* host-test: -Wl,--wrap=kzalloc */
#include "test/host/vm_tlb.h"
#include "vm/kmalloc.h"
#include "vm/vmalloc.h"

#define HARTS     3
#define WATCHED   8192 /* pages of the window whose fences are noted */
#define RANGES    60
#define PAGES_MAX 40

static uint64_t seed = 0x5851f42d4c957f2dul;
/* fenced[hart][page]: since the page's entry became what it is. */
static pte_t fenced[MAX_HARTS][WATCHED];
static uint64_t emptied[MAX_HARTS]; /* fences of everything */

static void note_fence(enum host_fence_kind kind, vaddr_t va, uint64_t asid)
{
    uint64_t page = (va - VMALLOC_BASE) >> PAGE_SHIFT;
    pte_t *noted = fenced[host_hart->index];
    emptied[host_hart->index] += kind == HOST_FENCE_ALL;
    if (kind == HOST_FENCE_PAGE && page < WATCHED)
        noted[page] = tlb_walk(kernel_root, va) | 1ul << 63;
    for (page = 0; kind == HOST_FENCE_ALL && page < WATCHED; page++)
        noted[page] = tlb_walk(kernel_root, VMALLOC_BASE + page * PAGE_SIZE) | 1ul << 63;
    tlb_fence(kind, va, asid);
}

/* Each hart has fenced va since its entry became pte. */
static bool fenced_everywhere(vaddr_t va, pte_t pte)
{
    for (unsigned h = 0; h < HARTS; h++)
        if (fenced[h][(va - VMALLOC_BASE) >> PAGE_SHIFT] != (pte | 1ul << 63))
            return false;
    return true;
}

static bool cached_somewhere(vaddr_t va)
{
    for (unsigned h = 0; h < HARTS; h++)
        if (tlb_find(h, va))
            return true;
    return false;
}

static struct range {
    vaddr_t start;
    uint64_t pages;
    pte_t entries[PAGES_MAX];
} held[RANGES];
static unsigned held_count;
static uint64_t tables; /* frames of tables when no range is held */

/* A range just handed out: mapped, writable, not executable, global, guarded. */
static void range_taken(void *p, size_t size, enum abi_frame_class class)
{
    struct range *r = &held[held_count++];
    r->start = (vaddr_t)p;
    r->pages = page_round_up(size) >> PAGE_SHIFT;
    CHECK(r->start % PAGE_SIZE == 0 && r->start > VMALLOC_BASE);
    CHECK(r->start + r->pages * PAGE_SIZE <= VMALLOC_BASE + VMALLOC_SIZE);
    CHECK(tlb_walk(kernel_root, r->start - 1) == 0);
    CHECK(tlb_walk(kernel_root, r->start + r->pages * PAGE_SIZE) == 0);
    for (uint64_t i = 0; i < r->pages; i++) {
        vaddr_t va = r->start + i * PAGE_SIZE;
        pte_t pte = tlb_walk(kernel_root, va);
        CHECK((pte & 0x3ff) == PTE_KERNEL_RW && frame_valid(pte_paddr(pte)));
        CHECK(frame_of(pte_paddr(pte))->class == class &&
              frame_refs(frame_of(pte_paddr(pte))) == 1);
        CHECK(fenced_everywhere(va, pte));
        r->entries[i] = pte;
        tlb_fill(check_random(&seed) % HARTS, va);
    }
    for (unsigned i = 0; i + 1 < held_count; i++) {
        vaddr_t end = held[i].start + held[i].pages * PAGE_SIZE;
        CHECK(end < r->start || r->start + r->pages * PAGE_SIZE < held[i].start);
    }
}

static void range_drop(unsigned i)
{
    struct range *r = &held[i];
    for (uint64_t k = 0; k < r->pages; k++)
        CHECK(tlb_walk(kernel_root, r->start + k * PAGE_SIZE) == r->entries[k]);
    uint64_t tables_before = host_class_count(FRAME_TABLE);
    memset(emptied, 0, sizeof emptied);
    vfree((void *)r->start);
    /* A walker may remember a table, and only a fence of everything ends that. */
    if (host_class_count(FRAME_TABLE) < tables_before)
        for (unsigned h = 0; h < HARTS; h++)
            CHECK(emptied[h] > 0);
    for (uint64_t k = 0; k < r->pages; k++) {
        vaddr_t va = r->start + k * PAGE_SIZE;
        CHECK(tlb_walk(kernel_root, va) == 0 && !cached_somewhere(va));
        CHECK(fenced_everywhere(va, 0));
        CHECK(frame_of(pte_paddr(r->entries[k]))->class == FRAME_FREE);
    }
    held[i] = held[--held_count];
}

static void drop_all(void)
{
    while (held_count)
        range_drop(check_random(&seed) % held_count);
    kmalloc_trim();
    CHECK(kmalloc_bytes() == 0 && host_class_count(FRAME_KMALLOC) == 0);
    CHECK(host_class_count(FRAME_KSTACK) == 0 && host_ledger_balanced());
    CHECK(host_class_count(FRAME_TABLE) == tables); /* last-level tables went, too */
    CHECK(host_free_frames_untouched());
}

static void test_random(void)
{
    for (unsigned step = 0; step < 6000 && !check_failing; step++) {
        uint64_t r = check_random(&seed);
        host_run_on(r % HARTS);
        host_refuse_one_in = r / 64 % 4 ? 0 : 10;
        if (r / 4 % 2 && held_count < RANGES) {
            bool stack = r / 8 % 4 == 0;
            size_t size = stack ? KSTACK_SIZE : 1 + check_random(&seed) % (PAGES_MAX * PAGE_SIZE);
            uint64_t frames_before = frame_free_count(), bytes = kmalloc_bytes();
            uint64_t mapped = host_class_count(FRAME_KMALLOC) + host_class_count(FRAME_KSTACK);
            void *p = stack ? kstack_alloc() : vmalloc(size);
            host_refuse_one_in = 0;
            if (p) {
                range_taken(p, size, stack ? FRAME_KSTACK : FRAME_KMALLOC);
            } else {
                /* Tables, which are the window's, may have come to stay. */
                uint64_t now = host_class_count(FRAME_KMALLOC) + host_class_count(FRAME_KSTACK);
                CHECK(kmalloc_bytes() == bytes && now <= mapped + 1);
                CHECK(frames_before - frame_free_count() <= 2);
            }
        } else if (held_count) {
            range_drop(check_random(&seed) % held_count);
        }
        host_refuse_one_in = 0;
    }
    CHECK(host_refusals > 100);
    drop_all();
}

/* One range, each of its allocations refused in turn. */
static void test_refusals(void)
{
    void *p = NULL;
    unsigned n = 1;
    for (; !p && n < 100; n++) {
        host_refuse_after = n;
        p = vmalloc(5 * PAGE_SIZE);
        CHECK(p || kmalloc_bytes() == 0);
        CHECK(p || host_class_count(FRAME_KMALLOC) <= 1); /* the slab that stays */
    }
    host_refuse_after = 0;
    CHECK(n > 6 && p);
    if (!p)
        return;
    range_taken(p, 5 * PAGE_SIZE, FRAME_KMALLOC);
    drop_all();
    CHECK(!vmalloc(0) && !vmalloc(~0ul) && !vmalloc(-PAGE_SIZE) && !vmalloc(VMALLOC_SIZE));
    CHECK(!vmalloc(HOST_FRAMES * PAGE_SIZE)); /* all there is, and more */
    drop_all();
}

/* Memory in single frames, no two of them neighbours: vmalloc has what kmalloc cannot. */
static void test_fragmented(void)
{
    static struct frame *taken[HOST_FRAMES];
    unsigned count = 0, kept = 0;
    for (struct frame *f; (f = frame_alloc(FRAME_ANON, 0, FRAME_CRITICAL)); count++)
        taken[count] = f;
    for (unsigned i = 0; i < count; i++) {
        if (frame_paddr(taken[i]) >> PAGE_SHIFT & 1)
            taken[kept++] = taken[i];
        else
            frame_unref(taken[i]);
    }
    host_flush_caches();
    CHECK(count - kept > 100 && frame_free_count() > 100);
    CHECK(!kmalloc(8 * PAGE_SIZE));
    void *range = vmalloc(8 * PAGE_SIZE);
    CHECK(range);
    if (range)
        range_taken(range, 8 * PAGE_SIZE, FRAME_KMALLOC);
    drop_all();
    while (kept)
        frame_unref(taken[--kept]);
    void *block = kmalloc(8 * PAGE_SIZE);
    CHECK(block);
    kfree(block);
    drop_all();
}

static void test_devices(void)
{
    static const paddr_t pa = 0x10001000;
    char *p = vmap_mmio(pa + 0x234, 0x1000), *q = vmap_mmio(pa, PAGE_SIZE);
    CHECK(((vaddr_t)p & PAGE_MASK) == 0x234);
    vaddr_t start = page_round_down((vaddr_t)p);
    CHECK(pte_paddr(tlb_walk(kernel_root, start)) == pa);
    CHECK(pte_paddr(tlb_walk(kernel_root, start + PAGE_SIZE)) == pa + PAGE_SIZE);
    CHECK(tlb_walk(kernel_root, start + 2 * PAGE_SIZE) == 0);
    CHECK((tlb_walk(kernel_root, start) & 0x3ff) == PTE_KERNEL_RW);
    CHECK(fenced_everywhere(start, tlb_walk(kernel_root, start)));
    CHECK(pte_paddr(tlb_walk(kernel_root, (vaddr_t)q)) == pa);
    vfree(q);
    vfree((void *)start);
    CHECK(tlb_walk(kernel_root, start) == 0 && tlb_walk(kernel_root, (vaddr_t)q) == 0);
    CHECK_PANICS(vfree((void *)start), "not from vmalloc");
    vfree(NULL);
    drop_all();
}

/* A window that spans two tables, with each allocation refused in turn. */
static void test_devices_refused(void)
{
    void *p = NULL;
    unsigned n = 1;
    for (; !p && n < 20; n++) {
        host_flush_caches();
        kmalloc_trim();
        host_refuse_after = n;
        p = vmap_mmio(0x10000000, 3 * MEGAPAGE_SIZE);
        CHECK(p || (kmalloc_bytes() == 0 && !host_refuse_after));
        for (vaddr_t va = VMALLOC_BASE; !p && va < VMALLOC_BASE + 4 * MEGAPAGE_SIZE;
             va += PAGE_SIZE)
            CHECK(tlb_walk(kernel_root, va) == 0);
    }
    host_refuse_after = 0;
    CHECK(n > 3 && p);
    if (p)
        vfree(p);
    drop_all();
}

/* Device windows until the address space is full; what comes back can be had. */
static void test_exhaustion(void)
{
    enum { SIZE = 256 << 20, MOST = VMALLOC_SIZE / SIZE };
    void *window[MOST];
    unsigned n = 0;
    for (unsigned i = 1; i < HARTS; i++)
        harts[i].online = 0;
    host_fence = NULL; /* a million pages */
    while (n < MOST && (window[n] = vmap_mmio(0x40000000, SIZE)))
        n++;
    CHECK(n == MOST - 1); /* the guards take the last one's place */
    CHECK(!vmap_mmio(0x40000000, SIZE));
    void *small = vmalloc(3 * PAGE_SIZE);
    CHECK(small && (vaddr_t)small > (vaddr_t)window[n - 1]);
    vfree(small);
    vfree(window[n / 2]);
    CHECK(!vmap_mmio(0x40000000, SIZE + PAGE_SIZE) || n == MOST);
    CHECK(vmap_mmio(0x40000000, SIZE) == window[n / 2]);
    while (n)
        vfree(window[--n]);
    for (unsigned i = 1; i < HARTS; i++)
        harts[i].online = 1;
    host_fence = note_fence;
    drop_all();
}

int main(void)
{
    check_plan(6);
    host_boot(HARTS);
    kmalloc_init();
    tlb_boot();
    host_fence = note_fence;
    tables = host_class_count(FRAME_TABLE);
    test_random();
    check_end("random ranges are apart, guarded, and fenced on every hart");
    test_refusals();
    check_end("refused memory leaves nothing behind");
    test_fragmented();
    check_end("vmalloc finds room in fragments where kmalloc finds no run");
    test_devices();
    check_end("device windows map what they name");
    test_devices_refused();
    check_end("a device window that is refused leaves nothing");
    test_exhaustion();
    check_end("a full window refuses, and serves again");
    host_halt();
    return check_exit();
}
