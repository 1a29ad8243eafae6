/* The scan for anonymous pages to evict; the contract is in reclaim.h. */
#include "vm/reclaim.h"

#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "vm/space.h"
#include "vm/sv39.h"
#include "vm/swap.h"

#define BATCH      SWAP_IO_MAX /* victims of one table at a time */
#define TABLES_MAX 32          /* that one call looks at */

static struct spinlock lock = SPINLOCK_INIT(RANK_OBJECTS);
static struct list spaces = LIST_INIT(spaces); /* (lock) the hand is at the first */
static unsigned scans, ended;                  /* (lock) being done, and done */

void reclaim_enroll(struct space *s)
{
    spin_lock(&lock);
    list_push_back(&spaces, &s->reclaim_link);
    spin_unlock(&lock);
}

void reclaim_dismiss(struct space *s)
{
    spin_lock(&lock);
    list_remove(&s->reclaim_link);
    bool busy = s->scanned;
    spin_unlock(&lock);
    while (busy)
        busy = __atomic_load_n(&s->scanned, __ATOMIC_ACQUIRE);
}

/* The space that the hand is at, marked as being scanned; NULL if there is none. If
 * every one is being scanned already, that is waited for: a table's time. */
static struct space *enter_space(void)
{
    struct space *found = NULL;
    bool busy = true;
    while (!found && busy) {
        busy = false;
        spin_lock(&lock);
        list_for_each (l, &spaces) {
            struct space *s = container_of(l, struct space, reclaim_link);
            if (s->wired || !__atomic_load_n(&s->resident, __ATOMIC_RELAXED))
                continue;
            busy = busy || s->scanned;
            if (s->scanned)
                continue;
            found = s;
            found->scanned = true;
            scans++;
            break;
        }
        spin_unlock(&lock);
    }
    return found;
}

/* done: the hand is through with it, and goes on to the next. */
static void leave_space(struct space *s, bool done)
{
    spin_lock(&lock);
    if (done && !list_empty(&s->reclaim_link)) {
        list_remove(&s->reclaim_link);
        list_push_back(&spaces, &s->reclaim_link);
    }
    scans--;
    ended++;
    __atomic_store_n(&s->scanned, false, __ATOMIC_RELEASE);
    spin_unlock(&lock);
}

/* The first last-level table at or above *va, which moves to it; NULL at the end. */
static pte_t *find_table(const struct space *s, vaddr_t *va)
{
    const pte_t *root = direct_map(s->root);
    while (*va < USER_END) {
        pte_t pte = pte_load(&root[sv39_index(*va, 2)]);
        if (!(pte & PTE_V)) {
            *va = (*va & ~(GIGAPAGE_SIZE - 1)) + GIGAPAGE_SIZE;
            continue;
        }
        const pte_t *middle = direct_map(pte_paddr(pte));
        pte = pte_load(&middle[sv39_index(*va, 1)]);
        if (pte & PTE_V)
            return direct_map(pte_paddr(pte));
        *va = (*va & ~(MEGAPAGE_SIZE - 1)) + MEGAPAGE_SIZE;
    }
    return NULL;
}

/* Was the page used since the last round? Its age is kept. Walk lock held. */
static bool in_use(pte_t *pte, struct frame *f)
{
    bool used = pte_load(pte) & PTE_A;
    if (used)
        pte_clear_bits(pte, PTE_A);
    return !page_ages(f, used);
}

/* A private anonymous page that an entry maps, or NULL. */
static struct frame *candidate(pte_t pte)
{
    if (!(pte & PTE_V) || pte & PTE_WIRED || !frame_valid(pte_paddr(pte)))
        return NULL;
    struct frame *f = frame_of(pte_paddr(pte));
    return f->class == FRAME_ANON && !f->object ? f : NULL;
}

/* What one call is to do, and what it has seen. */
struct scan {
    bool sample;      /* pages only grow older or younger */
    unsigned most;    /* pages to look at */
    unsigned scanned; /* pages */
    bool full;        /* of them, some would leave if there were a slot for them */
};

/*
 * Evicts up to n pages of the table that maps *va, from there on; *va moves behind
 * what was looked at. The slots of the victims go to `slots`; their number.
 */
