/* The terminal's messages: a table of numbers and handlers. */
#include "user/tty/tty.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_LIMIT 10000 /* rows or columns */

/* len bytes of data came with m, in data. */
typedef void handler(struct tty *tty, const struct message *m, const char *data, unsigned long len);

static void do_close(struct tty *tty, const struct message *m, const char *data, unsigned long len)
{
    (void)data;
    (void)len;
    tty_answer(tty, m->id, 0, 0, 0); /* sessions have no state here */
}

static void do_read(struct tty *tty, const struct message *m, const char *data, unsigned long len)
{
    (void)data;
    if (!(m->origin & RIGHT_READ))
        tty_answer(tty, m->id, -EBADF, 0, 0);
    else if (len)
        tty_answer(tty, m->id, -EINVAL, 0, 0);
    else if (m->w[1] == 0)
        tty_answer(tty, m->id, 0, 0, 0);
    else
        readers_add(tty, m->id, m->w[1]);
}

static void do_write(struct tty *tty, const struct message *m, const char *data, unsigned long len)
{
    (void)data; /* it is where the output wants it */
    if (!(m->origin & RIGHT_WRITE))
        tty_answer(tty, m->id, -EBADF, 0, 0);
    else if (len != m->w[1])
        tty_answer(tty, m->id, -EINVAL, 0, 0);
    else if (len == 0)
        tty_answer(tty, m->id, 0, 0, 0);
    else
        output_write(&tty->output, m->id, len);
}

static void wait_then(struct tty *tty, struct waiter *waiter)
{
    if (!waiters_add(tty, waiter))
        tty_answer(tty, waiter->id, -EAGAIN, 0, 0);
}

static void do_drain(struct tty *tty, const struct message *m, const char *data, unsigned long len)
{
    struct waiter waiter = {.id = m->id, .then = WAITER_ANSWER};

    (void)data;
    if (len)
        tty_answer(tty, m->id, -EINVAL, 0, 0);
    else
        wait_then(tty, &waiter);
}

/* ------------------------------------------------- the terminal as a file */

static void do_open(struct tty *tty, const struct message *m, const char *data, unsigned long len)
{
    static const unsigned access[] = {
        [O_RDONLY] = RIGHT_READ, [O_WRONLY] = RIGHT_WRITE, [O_RDWR] = RIGHT_READ | RIGHT_WRITE};
    unsigned long mode = m->w[1] & O_ACCMODE;
    struct message reply = {.w = {0, S_IFCHR}};
    struct ipc_ext ext = {.gifts.make_session = 1, .gifts.session = {.badge = TTY_BADGE}};
    long err;

    (void)data;
    if (len || (m->w[1] & O_DIRECTORY)) {
        tty_answer(tty, m->id, -ENOTDIR, 0, 0);
    } else if (mode >= sizeof(access) / sizeof(access[0])) {
        tty_answer(tty, m->id, -EINVAL, 0, 0);
    } else if (access[mode] & ~m->origin) {
        tty_answer(tty, m->id, -EACCES, 0, 0);
    } else {
        ext.gifts.session.rights = access[mode] | RIGHT_CALL | RIGHT_TRANSFER;
        ext.gifts.session_flags = m->w[1] & O_CLOEXEC ? HANDLE_CLOEXEC : 0;
        err = ipc_reply(PORT, m->id, &reply, &ext);
        if (err && err != -ECANCELED) /* it cannot take a session: say why */
            tty_answer(tty, m->id, err, 0, 0);
    }
}

static void do_stat(struct tty *tty, const struct message *m, const char *data, unsigned long len)
{
    unsigned long now = (unsigned long)sys_clock(ABI_CLOCK_REALTIME);
    struct msg_stat stat = {
        .ino = 1,
        .atime_ns = now,
        .mtime_ns = now,
        .ctime_ns = now,
        .mode = S_IFCHR | 0620,
        .nlink = 1,
        .rdev = 5 << 8 | 0,
        .blksize = 4096,
    };

    unsigned long words[IPC_WORDS];

    (void)data;
    memcpy(words, &stat, sizeof(words));
    if (len)
        tty_answer(tty, m->id, -ENOTDIR, 0, 0);
    else
        tty_answer_words(tty, m->id, words);
}

static void do_access(struct tty *tty, const struct message *m, const char *data, unsigned long len)
{
    (void)data;
    if (len)
        tty_answer(tty, m->id, -ENOTDIR, 0, 0);
    else if (m->w[1] & ~(unsigned long)(R_OK | W_OK | X_OK))
        tty_answer(tty, m->id, -EINVAL, 0, 0);
    else
        tty_answer(tty, m->id, m->w[1] & X_OK ? -EACCES : 0, 0, 0);
}

/* What makes sense for a file or a directory only. */
static void do_not_here(struct tty *tty, const struct message *m, const char *data,
                        unsigned long len)
{
    (void)data;
    tty_answer(tty, m->id, len || m->w[0] == MSG_READDIR ? -ENOTDIR : -EINVAL, 0, 0);
}

