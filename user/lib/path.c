/*
 * Requests that name a file: which session they go to, and how the path gets
 * into the message.
 */
#include "user/lib/glue.h"

#include <fcntl.h>
#include <sys/stat.h>

long glue_check_path(const char *path, size_t *len)
{
    if (!path)
        return -EFAULT;
    *len = strnlen(path, PATH_MAX_ABI);
    if (*len == 0)
        return -ENOENT;
    return *len >= PATH_MAX_ABI ? -ENAMETOOLONG : 0;
}

int glue_directory(int dirfd, const char *path)
{
    if (path[0] == '/')
        return H_ROOT;
    return dirfd == AT_FDCWD ? H_CWD : dirfd;
}

/* The path goes in a buffer of its own. */
static __attribute__((noinline)) long long_path_request(int dirfd, const char *path,
                                                        struct message *m, struct ipc_ext *ext)
{
    struct ipc_ext only_path = {0};
    size_t len;
    long err = glue_check_path(path, &len);

    if (err < 0)
        return err;
    ext = ext ? ext : &only_path;
    ext->send_addr = (unsigned long)path;
    ext->send_len = len;
    return ipc_request(glue_directory(dirfd, path), m, ext);
}

long glue_path_request(int dirfd, const char *path, struct message *m, struct ipc_ext *ext)
{
    char *text = (char *)&m->w[MSG_PATH_WORD], *to = text;
    const char *from = path;
    size_t len;

    if (!path)
        return -EFAULT;
    /* One pass: strnlen and memcpy took 45 instructions more for a path of 15 bytes. */
    while (to <= text + MSG_PATH_SHORT && *from)
        *to++ = *from++;
    len = to - text;
    if (len == 0)
        return -ENOENT;
    if (len > MSG_PATH_SHORT) {
        memset(text, 0, len);
        return long_path_request(dirfd, path, m, ext);
    }
    m->w[IPC_WORDS - 1] |= len << 56;
    return ipc_request(glue_directory(dirfd, path), m, ext);
}

long glue_handle_request(int fd, struct message *m, struct ipc_ext *ext)
{
    return ipc_request(fd == AT_FDCWD ? H_CWD : fd, m, ext);
}

long glue_two_texts(int handle, struct message *m, const char *first, const char *second)
{
    char text[2 * PATH_MAX_ABI];
    struct ipc_ext ext = {0};
    size_t first_len = strlen(first);
    size_t second_len = strlen(second);

    if (first_len >= PATH_MAX_ABI || second_len >= PATH_MAX_ABI)
        return -ENAMETOOLONG;
    /* Paths in messages end where their length says. */
    memcpy(text, first, first_len);               /* NOLINT(bugprone-not-null-terminated-result) */
    memcpy(text + first_len, second, second_len); /* NOLINT(bugprone-not-null-terminated-result) */
    ext.send_addr = (unsigned long)text;
    ext.send_len = first_len + second_len;
    m->w[1] = first_len;
    return ipc_request(handle, m, &ext);
}

long glue_open(int dirfd, const char *path, int flags, unsigned mode)
{
    struct message m = GLUE_MESSAGE(MSG_OPEN, flags & ~O_CLOEXEC, mode);
    struct ipc_ext ext = {0};
    long err = glue_path_request(dirfd, path, &m, &ext);

    if (err < 0)
        return err;
    if (ext.recv_handle_count == 0)
        return -EIO; /* a server that says yes and gives nothing */
    for (unsigned i = 1; i < ext.recv_handle_count; i++)
        sys_close(ext.recv_handles[i]);
    if (flags & O_CLOEXEC)
        sys_handle_flags(ext.recv_handles[0], HANDLE_CLOEXEC, HANDLE_CLOEXEC);
    return ext.recv_handles[0];
}
