/*
 * vm/frame.c: the buddy allocator's runs, its watermarks, and the ledger, which
 * is checked after every step.
 */
/* host-test: vm/frame.c kernel/lib/lock.c -DDEBUG */
#include "test/host/vm_host.h"

#define RUNS_MAX 1500

static uint64_t seed = 1181783497276652981ul;

static struct run {
    struct frame *frame;
    unsigned order;
    enum abi_frame_class class;
    unsigned refs;
} runs[RUNS_MAX];
static unsigned run_count;
static uint64_t model[FRAME_CLASSES]; /* frames of each class */
static unsigned char taken[HOST_FRAMES];

static bool ledger_is_model(void)
{
    struct abi_memory m;
    uint64_t sum = 0;
    frame_ledger(&m);
    for (unsigned c = 0; c < FRAME_CLASSES; c++) {
        sum += m.count[c];
        if (m.count[c] != model[c])
            return false;
    }
    return sum == frame_total() && m.total == frame_total() &&
           m.count[FRAME_FREE] == frame_free_count();
}

/* Notes a run and checks it: aligned, within RAM, nobody else's, poisoned. */
static void run_taken(struct frame *f, unsigned order, enum abi_frame_class class)
{
    uint64_t first = f - frames, n = 1ul << order;
    CHECK(frame_paddr(f) % (PAGE_SIZE << order) == 0);
    CHECK(first >= HOST_KERNEL_FRAMES && first + n <= HOST_FRAMES);
    CHECK(frame_refs(f) == 1 && f->class == class && f->order == order && f->flags == 0);
    CHECK(frame_of(frame_paddr(f)) == f && frame_valid(frame_paddr(f)));
    for (uint64_t i = first; i < first + n; i++) {
        unsigned char *page = (unsigned char *)host_ram + i * PAGE_SIZE;
        CHECK(!taken[i] && frames[i].class == class);
        CHECK(page[0] == HOST_POISON && page[PAGE_SIZE - 1] == HOST_POISON);
        taken[i] = 1;
        page[0] = (unsigned char)i;
    }
    runs[run_count++] = (struct run){f, order, class, 1};
    model[FRAME_FREE] -= n;
    model[class] += n;
}

/* Drops one reference; the last one frees the run. */
static void run_drop(unsigned i)
{
    struct run *r = &runs[i];
    uint64_t first = r->frame - frames, n = 1ul << r->order;
    if (r->refs == 1) {
        for (uint64_t k = first; k < first + n; k++) {
            CHECK((unsigned char)host_ram[k * PAGE_SIZE] == (unsigned char)k);
            taken[k] = 0;
        }
        model[FRAME_FREE] += n;
        model[r->class] -= n;
    }
    frame_unref(r->frame);
    if (--r->refs == 0)
        runs[i] = runs[--run_count];
    else
        CHECK(frame_refs(r->frame) == r->refs);
}

static void drop_all(void)
{
    while (run_count)
        run_drop(check_random(&seed) % run_count);
    host_flush_caches();
    CHECK(ledger_is_model() && host_ledger_balanced() && host_free_frames_untouched());
}

static enum abi_frame_class random_class(void)
{
    return FRAME_KERNEL + check_random(&seed) % (FRAME_CLASSES - FRAME_KERNEL);
}

/* Runs of each order, until none is left: as many as the RAM has places for. */
static void test_orders(void)
{
    for (unsigned order = FRAME_MAX_ORDER + 1; order-- > 0;) {
        uint64_t size = PAGE_SIZE << order;
        paddr_t first = HOST_RAM_BASE + HOST_KERNEL_FRAMES * PAGE_SIZE;
        uint64_t places = HOST_RAM_END / size - (first + size - 1) / size;
        if (places > RUNS_MAX)
            places = RUNS_MAX;
        while (run_count < places) {
            struct frame *f = frame_alloc(FRAME_DMA, order, FRAME_CRITICAL);
            CHECK(f);
            if (!f)
                break;
            run_taken(f, order, FRAME_DMA);
        }
        CHECK(ledger_is_model());
        CHECK(places == RUNS_MAX || !frame_alloc(FRAME_DMA, order, FRAME_CRITICAL));
        drop_all();
    }
}

static void test_random(void)
{
    for (unsigned step = 0; step < 40000 && !check_failing; step++) {
        uint64_t r = check_random(&seed);
        host_run_on(r / 64 % 4);
        if (r % 8 < 4 && run_count < RUNS_MAX) {
            unsigned order = r / 1024 % 4 ? 0 : check_random(&seed) % (FRAME_MAX_ORDER + 1);
            enum abi_frame_class class = random_class();
            struct frame *f = frame_alloc(class, order, r / 8 % 3);
            if (f)
                run_taken(f, order, class);
        } else if (r % 8 == 4 && run_count) {
            struct run *one = &runs[check_random(&seed) % run_count];
            frame_ref(one->frame);
            one->refs++;
        } else if (run_count) {
            run_drop(check_random(&seed) % run_count);
        }
        CHECK(ledger_is_model());
        if (step % 1000 == 0)
            CHECK(host_ledger_balanced() && host_free_frames_untouched());
        if (step % 10000 == 9999)
            drop_all();
    }
}

