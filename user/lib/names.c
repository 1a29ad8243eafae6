/*
 * Making, moving and removing names, and the working directory.
 */
#include "user/lib/glue.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int mkdirat(int dirfd, const char *path, mode_t mode)
{
    struct message m = GLUE_MESSAGE(MSG_MKDIR, glue_apply_umask(mode), 0);

    return (int)glue_result(glue_path_request(dirfd, path, &m, 0));
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int mknodat(int dirfd, const char *path, mode_t mode, dev_t dev)
{
    int fd;

    if (S_ISREG(mode) || (mode & S_IFMT) == 0) {
        fd = (int)glue_open(dirfd, path, O_WRONLY | O_CREAT | O_EXCL, glue_apply_umask(mode));
        if (fd >= 0)
            sys_close(fd);
        return (int)glue_result(fd < 0 ? fd : 0);
    }
    if (S_ISCHR(mode)) {
        struct message m = GLUE_MESSAGE(MSG_MKNOD, S_IFCHR | glue_apply_umask(mode), dev);
        return (int)glue_result(glue_path_request(dirfd, path, &m, 0));
    }
    return (int)glue_result(-EPERM); /* no pipes with names, no block devices */
}

int mknod(const char *path, mode_t mode, dev_t dev)
{
    return mknodat(AT_FDCWD, path, mode, dev);
}

int unlinkat(int dirfd, const char *path, int flags)
{
    struct message m = GLUE_MESSAGE(MSG_UNLINK, (flags & AT_REMOVEDIR) != 0, 0);

    return (int)glue_result(glue_path_request(dirfd, path, &m, 0));
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return -1;
    return S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path);
}

/* ---------------------------------------------------------- two directories */

/* The path of the directory that a session names, no longer than PATH_MAX. */
static long names_directory_path(int handle, char *buf, size_t size)
{
    struct message m = GLUE_MESSAGE(MSG_GETCWD, 0, 0);
    struct ipc_ext ext = {.recv_addr = (unsigned long)buf, .recv_cap = size - 1};
    long r = ipc_request(handle, &m, &ext);

    if (r < 0)
        return r;
    if (ext.recv_len == 0 || ext.recv_len >= size)
        return -EIO;
    buf[ext.recv_len] = '\0';
    return (long)ext.recv_len;
}

/* path seen from the root, in buf of PATH_MAX_ABI bytes. */
static long names_absolute(int dirfd, const char *path, char *buf)
{
    long len = names_directory_path(dirfd == AT_FDCWD ? H_CWD : dirfd, buf, PATH_MAX_ABI);

    if (len < 0)
        return len;
    if (len + 1 + strlen(path) >= PATH_MAX_ABI)
        return -ENAMETOOLONG;
    buf[len] = '/';
    memcpy(buf + len + 1, path, strlen(path) + 1);
    return 0;
}

/*
 * MSG_RENAME or MSG_LINK. A message goes to one session, so of two relative
 * paths from different directories the second is sent from the root.
 */
static long names_pair(unsigned number, int from_dir, const char *from, int to_dir, const char *to)
{
    struct message m = GLUE_MESSAGE(number, 0, 0);
    char absolute[PATH_MAX_ABI];
    size_t len;
    long err = glue_check_path(from, &len);

    if (err == 0)
        err = glue_check_path(to, &len);
    if (err < 0)
        return err;
    if (from_dir != to_dir && from[0] != '/' && to[0] != '/') {
        err = names_absolute(to_dir, to, absolute);
        if (err < 0)
            return err;
        to = absolute;
    }
    return glue_two_texts(
        from[0] == '/' ? glue_directory(to_dir, to) : glue_directory(from_dir, from), &m, from, to);
}

int renameat(int old_dirfd, const char *old_path, int new_dirfd, const char *new_path)
{
    return (int)glue_result(names_pair(MSG_RENAME, old_dirfd, old_path, new_dirfd, new_path));
}

int rename(const char *old_path, const char *new_path)
{
    return renameat(AT_FDCWD, old_path, AT_FDCWD, new_path);
}

int linkat(int old_dirfd, const char *old_path, int new_dirfd, const char *new_path, int flags)
{
    if (flags & ~AT_SYMLINK_FOLLOW)
        return (int)glue_result(-EINVAL);
    return (int)glue_result(names_pair(MSG_LINK, old_dirfd, old_path, new_dirfd, new_path));
}

int link(const char *old_path, const char *new_path)
{
    return linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

/* ------------------------------------------------------------ symbolic links */

int symlinkat(const char *target, int dirfd, const char *path)
{
    struct message m = GLUE_MESSAGE(MSG_SYMLINK, 0, 0);
    size_t len;
    long err = glue_check_path(target, &len);

    if (err == 0)
        err = glue_check_path(path, &len);
    if (err == 0)
        err = glue_two_texts(glue_directory(dirfd, path), &m, target, path);
    return (int)glue_result(err);
}

int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

ssize_t readlinkat(int dirfd, const char *restrict path, char *restrict buf, size_t size)
{
    char text[PATH_MAX_ABI];
    struct message m = GLUE_MESSAGE(MSG_READLINK, 0, 0);
    struct ipc_ext ext = {.recv_addr = (unsigned long)text, .recv_cap = sizeof(text)};
    long r;

    if (size == 0)
        return glue_result(-EINVAL);
    /* A target longer than the caller's room is cut, which a server would refuse
     * to do: it comes whole, to here. */
    r = glue_path_request(dirfd, path, &m, &ext);
    if (r < 0)
        return glue_result(r);
    if (ext.recv_len < size)
        size = ext.recv_len;
    memcpy(buf, text, size);
    return (ssize_t)size;
}

ssize_t readlink(const char *restrict path, char *restrict buf, size_t size)
{
    return readlinkat(AT_FDCWD, path, buf, size);
}

/* ------------------------------------------------------- working directory */

int chdir(const char *path)
{
    long fd = glue_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    long err;

    if (fd < 0)
        return (int)glue_result(fd);
    err = sys_dup2((int)fd, H_CWD, 0);
    sys_close((int)fd);
    return (int)glue_result(err < 0 ? err : 0);
}

int fchdir(int fd)
{
    struct stat st;
    long err;

    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode))
        return (int)glue_result(-ENOTDIR);
    err = sys_dup2(fd, H_CWD, 0);
    return (int)glue_result(err < 0 ? err : 0);
}

/* size 0 with buf 0: as long as it needs to be. */
char *getcwd(char *buf, size_t size)
{
    char path[PATH_MAX_ABI];
    long len;

    if (buf && size == 0) {
        errno = EINVAL;
        return 0;
    }
    len = names_directory_path(H_CWD, path, sizeof(path));
    if (len >= 0 && size > 0 && (size_t)len >= size)
        len = -ERANGE;
    if (len < 0) {
        errno = (int)-len;
        return 0;
    }
    if (!buf) {
        buf = malloc(size ? size : (size_t)len + 1);
        if (!buf)
            return 0;
    }
    return memcpy(buf, path, (size_t)len + 1);
}