static unsigned evict_from(struct space *s, pte_t *table, vaddr_t *va, unsigned n, uint32_t *slots,
                           struct scan *scan)
{
    vaddr_t base = *va & ~(MEGAPAGE_SIZE - 1);
    struct swap_run run = {0, 0};
    pte_t *victims[BATCH];
    unsigned count = 0, i = sv39_index(*va, 0);
    bool aged = false;
    struct spinlock *walk = sv39_lock(table);
    spin_lock(walk);
    for (; i < SV39_ENTRIES && count < n && scan->scanned < scan->most; i++) {
        struct frame *f = candidate(pte_load(&table[i]));
        if (!f)
            continue;
        scan->scanned++;
        if (in_use(&table[i], f))
            aged = true;
        else if (scan->sample)
            continue;
        else if ((!scan->full || f->slot) && swap_reserve(f, &run))
            victims[count++] = &table[i];
        else if (!f->slot) /* pages that have one can leave all the same */
            scan->full = true;
    }
    /* V goes first, then every hart forgets the page, and only then is D final: a
     * hart may have set it by a translation that it still held. (A walker that sets
     * D checks V in the same step, section 4.3.1.) */
    for (unsigned k = 0; k < count; k++)
        pte_clear_bits(victims[k], PTE_V);
    if (count || aged)
        space_shootdown(s, base, MEGAPAGE_SIZE);
    for (unsigned k = 0; k < count; k++) {
        pte_t old = pte_load(victims[k]);
        pte_t entry = swap_evict(frame_of(pte_paddr(old)), old & PTE_D);
        slots[k] = pte_slot(entry);
        pte_store(victims[k], entry);
    }
    spin_unlock(walk);
    swap_run_end(&run);
    __atomic_fetch_sub(&s->resident, count, __ATOMIC_RELAXED);
    __atomic_fetch_add(&s->swapped, count, __ATOMIC_RELAXED);
    *va = base + ((vaddr_t)i << PAGE_SHIFT);
    return count;
}

/* Evicts up to n pages of the next table under the hand, their slots to `slots`.
 * False: there is no space to scan. */
static bool scan_table(unsigned n, uint32_t *slots, unsigned *count, struct scan *scan)
{
    struct space *s = enter_space();
    *count = 0;
    if (!s)
        return false;
    walk_begin(); /* to its end: of a table in which nothing is mapped, its walk lock is no hold */
    pte_t *table = find_table(s, &s->reclaim_hand);
    if (table)
        *count = evict_from(s, table, &s->reclaim_hand, n, slots, scan);
    else
        s->reclaim_hand = USER_MIN;
    walk_end();
    leave_space(s, !table);
    return true;
}

void reclaim_wait_others(void)
{
    unsigned before = __atomic_load_n(&ended, __ATOMIC_RELAXED);
    while (__atomic_load_n(&scans, __ATOMIC_RELAXED) &&
           __atomic_load_n(&ended, __ATOMIC_RELAXED) == before)
        ;
}

unsigned reclaim_anon(unsigned n, unsigned *scanned)
{
    struct scan scan = {.most = ~0u};
    *scanned = 0;
    if (!swap_enabled())
        return 0;
    unsigned done = swap_sweep(n);
    for (unsigned tables = 0; done < n && tables < TABLES_MAX; tables++) {
        uint32_t slots[BATCH];
        unsigned count, want = n - done < BATCH ? n - done : BATCH;
        if (!scan_table(want, slots, &count, &scan))
            break;
        /* In no space any more, for this may wait for the disk. */
        done += swap_clean(slots, count);
    }
    count_add(COUNT_SCAN, scan.scanned);
    *scanned = scan.full && !done ? 0 : scan.scanned;
    count_add(COUNT_RECLAIM, done);
    return done;
}

void reclaim_sample(unsigned n)
{
    struct scan scan = {.sample = true, .most = n};
    unsigned none;
    if (!swap_enabled())
        return;
    for (unsigned tables = 0; scan.scanned < n && tables < TABLES_MAX; tables++)
        if (!scan_table(1, NULL, &none, &scan))
            break;
    count_add(COUNT_SCAN, scan.scanned);
}