/* How many single frames this priority gets, all of them kept. */
static uint64_t take_singles(enum frame_priority priority)
{
    uint64_t n = 0;
    while (frame_alloc(FRAME_ANON, 0, priority))
        n++;
    model[FRAME_FREE] -= n;
    model[FRAME_ANON] += n;
    CHECK(ledger_is_model());
    return n;
}

/* Users stop first, then the kernel, and the critical ones take the last frame. */
static void test_watermarks(void)
{
    host_run_on(0);
    uint64_t all = frame_free_count();
    CHECK(!frame_low() && frame_shortage() == 0);
    uint64_t user = take_singles(FRAME_USER), after_user = frame_free_count();
    CHECK(user > all / 2 && after_user > 0);
    CHECK(frame_low() && frame_shortage() > 0 && frame_shortage() <= all);
    CHECK(!frame_alloc(FRAME_ANON, 1, FRAME_USER));
    uint64_t normal = take_singles(FRAME_NORMAL), after_normal = frame_free_count();
    CHECK(normal > 0 && after_normal > 0 && after_normal < after_user);
    CHECK(!frame_alloc(FRAME_ANON, 0, FRAME_USER));
    CHECK(!frame_alloc(FRAME_ANON, 1, FRAME_NORMAL));
    uint64_t critical = take_singles(FRAME_CRITICAL);
    CHECK(critical == after_normal && frame_free_count() == 0);
    CHECK(user + normal + critical == all);
    CHECK(!frame_alloc_zeroed(FRAME_TABLE, FRAME_CRITICAL));
    for (uint64_t i = HOST_KERNEL_FRAMES; i < HOST_FRAMES; i++)
        frame_unref(&frames[i]);
    model[FRAME_FREE] += all;
    model[FRAME_ANON] -= all;
    CHECK(frame_free_count() == all && !frame_low() && frame_shortage() == 0);
    drop_all();
}

static void test_zeroed(void)
{
    for (unsigned n = 0; n < 100; n++) {
        struct frame *f = frame_alloc_zeroed(FRAME_TABLE, FRAME_NORMAL);
        unsigned char *page = frame_address(f);
        bool zero = true;
        for (unsigned i = 0; i < PAGE_SIZE; i++)
            zero = zero && page[i] == 0;
        CHECK(zero);
        memset(page, 0xff, PAGE_SIZE);
        frame_unref(f);
    }
    CHECK(ledger_is_model());
}

/* A run made single frames: each lives and goes alone, and they merge again. */
static void test_split(void)
{
    for (unsigned order = 0; order <= FRAME_MAX_ORDER; order++) {
        uint64_t n = 1ul << order, free = frame_free_count();
        struct frame *f = frame_alloc(FRAME_DMA, order, FRAME_NORMAL);
        frame_split(f);
        for (uint64_t i = 0; i < n; i++) {
            CHECK(frame_refs(&f[i]) == 1 && f[i].class == FRAME_DMA && f[i].order == 0);
            frame_ref(&f[i]);
        }
        for (uint64_t i = 0; i < n; i++) {
            frame_unref(&f[i]);
            CHECK(frame_free_count() == free - n + i && frame_refs(&f[i]) == 1);
            frame_unref(&f[i]);
        }
        CHECK(ledger_is_model());
        host_flush_caches();
        struct frame *again[2];
        for (unsigned i = 0; i < 2; i++) {
            again[i] = frame_alloc(FRAME_DMA, FRAME_MAX_ORDER, FRAME_NORMAL);
            CHECK(again[i]);
        }
        for (unsigned i = 0; i < 2; i++)
            frame_unref(again[i]);
    }
}

static void test_double_free(void)
{
    struct frame *f = frame_alloc(FRAME_ANON, 0, FRAME_NORMAL);
    frame_unref(f);
    CHECK_PANICS(frame_unref(f), "freed twice");
    f->refs = 0; /* undo what the panic left */
    f = frame_alloc(FRAME_DMA, 3, FRAME_NORMAL);
    frame_unref(f);
    CHECK_PANICS(frame_unref(f), "freed twice");
    f->refs = 0;
    CHECK(ledger_is_model() && host_ledger_balanced());
}

int main(void)
{
    check_plan(6);
    host_boot(4);
    model[FRAME_KERNEL] = HOST_KERNEL_FRAMES;
    model[FRAME_FREE] = HOST_FRAMES - HOST_KERNEL_FRAMES;
    test_orders();
    check_end("every place for a run of each order is found, and merges again");
    test_random();
    check_end("random runs are apart, aligned and in the ledger");
    test_watermarks();
    check_end("each priority stops at its watermark");
    test_zeroed();
    check_end("zeroed frames are zero");
    test_split();
    check_end("a split run is single frames, which merge again");
    test_double_free();
    check_end("freeing twice panics");
    host_halt();
    return check_exit();
}
