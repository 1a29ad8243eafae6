/* Handle tables; the contract is in handle.h. */
#include "kernel/handle.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/errno.h"
#include "kernel/interrupt.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/memobj.h"
#include "kernel/pipe.h"
#include "kernel/port.h"
#include "kernel/process.h"
#include "kernel/session.h"
#include "kernel/system.h"
#include "vm/kmalloc.h"

static void (*const destroy[])(struct kobject *) = {
    [HANDLE_PORT] = port_destroy,       [HANDLE_SESSION] = session_destroy,
    [HANDLE_OBJECT] = memobj_destroy,   [HANDLE_PIPE] = pipe_end_destroy,
    [HANDLE_PROCESS] = process_destroy, [HANDLE_INTERRUPT] = interrupt_destroy,
    [HANDLE_SYSTEM] = system_destroy,
};

void kobject_unref(struct kobject *o)
{
    uint32_t before = __atomic_fetch_sub(&o->refs, 1, __ATOMIC_ACQ_REL);
    assert(before > 0);
    if (before == 1)
        destroy[o->type](o);
}

/* Ports count the handles that let their holder receive: with the last one the
 * port is given up. */
static bool owns_port(struct handle h)
{
    return h.object->type == HANDLE_PORT && h.rights & RIGHT_OWN;
}

struct handle handle_copy(struct handle h)
{
    kobject_ref(h.object);
    if (owns_port(h))
        port_owner_add((struct port *)h.object);
    return h;
}

void handle_drop(struct handle h)
{
    if (owns_port(h))
        port_owner_remove((struct port *)h.object);
    kobject_unref(h.object);
}

void handle_table_init(struct handle_table *t)
{
    memset(t, 0, sizeof *t);
    spin_init(&t->lock, RANK_PROCESS);
}

static struct handle *fixed_slot(struct handle_table *t, int h)
{
    switch (h) {
    case H_ROOT:
        return &t->fixed[0];
    case H_SYSTEM:
        return &t->fixed[1];
    case H_TTY:
        return &t->fixed[2];
    case H_CWD:
        return &t->fixed[3];
    default:
        return NULL;
    }
}

/* The slot of h; NULL if there is none now (it may be beyond the capacity). */
static struct handle *slot_locked(struct handle_table *t, int h)
{
    if (h < 0)
        return fixed_slot(t, h);
    return (unsigned)h < t->capacity ? &t->slots[h] : NULL;
}

static int grow_locked(struct handle_table *t, unsigned need)
{
    if (need > MAX_HANDLES)
        return -EMFILE;
    unsigned capacity = t->capacity ? t->capacity : 16;
    while (capacity < need)
        capacity *= 2;
    if (capacity == t->capacity)
        return 0;
    struct handle *bigger = kzalloc(capacity * sizeof *bigger);
    if (!bigger)
        return -ENOMEM;
    memcpy(bigger, t->slots, t->capacity * sizeof *bigger);
    kfree(t->slots);
    t->slots = bigger;
    t->capacity = capacity;
    return 0;
}

int handle_table_copy(struct handle_table *to, struct handle_table *from)
{
    /* `to` is not shared yet: it needs no lock of its own. */
    spin_lock(&from->lock);
    struct handle *slots = from->capacity ? kmalloc(from->capacity * sizeof *slots) : NULL;
    int rc = from->capacity && !slots ? -ENOMEM : 0;
    if (rc == 0) {
        memcpy(slots, from->slots, from->capacity * sizeof *slots);
        memcpy(to->fixed, from->fixed, sizeof to->fixed);
        to->slots = slots;
        to->capacity = from->capacity;
        to->lowest_free = from->lowest_free;
        for (unsigned i = 0; i < FIXED_HANDLES; i++)
            if (to->fixed[i].object)
                handle_copy(to->fixed[i]);
        for (unsigned i = 0; i < to->capacity; i++)
            if (slots[i].object)
                handle_copy(slots[i]);
    }
    spin_unlock(&from->lock);
    return rc;
}

/* Empties a slot and drops what it held, outside the lock. Most slots of a table that goes are
 * empty: each took 35 instructions, a tenth of a fork, exit and wait. They may be looked at without
 * the lock, for nobody is left who could fill one. */
static void close_slot(struct handle_table *t, struct handle *slot, bool only_cloexec)
{
    if (!__atomic_load_n(&slot->object, __ATOMIC_RELAXED))
        return;
    spin_lock(&t->lock);
    struct handle old = *slot;
    bool close = old.object && (!only_cloexec || old.flags & HANDLE_CLOEXEC);
    if (close) {
        slot->object = NULL;
        if (slot >= t->slots && slot < t->slots + t->capacity &&
            (unsigned)(slot - t->slots) < t->lowest_free)
            t->lowest_free = slot - t->slots;
    }
    spin_unlock(&t->lock);
    if (close)
        handle_drop(old);
}

