/* Requests of the kernel's about pages; and what makes files durable. */
#include "user/fs/server.h"
#include "kernel/errno.h"

long do_page_in(struct request *r)
{
    const unsigned long *w = r->message->w;
    uint64_t holes;
    int err;

    if (w[3] == 0 || w[3] > FS_PAGES_MAX)
        return -EINVAL;
    err = fs_page_in(volume, w[1], w[2], (unsigned)w[3], r->reply, &holes);
    if (err < 0)
        return err;
    r->words[1] = holes;
    r->reply_len = (unsigned long)err;
    return 0;
}

long do_page_out(struct request *r)
{
    const unsigned long *w = r->message->w;

    if (w[3] == 0 || w[3] > FS_PAGES_MAX)
        return -EINVAL;
    /* The buffer is this thread's own: the core may clear what is behind the end. */
    return fs_page_out(volume, w[1], w[2], (unsigned)w[3], w[4], w[5], (void *)r->data, r->len);
}

long do_reserve(struct request *r)
{
    const unsigned long *w = r->message->w;

    return fs_reserve(volume, w[1], w[2], w[3], w[4]);
}

long do_fsync(struct request *r)
{
    return fs_fsync(volume, r->ino);
}

long do_sync(struct request *r)
{
    (void)r;
    return fs_sync(volume);
}

long do_close(struct request *r)
{
    /* Root sessions are made by init, not by opening. */
    fs_close(volume, r->ino);
    return 0;
}