/* ----------------------------------------------------- terminal requests */

static void do_getattr(struct tty *tty, const struct message *m, const char *data,
                       unsigned long len)
{
    (void)data;
    if (len)
        tty_answer(tty, m->id, -EINVAL, 0, 0);
    else
        tty_answer_data(tty, m->id, 0, &tty->discipline.termios, sizeof(struct msg_termios));
}

static void do_setattr(struct tty *tty, const struct message *m, const char *data,
                       unsigned long len)
{
    struct waiter waiter = {.id = m->id};

    if (len != sizeof(waiter.termios) || m->w[1] > 2) {
        tty_answer(tty, m->id, -EINVAL, 0, 0);
        return;
    }
    __builtin_memcpy(&waiter.termios, data, sizeof(waiter.termios));
    if (m->w[1] == 0) {
        tty_set(tty, &waiter.termios, false);
        tty_answer(tty, m->id, 0, 0, 0);
        return;
    }
    waiter.then = m->w[1] == 1 ? WAITER_SET : WAITER_SET_AND_FLUSH;
    wait_then(tty, &waiter);
}

static void do_setpgrp(struct tty *tty, const struct message *m, const char *data,
                       unsigned long len)
{
    (void)data;
    /* 1 is init's, and -1 would not name a group. */
    if (len || m->w[1] == 1 || m->w[1] > 0x7fffffff) {
        tty_answer(tty, m->id, -EINVAL, 0, 0);
        return;
    }
    tty->group = (int)m->w[1];
    tty_answer(tty, m->id, 0, 0, 0);
}

static void do_getpgrp(struct tty *tty, const struct message *m, const char *data,
                       unsigned long len)
{
    (void)data;
    tty_answer(tty, m->id, len ? -EINVAL : 0, (unsigned long)tty->group, 0);
}

static void do_getsize(struct tty *tty, const struct message *m, const char *data,
                       unsigned long len)
{
    (void)data;
    tty_answer(tty, m->id, len ? -EINVAL : 0, tty->rows, tty->columns);
}

static void do_setsize(struct tty *tty, const struct message *m, const char *data,
                       unsigned long len)
{
    (void)data;
    if (len || !m->w[1] || m->w[1] > SIZE_LIMIT || !m->w[2] || m->w[2] > SIZE_LIMIT) {
        tty_answer(tty, m->id, -EINVAL, 0, 0);
        return;
    }
    tty->rows = (unsigned)m->w[1];
    tty->columns = (unsigned)m->w[2];
    tty_answer(tty, m->id, 0, 0, 0);
}

static void do_interrupts(struct tty *tty, const struct message *m, const char *data,
                          unsigned long len)
{
    (void)data;
    tty_answer(tty, m->id, len ? -EINVAL : 0, tty->interrupts, 0);
}

/* ----------------------------------------------------------------- table */

static const struct {
    unsigned long number;
    bool kernel_only;
    bool path; /* "data = path" */
    handler *handle;
} handlers[] = {
    {MSG_WRITE, false, false, do_write},
    {MSG_READ, false, false, do_read},
    {MSG_CLOSE, true, false, do_close},
    {MSG_SYNC, true, false, do_close}, /* a terminal keeps nothing */
    {MSG_FSYNC, false, false, do_drain},
    {MSG_TTY_DRAIN, false, false, do_drain},
    {MSG_TTY_GETATTR, false, false, do_getattr},
    {MSG_TTY_SETATTR, false, false, do_setattr},
    {MSG_TTY_SETPGRP, false, false, do_setpgrp},
    {MSG_TTY_GETPGRP, false, false, do_getpgrp},
    {MSG_TTY_GETSIZE, false, false, do_getsize},
    {MSG_TTY_SETSIZE, false, false, do_setsize},
    {MSG_TTY_INTERRUPTS, false, false, do_interrupts},
    {MSG_OPEN, false, true, do_open},
    {MSG_STAT, false, true, do_stat},
    {MSG_ACCESS, false, true, do_access},
    {MSG_READDIR, false, false, do_not_here},
    {MSG_TRUNCATE, false, true, do_not_here},
    {MSG_CHMOD, false, true, do_not_here},
    {MSG_UTIME, false, true, do_not_here},
    {MSG_READLINK, false, true, do_not_here},
};

void request_dispatch(struct tty *tty, const struct message *m, unsigned long len)
{
    const char *data = output_buffer(&tty->output);

    for (unsigned i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (handlers[i].number != m->w[0])
            continue;
        if (handlers[i].path)
            data = message_path(m, data, &len);
        if (handlers[i].kernel_only && !(m->origin & ORIGIN_KERNEL))
            tty_answer(tty, m->id, -EPERM, 0, 0);
        else if (!data)
            tty_answer(tty, m->id, -EINVAL, 0, 0);
        else
            handlers[i].handle(tty, m, data, len);
        return;
    }
    tty_answer(tty, m->id, -ENOSYS, 0, 0);
}
