/*
 * Slabs over the frame allocator; the contract is in kmalloc.h.
 *
 * A slab is one frame cut into objects of one size class. Free objects are
 * chained through their first word. A slab with a free object is on its class's
 * list; one that becomes wholly free is given back at once, unless it is the
 * class's only one (so that alloc/free in a loop does not bounce a frame).
 */
#include "vm/kmalloc.h"

#include <stdbool.h>

#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "vm/fail.h"
#include "vm/frame.h"
#include "vm/redzone.h"

static const uint16_t sizes[] = {16,  32,  48,  64,  96,   128,  192,
                                 256, 384, 512, 672, 1024, 1360, 2048};
#define CLASSES  (sizeof sizes / sizeof sizes[0])
#define SLAB_MAX 2048
#define LARGE    0xff

/* The class of a size, by 16 bytes: to search `sizes` takes 40 instructions. */
static uint8_t class_by_size[SLAB_MAX / 16 + 1];

static struct slab_class {
    struct spinlock lock;
    struct list partial; /* (lock) slabs with a free object */
    unsigned slabs;      /* (lock) slabs on partial */
} classes[CLASSES];

static uint64_t bytes_out;

void kmalloc_init(void)
{
    for (unsigned n = 0, i = 0; n <= SLAB_MAX / 16; n++) {
        i += n * 16 > sizes[i];
        class_by_size[n] = i;
    }
    for (unsigned i = 0; i < CLASSES; i++) {
        spin_init(&classes[i].lock, RANK_KMALLOC);
        list_init(&classes[i].partial);
        classes[i].slabs = 0;
    }
}

/* A slab for class i, whose lock is held; false: no memory. Apart, as large_alloc is, so that the
 * short way saves no registers for it. */
static __attribute__((noinline)) bool slab_add_locked(unsigned i)
{
    struct frame *f = frame_alloc(FRAME_KMALLOC, 0, FRAME_NORMAL);
    if (!f)
        return false;
    f->size_class = i;
    f->free_objects = NULL;
    char *page = frame_address(f);
    for (unsigned n = PAGE_SIZE / sizes[i]; n-- > 0;) {
        void **object = (void **)(page + n * sizes[i]);
        redzone_free(object, sizes[i]);
        *object = f->free_objects;
        f->free_objects = object;
    }
    list_push_front(&classes[i].partial, &f->link);
    classes[i].slabs++;
    return true;
}

static __attribute__((noinline)) void *large_alloc(size_t size)
{
    unsigned order = 0;
    while (PAGE_SIZE << order < size)
        if (++order > FRAME_MAX_ORDER)
            return NULL;
    struct frame *f = frame_alloc(FRAME_KMALLOC, order, FRAME_NORMAL);
    if (!f)
        return NULL;
    f->size_class = LARGE;
    __atomic_fetch_add(&bytes_out, PAGE_SIZE << order, __ATOMIC_RELAXED);
    return frame_address(f);
}

void *kmalloc(size_t size)
{
    if (fail_allocation())
        return NULL;
    if (size > SLAB_MAX - REDZONE_SIZE)
        return large_alloc(size);
    unsigned i = class_by_size[(size + REDZONE_SIZE + 15) / 16];
    struct slab_class *c = &classes[i];
    spin_lock(&c->lock);
    if (list_empty(&c->partial) && !slab_add_locked(i)) {
        spin_unlock(&c->lock);
        return NULL;
    }
    struct frame *f = container_of(c->partial.next, struct frame, link);
    void **object = f->free_objects;
    f->free_objects = *object;
    f->in_use++;
    if (!f->free_objects) {
        list_remove(&f->link);
        c->slabs--;
    }
    spin_unlock(&c->lock);
    redzone_take(object, size, sizes[i]);
    __atomic_fetch_add(&bytes_out, sizes[i], __ATOMIC_RELAXED);
    return object;
}

void *kzalloc(size_t size)
{
    void *p = kmalloc(size);
    if (p)
        memset(p, 0, size);
    return p;
}

void kfree(void *p)
{
    if (!p)
        return;
    struct frame *f = frame_of(direct_unmap(p));
    if (f->class != FRAME_KMALLOC || f->refs == 0)
        panic("kfree(%p): not from kmalloc (class %u)", p, f->class);
    if (f->size_class == LARGE) {
        __atomic_fetch_sub(&bytes_out, PAGE_SIZE << f->order, __ATOMIC_RELAXED);
        frame_unref(f);
        return;
    }
    struct slab_class *c = &classes[f->size_class];
    redzone_check(p, sizes[f->size_class]);
    redzone_free(p, sizes[f->size_class]);
    spin_lock(&c->lock);
    assert(f->in_use > 0);
    if (!f->free_objects) {
        list_push_front(&c->partial, &f->link);
        c->slabs++;
    }
    *(void **)p = f->free_objects;
    f->free_objects = p;
    f->in_use--;
    bool give_back = f->in_use == 0 && c->slabs > 1;
    if (give_back) {
        list_remove(&f->link);
        c->slabs--;
    }
    spin_unlock(&c->lock);
    __atomic_fetch_sub(&bytes_out, sizes[f->size_class], __ATOMIC_RELAXED);
    if (give_back)
        frame_unref(f);
}

void kmalloc_trim(void)
{
    for (unsigned i = 0; i < CLASSES; i++) {
        struct slab_class *c = &classes[i];
        spin_lock(&c->lock);
        list_for_each_safe (l, &c->partial) {
            struct frame *f = container_of(l, struct frame, link);
            if (f->in_use == 0) {
                list_remove(&f->link);
                c->slabs--;
                frame_unref(f);
            }
        }
        spin_unlock(&c->lock);
    }
}

uint64_t kmalloc_bytes(void)
{
    return __atomic_load_n(&bytes_out, __ATOMIC_RELAXED);
}
