/* The buddy allocator and the per-hart caches; the contract is in frame.h. */
#include "vm/frame.h"

#include "kernel/lib/hart.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/fail.h"
#include "vm/redzone.h"
#include "vm/shadow.h"

#define CACHE_SIZE  32 /* frames a hart keeps at most */
#define CACHE_BATCH 16 /* frames moved to or from the buddy lists at a time */

struct frame *frames;
uint64_t frame_base, frame_span;

static struct spinlock frame_lock = SPINLOCK_INIT(RANK_FRAME);
static struct list free_runs[FRAME_MAX_ORDER + 1]; /* (frame_lock) */
static uint64_t buddy_free;                        /* (frame_lock) */
static uint64_t total_frames;
static uint64_t user_watermark, reserve, low_watermark;

/* Only the hart itself touches its cache; counts are read by others. */
static struct hart_cache {
    struct frame *frames[CACHE_SIZE];
    uint64_t count;
    int64_t class_count[FRAME_CLASSES]; /* may be negative: the sum counts */
} caches[MAX_HARTS];

_Static_assert(FRAME_FREE == 0, "what nobody touched is free");

void frame_init(struct frame *storage, uint64_t base_pfn, uint64_t span)
{
    frames = storage;
    frame_base = base_pfn;
    frame_span = span;
    for (unsigned i = 0; i <= FRAME_MAX_ORDER; i++)
        list_init(&free_runs[i]);
}

static void class_add(enum abi_frame_class class, int64_t n)
{
    caches[hart_self()->index].class_count[class] += n;
}

/* Gives a run back, merging it with its buddy as long as that is free. */
static void buddy_put_locked(struct frame *f, unsigned order)
{
    uint64_t pfn = (uint64_t)(f - frames) + frame_base;
    buddy_free += 1ul << order;
    while (order < FRAME_MAX_ORDER) {
        uint64_t buddy = pfn ^ 1ul << order;
        if (buddy < frame_base || buddy - frame_base >= frame_span)
            break;
        struct frame *b = &frames[buddy - frame_base];
        if (!b->on_list || b->order != order)
            break;
        list_remove(&b->link);
        b->on_list = false;
        pfn &= ~(1ul << order);
        order++;
    }
    struct frame *head = &frames[pfn - frame_base];
    head->order = order;
    head->on_list = true;
    list_push_front(&free_runs[order], &head->link);
}

static struct frame *buddy_get_locked(unsigned order)
{
    unsigned have = order;
    while (have <= FRAME_MAX_ORDER && list_empty(&free_runs[have]))
        have++;
    if (have > FRAME_MAX_ORDER)
        return NULL;
    struct frame *f = container_of(list_pop(&free_runs[have]), struct frame, link);
    f->on_list = false;
    while (have > order) {
        have--;
        struct frame *upper = f + (1ul << have);
        upper->order = have;
        upper->on_list = true;
        list_push_front(&free_runs[have], &upper->link);
    }
    f->order = order;
    buddy_free -= 1ul << order;
    if (frame_low())
        hart_self()->attention |= ATTEND_MEMORY;
    return f;
}

void frame_add_free(paddr_t start, paddr_t end)
{
    start = page_round_up(start);
    end = page_round_down(end);
    spin_lock(&frame_lock);
    while (start < end) {
        unsigned order = 0;
        while (order < FRAME_MAX_ORDER && start % (PAGE_SIZE << (order + 1)) == 0 &&
               start + (PAGE_SIZE << (order + 1)) <= end)
            order++;
        buddy_put_locked(frame_of(start), order);
        class_add(FRAME_FREE, 1l << order);
        total_frames += 1ul << order;
        start += PAGE_SIZE << order;
    }
    spin_unlock(&frame_lock);
}

void frame_add_kernel(paddr_t start, paddr_t end)
{
    uint64_t n = (page_round_up(end) - page_round_down(start)) >> PAGE_SHIFT;
    struct frame *f = frame_of(start);
    for (uint64_t i = 0; i < n; i++)
        f[i].class = FRAME_KERNEL;
    class_add(FRAME_KERNEL, (int64_t)n);
    total_frames += n;
}

void frame_set_watermarks(void)
{
    uint64_t n = buddy_free;
    reserve = n / 128 < 32 ? 32 : n / 128 > 1024 ? 1024 : n / 128;
    user_watermark = reserve * 3;
    low_watermark = reserve * 4;
}

static struct hart_cache *my_cache(void)
{
    return &caches[hart_self()->index];
}

uint64_t frame_free_count(void)
{
    uint64_t n = __atomic_load_n(&buddy_free, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < MAX_HARTS; i++)
        n += __atomic_load_n(&caches[i].count, __ATOMIC_RELAXED);
    return n;
}

uint64_t frame_free_estimate(void)
{
    return __atomic_load_n(&buddy_free, __ATOMIC_RELAXED);
}

bool frame_low(void)
{
    return __atomic_load_n(&buddy_free, __ATOMIC_RELAXED) < low_watermark;
}

bool frame_available(void)
{
    return __atomic_load_n(&buddy_free, __ATOMIC_RELAXED) > user_watermark + CACHE_BATCH;
}

