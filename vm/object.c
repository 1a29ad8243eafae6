/* Memory objects: life, names, and what goes when memory is short; contract in object.h. */
#include "vm/object.h"

#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/kmalloc.h"
#include "vm/object_page.h"
#include "vm/space.h"

#define NAME_BUCKETS 256
#define LOOKS        4    /* pages that the scan looks at for each that is to leave */
#define LOOKS_MIN    16   /* and in any case */
#define LOOKS_MAX    8192 /* at most */

static struct spinlock objects_lock = SPINLOCK_INIT(RANK_OBJECTS);
static struct list names[NAME_BUCKETS];      /* (objects_lock) */
static struct list cache = LIST_INIT(cache); /* (objects_lock) */
static struct list *hand = &cache;           /* (objects_lock) where the scan goes on */
static uint64_t cached;                      /* (objects_lock) objects in the cache list */
static uint32_t next_id;                     /* atomic */

/* ------------------------------------------------------------------- life */

static struct object *object_new(enum object_kind kind, uint64_t size)
{
    struct object *o = kzalloc(sizeof *o);
    if (!o)
        return NULL;
    o->refs = 1;
    spin_init(&o->lock, RANK_OBJECT);
    o->kind = kind;
    o->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
    o->size = size;
    list_init(&o->regions);
    waitq_init(&o->wait);
    list_init(&o->name_link);
    list_init(&o->cache_link);
    return o;
}

static void enlist_locked(struct object *o)
{
    list_push_back(&cache, &o->cache_link);
    cached++;
}

static void delist_locked(struct object *o)
{
    if (list_empty(&o->cache_link))
        return;
    if (hand == &o->cache_link)
        hand = hand->next;
    list_remove(&o->cache_link);
    cached--;
}

struct object *object_create_anon(uint64_t size)
{
    struct object *o = object_new(OBJECT_ANON, size);
    if (!o)
        return NULL;
    spin_lock(&objects_lock);
    enlist_locked(o);
    spin_unlock(&objects_lock);
    return o;
}

struct object *object_create_physical(paddr_t base, uint64_t size, struct frame *owned)
{
    struct object *o = object_new(OBJECT_PHYSICAL, size);
    if (o) {
        o->base = base;
        o->owned = owned;
    }
    return o;
}

static struct list *name_bucket(void *port, uint64_t key)
{
    uint64_t h = ((uint64_t)port >> 4 ^ key * 0x9e3779b97f4a7c15ul) * 0x9e3779b97f4a7c15ul;
    struct list *b = &names[h >> 56];
    if (!b->next)
        list_init(b);
    return b;
}

static struct object *find_locked(void *port, uint64_t key)
{
    struct list *bucket = name_bucket(port, key);
    list_for_each (l, bucket) {
        struct object *o = container_of(l, struct object, name_link);
        if (o->port == port && o->key == key) {
            object_ref(o);
            return o;
        }
    }
    return NULL;
}

struct object *object_find(void *port, uint64_t key)
{
    spin_lock(&objects_lock);
    struct object *o = find_locked(port, key);
    spin_unlock(&objects_lock);
    return o;
}

struct object *object_open(void *port, uint64_t key, uint64_t size)
{
    struct object *o = object_find(port, key);
    if (o)
        return o;
    struct object *fresh = object_new(OBJECT_PAGED, size);
    struct page_io *io = pager_ops.io_alloc();
    if (!fresh || !io) {
        kfree(fresh);
        if (io)
            pager_ops.io_free(io);
        return NULL;
    }
    fresh->port = port;
    fresh->key = key;
    fresh->out_io = io;
    spin_lock(&objects_lock);
    o = find_locked(port, key);
    if (!o) {
        o = fresh;
        fresh = NULL;
        pager_ops.port_ref(port);
        list_push_back(name_bucket(port, key), &o->name_link);
        enlist_locked(o);
    }
    spin_unlock(&objects_lock);
    if (fresh) {
        pager_ops.io_free(io);
        kfree(fresh);
    }
    return o;
}

void object_ref(struct object *o)
{
    __atomic_fetch_add(&o->refs, 1, __ATOMIC_RELAXED);
}

static void object_free(struct object *o)
{
    spin_lock(&o->lock);
    assert(list_empty(&o->regions));
    object_detach_pages_locked(o, 0);
    spin_unlock(&o->lock);
    for (uint64_t i = 0; o->owned && i < object_pages(o); i++)
        frame_unref(o->owned + i);
    if (o->out_io)
        pager_ops.io_free(o->out_io);
    if (o->port)
        pager_ops.port_unref(o->port);
    kfree(o);
}

/* Unlinks an object that nothing refers to, and a paged one only when it holds no page. */
static bool unlink_if_idle_locked(struct object *o)
{
    if (__atomic_load_n(&o->refs, __ATOMIC_ACQUIRE))
        return false;
    if (o->kind == OBJECT_PAGED && (o->resident || o->away))
        return false;
    list_remove(&o->name_link);
    delist_locked(o);
    return true;
}

