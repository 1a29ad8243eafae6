/* ASIDs, satp and shootdown; the contract is in asid.h. */
#include "vm/asid.h"

#include <stdbool.h>

#include "kernel/lib/counter.h"
#include "kernel/lib/lock.h"
#include "kernel/lib/string.h"
#include "trap/csr.h"
#include "trap/sbi.h"
#include "vm/fence.h"
#include "vm/shadow.h"
#include "vm/space.h"
#include "vm/sv39.h"

#define GENERATION_SHIFT 16
#define FENCE_PAGES_MAX  32 /* above this many pages the whole ASID is fenced */

static struct spinlock asid_lock = SPINLOCK_INIT(RANK_ASID);
static unsigned max_asid;           /* 0: no ASIDs */
static uint64_t generation = 1;     /* (asid_lock) */
static uint64_t used[65536 / 64];   /* (asid_lock) ASIDs given in this generation */
static unsigned next_asid = 1;      /* (asid_lock) where the search goes on */
static uint64_t running[MAX_HARTS]; /* (asid_lock) context id each hart runs */
static uint64_t flush_pending;      /* (asid_lock) harts yet to empty their TLB */
static uint64_t flushing;           /* atomic: harts about to do it */

void asid_init(int limit_bits, unsigned harts_online)
{
    /* ASIDLEN: write ones, read back what stuck (section 4.1.11). */
    uint64_t satp = satp_read();
    satp_write(satp | SATP_ASID_MASK << SATP_ASID_SHIFT);
    unsigned max = satp_read() >> SATP_ASID_SHIFT & SATP_ASID_MASK;
    satp_write(satp);
    tlb_fence_all();
    if (limit_bits >= 0 && limit_bits < 16 && max > (1u << limit_bits) - 1)
        max = (1u << limit_bits) - 1;
    max_asid = max > harts_online ? max : 0;
}

unsigned asid_count(void)
{
    return max_asid;
}

bool asid_must_flush(unsigned hart)
{
    spin_lock(&asid_lock);
    uint64_t harts = flush_pending | __atomic_load_n(&flushing, __ATOMIC_SEQ_CST);
    spin_unlock(&asid_lock);
    return harts >> hart & 1;
}

static bool asid_take(unsigned asid)
{
    uint64_t bit = 1ul << asid % 64;
    if (used[asid / 64] & bit)
        return false;
    used[asid / 64] |= bit;
    return true;
}

static unsigned asid_find_locked(void)
{
    for (unsigned n = 0; n < max_asid; n++) {
        unsigned asid = next_asid;
        next_asid = next_asid == max_asid ? 1 : next_asid + 1;
        if (asid_take(asid))
            return asid;
    }
    return 0;
}

/* Begins a generation: only what runs right now keeps its ASID. */
static void asid_rollover_locked(void)
{
    generation++;
    memset(used, 0, sizeof used);
    for (unsigned i = 0; i < MAX_HARTS; i++)
        if (running[i])
            asid_take(running[i] & SATP_ASID_MASK);
    flush_pending = (1ul << MAX_HARTS) - 1;
    count(COUNT_ROLLOVER);
}

static __attribute__((noinline)) void asid_assign_locked(struct asid_context *c)
{
    /* A space that some hart runs across a rollover keeps its ASID. */
    for (unsigned i = 0; i < MAX_HARTS; i++)
        if (c->id && running[i] == c->id) {
            c->id = generation << GENERATION_SHIFT | (c->id & SATP_ASID_MASK);
            for (unsigned j = 0; j < MAX_HARTS; j++)
                if (running[j] != 0 && (running[j] & SATP_ASID_MASK) == (c->id & SATP_ASID_MASK))
                    running[j] = c->id;
            return;
        }
    unsigned asid = asid_find_locked();
    if (!asid) {
        asid_rollover_locked();
        asid = asid_find_locked();
    }
    c->id = generation << GENERATION_SHIFT | asid;
    __atomic_store_n(&c->ran, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&c->stale, 0, __ATOMIC_RELAXED);
}

/* Its caller has fenced after it said that this hart is active. */
static inline bool has_marks(const struct asid_context *c, uint64_t me)
{
    return (__atomic_load_n(&c->stale, __ATOMIC_RELAXED) |
            __atomic_load_n(&c->missed, __ATOMIC_RELAXED)) &
           me;
}

/* Shootdowns have left this hart a fence: true, and it must do it next. Marks go before the
 * fence, so that one that is set meanwhile counts for the next time. */
static __attribute__((noinline)) bool take_marks(struct asid_context *c, uint64_t me)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!has_marks(c, me))
        return false;
    __atomic_fetch_and(&c->stale, ~me, __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&c->missed, ~me, __ATOMIC_SEQ_CST);
    return true;
}

