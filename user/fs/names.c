/* Requests about names: paths, directories, attributes. */
#include "user/fs/server.h"
#include "kernel/errno.h"
#include <string.h>
#include <sys/stat.h>

/* Everything that is a path in a request. */
#define PATH(r) (r)->ino, (r)->data, (r)->len

/* What the new session may do. */
static unsigned rights_of(const struct fs_node *node, unsigned long flags)
{
    unsigned rights = RIGHT_CALL | RIGHT_TRANSFER;

    if ((flags & FS_O_ACCMODE) != FS_O_WRONLY)
        rights |= node->mode & 0111 ? RIGHT_READ | RIGHT_EXEC : RIGHT_READ;
    if ((flags & FS_O_ACCMODE) != FS_O_RDONLY)
        rights |= RIGHT_WRITE;
    return rights;
}

/* Answers with what was opened. */
static long opened(struct request *r, const struct fs_node *node)
{
    unsigned long flags = r->message->w[1];

    r->words[1] = node->mode & S_IFMT;
    r->opened = true;
    r->close_on_exec = flags & FS_O_CLOEXEC;
    r->session = (struct ipc_session){
        .badge = node->ino,
        .rights = rights_of(node, flags),
        .flags = SESSION_TOLD | (flags & FS_O_APPEND ? HANDLE_APPEND : 0),
        .key = node->key,
        .size = node->size,
    };
    switch (node->mode & S_IFMT) {
    case S_IFREG:
        r->session.flags |= SESSION_OBJECT;
        return 0;
    case S_IFDIR:
        return 0;
    default:
        return device_open(r, node);
    }
}

long do_open(struct request *r)
{
    const unsigned long *w = r->message->w;
    struct fs_node node;
    int err = fs_open(volume, PATH(r), (int)w[1], (unsigned)w[2], &node);

    return err ? err : opened(r, &node);
}

long do_reopen(struct request *r, uint64_t key)
{
    struct fs_node node;
    int err = fs_reopen(volume, IPC_NUMBER(r->message->id), key, (int)r->message->w[1], &node);

    return err ? err : opened(r, &node);
}

long do_stat(struct request *r)
{
    struct msg_stat stat;
    int err = fs_stat(volume, PATH(r), r->message->w[1] & 1, &stat);

    if (err)
        return err;
    memcpy(r->words, &stat, sizeof(stat));
    return (long)r->words[0];
}

long do_readdir(struct request *r)
{
    unsigned long room = r->message->w[2];
    uint64_t cookie = r->message->w[1];
    int bytes = fs_readdir(volume, r->ino, &cookie, r->reply,
                           room < IPC_BUFFER_MAX ? room : IPC_BUFFER_MAX);

    if (bytes < 0)
        return bytes;
    r->words[1] = cookie;
    r->reply_len = (unsigned long)bytes;
    return bytes;
}

long do_mkdir(struct request *r)
{
    return fs_mkdir(volume, PATH(r), (unsigned)r->message->w[1]);
}

long do_unlink(struct request *r)
{
    return fs_unlink(volume, PATH(r), r->message->w[1] == 1);
}

/* Two strings in one buffer: the first has w[1] bytes. */
static bool split(const struct request *r, unsigned long *first)
{
    *first = r->message->w[1];
    return *first <= r->len;
}

long do_rename(struct request *r)
{
    unsigned long n;

    if (!split(r, &n))
        return -EINVAL;
    return fs_rename(volume, r->ino, r->data, n, r->data + n, r->len - n);
}

long do_link(struct request *r)
{
    unsigned long n;

    if (!split(r, &n))
        return -EINVAL;
    return fs_link(volume, r->ino, r->data, n, r->data + n, r->len - n);
}

long do_symlink(struct request *r)
{
    unsigned long n;

    if (!split(r, &n))
        return -EINVAL;
    return fs_symlink(volume, r->ino, r->data, n, r->data + n, r->len - n);
}

long do_readlink(struct request *r)
{
    int bytes = fs_readlink(volume, PATH(r), r->reply, IPC_BUFFER_MAX);

    if (bytes > 0)
        r->reply_len = (unsigned long)bytes;
    return bytes;
}

long do_truncate(struct request *r)
{
    if (r->len == 0 && !(r->message->origin & RIGHT_WRITE))
        return -EBADF;
    return fs_truncate(volume, PATH(r), r->message->w[1]);
}

long do_chmod(struct request *r)
{
    return fs_chmod(volume, PATH(r), (unsigned)r->message->w[1]);
}

long do_utime(struct request *r)
{
    return fs_utime(volume, PATH(r), r->message->w[1], r->message->w[2]);
}

long do_statfs(struct request *r)
{
    struct msg_statfs info;

    fs_statfs(volume, &info);
    memcpy(r->reply, &info, sizeof(info));
    r->reply_len = sizeof(info);
    return 0;
}

long do_getcwd(struct request *r)
{
    int bytes = fs_getcwd(volume, r->ino, r->reply, IPC_BUFFER_MAX);

    if (bytes > 0)
        r->reply_len = (unsigned long)bytes;
    return bytes;
}

long do_mknod(struct request *r)
{
    unsigned long device = r->message->w[2];

    if (device > UINT32_MAX)
        return -EINVAL;
    return fs_mknod(volume, PATH(r), (unsigned)r->message->w[1], (unsigned)device);
}

long do_access(struct request *r)
{
    unsigned long access = r->message->w[1];

    return access > 7 ? -EINVAL : fs_access(volume, PATH(r), (unsigned)access);
}
