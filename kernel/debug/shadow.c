/*
 * Shadow tables; the contract is in vm/shadow.h.
 *
 * A shadow is three levels of tables like the real ones. Each of its tables remembers the
 * real table that it was made from, as a walk cache would, so a walk that begins in a
 * stale table goes on in what that table named then. Tables come from a pool that each
 * hart has for good; when it is empty the hart forgets everything, as a TLB may.
 */
#include "vm/shadow.h"

#include "kernel/debug/shadow_tables.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "trap/csr.h"
#include "trap/timer.h"
#include "vm/fence.h"
#include "vm/space.h"

#define POOL_MIN 16            /* tables */
#define POOL_MAX 128           /* tables */
#define STALE_NS 10000000000ul /* a shootdown under way takes less */

static struct shadow_hart *here(void)
{
    return &shadow_harts[hart_self()->index];
}

static void real_fence(void)
{
    asm volatile("sfence.vma" ::: "memory");
}

/* ------------------------------------------------- filling, as a walker does */

/* The last-level table for va, whose way is filled from the real ones as far as they go.
 * 0: they do not. There are two tables in the pool. */
static paddr_t fill_tables(struct shadow_hart *h, struct shadow *s, vaddr_t va)
{
    if (!s->real) {
        s->real = hart_self()->space->root;
        shadow_reach(s->real, 1);
    }
    paddr_t table = s->root, real = s->real;
    for (int level = 2; level > 0; level--) {
        pte_t *entry = &shadow_table(table)[sv39_index(va, level)];
        if (!(*entry & PTE_V)) {
            pte_t below = pte_load(&shadow_table(real)[sv39_index(va, level)]);
            if (!(below & PTE_V))
                return 0;
            assert(!pte_leaf(below));
            pte_store(entry, pte_make(shadow_pool_take(h, pte_paddr(below)), PTE_V));
        }
        table = pte_paddr(*entry);
        real = shadow_origin(table);
    }
    return table;
}

