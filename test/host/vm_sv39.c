/*
 * vm/sv39.c against the test's own walker: leaf sizes of the boot maps, tables
 * made on the way, roots that come and go, refused memory.
 */
/* host-test: vm/sv39.c vm/frame.c kernel/lib/lock.c -DDEBUG -DHOST_WRAP */
/* host-test: -Wl,--wrap=frame_alloc,--wrap=frame_alloc_zeroed */
#include "test/host/vm_tlb.h"

static uint64_t seed = 0xd1342543de82ef95ul;
static unsigned boot_tables;

/* HOST_WRAP's other two: this test has no kmalloc. */
void *__real_kmalloc(size_t size)
{
    (void)size;
    return NULL;
}

void *__real_kzalloc(size_t size)
{
    (void)size;
    return NULL;
}

static paddr_t boot_table(void)
{
    boot_tables++;
    return frame_paddr(frame_alloc_zeroed(FRAME_TABLE, FRAME_NORMAL));
}

/* Leaves of each level under a table. */
static void count_leaves(paddr_t table, int level, unsigned leaves[3])
{
    pte_t *t = direct_map(table);
    for (unsigned i = 0; i < SV39_ENTRIES; i++) {
        if (!(t[i] & PTE_V))
            continue;
        if (pte_leaf(t[i]))
            leaves[level]++;
        else
            count_leaves(pte_paddr(t[i]), level - 1, leaves);
    }
}

static void free_tables(paddr_t table, int level)
{
    pte_t *t = direct_map(table);
    for (unsigned i = 0; i < SV39_ENTRIES && level > 0; i++)
        if (t[i] & PTE_V && !pte_leaf(t[i]))
            free_tables(pte_paddr(t[i]), level - 1);
    frame_unref(frame_of(table));
}

/* Maps and looks at each end, at each page around it, and at the leaves used. */
static void check_map(vaddr_t va, paddr_t pa, uint64_t size, unsigned g, unsigned m, unsigned k)
{
    paddr_t root = boot_table();
    unsigned leaves[3] = {0};
    boot_tables = 0;
    sv39_map_boot(root, va, pa, size, PTE_KERNEL_RW, boot_table);
    count_leaves(root, 2, leaves);
    CHECK(leaves[2] == g && leaves[1] == m && leaves[0] == k);
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t off = i == 0 ? 0 : i == 1 ? size - 1 : check_random(&seed) % size;
        pte_t pte = tlb_walk(root, va + off);
        CHECK(pte_paddr(pte) == page_round_down(pa + off));
        CHECK((pte & 0x3ff) == PTE_KERNEL_RW);
    }
    CHECK(tlb_walk(root, va - 1) == 0 && tlb_walk(root, va + size) == 0);
    free_tables(root, 2);
}

static void test_boot_maps(void)
{
    vaddr_t g = DIRECT_BASE;
    check_map(g, 0x80000000, PAGE_SIZE, 0, 0, 1);
    check_map(g, 0x80000000, 3 * GIGAPAGE_SIZE, 3, 0, 0);
    check_map(g + MEGAPAGE_SIZE, 0x80000000, MEGAPAGE_SIZE, 0, 1, 0);
    check_map(g + MEGAPAGE_SIZE, 0x80000000 + PAGE_SIZE, MEGAPAGE_SIZE, 0, 0, 512);
    check_map(g + GIGAPAGE_SIZE, 0x80000000 + MEGAPAGE_SIZE, GIGAPAGE_SIZE, 0, 512, 0);
    /* Small leaves up to the first boundary and after the last one. */
    check_map(g + 3 * PAGE_SIZE, 0x80003000, 2 * MEGAPAGE_SIZE, 0, 1, 512);
    check_map(g + GIGAPAGE_SIZE - MEGAPAGE_SIZE, 0xbfe00000, GIGAPAGE_SIZE + 2 * MEGAPAGE_SIZE, 1,
              2, 0);
    check_map(KERNEL_BASE, 0x80200000, 5 * MEGAPAGE_SIZE + 7 * PAGE_SIZE, 0, 5, 7);
    CHECK(host_ledger_balanced());
}

static void test_boot_map_twice(void)
{
    paddr_t root = boot_table();
    sv39_map_boot(root, DIRECT_BASE, 0x80000000, MEGAPAGE_SIZE, PTE_KERNEL_RW, boot_table);
    CHECK_PANICS(sv39_map_boot(root, DIRECT_BASE, 0x80000000, PAGE_SIZE, PTE_KERNEL_RW, boot_table),
                 "assertion");
    CHECK_PANICS(
        sv39_map_boot(root, DIRECT_BASE, 0x80000000, MEGAPAGE_SIZE, PTE_KERNEL_RW, boot_table),
        "PTE_V");
    CHECK(sv39_walk(root, DIRECT_BASE, false) == NULL); /* a larger leaf covers it */
    CHECK(sv39_walk(root, DIRECT_BASE, true) == NULL);
    free_tables(root, 2);
}