void handle_table_close(struct handle_table *t, int only_cloexec)
{
    for (unsigned i = 0; i < FIXED_HANDLES; i++)
        close_slot(t, &t->fixed[i], only_cloexec);
    for (unsigned i = 0; i < t->capacity; i++)
        close_slot(t, &t->slots[i], only_cloexec);
}

void handle_table_destroy(struct handle_table *t)
{
    handle_table_close(t, false);
    kfree(t->slots);
    t->slots = NULL;
    t->capacity = 0;
}

int handle_get(struct handle_table *t, int h, int type, unsigned rights, struct handle *out)
{
    int rc = -EBADF;
    spin_lock(&t->lock);
    struct handle *slot = slot_locked(t, h);
    if (slot && slot->object && (!type || slot->object->type == type)) {
        rc = (slot->rights & rights) == rights ? 0 : -EPERM;
        if (rc == 0) {
            *out = *slot;
            kobject_ref(out->object);
        }
    }
    spin_unlock(&t->lock);
    return rc;
}

static int find_free_locked(struct handle_table *t, unsigned from)
{
    if (from < t->lowest_free)
        from = t->lowest_free;
    unsigned i = from;
    while (i < t->capacity && t->slots[i].object)
        i++;
    if (i >= t->capacity) {
        int rc = grow_locked(t, i + 1);
        if (rc < 0)
            return rc;
    }
    return (int)i;
}

static void fill_locked(struct handle_table *t, int h, struct handle handle)
{
    t->slots[h] = handle;
    if ((unsigned)h == t->lowest_free)
        t->lowest_free = h + 1;
}

int handle_install(struct handle_table *t, struct handle handle, int lowest)
{
    spin_lock(&t->lock);
    int h = lowest < 0 || lowest >= MAX_HANDLES ? -EINVAL : find_free_locked(t, lowest);
    if (h >= 0)
        fill_locked(t, h, handle);
    spin_unlock(&t->lock);
    if (h < 0)
        handle_drop(handle);
    return h;
}

int handle_install_many(struct handle_table *t, const struct handle *handles, unsigned n, int *out)
{
    int rc = 0;
    unsigned done = 0;
    spin_lock(&t->lock);
    for (; done < n && rc >= 0; done += rc >= 0) {
        rc = find_free_locked(t, 0);
        if (rc >= 0)
            fill_locked(t, out[done] = rc, handles[done]);
    }
    while (rc < 0 && done-- > 0) {
        t->slots[out[done]].object = NULL;
        if ((unsigned)out[done] < t->lowest_free)
            t->lowest_free = out[done];
    }
    spin_unlock(&t->lock);
    return rc < 0 ? rc : 0;
}

int handle_install_at(struct handle_table *t, int h, struct handle handle)
{
    struct handle old = {0};
    spin_lock(&t->lock);
    int rc = h >= MAX_HANDLES || (h < 0 && !fixed_slot(t, h)) ? -EBADF : 0;
    if (rc == 0 && h >= 0)
        rc = grow_locked(t, h + 1);
    if (rc == 0) {
        struct handle *slot = slot_locked(t, h);
        old = *slot;
        if (h >= 0)
            fill_locked(t, h, handle);
        else
            *slot = handle;
    }
    spin_unlock(&t->lock);
    if (rc < 0)
        handle_drop(handle);
    else if (old.object)
        handle_drop(old);
    return rc < 0 ? rc : h < 0 ? 0 : h;
}

int handle_close(struct handle_table *t, int h)
{
    struct handle old = {0};
    spin_lock(&t->lock);
    struct handle *slot = slot_locked(t, h);
    if (slot && slot->object) {
        old = *slot;
        slot->object = NULL;
        if (h >= 0 && (unsigned)h < t->lowest_free)
            t->lowest_free = h;
    }
    spin_unlock(&t->lock);
    if (!old.object)
        return -EBADF;
    handle_drop(old);
    return 0;
}

int handle_set_flags(struct handle_table *t, int h, unsigned set, unsigned mask)
{
    int rc = -EBADF;
    spin_lock(&t->lock);
    struct handle *slot = slot_locked(t, h);
    if (slot && slot->object) {
        mask &= HANDLE_CLOEXEC | HANDLE_APPEND;
        slot->flags = (slot->flags & ~mask) | (set & mask);
        rc = slot->flags;
    }
    spin_unlock(&t->lock);
    return rc;
}
