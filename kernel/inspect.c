/* Listings of processes, threads, regions, tables and counters. */
#include "kernel/inspect.h"

#include "kernel/boot.h"
#include "kernel/errno.h"
#include "kernel/family.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"
#include "kernel/system.h"
#include "kernel/thread.h"
#include "trap/timer.h"
#include "vm/asid.h"
#include "vm/kmalloc.h"
#include "vm/swap.h"
#include "vm/sv39.h"
#include "vm/usercopy.h"
#include "vm/vmalloc.h"

static struct space *my_space(void)
{
    return thread_self()->process->space;
}

/* An array in user memory, filled entry by entry as far as there is room. */
struct listing {
    uint64_t to, room, count;
    int error;
};

static void add_entry(struct listing *l, const void *entry, uint64_t size)
{
    if (l->count < l->room && l->error == 0)
        l->error = copy_to_user(my_space(), l->to + l->count * size, entry, size);
    l->count++;
}

static int64_t listing_result(const struct listing *l)
{
    return l->error < 0 ? l->error : (int64_t)l->count;
}

/* ------------------------------------------------------ processes, threads */

static uint64_t region_pages(struct space *s)
{
    uint64_t pages = 0;
    spin_lock(&s->lock);
    for (unsigned i = 0; i < s->count; i++)
        pages += (s->regions[i]->end - s->regions[i]->start) >> PAGE_SHIFT;
    spin_unlock(&s->lock);
    return pages;
}

static void describe_process(struct process *p, void *listing)
{
    struct abi_process out = {.pid = p->pid};
    family_of(p, &out.ppid, &out.pgid);
    out.flags = p->wired ? PROCESS_WIRED : 0;
    spin_lock(&p->lock);
    out.threads = p->thread_count > 255 ? 255 : p->thread_count;
    out.state = p->thread_count ? 'S' : 'Z';
    list_for_each (l, &p->threads) {
        struct thread *t = container_of(l, struct thread, link);
        if (t->state == THREAD_READY || t->state == THREAD_RUNNING)
            out.state = 'R';
    }
    strlcpy(out.name, p->name, sizeof out.name);
    spin_unlock(&p->lock);
    struct space *s = process_space(p);
    if (s) {
        out.virtual_pages = region_pages(s);
        out.resident_pages = s->resident;
        space_unref(s);
    }
    out.cpu_ns = timer_ticks_to_ns(process_cpu_time(p));
    add_entry(listing, &out, sizeof out);
}

int64_t inspect_processes(uint64_t to, uint64_t room, uint64_t unused)
{
    (void)unused;
    struct listing l = {to, room, 0, 0};
    family_for_each(describe_process, &l);
    return listing_result(&l);
}

static void fill_thread(struct abi_thread *out, const struct process *p, const struct thread *t)
{
    const char *what = __atomic_load_n(&t->wait_what, __ATOMIC_RELAXED);
    enum thread_state state = __atomic_load_n(&t->state, __ATOMIC_RELAXED);
    memset(out, 0, sizeof *out);
    out->tid = t->tid;
    out->pid = p->pid;
    out->hart = (signed char)t->hart;
    out->state = state == THREAD_WAITING ? 'S' : state == THREAD_DEAD ? 'Z' : 'R';
    out->holder_pid = t->wait_holder;
    out->pc = TF_PC_OF(&t->tf);
    if (state == THREAD_WAITING && what)
        strlcpy(out->wait, what, sizeof out->wait);
}

/* The thread of p with the lowest tid above tid; false: none. */
static int next_thread(struct process *p, int tid, struct abi_thread *out)
{
    const struct thread *next = NULL;
    spin_lock(&p->lock);
    list_for_each (l, &p->threads) {
        const struct thread *t = container_of(l, struct thread, link);
        if (t->tid > tid && (!next || t->tid < next->tid))
            next = t;
    }
    if (next)
        fill_thread(out, p, next);
    spin_unlock(&p->lock);
    return next != NULL;
}

static void describe_threads(struct process *p, void *listing)
{
    struct abi_thread out = {.tid = 0};
    while (next_thread(p, out.tid, &out))
        add_entry(listing, &out, sizeof out);
}

