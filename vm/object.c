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

static struct spinlock objects_lock = SPINLOCK_INIT(RANK_OBJECTS);
static struct list names[NAME_BUCKETS];      /* (objects_lock) */
static struct list cache = LIST_INIT(cache); /* (objects_lock) */
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

struct object *object_create_anon(uint64_t size)
{
    return object_new(OBJECT_ANON, size);
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
        list_push_back(&cache, &o->cache_link);
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

/* Unlinks a paged object that nothing refers to and that holds no page. */
static bool unlink_if_idle_locked(struct object *o)
{
    if (__atomic_load_n(&o->refs, __ATOMIC_ACQUIRE) || o->resident)
        return false;
    list_remove(&o->name_link);
    list_remove(&o->cache_link);
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
    bool gone = __atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) == 0 &&
                (o->kind != OBJECT_PAGED || unlink_if_idle_locked(o));
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
        if (!port || o->port == port) {
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

/* Drops up to n clean pages of one object. Objects and object locks held. */
static uint64_t shrink_one_locked(struct object *o, uint64_t n, bool mapped)
{
    uint64_t freed = 0, index = 0;
    struct frame *f;
    while (freed < n && (f = pageindex_next(&o->pages, &index))) {
        if (!(f->flags & (PAGE_BUSY | PAGE_DIRTY | PAGE_WRITEBACK)) && !f->writers) {
            /* Mapped pages get a second chance: dropping one that is in use costs
             * everybody who maps it. */
            if (mapped && frame_refs(f) > 1 && !(f->flags & PAGE_REFERENCED))
                region_unmap_page_locked(o, index, f);
            if (mapped)
                f->flags &= ~PAGE_REFERENCED;
            if (frame_refs(f) == 1) {
                assert(f->class == FRAME_OBJECT);
                object_drop_page_locked(o, index, f);
                freed++;
            }
        }
        index++;
    }
    return freed;
}

uint64_t object_shrink(uint64_t n, bool mapped)
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
        freed += shrink_one_locked(o, n - freed, mapped);
        spin_unlock(&o->lock);
        if (unlink_if_idle_locked(o))
            list_push_back(&gone, &o->cache_link);
    }
    spin_unlock(&objects_lock);
    struct list *l;
    while ((l = list_pop(&gone)))
        object_free(container_of(l, struct object, cache_link));
    return freed;
}