/* Reads the real entry and sets A and D in it. 0: it forbids the access. */
static pte_t use_entry(pte_t *entry, bool write, bool execute)
{
    uint64_t need = PTE_V | PTE_U | (execute ? PTE_X : PTE_R) | (write ? PTE_W : 0);
    pte_t pte = pte_load(entry), used;
    do {
        if ((pte & need) != need)
            return 0;
        used = pte | PTE_A | (write ? PTE_D : 0);
    } while (
        !__atomic_compare_exchange_n(entry, &pte, used, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return used;
}

/* A shadow that has an entry uses it, right or wrong: a store is looked up again only if
 * D is yet to be set. */
static bool fill_leaf(pte_t *leaf, pte_t *real, bool write, bool execute)
{
    pte_t had = pte_load(leaf);
    if (had & PTE_V && !(write && !(had & PTE_D)))
        return false;
    pte_t used = use_entry(real, write, execute);
    if (!used)
        return false;
    shadow_forget_leaf(leaf);
    shadow_reach(pte_paddr(used), 1);
    /* Without D no store goes by the shadow, so that none goes without setting it. */
    pte_store(leaf, used & PTE_D ? used : used & ~PTE_W);
    return true;
}

bool shadow_fill(vaddr_t va, bool write, bool execute)
{
    struct shadow_hart *h = here();
    spin_lock(&h->lock);
    bool filled = false;
    if (h->current && va < USER_END) {
        if (h->pool_count < 2)
            for (unsigned i = 0; i < SHADOWS; i++)
                shadow_forget(h, &h->shadows[i]);
        assert(h->pool_count >= 2);
        paddr_t table = fill_tables(h, h->current, va);
        unsigned i = sv39_index(va, 0);
        pte_t *leaf = table ? &shadow_table(table)[i] : NULL;
        if (leaf)
            filled = fill_leaf(leaf, &shadow_table(shadow_origin(table))[i], write, execute);
        if (filled && execute)
            shadow_check_fetch(pte_paddr(*leaf));
        real_fence();
    }
    spin_unlock(&h->lock);
    return filled;
}

/* ------------------------------------------------------------ entering a space */

/* The shadow of that ASID; if there is none, another is given up for it. */
static struct shadow *shadow_of(struct shadow_hart *h, uint64_t asid)
{
    for (unsigned i = 0; i < SHADOWS; i++)
        if (h->shadows[i].asid == asid)
            return &h->shadows[i];
    struct shadow *s = &h->shadows[h->next];
    if (s == h->current)
        s = &h->shadows[h->next = (h->next + 1) % SHADOWS];
    h->next = (h->next + 1) % SHADOWS;
    shadow_forget(h, s);
    real_fence();
    s->asid = asid;
    return s;
}

paddr_t shadow_root(paddr_t real, uint64_t asid)
{
    struct shadow_hart *h = here();
    if (!h->online)
        return real;
    spin_lock(&h->lock);
    h->current = real == kernel_root ? NULL : shadow_of(h, asid);
    paddr_t root = h->current ? h->current->root : h->root;
    spin_unlock(&h->lock);
    return root;
}

void shadow_enter(const struct space *space)
{
    struct shadow_hart *h = here();
    uint64_t me = 1ul << hart_self()->index;
    uint64_t deadline = timer_now() + timer_ns_to_ticks(STALE_NS);
    spin_lock(&h->lock);
    struct shadow *s = h->current;
    if (s->real && s->context != &space->asid)
        panic("ASID %lu is entered on hart %u with translations of another space", s->asid,
              hart_self()->index);
    s->context = &space->asid;
    /* Who marked us stale after we looked also saw us here, and is about to fence us. */
    while (s->must_empty) {
        bool marked = __atomic_load_n(&space->asid.stale, __ATOMIC_SEQ_CST) & me;
        if (!marked || timer_now() > deadline)
            panic("ASID %lu is entered on hart %u stale, and not fenced", s->asid,
                  hart_self()->index);
        spin_unlock(&h->lock);
        spin_lock(&h->lock);
    }
    /* Who has just found us idle sets the kernel's mark next, or fences us. */
    while (s->missed && !(__atomic_load_n(&space->asid.missed, __ATOMIC_SEQ_CST) & me)) {
        if (timer_now() > deadline)
            panic("hart %u goes on in ASID %lu without the fence that it was left",
                  hart_self()->index, s->asid);
        spin_unlock(&h->lock);
        spin_lock(&h->lock);
    }
    spin_unlock(&h->lock);
}

void shadow_space_gone(const struct space *space)
{
    uint64_t active = __atomic_load_n(&space->asid.active, __ATOMIC_SEQ_CST);
    if (active)
        panic("a space goes while harts 0x%lx are in it", active);
    for (unsigned n = 0; n < shadow_count; n++) {
        struct shadow_hart *h = &shadow_harts[n];
        spin_lock(&h->lock);
        for (unsigned i = 0; i < SHADOWS; i++)
            if (h->shadows[i].context == &space->asid) {
                h->shadows[i].context = NULL;
                h->shadows[i].must_empty = false;
            }
        spin_unlock(&h->lock);
    }
}

void shadow_left_stale(const struct space *space, uint64_t hart_mask)
{
    for (unsigned n = 0; n < shadow_count; n++) {
        struct shadow_hart *h = &shadow_harts[n];
        if (!(hart_mask >> n & 1))
            continue;
        spin_lock(&h->lock);
        /* Not if it has been there since and fenced. */
        bool marked = __atomic_load_n(&space->asid.stale, __ATOMIC_SEQ_CST) >> n & 1;
        for (unsigned i = 0; i < SHADOWS; i++)
            if (marked && h->shadows[i].real && h->shadows[i].context == &space->asid)
                h->shadows[i].must_empty = true;
        spin_unlock(&h->lock);
    }
}

void shadow_left_to_idle(const struct space *space, uint64_t hart_mask)
{
    for (unsigned n = 0; n < shadow_count; n++) {
        struct shadow_hart *h = &shadow_harts[n];
        if (!(hart_mask >> n & 1))
            continue;
        spin_lock(&h->lock);
        for (unsigned i = 0; i < SHADOWS; i++)
            if (h->shadows[i].real && h->shadows[i].context == &space->asid)
                h->shadows[i].missed = true;
        spin_unlock(&h->lock);
    }
}

/* ----------------------------------------------------------------- fences */

static bool in_window(vaddr_t va)
{
    return va >= VMALLOC_BASE && va < VMALLOC_BASE + VMALLOC_SIZE;
}

static void fence_page(struct shadow_hart *h, vaddr_t va, int asid)
{
    for (unsigned i = 0; i < SHADOWS; i++)
        if (asid == SHADOW_EVERY_ASID || h->shadows[i].asid == (uint64_t)asid)
            shadow_forget_page(&h->shadows[i], va);
    if (in_window(va) && asid == SHADOW_EVERY_ASID)
        shadow_window_page(h, va);
}

static void fence_all(struct shadow_hart *h, int asid)
{
    for (unsigned i = 0; i < SHADOWS; i++)
        if (asid == SHADOW_EVERY_ASID || h->shadows[i].asid == (uint64_t)asid)
            shadow_forget(h, &h->shadows[i]);
    if (asid == SHADOW_EVERY_ASID)
        shadow_window_all(h);
}

void shadow_fence(vaddr_t va, bool all, int asid)
{
    struct shadow_hart *h = here();
    if (!shadow_count)
        return;
    spin_lock(&h->lock);
    if (all)
        fence_all(h, asid);
    else
        fence_page(h, va, asid);
    spin_unlock(&h->lock);
}

void shadow_remote_fence(uint64_t hart_mask, vaddr_t va, uint64_t size, int asid)
{
    for (unsigned n = 0; n < shadow_count; n++) {
        struct shadow_hart *h = &shadow_harts[n];
        if (!(hart_mask >> n & 1))
            continue;
        spin_lock(&h->lock);
        if (size == ~0ul)
            fence_all(h, asid);
        else
            for (uint64_t off = 0; off < size; off += PAGE_SIZE)
                fence_page(h, va + off, asid);
        /* That was the shootdown that also marked it. */
        for (unsigned i = 0; i < SHADOWS; i++)
            if (asid == SHADOW_EVERY_ASID || h->shadows[i].asid == (uint64_t)asid)
                h->shadows[i].must_empty = false;
        spin_unlock(&h->lock);
    }
}

/* ------------------------------------------------------------------- start */

static paddr_t new_table(void)
{
    struct frame *f = frame_alloc_zeroed(FRAME_TABLE, FRAME_NORMAL);
    if (!f)
        panic("no memory for shadow tables");
    return frame_paddr(f);
}

/* A root of the kernel's half, with the hart's own window where it has one. */
static paddr_t new_root(const struct shadow_hart *h)
{
    paddr_t root = sv39_root_create();
    if (!root)
        panic("no memory for shadow tables");
    for (unsigned i = 0; i < WINDOW_ROOTS; i++) {
        pte_t *entry = &shadow_table(root)[sv39_index(VMALLOC_BASE, 2) + i];
        if (*entry & PTE_V)
            *entry = pte_make(h->window[i], PTE_V);
    }
    return root;
}

static void make_tables(struct shadow_hart *h, unsigned pool)
{
    spin_init(&h->lock, RANK_SHADOW);
    for (unsigned i = 0; i < WINDOW_ROOTS; i++)
        h->window[i] = new_table();
    h->root = new_table();
    memcpy(shadow_table(h->root), shadow_table(kernel_root), PAGE_SIZE);
    for (unsigned i = 0; i < WINDOW_ROOTS; i++)
        shadow_table(h->root)[sv39_index(VMALLOC_BASE, 2) + i] = pte_make(h->window[i], PTE_V);
    for (unsigned i = 0; i < SHADOWS; i++) {
        h->shadows[i].root = new_root(h);
        h->shadows[i].asid = ~0ul;
    }
    while (h->pool_count < pool)
        shadow_pool_put(h, new_table());
}

void shadow_init(unsigned harts)
{
    uint64_t pool = frame_free_count() / 32 / harts;
    pool = pool < POOL_MIN ? POOL_MIN : pool > POOL_MAX ? POOL_MAX : pool;
    shadow_frames_init();
    for (unsigned n = 0; n < harts; n++)
        make_tables(&shadow_harts[n], (unsigned)pool);
    shadow_count = harts;
    for (vaddr_t va = VMALLOC_BASE; va < VMALLOC_BASE + VMALLOC_SIZE; va += MEGAPAGE_SIZE)
        if (sv39_walk(kernel_root, va, false) && !shadow_window_table(va))
            panic("no memory for shadow tables");
}

void shadow_hart_online(void)
{
    struct shadow_hart *h = here();
    spin_lock(&h->lock);
    h->online = true;
    spin_unlock(&h->lock);
    uint64_t satp = SATP_SV39 | h->root >> PAGE_SHIFT;
    if (hart_self()->entry)
        hart_self()->entry->kernel_satp = satp;
    satp_write(satp);
    real_fence();
}
