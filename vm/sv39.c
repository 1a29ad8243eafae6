/* Sv39 tables and the walk; the contract is in sv39.h. */
#include "vm/sv39.h"

#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"

paddr_t kernel_root;
uint64_t pte_global = PTE_G;

static pte_t *table(paddr_t pa)
{
    return direct_map(pa);
}

pte_t *sv39_make_tables(paddr_t root, vaddr_t va)
{
    pte_t *t = table(root);
    for (int level = 2; level > 0; level--) {
        pte_t *entry = &t[sv39_index(va, level)];
        pte_t pte = pte_load(entry);
        if (!(pte & PTE_V)) {
            struct frame *f = frame_alloc_zeroed(FRAME_TABLE, FRAME_CRITICAL);
            if (!f)
                return NULL;
            /* A non-leaf entry has nothing but V set: A, D and U there are
             * reserved (section 4.3.1). The store releases the zeroed table. */
            pte = pte_make(frame_paddr(f), PTE_V);
            pte_store(entry, pte);
        } else if (pte_leaf(pte)) {
            return NULL;
        }
        t = table(pte_paddr(pte));
    }
    return &t[sv39_index(va, 0)];
}

void walk_wait_others(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        uint64_t now = __atomic_load_n(&harts[i].walks, __ATOMIC_ACQUIRE);
        if (&harts[i] == hart_self() || now % 2 == 0)
            continue;
        while (__atomic_load_n(&harts[i].walks, __ATOMIC_ACQUIRE) == now)
            ;
    }
}

paddr_t sv39_root_create(void)
{
    struct frame *f = frame_alloc(FRAME_TABLE, 0, FRAME_NORMAL);
    if (!f)
        return 0;
    pte_t *root = frame_address(f);
    unsigned first = sv39_isolated() ? sv39_index(TRAMPOLINE, 2) : KERNEL_ROOT_SLOT;
    memset(root, 0, first * sizeof *root);
    memcpy(root + first, table(kernel_root) + first, (SV39_ENTRIES - first) * sizeof *root);
    return frame_paddr(f);
}

/* The first entry of a table from i on, below end, that is in use; end: there is none. Tables above
 * the last level are nearly empty: one entry after the other, to find the six of a small process
 * took a fifth of a fork, exit and wait. */
static unsigned next_used(const pte_t *t, unsigned i, unsigned end)
{
    for (;; i++) {
        for (; i % 8 == 0 && i + 8 <= end; i += 8)
            if (t[i] | t[i + 1] | t[i + 2] | t[i + 3] | t[i + 4] | t[i + 5] | t[i + 6] | t[i + 7])
                break;
        if (i >= end || t[i] & PTE_V)
            return i < end ? i : end;
    }
}

void sv39_root_destroy(paddr_t root)
{
    pte_t *l2 = table(root);
    for (unsigned i = next_used(l2, 0, KERNEL_ROOT_SLOT); i < KERNEL_ROOT_SLOT;
         i = next_used(l2, i + 1, KERNEL_ROOT_SLOT)) {
        pte_t *l1 = table(pte_paddr(l2[i]));
        for (unsigned j = next_used(l1, 0, SV39_ENTRIES); j < SV39_ENTRIES;
             j = next_used(l1, j + 1, SV39_ENTRIES))
            frame_unref(frame_of(pte_paddr(l1[j])));
        frame_unref(frame_of(pte_paddr(l2[i])));
    }
    frame_unref(frame_of(root));
}

static uint64_t leaf_size(vaddr_t va, paddr_t pa, uint64_t size, int *level)
{
    if ((va | pa) % GIGAPAGE_SIZE == 0 && size >= GIGAPAGE_SIZE) {
        *level = 2;
        return GIGAPAGE_SIZE;
    }
    if ((va | pa) % MEGAPAGE_SIZE == 0 && size >= MEGAPAGE_SIZE) {
        *level = 1;
        return MEGAPAGE_SIZE;
    }
    *level = 0;
    return PAGE_SIZE;
}

void sv39_map_boot(paddr_t root, vaddr_t va, paddr_t pa, uint64_t size, uint64_t flags,
                   paddr_t (*alloc)(void))
{
    while (size) {
        int leaf;
        uint64_t step = leaf_size(va, pa, size, &leaf);
        pte_t *t = table(root);
        for (int level = 2; level > leaf; level--) {
            pte_t *entry = &t[sv39_index(va, level)];
            if (!(*entry & PTE_V))
                *entry = pte_make(alloc(), PTE_V);
            assert(!pte_leaf(*entry));
            t = table(pte_paddr(*entry));
        }
        pte_t *entry = &t[sv39_index(va, leaf)];
        assert(!(*entry & PTE_V));
        *entry = pte_make(pa, flags);
        va += step;
        pa += step;
        size -= step;
    }
}
