/* System calls on memory: mappings and memory objects. */
#include "kernel/errno.h"
#include "kernel/lib/string.h"
#include "kernel/memobj.h"
#include "kernel/port.h"
#include "kernel/syscalls.h"
#include "vm/kmalloc.h"
#include "vm/residence.h"
#include "vm/usercopy.h"

#define PROT_ALL (ABI_PROT_READ | ABI_PROT_WRITE | ABI_PROT_EXEC)

/* What the handle's rights let a mapping be. */
static unsigned allowed_prot(const struct handle *h, bool shared)
{
    unsigned prot = h->rights & RIGHT_READ ? ABI_PROT_READ : 0;
    if (h->rights & RIGHT_READ && (!shared || h->rights & RIGHT_WRITE))
        prot |= ABI_PROT_WRITE;
    if (h->rights & RIGHT_EXEC)
        prot |= ABI_PROT_EXEC;
    return prot;
}

static int64_t map_object(struct space_mapping *m, int h)
{
    struct handle handle;
    bool shared = m->flags & REGION_SHARED;
    int rc = handle_get(&syscall_process()->handles, h, 0, 0, &handle);
    if (rc < 0)
        return rc;
    int64_t result;
    m->object = memobj_of(handle.object);
    m->max_prot = allowed_prot(&handle, shared);
    m->name = "file";
    if (handle.object->type == HANDLE_SESSION)
        m->backing = handle.object;
    if (!m->object)
        result = -ENODEV;
    else if (m->prot & ~m->max_prot || (m->object->kind == OBJECT_PHYSICAL && !shared))
        result = -EACCES;
    else
        result = space_map(syscall_process()->space, m);
    kobject_unref(handle.object);
    return result;
}

int64_t sys_mmap(const uint64_t *a)
{
    uint64_t flags = a[3];
    struct space *s = syscall_process()->space;
    struct space_mapping m = {
        .addr = a[0],
        .size = a[1],
        .prot = (unsigned)a[2],
        .max_prot = PROT_ALL,
        .flags = flags & ABI_MAP_SHARED ? REGION_SHARED : 0,
        .fixed = flags & ABI_MAP_FIXED,
        .offset = a[5],
        .name = "anon",
    };
    bool shared = flags & ABI_MAP_SHARED, private = flags & ABI_MAP_PRIVATE;
    if (shared == private || a[2] & ~(uint64_t)PROT_ALL || m.size == 0 || m.size > USER_END)
        return -EINVAL;
    if (m.prot & ABI_PROT_WRITE && m.prot & ABI_PROT_EXEC)
        return -EACCES;
    if (!m.fixed)
        m.addr = page_round_down(m.addr);
    int64_t at;
    if (!(flags & ABI_MAP_ANONYMOUS)) {
        if (m.offset % PAGE_SIZE || m.offset + m.size < m.offset)
            return -EINVAL;
        at = map_object(&m, (int)a[4]);
    } else {
        m.offset = 0;
        if (shared && !(m.object = object_create_anon(page_round_up(m.size))))
            return -ENOMEM;
        at = space_map(s, &m);
        if (m.object)
            object_unref(m.object);
    }
    if (at > 0 && flags & ABI_MAP_POPULATE && m.prot) {
        unsigned access = m.prot & ABI_PROT_WRITE  ? ACCESS_WRITE
                          : m.prot & ABI_PROT_READ ? ACCESS_READ
                                                   : ACCESS_EXEC;
        int rc = user_prefault(s, (vaddr_t)at, m.size, access);
        if (rc < 0) {
            space_unmap(s, (vaddr_t)at, m.size);
            return rc;
        }
    }
    return at;
}

int64_t sys_munmap(const uint64_t *a)
{
    return space_unmap(syscall_process()->space, a[0], a[1]);
}

int64_t sys_mprotect(const uint64_t *a)
{
    if (a[2] & ~(uint64_t)PROT_ALL)
        return -EINVAL;
    return space_protect(syscall_process()->space, a[0], a[1], (unsigned)a[2]);
}

