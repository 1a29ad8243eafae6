/*
 * Spaces against a plain model: random map, unmap, protect, brk, fork, faults and
 * copies in several spaces on several harts, each with a translation cache that
 * keeps what it read until it is fenced; over files, shared anonymous memory and
 * DMA memory; with allocations refused and pagers failing. STEPS=N and SEED=N in
 * the environment change the run.
 */
/* host-test: -pthread */
/* host-test: vm/space.c vm/region.c vm/fault.c vm/usercopy.c vm/object.c vm/object_page.c */
/* host-test: vm/prune.c vm/pageindex.c vm/asid.c */
/* host-test: vm/swap.c vm/swap_cache.c vm/swap_in.c vm/swap_out.c vm/swap_slots.c */
/* host-test: vm/reclaim.c vm/object_swap.c vm/object_reclaim.c */
/* host-test: vm/sv39.c vm/kmalloc.c vm/frame.c kernel/lib/lock.c kernel/lib/string.c */
/* host-test: kernel/lib/wait.c -DDEBUG -DHOST_WRAP -Wl,--wrap=frame_alloc */
/* host-test: -Wl,--wrap=frame_alloc_zeroed,--wrap=kmalloc,--wrap=kzalloc */
#include <pthread.h>
#include <unistd.h>

#include "kernel/lib/counter.h"
#include "test/host/vm_check.h"
#include "vm/kmalloc.h"

/* What can happen to memory while a thread sleeps, without a program's doing. */
static void reclaim_meanwhile(void)
{
    uint64_t refuse = host_refuse_one_in;
    host_refuse_one_in = 0;
    unsigned what = below(8);
    if (what == 0)
        below(2) ? pager_press(1 + below(6)) : object_drop_unused(1 + below(6));
    else if (what == 1)
        object_writeback(mobjects[below(FILES)].object, below(OBJECT_PAGES));
    host_refuse_one_in = refuse;
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
        hardware_marks = step / 512 % 2;
        speculate();
        op_any(below(100));
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

/* The other hart of test_tables: on its way through a table when that is unlinked. */
struct walker {
    pte_t *entry; /* names the table, as long as it is what it was */
    pte_t was;
    struct frame *table;
    bool freed_early;
};

static void *walk_slowly(void *arg)
{
    struct walker *w = arg;
    while (pte_load(w->entry) == w->was)
        ;
    /* Enough for one who does not wait to be far beyond; who does can be no further. */
    usleep(20000);
    w->freed_early = w->table->class != FRAME_TABLE;
    __atomic_store_n(&harts[1].walks, harts[1].walks + 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Tables go with the last region in what they map, when no other hart is inside. */
static void test_tables(void)
{
    uint64_t before = host_class_count(FRAME_TABLE);
    struct space *s = space_create();
    struct space_mapping m = plain;
    CHECK(space_map(s, &m) == 0x100000 && copy_to_user(s, 0x100000, "x", 1) == 0);
    m.addr = MEGAPAGE_SIZE - PAGE_SIZE; /* across two tables */
    CHECK(space_map(s, &m) > 0 && user_prefault(s, m.addr, 2 * PAGE_SIZE, ACCESS_WRITE) == 0);
    CHECK(host_class_count(FRAME_TABLE) == before + 4);
    CHECK(space_unmap(s, m.addr + PAGE_SIZE, PAGE_SIZE) == 0);
    CHECK(host_class_count(FRAME_TABLE) == before + 4); /* two of its pages are left */
    CHECK(space_unmap(s, m.addr, 4 * PAGE_SIZE) == 0);
    CHECK(host_class_count(FRAME_TABLE) == before + 3);

    uint64_t walks = host_hart->walks;
    CHECK(copy_to_user(s, 0x100000, "y", 1) == 0 && host_hart->walks > walks);
    CHECK(host_hart->walks % 2 == 0);
    struct walker w = {.entry = direct_map(pte_paddr(*(pte_t *)direct_map(s->root)))};
    w.was = pte_load(w.entry);
    w.table = frame_of(pte_paddr(w.was));
    harts[1].walks++;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, walk_slowly, &w) == 0);
    CHECK(space_unmap(s, 0x100000, 4 * PAGE_SIZE) == 0);
    CHECK(pthread_join(thread, NULL) == 0 && !w.freed_early);
    CHECK(w.table->class == FRAME_FREE && host_class_count(FRAME_TABLE) == before + 1);
    space_unref(s);
    CHECK(host_class_count(FRAME_TABLE) == before);
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
    pager_press(~0ul);
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
    check_plan(8);
    printf("# SEED=%#lx STEPS=%u\n", seed, steps);
    tlb_seed ^= seed >> 1;
    pager_seed ^= seed >> 2;
    host_boot(HARTS);
    kmalloc_init();
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
    test_tables();
    check_end("tables go with the last region, when no hart is on its way there");
    test_stack();
    check_end("the stack grows to its limit and keeps its guard");
    test_fork_refused();
    check_end("a refused fork harms nobody");
    test_random(steps);
    check_end("random operations agree with a model");
    host_halt();
    return check_exit();
}
