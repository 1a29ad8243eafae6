/*
 * What every kernel object begins with: a reference count and a type.
 */
#ifndef KERNEL_KOBJECT_H
#define KERNEL_KOBJECT_H

#include <stdint.h>

#include "kernel/abi.h"

struct kobject {
    uint32_t refs; /* atomic */
    uint8_t type;  /* enum abi_handle_type */
};

static inline void kobject_init(struct kobject *o, enum abi_handle_type type)
{
    o->refs = 1;
    o->type = type;
}

static inline void kobject_ref(struct kobject *o)
{
    __atomic_fetch_add(&o->refs, 1, __ATOMIC_RELAXED);
}

/* Drops a reference; the last one destroys the object by its type's function.
 * May take any lock from RANK_SESSION on; never sleeps. */
void kobject_unref(struct kobject *o);

#endif
