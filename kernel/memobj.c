/* Handles on memory objects. */
#include "kernel/memobj.h"

#include "kernel/errno.h"
#include "kernel/session.h"
#include "vm/kmalloc.h"

int memobj_create(struct object *object, unsigned rights, struct handle *out)
{
    struct memobj *m = kzalloc(sizeof *m);
    if (!m) {
        object_unref(object);
        return -ENOMEM;
    }
    kobject_init(&m->kobject, HANDLE_OBJECT);
    m->object = object;
    *out = (struct handle){&m->kobject, rights, 0};
    return 0;
}

void memobj_destroy(struct kobject *o)
{
    struct memobj *m = container_of(o, struct memobj, kobject);
    object_unref(m->object);
    kfree(m);
}

struct object *memobj_of(struct kobject *o)
{
    if (o->type == HANDLE_OBJECT)
        return container_of(o, struct memobj, kobject)->object;
    if (o->type == HANDLE_SESSION)
        return container_of(o, struct session, kobject)->object;
    return NULL;
}