int64_t inspect_threads(uint64_t to, uint64_t room, uint64_t pid)
{
    struct listing l = {to, room, 0, 0};
    if (pid) {
        struct process *p = pid <= INT32_MAX ? family_find((int)pid) : NULL;
        if (!p)
            return -ESRCH;
        describe_threads(p, &l);
        kobject_unref(&p->kobject);
    } else {
        family_for_each(describe_threads, &l);
    }
    return listing_result(&l);
}

static void dump_process(struct process *p, void *unused)
{
    (void)unused;
    struct abi_thread t = {.tid = 0};
    while (next_thread(p, t.tid, &t)) {
        if (t.holder_pid)
            printk("  %5d %5d %c hart %d pc 0x%lx %s: %s, held by %d", t.pid, t.tid, t.state,
                   t.hart, t.pc, p->name, t.wait, t.holder_pid);
        else
            printk("  %5d %5d %c hart %d pc 0x%lx %s: %s", t.pid, t.tid, t.state, t.hart, t.pc,
                   p->name, t.wait[0] ? t.wait : "-");
    }
}

void system_dump_threads(void)
{
    printk("threads (pid, tid, state, what it waits for):");
    family_for_each(dump_process, NULL);
}

/* --------------------------------------------------------- regions, tables */

/* Pages of r that are mapped, and of them those that others map, too. */
static void count_pages(const struct region *r, struct abi_region *out)
{
    for (vaddr_t va = r->start; va < r->end; va += PAGE_SIZE) {
        pte_t *pte = sv39_walk(r->space->root, va, false);
        if (!pte) {
            va = (va | (MEGAPAGE_SIZE - 1)) - (PAGE_SIZE - 1);
            continue;
        }
        spin_lock(sv39_lock(pte));
        pte_t now = pte_load(pte);
        out->swapped += pte_is_swap(now);
        if (now & PTE_V) {
            out->resident++;
            if (frame_valid(pte_paddr(now))) {
                const struct frame *f = frame_of(pte_paddr(now));
                unsigned own = f->class == FRAME_OBJECT || (r->object && f->object == r->object);
                if (frame_refs(f) > 1u + (own ? 1u : 0u) && !swap_page_sole(f))
                    out->shared++;
            }
        }
        spin_unlock(sv39_lock(pte));
    }
}

int64_t inspect_regions(uint64_t pid, uint64_t to, uint64_t room)
{
    struct process *p = family_find((int)pid);
    struct space *s = p ? process_space(p) : NULL;
    if (p)
        kobject_unref(&p->kobject);
    if (!s)
        return -ESRCH;
    struct listing l = {to, room, 0, 0};
    vaddr_t at = 0;
    for (bool more = true; more && l.error == 0;) {
        struct abi_region out = {0};
        spin_lock(&s->lock);
        unsigned i = space_search_locked(s, at);
        more = i < s->count;
        if (more) {
            const struct region *r = s->regions[i];
            out.start = r->start;
            out.end = at = r->end;
            out.prot = r->prot;
            out.flags = r->flags & REGION_SHARED ? ABI_MAP_SHARED : ABI_MAP_PRIVATE;
            out.offset = r->offset;
            out.object = r->object ? r->object->id : 0;
            count_pages(r, &out);
            strlcpy(out.name, r->name, sizeof out.name);
        }
        spin_unlock(&s->lock);
        if (more)
            add_entry(&l, &out, sizeof out);
    }
    space_unref(s);
    return listing_result(&l);
}

/* Whether the page that a leaf maps goes when its process does: an anonymous one,
 * of an object or not, or a cached one, that has no other user. Walk lock held, so
 * that the page, and with it its object, stays. */
static bool own_page(const struct frame *f)
{
    if (f->class == FRAME_ANON && f->object)
        return !f->object->boot && frame_refs(f) == 2;
    return swap_page_sole(f) || (f->class == FRAME_OBJECT && frame_refs(f) == 2);
}

