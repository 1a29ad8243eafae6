/* Handles on memory objects: a kernel object around a struct object of vm/. */
#ifndef KERNEL_MEMOBJ_H
#define KERNEL_MEMOBJ_H

#include <stdint.h>

#include "kernel/handle.h"
#include "vm/object.h"

struct memobj {
    struct kobject kobject;
    struct object *object;
};

/* Wraps object, whose reference is taken over, also on failure. */
int memobj_create(struct object *object, unsigned rights, struct handle *out);
void memobj_destroy(struct kobject *o);
/* The memory object behind a handle: a memobj's, or a session's. NULL: none. */
struct object *memobj_of(struct kobject *o);

#endif