bool frame_plenty(void)
{
    return __atomic_load_n(&buddy_free, __ATOMIC_RELAXED) >= user_watermark + reserve;
}

uint64_t frame_shortage(void)
{
    uint64_t n = __atomic_load_n(&buddy_free, __ATOMIC_RELAXED);
    uint64_t want = low_watermark + low_watermark / 2;
    return n < low_watermark ? want - n : 0;
}

uint64_t frame_total(void)
{
    return total_frames;
}

static bool allowed(enum frame_priority priority, uint64_t n)
{
    uint64_t floor = priority == FRAME_USER     ? user_watermark
                     : priority == FRAME_NORMAL ? reserve
                                                : 0;
    return __atomic_load_n(&buddy_free, __ATOMIC_RELAXED) >= floor + n;
}

static struct frame *cache_get(enum frame_priority priority)
{
    struct hart_cache *c = my_cache();
    if (c->count == 0) {
        spin_lock(&frame_lock);
        unsigned n = !allowed(priority, 1) ? 0 : frame_low() ? 1 : CACHE_BATCH;
        for (; n > 0; n--) {
            struct frame *f = buddy_get_locked(0);
            if (!f)
                break;
            c->frames[c->count++] = f;
        }
        spin_unlock(&frame_lock);
    } else if (!allowed(priority, 0)) {
        return NULL;
    }
    return c->count ? c->frames[--c->count] : NULL;
}

struct frame *frame_alloc(enum abi_frame_class class, unsigned order, enum frame_priority priority)
{
    struct frame *f;
    if (fail_allocation())
        return NULL;
    if (order == 0) {
        f = cache_get(priority);
    } else {
        spin_lock(&frame_lock);
        f = allowed(priority, 1ul << order) ? buddy_get_locked(order) : NULL;
        spin_unlock(&frame_lock);
    }
    if (!f)
        return NULL;
    assert(f->refs == 0 && f->class == FRAME_FREE);
    for (uint64_t i = 0; i < 1ul << order; i++)
        f[i].class = class;
    spin_init(&f->lock, RANK_WALK);
    f->refs = 1;
    f->writers = 0;
    f->order = order;
    f->flags = 0;
    f->in_use = 0;
    f->age = 0;
    f->object = NULL;
    f->index = 0;
    for (uint64_t i = 0; i < 1ul << order; i++)
        shadow_allocated(&f[i]);
    class_add(FRAME_FREE, -(1l << order));
    class_add(class, 1l << order);
    return f;
}

struct frame *frame_alloc_zeroed(enum abi_frame_class class, enum frame_priority priority)
{
    struct frame *f = frame_alloc(class, 0, priority);
    if (f)
        page_zero(frame_address(f));
    return f;
}

void frame_reclass(struct frame *f, enum abi_frame_class class)
{
    class_add(f->class, -1);
    f->class = class;
    class_add(class, 1);
}

void frame_split(struct frame *f)
{
    unsigned order = f->order;
    for (uint64_t i = 0; i < 1ul << order; i++) {
        f[i] = (struct frame){.class = f->class, .refs = 1};
        spin_init(&f[i].lock, RANK_WALK);
    }
}

static void frame_free(struct frame *f)
{
    unsigned order = f->order;
    class_add(f->class, -(1l << order));
    class_add(FRAME_FREE, 1l << order);
    for (uint64_t i = 0; i < 1ul << order; i++)
        f[i].class = FRAME_FREE;
    for (uint64_t i = 0; i < 1ul << order; i++)
        shadow_freed(&f[i]);
#ifdef DEBUG
    memset(frame_address(f), REDZONE_POISON, PAGE_SIZE << order);
#endif
    struct hart_cache *c = my_cache();
    if (order == 0 && !frame_low()) {
        if (c->count == CACHE_SIZE) {
            spin_lock(&frame_lock);
            for (unsigned i = 0; i < CACHE_BATCH; i++)
                buddy_put_locked(c->frames[--c->count], 0);
            spin_unlock(&frame_lock);
        }
        c->frames[c->count++] = f;
        return;
    }
    spin_lock(&frame_lock);
    buddy_put_locked(f, order);
    spin_unlock(&frame_lock);
}

void frame_unref_last(struct frame *f, uint32_t before)
{
    if (before == 0)
        panic("frame 0x%lx (class %u) freed twice", frame_paddr(f), f->class);
    frame_free(f);
}

void frame_flush_cache(void)
{
    struct hart_cache *c = my_cache();
    spin_lock(&frame_lock);
    while (c->count)
        buddy_put_locked(c->frames[--c->count], 0);
    spin_unlock(&frame_lock);
}

void frame_ledger(struct abi_memory *m)
{
    m->total = total_frames;
    for (unsigned class = 0; class < FRAME_CLASSES; class ++) {
        int64_t n = 0;
        for (unsigned i = 0; i < MAX_HARTS; i++)
            n += __atomic_load_n(&caches[i].class_count[class], __ATOMIC_RELAXED);
        m->count[class] = n < 0 ? 0 : (uint64_t)n;
    }
}
