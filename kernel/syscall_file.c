/* System calls on handles, and on what can be read and written. */
#include "kernel/errno.h"
#include "kernel/memobj.h"
#include "kernel/pipe.h"
#include "kernel/session.h"
#include "kernel/syscalls.h"
#include "vm/usercopy.h"

static struct handle_table *table(void)
{
    return &syscall_process()->handles;
}

int64_t sys_close(const uint64_t *a)
{
    return handle_close(table(), (int)a[0]);
}

/* A copy of handle h that a table may take. */
static int get_copy(int h, unsigned flags, struct handle *out)
{
    int rc = handle_get(table(), h, 0, 0, out);
    if (rc < 0)
        return rc;
    struct handle copy = handle_copy(*out);
    kobject_unref(out->object);
    copy.flags = (copy.flags & ~HANDLE_CLOEXEC) | (flags & HANDLE_CLOEXEC);
    *out = copy;
    return 0;
}

int64_t sys_dup(const uint64_t *a)
{
    struct handle h;
    int rc = get_copy((int)a[0], (unsigned)a[2], &h);
    return rc < 0 ? rc : handle_install(table(), h, (int)a[1]);
}

int64_t sys_dup2(const uint64_t *a)
{
    struct handle h;
    int rc = get_copy((int)a[0], (unsigned)a[2], &h);
    if (rc < 0)
        return rc;
    if ((int)a[0] == (int)a[1]) {
        handle_drop(h);
        return (int)a[1] < 0 ? 0 : (int)a[1];
    }
    return handle_install_at(table(), (int)a[1], h);
}

int64_t sys_restrict(const uint64_t *a)
{
    struct handle h;
    int rc = handle_get(table(), (int)a[0], 0, 0, &h);
    if (rc < 0)
        return rc;
    struct handle less = h;
    less.rights &= (uint16_t)a[1];
    less = handle_copy(less);
    kobject_unref(h.object);
    return handle_install(table(), less, 0);
}

int64_t sys_handle_info(const uint64_t *a)
{
    struct handle h;
    int rc = handle_get(table(), (int)a[0], 0, 0, &h);
    if (rc < 0)
        return rc;
    struct abi_handle_info info = {.type = h.object->type, .rights = h.rights, .flags = h.flags};
    struct object *o = memobj_of(h.object);
    if (o) {
        info.has_object = 1;
        info.size = o->size;
        info.paddr = o->owned ? o->base : 0;
    } else if (h.object->type == HANDLE_PIPE) {
        info.size = pipe_level(h.object);
    }
    kobject_unref(h.object);
    return copy_to_user(syscall_process()->space, a[1], &info, sizeof info);
}

int64_t sys_handle_flags(const uint64_t *a)
{
    return handle_set_flags(table(), (int)a[0], (unsigned)a[1], (unsigned)a[2]);
}

static int64_t transfer(const uint64_t *a, uint64_t offset, bool write)
{
    struct handle h;
    int rc = handle_get(table(), (int)a[0], 0, write ? RIGHT_WRITE : RIGHT_READ, &h);
    if (rc < 0)
        return rc == -EPERM ? -EBADF : rc; /* POSIX: not open for that */
    int64_t n = -EBADF;
    if (a[2] > (uint64_t)INT64_MAX) {
        n = -EINVAL;
    } else if (h.object->type == HANDLE_SESSION) {
        struct session *s = container_of(h.object, struct session, kobject);
        n = write ? session_write(s, a[1], a[2], offset, h.flags & HANDLE_APPEND)
                  : session_read(s, a[1], a[2], offset);
    } else if (h.object->type == HANDLE_PIPE) {
        if (offset != OFFSET_CURRENT)
            n = -ESPIPE;
        else
            n = write ? pipe_write(h.object, a[1], a[2]) : pipe_read(h.object, a[1], a[2]);
    }
    kobject_unref(h.object);
    return n;
}

int64_t sys_read(const uint64_t *a)
{
    return transfer(a, OFFSET_CURRENT, false);
}

int64_t sys_write(const uint64_t *a)
{
    return transfer(a, OFFSET_CURRENT, true);
}

int64_t sys_pread(const uint64_t *a)
{
    return (int64_t)a[3] < 0 ? -EINVAL : transfer(a, a[3], false);
}

int64_t sys_pwrite(const uint64_t *a)
{
    return (int64_t)a[3] < 0 ? -EINVAL : transfer(a, a[3], true);
}

/* A session that a file call needs; other things are no files. */
static int get_session(int h, int not_a_file, struct handle *out)
{
    int rc = handle_get(table(), h, 0, 0, out);
    if (rc == 0 && out->object->type != HANDLE_SESSION) {
        kobject_unref(out->object);
        rc = not_a_file;
    }
    return rc;
}

int64_t sys_seek(const uint64_t *a)
{
    struct handle h;
    int rc = get_session((int)a[0], -ESPIPE, &h);
    if (rc < 0)
        return rc;
    struct session *s = container_of(h.object, struct session, kobject);
    int64_t at = session_seek(s, (int64_t)a[1], (int)a[2]);
    kobject_unref(h.object);
    return at;
}

int64_t sys_fsync(const uint64_t *a)
{
    struct handle h;
    int rc = get_session((int)a[0], -EINVAL, &h);
    if (rc < 0)
        return rc;
    rc = session_fsync(container_of(h.object, struct session, kobject));
    kobject_unref(h.object);
    return rc;
}

int64_t sys_sync(const uint64_t *a)
{
    (void)a;
    return session_sync_all();
}

int64_t sys_pipe(const uint64_t *a)
{
    struct handle ends[2];
    int fds[2];
    int rc = pipe_create(&ends[0], &ends[1]);
    if (rc < 0)
        return rc;
    ends[0].flags = ends[1].flags = a[1] & HANDLE_CLOEXEC;
    rc = handle_install_many(table(), ends, 2, fds);
    if (rc < 0) {
        handle_drop(ends[0]);
        handle_drop(ends[1]);
        return rc;
    }
    rc = copy_to_user(syscall_process()->space, a[0], fds, sizeof fds);
    if (rc < 0) {
        handle_close(table(), fds[0]);
        handle_close(table(), fds[1]);
    }
    return rc;
}
