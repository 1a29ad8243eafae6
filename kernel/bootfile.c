/* The files of the initial RAM image. */
#include "kernel/bootfile.h"

#include "kernel/errno.h"
#include "kernel/lib/cpio.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/memobj.h"

#define FILES_MAX 16

static struct {
    char name[32];
    struct object *object;
} files[FILES_MAX];
static unsigned file_count;

static void add(const struct cpio_entry *e)
{
    struct object *o = object_create_anon(e->size);
    if (!o || file_count == FILES_MAX)
        panic("initial RAM image: no room for %s", e->name);
    o->boot = true;
    spin_lock(&o->lock);
    for (uint64_t at = 0; at < e->size; at += PAGE_SIZE) {
        struct frame *f = object_add_zero_locked(o, at >> PAGE_SHIFT);
        if (!f)
            panic("not enough memory for the initial RAM image: give the machine more");
        memcpy(frame_address(f), (const char *)e->data + at,
               e->size - at < PAGE_SIZE ? e->size - at : PAGE_SIZE);
    }
    spin_unlock(&o->lock);
    strlcpy(files[file_count].name, e->name, sizeof files[0].name);
    files[file_count++].object = o;
}

void bootfile_init(const void *archive, size_t size)
{
    struct cpio cpio;
    struct cpio_entry e;
    cpio_start(&cpio, archive, size);
    int rc;
    while ((rc = cpio_next(&cpio, &e)) > 0)
        if ((e.mode & 0170000) == 0100000)
            add(&e);
    if (rc < 0)
        panic("the initial RAM image is not a cpio archive (newc)");
}

int bootfile_open(const char *name, struct handle *out)
{
    for (unsigned i = 0; i < file_count; i++)
        if (strcmp(files[i].name, name) == 0) {
            object_ref(files[i].object);
            return memobj_create(files[i].object, RIGHT_READ | RIGHT_EXEC | RIGHT_TRANSFER, out);
        }
    return -ENOENT;
}
