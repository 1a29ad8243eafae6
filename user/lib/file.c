/*
 * open and what is done with an open file: handles are the descriptors, so most
 * of these are one system call.
 */
#include "user/lib/glue.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of this process alone, and not kept by exec: the kernel has no place for it. */
static mode_t file_umask = 022;

mode_t umask(mode_t mask)
{
    return __atomic_exchange_n(&file_umask, mask & 0777, __ATOMIC_RELAXED);
}

unsigned glue_apply_umask(unsigned mode)
{
    return mode & 07777 & ~__atomic_load_n(&file_umask, __ATOMIC_RELAXED);
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_list ap;
        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
    }
    return (int)glue_result(glue_open(AT_FDCWD, path, flags, glue_apply_umask(mode)));
}

int openat(int dirfd, const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_list ap;
        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
    }
    return (int)glue_result(glue_open(dirfd, path, flags, glue_apply_umask(mode)));
}

int creat(const char *path, mode_t mode)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int close(int fd)
{
    return (int)glue_result(sys_close(fd));
}

ssize_t read(int fd, void *buf, size_t n)
{
    return glue_result(sys_read(fd, buf, n));
}

ssize_t write(int fd, const void *buf, size_t n)
{
    return glue_result(sys_write(fd, buf, n));
}

ssize_t pread(int fd, void *buf, size_t n, off_t offset)
{
    if (offset < 0)
        return glue_result(-EINVAL);
    return glue_result(sys_pread(fd, buf, n, (unsigned long)offset));
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset)
{
    if (offset < 0)
        return glue_result(-EINVAL);
    return glue_result(sys_pwrite(fd, buf, n, (unsigned long)offset));
}

off_t lseek(int fd, off_t offset, int whence)
{
    return glue_result(sys_seek(fd, offset, whence));
}

int fsync(int fd)
{
    return (int)glue_result(sys_fsync(fd));
}

int fdatasync(int fd)
{
    return fsync(fd);
}

void sync(void)
{
    sys_sync();
}

/* ------------------------------------------------------------- descriptors */

/* Slots below zero are not descriptors: dup2(1, -2) must not change the root. */
int dup(int fd)
{
    if (fd < 0)
        return (int)glue_result(-EBADF);
    return (int)glue_result(sys_dup(fd, 0, 0));
}

int dup2(int from, int to)
{
    struct abi_handle_info info;

    if (from < 0 || to < 0 || to >= MAX_HANDLES)
        return (int)glue_result(-EBADF);
    if (from == to) {
        long err = sys_handle_info(from, &info);
        return err < 0 ? (int)glue_result(err) : to;
    }
    return (int)glue_result(sys_dup2(from, to, 0));
}

int dup3(int from, int to, int flags)
{
    if (from == to || (flags & ~O_CLOEXEC))
        return (int)glue_result(-EINVAL);
    if (from < 0 || to < 0 || to >= MAX_HANDLES)
        return (int)glue_result(-EBADF);
    return (int)glue_result(sys_dup2(from, to, flags & O_CLOEXEC ? HANDLE_CLOEXEC : 0));
}

int pipe(int fds[2])
{
    return (int)glue_result(sys_pipe(fds, 0));
}

int pipe2(int fds[2], int flags)
{
    if (flags & ~O_CLOEXEC)
        return (int)glue_result(-EINVAL);
    return (int)glue_result(sys_pipe(fds, flags & O_CLOEXEC ? HANDLE_CLOEXEC : 0));
}

/* The status flags that open gave: the access mode is in the handle's rights. */
static long file_get_flags(int fd)
{
    struct abi_handle_info info;
    long err = sys_handle_info(fd, &info);
    long flags;

    if (err < 0)
        return err;
    if (info.rights & RIGHT_WRITE)
        flags = info.rights & RIGHT_READ ? O_RDWR : O_WRONLY;
    else
        flags = O_RDONLY;
    return flags | (info.flags & HANDLE_APPEND ? O_APPEND : 0);
}

static long file_set_flags(int fd, int flags)
{
    long err;

    if (flags & O_NONBLOCK)
        return -EINVAL; /* there is no such mode; silence would be a lie */
    err = sys_handle_flags(fd, flags & O_APPEND ? HANDLE_APPEND : 0, HANDLE_APPEND);
    return err < 0 ? err : 0;
}

int fcntl(int fd, int command, ...)
{
    va_list ap;
    int arg;
    long r;

    va_start(ap, command);
    arg = va_arg(ap, int);
    va_end(ap);
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (fd < 0)
            r = -EBADF;
        else if (arg < 0 || arg >= MAX_HANDLES)
            r = -EINVAL;
        else
            r = sys_dup(fd, arg, command == F_DUPFD ? 0 : HANDLE_CLOEXEC);
        break;
    case F_GETFD:
        r = sys_handle_flags(fd, 0, 0);
        if (r >= 0)
            r = r & HANDLE_CLOEXEC ? FD_CLOEXEC : 0;
        break;
    case F_SETFD:
        r = sys_handle_flags(fd, arg & FD_CLOEXEC ? HANDLE_CLOEXEC : 0, HANDLE_CLOEXEC);
        if (r > 0)
            r = 0;
        break;
    case F_GETFL:
        r = file_get_flags(fd);
        break;
    case F_SETFL:
        r = file_set_flags(fd, arg);
        break;
    default:
        r = -EINVAL;
    }
    return (int)glue_result(r);
}

/* ---------------------------------------------------------------- lengths */

int ftruncate(int fd, off_t size)
{
    struct message m = GLUE_MESSAGE(MSG_TRUNCATE, size, 0);

    if (size < 0)
        return (int)glue_result(-EINVAL);
    return (int)glue_result(glue_handle_request(fd, &m, 0));
}

int truncate(const char *path, off_t size)
{
    struct message m = GLUE_MESSAGE(MSG_TRUNCATE, size, 0);

    if (size < 0)
        return (int)glue_result(-EINVAL);
    return (int)glue_result(glue_path_request(AT_FDCWD, path, &m, 0));
}