/* Counts the frames below one table, itself included, that nobody else holds. */
static void count_own(paddr_t table, int level, struct abi_own *out)
{
    const pte_t *entries = direct_map(table);
    unsigned n = level == SV39_LEVELS - 1 ? KERNEL_ROOT_SLOT : SV39_ENTRIES;
    out->count[FRAME_TABLE]++;
    if (level == 0)
        spin_lock(&frame_of(table)->lock);
    for (unsigned i = 0; i < n; i++) {
        pte_t pte = pte_load(&entries[i]);
        if (!(pte & PTE_V) || !frame_valid(pte_paddr(pte)))
            continue;
        const struct frame *f = frame_of(pte_paddr(pte));
        if (level > 0)
            count_own(pte_paddr(pte), level - 1, out);
        else if (own_page(f))
            out->count[f->class]++;
    }
    if (level == 0)
        spin_unlock(&frame_of(table)->lock);
}

int64_t inspect_own(uint64_t pid, uint64_t to, uint64_t unused)
{
    (void)unused;
    struct abi_own own = {0};
    struct process *p = family_find((int)pid);
    struct space *s = p ? process_space(p) : NULL;
    if (p)
        kobject_unref(&p->kobject);
    if (!s)
        return -ESRCH;
    spin_lock(&s->lock); /* tables stay */
    count_own(s->root, SV39_LEVELS - 1, &own);
    spin_unlock(&s->lock);
    space_unref(s);
    return copy_to_user(my_space(), to, &own, sizeof own);
}

static struct abi_pte describe_pte(vaddr_t va, pte_t pte, int level)
{
    paddr_t pa = pte_paddr(pte);
    return (struct abi_pte){
        .va = va,
        .pte = pte,
        .level = (unsigned)level,
        .refs = frame_valid(pa) ? frame_refs(frame_of(pa)) : 0,
    };
}

/* The entries on the way to va that are to be listed; *span: bytes that the last
 * entry on the way covers. A table is listed when its first byte is reached, and
 * again at the start of a query, so that the reader knows where it is. */
static unsigned path_to(paddr_t root, vaddr_t va, bool first, bool leaves, struct abi_pte *path,
                        uint64_t *span)
{
    unsigned n = 0;
    const pte_t *table = direct_map(root);
    bool kernels = sv39_index(va, 2) >= KERNEL_ROOT_SLOT;
    for (int level = 2; level >= 0; level--) {
        *span = PAGE_SIZE << (9 * level);
        pte_t pte = pte_load(&table[sv39_index(va, level)]);
        if (!(pte & PTE_V))
            break;
        vaddr_t start = va & ~(*span - 1);
        if (pte_leaf(pte)) {
            if (level > 0 || leaves || !kernels)
                path[n++] = describe_pte(start, pte, level);
            break;
        }
        if (start == va || first)
            path[n++] = describe_pte(start, pte, level);
        if (level == 1 && !leaves && kernels)
            break;
        table = direct_map(pte_paddr(pte));
    }
    return n;
}

/* Lists entries from q->va on, depth first, and sets q->va to where to go on. Its lock makes
 * the space's tables stay during a look, and is not held while the copy may sleep. */
static void list_ptes(struct space *s, struct abi_pte_query *q, struct listing *l)
{
    vaddr_t va = q->va;
    for (bool first = true; l->error == 0; first = false) {
        struct abi_pte path[SV39_LEVELS];
        uint64_t span;
        spin_lock(&s->lock);
        unsigned n = path_to(s->root, va, first, q->max_level0, path, &span);
        spin_unlock(&s->lock);
        if (l->count + n > l->room)
            break;
        for (unsigned i = 0; i < n; i++)
            add_entry(l, &path[i], sizeof path[i]);
        va = (va & ~(span - 1)) + span;
        if (va == 0) {
            va = ~0ul;
            break;
        }
        if (va == KERNEL_ROOT_SLOT * GIGAPAGE_SIZE) /* over the hole */
            va = DIRECT_BASE;
    }
    q->va = va;
}

