/* Which message is for whom. */
#include "user/fs/server.h"
#include "kernel/errno.h"

#define FROM_KERNEL 1 /* who may send it */

/* By number; those without a handler are unknown. */
static const struct {
    unsigned from;   /* FROM_*; 0: anybody */
    unsigned rights; /* that the session must have */
    bool path;       /* "data = path" */
    request_handler *handle;
} table[] = {
    [MSG_CLOSE] = {FROM_KERNEL, 0, false, do_close},
    [MSG_READ] = {0, RIGHT_READ, false, do_read},
    [MSG_WRITE] = {0, RIGHT_WRITE, false, do_write},
    [MSG_FSYNC] = {0, 0, false, do_fsync},
    [MSG_SYNC] = {FROM_KERNEL, 0, false, do_sync},
    [MSG_OPEN] = {0, 0, true, do_open},
    [MSG_STAT] = {0, 0, true, do_stat},
    [MSG_READDIR] = {0, RIGHT_READ, false, do_readdir},
    [MSG_MKDIR] = {0, 0, true, do_mkdir},
    [MSG_UNLINK] = {0, 0, true, do_unlink},
    [MSG_RENAME] = {0, 0, false, do_rename},
    [MSG_LINK] = {0, 0, false, do_link},
    [MSG_SYMLINK] = {0, 0, false, do_symlink},
    [MSG_READLINK] = {0, 0, true, do_readlink},
    [MSG_TRUNCATE] = {0, 0, true, do_truncate},
    [MSG_CHMOD] = {0, 0, true, do_chmod},
    [MSG_UTIME] = {0, 0, true, do_utime},
    [MSG_STATFS] = {0, 0, false, do_statfs},
    [MSG_GETCWD] = {0, 0, false, do_getcwd},
    [MSG_MKNOD] = {0, 0, true, do_mknod},
    [MSG_ACCESS] = {0, 0, true, do_access},
    [MSG_PAGE_IN] = {FROM_KERNEL, 0, false, do_page_in},
    [MSG_PAGE_OUT] = {FROM_KERNEL, 0, false, do_page_out},
    [MSG_RESERVE] = {FROM_KERNEL, 0, false, do_reserve},
};

/* An earlier instance has done it: all that changes something answers 0, and some open a
 * file. */
static long repeat(struct request *request, uint64_t key)
{
    return request->message->w[0] == MSG_OPEN ? do_reopen(request, key) : 0;
}

long dispatch(struct request *request)
{
    const struct message *m = request->message;
    uint64_t key;

    if (fs_completed(volume, IPC_NUMBER(m->id), &key)) {
        completing();
        return repeat(request, key);
    }
    if (m->w[0] >= sizeof(table) / sizeof(table[0]) || !table[m->w[0]].handle)
        return -ENOSYS;
    if (table[m->w[0]].from == FROM_KERNEL && !(m->origin & ORIGIN_KERNEL))
        return -EPERM;
    if (table[m->w[0]].rights & ~m->origin)
        return -EBADF; /* as read(2) on what was opened for writing */
    if (table[m->w[0]].path)
        request->data = message_path(m, request->data, &request->len);
    return request->data ? table[m->w[0]].handle(request) : -EINVAL;
}
