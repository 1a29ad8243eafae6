/* Address spaces: life, map, unmap, protect, brk, fork; the contract is in space.h. */
#include "vm/space.h"

#include "kernel/errno.h"
#include "kernel/lib/hart.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "trap/sbi.h"
#include "vm/fence.h"
#include "vm/kmalloc.h"
#include "vm/prune.h"
#include "vm/reclaim.h"
#include "vm/region.h"
#include "vm/shadow.h"
#include "vm/sv39.h"

#define MMAP_TOP (USER_END - ABI_STACK_MAX - MEGAPAGE_SIZE)

struct backing_ops backing_ops;

/* ------------------------------------------------------------------- life */

struct space *space_create(void)
{
    struct space *s = kzalloc(sizeof *s);
    if (!s)
        return NULL;
    s->root = sv39_root_create();
    if (!s->root) {
        kfree(s);
        return NULL;
    }
    s->refs = 1;
    spin_init(&s->lock, RANK_SPACE);
    reclaim_enroll(s);
    return s;
}

void space_ref(struct space *s)
{
    __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
}

/* An idle hart may still have the space in its satp: it leaves when called. */
static void wait_until_left(struct space *s)
{
    assert(hart_self()->space != s);
    uint64_t active = __atomic_load_n(&s->asid.active, __ATOMIC_SEQ_CST);
    if (active)
        sbi_send_ipi(active);
    while (__atomic_load_n(&s->asid.active, __ATOMIC_SEQ_CST))
        ;
}

void space_unref(struct space *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
        return;
    wait_until_left(s);
    shadow_space_gone(s);
    reclaim_dismiss(s);
    while (s->count) {
        struct region *r = s->regions[s->count - 1];
        region_clear_pages(r, r->start, r->end);
        s->count--;
        region_free(r);
    }
    sv39_root_destroy(s->root);
    kfree(s->regions);
    kfree(s);
}

/* ---------------------------------------------------------------- look-up */