/* A generation has begun since this hart's last switch: its TLB may hold anything. */
static __attribute__((noinline)) void flush_for_generation(uint64_t me)
{
    tlb_fence_all();
    __atomic_fetch_and(&flushing, ~me, __ATOMIC_SEQ_CST);
}

/* The ASID to run the space with; this hart's TLB holds nothing wrong for it. */
static inline uint64_t asid_enter(struct asid_context *c, uint64_t me)
{
    struct hart *h = hart_self();
    spin_lock(&asid_lock);
    if (c->id >> GENERATION_SHIFT != generation)
        asid_assign_locked(c);
    running[h->index] = c->id;
    bool flush = flush_pending & me;
    flush_pending &= ~me;
    if (flush)
        __atomic_fetch_or(&flushing, me, __ATOMIC_SEQ_CST);
    uint64_t asid = c->id & SATP_ASID_MASK;
    if (!(__atomic_load_n(&c->ran, __ATOMIC_RELAXED) & me))
        __atomic_fetch_or(&c->ran, me, __ATOMIC_SEQ_CST);
    spin_unlock(&asid_lock);
    if (flush)
        flush_for_generation(me);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (has_marks(c, me) && take_marks(c, me))
        tlb_fence_asid(asid);
    return asid;
}

static inline void install_root(struct hart *h, paddr_t root, uint64_t asid)
{
    root = shadow_root(root, asid);
    uint64_t satp = SATP_SV39 | asid << SATP_ASID_SHIFT | root >> PAGE_SHIFT;
    bench_count(COUNT_SATP);
    /* With isolation the trampoline switches, on the way out. */
    if (h->entry)
        h->entry->user_satp = satp;
    else
        satp_write(satp);
}

/* Its caller has fenced after it said that this hart is active. */
static inline void sync_icache(struct space *s, uint64_t me)
{
    if (__atomic_load_n(&s->icache_stale, __ATOMIC_RELAXED) & me) {
        __atomic_fetch_and(&s->icache_stale, ~me, __ATOMIC_SEQ_CST);
        icache_fence();
    }
}

/* This hart is in the space already, but may have idled. Marks as stale alone are of shootdowns
 * that fenced it at once. */
static __attribute__((noinline)) void stay(struct space *s, uint64_t me)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&s->asid.missed, __ATOMIC_RELAXED) & me) {
        take_marks(&s->asid, me);
        tlb_fence_asid(max_asid ? s->asid.id & SATP_ASID_MASK : 0);
    }
    sync_icache(s, me);
    shadow_enter(s);
}