/* Stores the pages of every shared object in the range. */
int64_t sys_msync(const uint64_t *a)
{
    struct space *s = syscall_process()->space;
    vaddr_t at = a[0], end = page_round_up(a[0] + a[1]);
    if (a[0] % PAGE_SIZE || !user_range(a[0], a[1]) ||
        a[2] & ~(uint64_t)(ABI_MS_ASYNC | ABI_MS_SYNC))
        return -EINVAL;
    while (at < end) {
        struct object *o = NULL;
        spin_lock(&s->lock);
        struct region *r = space_find_locked(s, at);
        if (r) {
            at = r->end;
            if (r->flags & REGION_SHARED && r->object->kind == OBJECT_PAGED) {
                o = r->object;
                object_ref(o);
            }
        }
        spin_unlock(&s->lock);
        if (!r)
            return -ENOMEM;
        if (o) {
            int rc = a[2] & ABI_MS_SYNC ? object_sync(o) : 0;
            if (!(a[2] & ABI_MS_SYNC))
                object_writeback(o, 0);
            object_unref(o);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int64_t sys_mlock(const uint64_t *a)
{
    return space_wire(syscall_process()->space, a[0], a[1]);
}

int64_t sys_munlock(const uint64_t *a)
{
    return space_unwire(syscall_process()->space, a[0], a[1]);
}

int64_t sys_madvise(const uint64_t *a)
{
    struct space *s = syscall_process()->space;
    if (a[0] % PAGE_SIZE)
        return -EINVAL;
    switch (a[2]) {
    case ABI_MADV_NORMAL: /* the kernel sees for itself how pages are used */
    case ABI_MADV_RANDOM:
    case ABI_MADV_SEQUENTIAL:
        return 0;
    case ABI_MADV_WILLNEED:
        return space_will_need(s, a[0], a[1]);
    case ABI_MADV_DONTNEED:
        return space_drop(s, a[0], a[1]);
    default:
        return -EINVAL;
    }
}

int64_t sys_mincore(const uint64_t *a)
{
    struct space *s = syscall_process()->space;
    unsigned char pages[256];
    if (a[0] % PAGE_SIZE)
        return -EINVAL;
    uint64_t count = page_round_up(a[1]) >> PAGE_SHIFT;
    if (page_round_up(a[1]) < a[1] || !user_range(a[0], a[1]))
        return -ENOMEM;
    for (uint64_t done = 0; done < count;) {
        unsigned n = count - done < sizeof pages ? (unsigned)(count - done) : sizeof pages;
        int rc = space_residence(s, a[0] + (done << PAGE_SHIFT), n, pages);
        if (rc == 0)
            rc = copy_to_user(s, a[2] + done, pages, n);
        if (rc < 0)
            return rc;
        done += n;
    }
    return 0;
}

int64_t sys_brk(const uint64_t *a)
{
    return space_brk(syscall_process()->space, a[0]);
}

/* ----------------------------------------------------------------- objects */

static int64_t install_object(struct object *o, unsigned rights)
{
    struct handle h;
    if (!o)
        return -ENOMEM;
    int rc = memobj_create(o, rights, &h);
    return rc < 0 ? rc : handle_install(&syscall_process()->handles, h, 0);
}

int64_t sys_object_create(const uint64_t *a)
{
    if (a[0] == 0 || a[0] > USER_END)
        return -EINVAL;
    return install_object(object_create_anon(page_round_up(a[0])),
                          RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER);
}

int64_t sys_object_dma(const uint64_t *a)
{
    struct process *p = syscall_process();
    struct handle system;
    int rc = handle_get(&p->handles, (int)a[0], HANDLE_SYSTEM, RIGHT_DEVICE, &system);
    if (rc < 0)
        return rc == -EBADF ? -EPERM : rc;
    kobject_unref(system.object);
    if (a[1] == 0 || a[1] > PAGE_SIZE << FRAME_MAX_ORDER)
        return -EINVAL;
    unsigned order = 0;
    while (PAGE_SIZE << order < a[1])
        order++;
    struct frame *f = frame_alloc(FRAME_DMA, order, FRAME_NORMAL);
    if (!f)
        return -ENOMEM;
    frame_split(f);
    for (uint64_t i = 0; i < 1ul << order; i++)
        page_zero(frame_address(f + i));
    paddr_t pa = frame_paddr(f);
    struct object *o = object_create_physical(pa, PAGE_SIZE << order, f);
    for (uint64_t i = 0; !o && i < 1ul << order; i++)
        frame_unref(f + i);
    int64_t h = install_object(o, RIGHT_READ | RIGHT_WRITE);
    if (h >= 0 && (rc = copy_to_user(p->space, a[2], &pa, sizeof pa)) < 0) {
        handle_close(&p->handles, (int)h);
        return rc;
    }
    return h;
}

/* The object (port, key) for the port's owner. */
static int64_t find_object(const uint64_t *a, struct object **o)
{
    struct handle port;
    int rc = handle_get(&syscall_process()->handles, (int)a[0], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc < 0)
        return rc;
    *o = object_find(port.object, a[1]);
    kobject_unref(port.object);
    return *o ? 0 : -ENOENT;
}

int64_t sys_object_resize(const uint64_t *a)
{
    struct object *o;
    int64_t rc = find_object(a, &o);
    if (rc == 0) {
        object_resize(o, a[2]);
        object_unref(o);
    }
    return rc;
}

int64_t sys_object_info(const uint64_t *a)
{
    struct object *o;
    int64_t rc = find_object(a, &o);
    if (rc < 0)
        return rc;
    struct abi_object_info info = {0};
    spin_lock(&o->lock);
    info.size = o->size;
    info.resident = o->resident;
    info.dirty = o->dirty;
    info.mtime_ns = o->mtime_ns;
    info.cuts = o->cuts;
    info.sessions = o->sessions;
    list_for_each (l, &o->regions) {
        info.mapped++;
    }
    spin_unlock(&o->lock);
    object_unref(o);
    return copy_to_user(syscall_process()->space, a[2], &info, sizeof info);
}

int64_t sys_object_discard(const uint64_t *a)
{
    struct object *o;
    int64_t rc = find_object(a, &o);
    if (rc == 0) {
        object_discard(o);
        object_unref(o);
    }
    return rc;
}

#define RUNS_MAX 16 /* at a time */

int64_t sys_object_pages(const uint64_t *a)
{
    struct abi_page_run runs[RUNS_MAX];
    struct object *o;
    int64_t rc = find_object(a, &o);
    if (rc < 0)
        return rc;
    unsigned n = object_dirtyable(o, a[2], runs, a[4] < RUNS_MAX ? (unsigned)a[4] : RUNS_MAX);
    object_unref(o);
    rc = copy_to_user(syscall_process()->space, a[3], runs, n * sizeof runs[0]);
    return rc < 0 ? rc : (int64_t)n;
}