unsigned space_search_locked(const struct space *s, vaddr_t va)
{
    unsigned low = 0, high = s->count;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (s->regions[mid]->end <= va)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct region *space_find_locked(struct space *s, vaddr_t va)
{
    unsigned i = space_search_locked(s, va);
    return i < s->count && s->regions[i]->start <= va ? s->regions[i] : NULL;
}

bool space_covers_locked(const struct space *s, vaddr_t addr, uint64_t size)
{
    vaddr_t at = addr;
    for (unsigned i = space_search_locked(s, addr); at < addr + size; i++) {
        if (i == s->count || s->regions[i]->start > at)
            return false;
        at = s->regions[i]->end;
    }
    return true;
}

/* Room for `more` further regions. */
static int reserve_slots(struct space *s, unsigned more)
{
    if (s->count + more <= s->capacity)
        return 0;
    unsigned capacity = s->capacity ? s->capacity * 2 : 8;
    while (capacity < s->count + more)
        capacity *= 2;
    struct region **bigger = kmalloc(capacity * sizeof *bigger);
    if (!bigger)
        return -ENOMEM;
    if (s->count)
        memcpy(bigger, s->regions, s->count * sizeof *bigger);
    kfree(s->regions);
    s->regions = bigger;
    s->capacity = capacity;
    return 0;
}

static void insert_at(struct space *s, unsigned i, struct region *r)
{
    memmove(&s->regions[i + 1], &s->regions[i], (s->count - i) * sizeof *s->regions);
    s->regions[i] = r;
    s->count++;
}

static void remove_at(struct space *s, unsigned i)
{
    s->count--;
    memmove(&s->regions[i], &s->regions[i + 1], (s->count - i) * sizeof *s->regions);
}

/* ---------------------------------------------------------- map and unmap */

/* The highest gap of that size below the stack; 0 if there is none. */
static vaddr_t find_gap(struct space *s, uint64_t size)
{
    vaddr_t top = MMAP_TOP;
    for (unsigned i = space_search_locked(s, MMAP_TOP - 1);; i--) {
        if (i < s->count && s->regions[i]->end > top - size && s->regions[i]->start < top)
            top = s->regions[i]->start;
        if (top < size + USER_MIN)
            return 0;
        if (i == 0 || s->regions[i - 1]->end <= top - size)
            return top - size;
    }
}

static bool range_valid(vaddr_t addr, uint64_t size)
{
    return size && addr % PAGE_SIZE == 0 && addr >= USER_MIN && size <= USER_END &&
           addr <= USER_END - size;
}

static bool range_free_locked(struct space *s, vaddr_t addr, uint64_t size)
{
    unsigned i = space_search_locked(s, addr);
    return i == s->count || s->regions[i]->start >= addr + size;
}

/* Cuts the region at i in two at va. */
static int split_at(struct space *s, unsigned i, vaddr_t va)
{
    if (reserve_slots(s, 1) < 0)
        return -ENOMEM;
    struct region *upper = region_split(s->regions[i], va);
    if (!upper)
        return -ENOMEM;
    insert_at(s, i + 1, upper);
    return 0;
}

int space_isolate_locked(struct space *s, vaddr_t addr, uint64_t size)
{
    vaddr_t cuts[2] = {addr, addr + size};
    for (int n = 0; n < 2; n++) {
        unsigned i = space_search_locked(s, cuts[n]);
        if (i < s->count && s->regions[i]->start < cuts[n] && split_at(s, i, cuts[n]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int unmap_locked(struct space *s, vaddr_t addr, uint64_t size)
{
    if (space_isolate_locked(s, addr, size) < 0)
        return -ENOMEM;
    unsigned i = space_search_locked(s, addr);
    while (i < s->count && s->regions[i]->start < addr + size) {
        struct region *r = s->regions[i];
        region_clear_pages(r, r->start, r->end);
        remove_at(s, i);
        region_free(r);
    }
    prune_tables_locked(s, addr, addr + size);
    return 0;
}

/* Registers, not memory for them to reach. */
static bool is_device(const struct region *r)
{
    return r->object && r->object->kind == OBJECT_PHYSICAL && !r->object->owned;
}

int64_t space_map(struct space *s, const struct space_mapping *m)
{
    uint64_t size = page_round_up(m->size);
    if (size < m->size || !size || m->addr % PAGE_SIZE || size > USER_END)
        return -EINVAL;
    if (m->fixed && !range_valid(m->addr, size))
        return -EINVAL;
    /* Nobody gets a copy of a device. */
    if (m->object && m->object->kind == OBJECT_PHYSICAL && !(m->flags & REGION_SHARED))
        return -EINVAL;
    struct region *r = region_create(s, m);
    if (!r)
        return -ENOMEM;
    spin_lock(&s->lock);
    int rc = reserve_slots(s, 3);
    vaddr_t at = m->addr;
    if (rc == 0 && m->fixed)
        rc = unmap_locked(s, at, size);
    else if (rc == 0 && (!range_valid(at, size) || !range_free_locked(s, at, size))) {
        at = find_gap(s, size);
        rc = at ? 0 : -ENOMEM;
    }
    if (rc < 0) {
        spin_unlock(&s->lock);
        region_free(r);
        return rc;
    }
    r->start = at;
    r->end = at + size;
    insert_at(s, space_search_locked(s, at), r);
    region_attach(r);
    s->drives |= is_device(r);
    spin_unlock(&s->lock);
    return (int64_t)at;
}

void space_for_each_driven(struct space *s, void (*fn)(paddr_t base))
{
    spin_lock(&s->lock);
    for (unsigned i = 0; s->drives && i < s->count; i++)
        if (is_device(s->regions[i]) && s->regions[i]->prot & ABI_PROT_WRITE)
            fn(s->regions[i]->object->base);
    spin_unlock(&s->lock);
}

int space_unmap(struct space *s, vaddr_t addr, uint64_t size)
{
    uint64_t rounded = page_round_up(size);
    if (rounded < size || !range_valid(addr, rounded))
        return -EINVAL;
    spin_lock(&s->lock);
    int rc = unmap_locked(s, addr, rounded);
    spin_unlock(&s->lock);
    return rc;
}

int space_protect(struct space *s, vaddr_t addr, uint64_t size, unsigned prot)
{
    uint64_t rounded = page_round_up(size);
    if (rounded < size || !range_valid(addr, rounded))
        return -EINVAL;
    if (prot & ABI_PROT_WRITE && prot & ABI_PROT_EXEC)
        return -EACCES;
    spin_lock(&s->lock);
    int rc = 0;
    if (!space_covers_locked(s, addr, rounded))
        rc = -ENOMEM;
    for (unsigned i = space_search_locked(s, addr);
         rc == 0 && i < s->count && s->regions[i]->start < addr + rounded; i++)
        if (prot & ~s->regions[i]->max_prot)
            rc = -EACCES;
    if (rc == 0)
        rc = space_isolate_locked(s, addr, rounded);
    for (unsigned i = space_search_locked(s, addr);
         rc == 0 && i < s->count && s->regions[i]->start < addr + rounded; i++) {
        s->regions[i]->prot = prot;
        region_protect_pages(s->regions[i]);
    }
    spin_unlock(&s->lock);
    return rc;
}

/* ------------------------------------------------------------------- heap */

/* Anonymous memory from `start`, where the heap ends, to end. */
static int heap_grow_locked(struct space *s, vaddr_t start, vaddr_t end)
{
    const struct space_mapping m = {
        .prot = ABI_PROT_READ | ABI_PROT_WRITE,
        .max_prot = ABI_PROT_READ | ABI_PROT_WRITE | ABI_PROT_EXEC,
        .flags = REGION_HEAP,
        .name = "heap",
    };
    if (end >= MMAP_TOP || !range_free_locked(s, start, end - start))
        return -ENOMEM;
    unsigned i = space_search_locked(s, start);
    struct region *below = i > 0 ? s->regions[i - 1] : NULL;
    if (below && (below->flags & (REGION_HEAP | REGION_WIRED)) == REGION_HEAP &&
        below->end == start && below->prot == m.prot) {
        below->end = end;
        return 0;
    }
    struct region *r = reserve_slots(s, 1) == 0 ? region_create(s, &m) : NULL;
    if (!r)
        return -ENOMEM;
    r->start = start;
    r->end = end;
    insert_at(s, i, r);
    return 0;
}

int64_t space_brk(struct space *s, vaddr_t brk)
{
    spin_lock(&s->lock);
    vaddr_t old_end = page_round_up(s->brk), end = page_round_up(brk);
    int rc = 0;
    if (brk && (brk < s->brk_start || brk >= MMAP_TOP))
        rc = -ENOMEM;
    else if (brk && end > old_end)
        rc = heap_grow_locked(s, old_end, end);
    else if (brk && end < old_end)
        rc = unmap_locked(s, end, old_end - end);
    if (rc == 0 && brk)
        s->brk = brk;
    brk = s->brk;
    spin_unlock(&s->lock);
    return rc < 0 ? rc : (int64_t)brk;
}

/* ------------------------------------------------------------------- fork */

struct space *space_fork(struct space *parent)
{
    struct space *child = space_create();
    if (!child)
        return NULL;
    spin_lock(&parent->lock);
    child->wired = parent->wired;
    child->brk_start = parent->brk_start;
    child->brk = parent->brk;
    bool ok = reserve_slots(child, parent->count + 1) == 0, protected = false;
    for (unsigned i = 0; ok && i < parent->count; i++) {
        struct region *copy = region_copy(parent->regions[i], child);
        ok = copy != NULL;
        if (!ok)
            break;
        copy->flags &= ~REGION_WIRED; /* POSIX: locks are not inherited */
        child->regions[child->count++] = copy;
        region_attach(copy);
        ok = region_share_pages(parent->regions[i], copy, &protected);
    }
    /* The child executes the parent's pages, on harts that may not have fenced for them. */
    child->icache_stale = __atomic_load_n(&parent->icache_stale, __ATOMIC_SEQ_CST);
    /* Also after a failure: what was write-protected must be so on every hart. */
    if (protected)
        space_shootdown(parent, 0, USER_END);
    spin_unlock(&parent->lock);
    if (!ok) {
        space_unref(child);
        return NULL;
    }
    return child;
}

void space_icache_sync(struct space *s)
{
    uint64_t me = 1ul << hart_self()->index;
    __atomic_fetch_or(&s->icache_stale, ~me, __ATOMIC_SEQ_CST);
    icache_fence();
    uint64_t others = harts_awake(__atomic_load_n(&s->asid.active, __ATOMIC_SEQ_CST) & ~me);
    if (others) {
        shadow_fence_i(others);
        sbi_remote_fence_i(others);
    }
}