static void test_roots(void)
{
    pte_t *kernel = direct_map(kernel_root);
    for (unsigned i = KERNEL_ROOT_SLOT; i < SV39_ENTRIES; i++)
        if (!kernel[i])
            kernel[i] = pte_make(i * GIGAPAGE_SIZE, PTE_KERNEL_R);
    uint64_t tables = host_class_count(FRAME_TABLE);
    for (unsigned n = 0; n < 20; n++) {
        paddr_t root = sv39_root_create();
        pte_t *t = direct_map(root);
        bool same = true, empty = true;
        for (unsigned i = 0; i < SV39_ENTRIES; i++) {
            if (i < KERNEL_ROOT_SLOT)
                empty = empty && t[i] == 0;
            else
                same = same && t[i] == kernel[i];
        }
        CHECK(same && empty && host_class_count(FRAME_TABLE) == tables + 1);
        memset(t, 0, KERNEL_ROOT_SLOT * sizeof *t);
        sv39_root_destroy(root);
        CHECK(host_class_count(FRAME_TABLE) == tables);
    }
    host_refuse_after = 1;
    CHECK(sv39_root_create() == 0 && host_class_count(FRAME_TABLE) == tables);
}

/* Random addresses, some near others: one entry for each page, tables for each
 * part of the space once, all of them given back with the root. */
static void test_walk(void)
{
    enum { PAGES = 300 };
    static vaddr_t va[PAGES];
    uint64_t tables = host_class_count(FRAME_TABLE), refusals = host_refusals;
    paddr_t root = sv39_root_create();
    for (unsigned i = 0; i < PAGES; i++) {
        bool again = false;
        va[i] = check_random(&seed) % USER_END;
        if (i && check_random(&seed) % 4)
            va[i] = (va[i - 1] + (check_random(&seed) % 2048 << PAGE_SHIFT)) % USER_END;
        va[i] = page_round_down(va[i]);
        for (unsigned j = 0; j < i; j++)
            again = again || va[j] == va[i];
        if (again) {
            i--;
            continue;
        }
        pte_t *pte = sv39_walk(root, va[i], false);
        CHECK(!pte || *pte == 0);
        host_refuse_one_in = 3;
        for (unsigned tries = 0; !(pte = sv39_walk(root, va[i], true)); tries++)
            if (tries == 100)
                panic("no table for %#lx", va[i]);
        host_refuse_one_in = 0;
        CHECK(*pte == 0 && sv39_walk(root, va[i], false) == pte);
        CHECK(sv39_lock(pte) == &frame_of(direct_unmap(pte))->lock);
        pte_store(pte, pte_make((i + 1ul) << PAGE_SHIFT, PTE_V | PTE_R | PTE_U));
    }
    for (unsigned i = 0; i < PAGES; i++)
        CHECK(pte_paddr(tlb_walk(root, va[i])) == (i + 1ul) << PAGE_SHIFT);
    CHECK(host_refusals > refusals);
    unsigned leaves[3] = {0};
    paddr_t lowest = root;
    memset((pte_t *)direct_map(root) + KERNEL_ROOT_SLOT, 0, PAGE_SIZE / 2);
    count_leaves(lowest, 2, leaves);
    CHECK(leaves[0] == PAGES && leaves[1] == 0 && leaves[2] == 0);
    sv39_root_destroy(root);
    CHECK(host_class_count(FRAME_TABLE) == tables && host_ledger_balanced());
    CHECK(host_free_frames_untouched());
}

/* A table that is alone in the one above it, wherever that is, goes with the root. */
static void test_lone_tables(void)
{
    uint64_t tables = host_class_count(FRAME_TABLE);
    for (unsigned i = 0; i < SV39_ENTRIES; i++) {
        vaddr_t places[] = {i * GIGAPAGE_SIZE, i * MEGAPAGE_SIZE};
        for (unsigned level = i < KERNEL_ROOT_SLOT ? 0 : 1; level < 2; level++) {
            paddr_t root = sv39_root_create();
            CHECK(sv39_walk(root, places[level], true) != NULL);
            CHECK(host_class_count(FRAME_TABLE) == tables + 3);
            sv39_root_destroy(root);
            if (host_class_count(FRAME_TABLE) != tables)
                panic("entry %u of a table two levels up, or one, lost its table", i);
        }
    }
}

static void test_entries(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        paddr_t pa = page_round_down(check_random(&seed) >> 8);
        uint64_t flags = check_random(&seed) & 0xff;
        pte_t pte = pte_make(pa, flags), old = pte;
        CHECK(pte_paddr(pte) == pa && (pte & 0x3ff) == flags);
        CHECK(pte_leaf(pte) == ((flags & (PTE_R | PTE_W | PTE_X)) != 0));
        CHECK(pte_clear_bits(&pte, PTE_W | PTE_D) == old && pte == (old & ~(PTE_W | PTE_D)));
        CHECK(pte_set_bits(&pte, PTE_A) == (old & ~(PTE_W | PTE_D)) && pte & PTE_A);
        CHECK(pte_exchange(&pte, 0) != 1 && pte_load(&pte) == 0);
    }
}

int main(void)
{
    check_plan(6);
    host_boot(1);
    tlb_boot();
    test_entries();
    check_end("entries hold address and bits");
    test_boot_maps();
    check_end("boot maps use the largest leaves");
    test_boot_map_twice();
    check_end("a boot map over another panics");
    test_roots();
    check_end("a root has the kernel's half and nothing else");
    test_lone_tables();
    check_end("a table that is alone in the one above is found");
    test_walk();
    check_end("walks make tables, and the root's end frees them");
    host_halt();
    return check_exit();
}