/* To the kernel's own space, or without ASIDs. */
static __attribute__((noinline)) void switch_plainly(struct hart *h, struct space *s, uint64_t me)
{
    struct space *old = h->space;
    if (s) {
        __atomic_fetch_or(&s->asid.active, me, __ATOMIC_SEQ_CST);
    } else if (max_asid) {
        spin_lock(&asid_lock);
        running[h->index] = 0;
        spin_unlock(&asid_lock);
    }
    install_root(h, s ? s->root : kernel_root, 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (s)
        sync_icache(s, me);
    if (s && !max_asid)
        take_marks(&s->asid, me); /* the fence follows, or the trampoline's does */
    /* Without ASIDs two spaces share 0: empty the TLB (section 4.2.1). */
    if (!max_asid && !h->entry)
        tlb_fence_all();
    else if (!max_asid)
        shadow_fence(0, true, SHADOW_EVERY_ASID); /* the trampoline's */
    if (s)
        shadow_enter(s);
    h->space = s;
    if (old)
        __atomic_fetch_and(&old->asid.active, ~me, __ATOMIC_SEQ_CST);
}

/* The general way; ways out of the short one end here and begin anew. */
static __attribute__((noinline)) void switch_slowly(struct space *s)
{
    struct hart *h = hart_self();
    struct space *old = h->space;
    uint64_t me = 1ul << h->index;
    if (old == s) {
        if (s)
            stay(s, me);
        return;
    }
    if (!s || !max_asid) {
        switch_plainly(h, s, me);
        return;
    }
    /* Active first, stale second: a shootdown marks stale first and reads
     * active second, so one of the two sees the other. */
    __atomic_fetch_or(&s->asid.active, me, __ATOMIC_SEQ_CST);
    install_root(h, s->root, asid_enter(&s->asid, me));
    sync_icache(s, me);
    shadow_enter(s);
    h->space = s;
    if (old)
        __atomic_fetch_and(&old->asid.active, ~me, __ATOMIC_SEQ_CST);
}

/* To a space that ran here before, in this generation, with nothing to be made good: the same
 * steps without a call, and so without a register to be saved (80 instructions for 104). All is
 * known before `running` says that the ASID of the space before is free: should a generation end
 * between that and a flush, this hart could read entries of that ASID again behind the flush. */
void space_switch(struct space *s)
{
    struct hart *h = hart_self();
    struct space *old = h->space;
    uint64_t me = 1ul << h->index;
    if (old == s || !s || !max_asid)
        return switch_slowly(s);
    struct asid_context *c = &s->asid;
    __atomic_fetch_or(&c->active, me, __ATOMIC_SEQ_CST);
    if (!spin_trylock(&asid_lock))
        return switch_slowly(s);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t id = c->id;
    bool usual = id >> GENERATION_SHIFT == generation && !(flush_pending & me) &&
                 __atomic_load_n(&c->ran, __ATOMIC_RELAXED) & me && !has_marks(c, me) &&
                 !(__atomic_load_n(&s->icache_stale, __ATOMIC_RELAXED) & me);
    if (usual)
        running[h->index] = id;
    spin_unlock(&asid_lock);
    if (!usual)
        return switch_slowly(s);
    install_root(h, s->root, id & SATP_ASID_MASK);
    shadow_enter(s);
    h->space = s;
    if (old)
        __atomic_fetch_and(&old->asid.active, ~me, __ATOMIC_SEQ_CST);
}

static void fence_local(vaddr_t va, uint64_t size, uint64_t asid)
{
    if (size > FENCE_PAGES_MAX * PAGE_SIZE) {
        tlb_fence_asid(asid);
        return;
    }
    for (uint64_t off = 0; off < size; off += PAGE_SIZE)
        tlb_fence_page_asid(va + off, asid);
}

static void remote_fence(uint64_t harts, vaddr_t va, uint64_t size, int asid)
{
    shadow_remote_fence(harts, va, size, asid);
    bench_count_add(COUNT_FENCE, __builtin_popcountl(harts));
    sbi_remote_fence(harts, va, size, asid);
}

/* Leaves the fence to those harts in the space that idle; the others. An interrupt that takes
 * a hart from its sleep, if the host has put it to sleep as well, costs far more. */
static uint64_t leave_to_idle(struct space *s, uint64_t harts_in_it)
{
    uint64_t idle = harts_in_it & ~harts_awake(harts_in_it);
    if (!idle)
        return harts_in_it;
    shadow_left_to_idle(s, idle);
    /* Marked first, and looked at again: the hart clears `idling` first and then looks. */
    __atomic_fetch_or(&s->asid.missed, idle, __ATOMIC_SEQ_CST);
    idle &= ~harts_awake(idle);
    return harts_in_it & ~idle;
}

static void shootdown(struct space *s, vaddr_t va, uint64_t size, bool spare_idle)
{
    struct hart *h = hart_self();
    uint64_t me = 1ul << h->index;
    struct asid_context *c = &s->asid;
    count(COUNT_SHOOTDOWN);
    /* Every hart that ran it is marked; those that are in it are fenced too. */
    uint64_t ran = __atomic_load_n(&c->ran, __ATOMIC_SEQ_CST);
    uint64_t in_it = h->space == s ? me : 0;
    if (max_asid) {
        __atomic_fetch_or(&c->stale, ran & ~in_it, __ATOMIC_SEQ_CST);
        shadow_left_stale(s, ran & ~in_it);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t asid = max_asid ? c->id & SATP_ASID_MASK : 0;
    if (in_it)
        fence_local(va, size, asid);
    uint64_t others = __atomic_load_n(&c->active, __ATOMIC_SEQ_CST) & ~me;
    if (others && spare_idle)
        others = leave_to_idle(s, others);
    if (!others)
        return;
    bool whole = size > FENCE_PAGES_MAX * PAGE_SIZE;
    remote_fence(others, whole ? 0 : va, whole ? ~0ul : size, max_asid ? (int)asid : -1);
}

void space_shootdown(struct space *s, vaddr_t va, uint64_t size)
{
    shootdown(s, va, size, true);
}

void space_shootdown_tables(struct space *s)
{
    shootdown(s, 0, USER_END, false);
}

void kernel_shootdown(vaddr_t va, uint64_t size)
{
    uint64_t others = 0;
    for (unsigned i = 0; i < MAX_HARTS; i++)
        if (__atomic_load_n(&harts[i].online, __ATOMIC_ACQUIRE) && i != hart_self()->index)
            others |= 1ul << i;
    /* Kernel leaves are global: a fence by ASID would not cover them (section
     * 4.2.1), so all ASIDs are fenced, by address. */
    if (size == FENCE_EVERYTHING)
        tlb_fence_all();
    else
        for (uint64_t off = 0; off < size; off += PAGE_SIZE)
            tlb_fence_page(va + off);
    if (others)
        remote_fence(others, va, size, -1);
}