void object_unref(struct object *o)
{
    uint32_t refs = __atomic_load_n(&o->refs, __ATOMIC_RELAXED);
    while (refs > 1)
        if (__atomic_compare_exchange_n(&o->refs, &refs, refs - 1, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return;
    spin_lock(&objects_lock);
    bool gone = __atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) == 0 && unlink_if_idle_locked(o);
    spin_unlock(&objects_lock);
    if (gone)
        object_free(o);
}

void object_for_each(void *port, void (*fn)(struct object *, void *), void *arg)
{
    struct object *held = NULL;
    spin_lock(&objects_lock);
    struct list *l = cache.next;
    while (l != &cache) {
        struct object *o = container_of(l, struct object, cache_link);
        if (o->kind == OBJECT_PAGED && (!port || o->port == port)) {
            /* A reference keeps it, and so its link, in the list. */
            object_ref(o);
            spin_unlock(&objects_lock);
            fn(o, arg);
            if (held)
                object_unref(held);
            held = o;
            spin_lock(&objects_lock);
        }
        l = l->next;
    }
    spin_unlock(&objects_lock);
    if (held)
        object_unref(held);
}

void object_discard(struct object *o)
{
    spin_lock(&objects_lock);
    list_remove(&o->name_link);
    spin_unlock(&objects_lock);
    spin_lock(&o->lock);
    o->discarded = true;
    object_detach_pages_locked(o, 0);
    wake_all(&o->wait);
    spin_unlock(&o->lock);
}

static void discard_one(struct object *o, void *dropped)
{
    spin_lock(&o->lock);
    *(uint64_t *)dropped += o->dirty;
    spin_unlock(&o->lock);
    object_discard(o);
}

uint64_t object_discard_port(void *port)
{
    uint64_t dropped = 0;
    object_for_each(port, discard_one, &dropped);
    return dropped;
}

/* ------------------------------------------------------------- reclaiming */

/* The next object that the hand comes to; NULL when it is at the end of the list. Objects
 * lock held. */
static struct object *next_at_hand_locked(void)
{
    struct list *l = hand;
    if (l == &cache) {
        hand = cache.next;
        return NULL;
    }
    hand = l->next;
    return container_of(l, struct object, cache_link);
}

/* An object whose pages were dropped may have no use any more. Objects lock held. */
static void let_go_if_idle_locked(struct object *o, struct list *gone)
{
    if (o->kind == OBJECT_PAGED && unlink_if_idle_locked(o))
        list_push_back(gone, &o->cache_link);
}

static void free_all(struct list *gone)
{
    struct list *l;
    while ((l = list_pop(gone)))
        object_free(container_of(l, struct object, cache_link));
}

uint64_t object_drop_unused(uint64_t n)
{
    uint64_t freed = 0;
    struct list gone = LIST_INIT(gone);
    spin_lock(&objects_lock);
    list_for_each_safe (l, &cache) {
        struct object *o = container_of(l, struct object, cache_link);
        if (freed >= n)
            break;
        if (o->resident == 0 || !spin_trylock(&o->lock))
            continue;
        freed += object_drop_unused_locked(o, n - freed);
        spin_unlock(&o->lock);
        let_go_if_idle_locked(o, &gone);
    }
    spin_unlock(&objects_lock);
    free_all(&gone);
    return freed;
}

uint64_t object_drop_old(uint64_t n, unsigned *scanned)
{
    uint64_t freed = 0;
    struct leaving out = {.looks = (unsigned)(n < LOOKS_MAX ? n * LOOKS + LOOKS_MIN : LOOKS_MAX)};
    unsigned looks = out.looks;
    struct list gone = LIST_INIT(gone);
    unsigned ends = 0;
    spin_lock(&objects_lock);
    /* Once round the list, and from its end to where the hand was. */
    for (uint64_t seen = 0; seen <= cached && ends < 2; seen++) {
        struct object *o = next_at_hand_locked();
        ends += !o;
        if (!o || o->resident == 0 || !spin_trylock(&o->lock))
            continue;
        bool end = true;
        freed += object_drop_old_locked(o, n - freed, &out, &end);
        spin_unlock(&o->lock);
        if (!end) { /* enough: it goes on from there */
            hand = &o->cache_link;
            break;
        }
        let_go_if_idle_locked(o, &gone);
    }
    spin_unlock(&objects_lock);
    free_all(&gone);
    swap_run_end(&out.run);
    freed += swap_clean(out.slots, out.count);
    *scanned += looks - out.looks;
    count_add(COUNT_SCAN, looks - out.looks);
    count_add(COUNT_RECLAIM, freed);
    return freed;
}