int64_t inspect_ptes(uint64_t pid, uint64_t query, uint64_t unused)
{
    (void)unused;
    struct abi_pte_query q;
    int rc = copy_from_user(my_space(), &q, query, sizeof q);
    if (rc < 0)
        return rc;
    if (q.room < SV39_LEVELS)
        return -EINVAL;
    struct process *p = family_find((int)pid);
    struct space *s = p ? process_space(p) : NULL;
    if (p)
        kobject_unref(&p->kobject);
    if (!s)
        return -ESRCH;
    struct listing l = {(uint64_t)q.out, q.room, 0, 0};
    q.root = s->root;
    if (q.va != ~0ul)
        list_ptes(s, &q, &l);
    space_unref(s);
    if (l.error == 0)
        l.error = copy_to_user(my_space(), query, &q, sizeof q);
    return listing_result(&l);
}

/* ---------------------------------------------------------------- counters */

int64_t inspect_memory(uint64_t to, uint64_t b, uint64_t c)
{
    (void)b;
    (void)c;
    struct abi_memory m = {0};
    frame_ledger(&m);
    m.pinned = m.total - m.count[FRAME_FREE] - m.count[FRAME_ANON] - m.count[FRAME_OBJECT];
    m.dirty = object_dirty_pages();
    m.kmalloc_bytes = kmalloc_bytes();
    struct swap_totals swap;
    swap_totals(&swap);
    m.swap_total = swap.slots;
    m.swap_free = swap.free;
    m.swap_bad = swap.bad;
    m.swap_cached = swap.cached;
    return copy_to_user(my_space(), to, &m, sizeof m);
}

int64_t inspect_counters(uint64_t to, uint64_t b, uint64_t c)
{
    (void)b;
    (void)c;
    struct abi_counters n = {
        .zero_fills = counter_sum(COUNT_ZERO_FILL),
        .cow_copies = counter_sum(COUNT_COW),
        .object_faults = counter_sum(COUNT_OBJECT_FAULT),
        .spurious_faults = counter_sum(COUNT_SPURIOUS),
        .page_ins = counter_sum(COUNT_PAGE_IN),
        .page_outs = counter_sum(COUNT_PAGE_OUT),
        .swap_ins = counter_sum(COUNT_SWAP_IN),
        .swap_outs = counter_sum(COUNT_SWAP_OUT),
        .swap_faults = counter_sum(COUNT_SWAP_FAULT),
        .scanned = counter_sum(COUNT_SCAN),
        .reclaimed = counter_sum(COUNT_RECLAIM),
        .refaults = counter_sum(COUNT_REFAULT),
        .calls = counter_sum(COUNT_CALL),
        .messages = counter_sum(COUNT_MESSAGE),
        .switches = counter_sum(COUNT_SWITCH),
        .shootdowns = counter_sum(COUNT_SHOOTDOWN),
        .asid_rollovers = counter_sum(COUNT_ROLLOVER),
        .system_calls = counter_sum(COUNT_SYSCALL),
        .interrupts = counter_sum(COUNT_INTERRUPT),
        .harts = hart_count,
        .asids = asid_count(),
        .timebase = timer_timebase(),
        .boot_cycle = boot_cycle,
        .idle_cycles = counter_sum(COUNT_IDLE_CYCLES),
        .direct = counter_sum(COUNT_DIRECT),
    };
    return copy_to_user(my_space(), to, &n, sizeof n);
}

#ifdef BENCH_COUNTERS
int64_t inspect_bench(uint64_t to, uint64_t b, uint64_t c)
{
    (void)b;
    (void)c;
    struct abi_bench n = {
        .satp_writes = counter_sum(COUNT_SATP),
        .fences = counter_sum(COUNT_FENCE),
        .spins = counter_sum(COUNT_SPIN),
    };
    return copy_to_user(my_space(), to, &n, sizeof n);
}
#endif

int64_t inspect_drop_caches(uint64_t a, uint64_t b, uint64_t c)
{
    (void)a;
    (void)b;
    (void)c;
    int64_t pages = (int64_t)object_drop_unused(~0ul);
    swap_trim();
    kstack_trim();
    kmalloc_trim();
    return pages;
}
