/*
 * The streams themselves: buffers, direction, the list of all that are open.
 */
#include "user/lib/stream.h"
#include "user/lib/glue.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char stream_in_buf[BUFSIZ];
static char stream_out_buf[BUFSIZ];
static char stream_err_buf[256];

static struct stream stream_out, stream_err;

static struct stream stream_in = {
    .ext = STREAM_SETUP(stream_put, stream_get, __SRD),
    .fd = 0,
    .mode = STREAM_AUTO,
    .is_static = 1,
    .buf = stream_in_buf,
    .size = sizeof(stream_in_buf),
    .next = &stream_out,
};

static struct stream stream_out = {
    .ext = STREAM_SETUP(stream_put, stream_get, __SWR),
    .fd = 1,
    .mode = STREAM_AUTO,
    .is_static = 1,
    .buf = stream_out_buf,
    .size = sizeof(stream_out_buf),
    .next = &stream_err,
    .prev = &stream_in,
};

static struct stream stream_err = {
    .ext = STREAM_SETUP(stream_put, stream_get, __SWR),
    .fd = 2,
    .mode = _IONBF,
    .is_static = 1,
    .buf = stream_err_buf,
    .size = sizeof(stream_err_buf),
    .prev = &stream_out,
};

FILE *const stdin = &stream_in.ext.cfile.file;
FILE *const stdout = &stream_out.ext.cfile.file;
FILE *const stderr = &stream_err.ext.cfile.file;

/* Taken before a stream's lock, never while one is held. */
static struct __lock stream_list_lock;
static struct stream *stream_list = &stream_in;

/* ----------------------------------------------------------------- writing */

int stream_write_out(struct stream *s)
{
    size_t done = 0;

    while (done < s->len) {
        ssize_t n = write(s->fd, s->buf + done, s->len - done);
        if (n <= 0) {
            /* What cannot be written is dropped, or each later call and exit
             * itself would fail over it again. */
            s->len = 0;
            stream_file(s)->flags |= __SERR;
            return -1;
        }
        done += (size_t)n;
    }
    s->len = 0;
    return 0;
}

/* Give back what was read ahead, so that another reader of the same open file,
 * a child perhaps, goes on where this one stopped. */
static void stream_unread(struct stream *s)
{
    int saved = errno;

    if (s->len > s->off)
        lseek(s->fd, (off_t)s->off - (off_t)s->len, SEEK_CUR);
    errno = saved; /* a terminal or a pipe cannot; the bytes are gone, then */
    s->len = s->off = 0;
}

int stream_begin_write(struct stream *s)
{
    if (s->direction == STREAM_WRITING)
        return 0;
    if (!(stream_file(s)->flags & __SWR)) {
        errno = EBADF;
        stream_file(s)->flags |= __SERR;
        return -1;
    }
    if (s->direction == STREAM_READING)
        stream_unread(s);
    if (s->mode == STREAM_AUTO) {
        int saved = errno;
        s->mode = isatty(s->fd) ? _IOLBF : _IOFBF;
        errno = saved;
    }
    s->direction = STREAM_WRITING;
    return 0;
}

int stream_write(struct stream *s, const char *data, size_t n)
{
    size_t part;

    if (stream_begin_write(s) < 0)
        return -1;
    while (n > 0) {
        if (s->len == 0 && n >= s->size) {
            /* At least a bufferful: no need to copy it first. */
            ssize_t written = write(s->fd, data, n);
            if (written <= 0) {
                stream_file(s)->flags |= __SERR;
                return -1;
            }
            data += written;
            n -= (size_t)written;
            continue;
        }
        part = s->size - s->len < n ? s->size - s->len : n;
        memcpy(s->buf + s->len, data, part);
        s->len += part;
        data += part;
        n -= part;
        if (s->len == s->size && stream_write_out(s) < 0)
            return -1;
    }
    return 0;
}

int stream_put(char c, FILE *f)
{
    struct stream *s = (struct stream *)f;
    int result = (unsigned char)c;

    lock_acquire(&s->lock);
    if (stream_begin_write(s) < 0) {
        result = _FDEV_ERR;
    } else {
        s->buf[s->len++] = c;
        if ((s->len == s->size || (c == '\n' && s->mode != _IOFBF)) && stream_write_out(s) < 0)
            result = _FDEV_ERR;
    }
    lock_release(&s->lock);
    return result;
}

int stream_flush(FILE *f)
{
    struct stream *s = (struct stream *)f;
    int result = 0;

    lock_acquire(&s->lock);
    if (s->direction == STREAM_WRITING)
        result = stream_write_out(s);
    else if (s->direction == STREAM_READING)
        stream_unread(s);
    lock_release(&s->lock);
    return result < 0 ? EOF : 0;
}

/* ----------------------------------------------------------------- reading */

int stream_fill(struct stream *s)
{
    ssize_t n;

    if (!(stream_file(s)->flags & __SRD)) {
        errno = EBADF;
        stream_file(s)->flags |= __SERR;
        return -1;
    }
    if (s->direction == STREAM_WRITING && stream_write_out(s) < 0)
        return -1;
    s->direction = STREAM_READING;
    s->off = s->len = 0;
    /* A prompt without a newline must be seen before its answer is waited for. */
    if (s == &stream_in && stream_out.mode == _IOLBF && stream_out.len > 0)
        stream_flush(stdout);
    n = read(s->fd, s->buf, s->size);
    if (n <= 0) {
        stream_file(s)->flags |= n < 0 ? __SERR : __SEOF;
        return n < 0 ? -1 : 0;
    }
    s->len = (size_t)n;
    return 1;
}

int stream_get(FILE *f)
{
    struct stream *s = (struct stream *)f;
    int result;

    lock_acquire(&s->lock);
    result = s->direction == STREAM_READING && s->off < s->len ? 1 : stream_fill(s);
    if (result > 0)
        result = (unsigned char)s->buf[s->off++];
    else
        result = result < 0 ? _FDEV_ERR : _FDEV_EOF;
    lock_release(&s->lock);
    return result;
}

/* --------------------------------------------------------- place and buffer */

/* Bytes by which fd is ahead of the program: read and not yet handed out, or
 * handed out and pushed back. */
static off_t stream_ahead(struct stream *s)
{
    off_t ahead = s->direction == STREAM_READING ? (off_t)(s->len - s->off) : 0;

    return ahead + (stream_file(s)->unget ? 1 : 0);
}

__off_t stream_tell(struct stream *s)
{
    off_t at = lseek(s->fd, 0, SEEK_CUR);

    if (at < 0)
        return -1;
    if (s->direction == STREAM_WRITING)
        return at + (off_t)s->len;
    at -= stream_ahead(s);
    return at < 0 ? 0 : at; /* something pushed back at the very start */
}

__off_t stream_seek(FILE *f, __off_t offset, int whence)
{
    struct stream *s = (struct stream *)f;
    __off_t at;

    lock_acquire(&s->lock);
    if (s->direction == STREAM_WRITING && stream_write_out(s) < 0) {
        at = -1;
    } else {
        if (whence == SEEK_CUR)
            offset -= stream_ahead(s);
        at = lseek(s->fd, offset, whence);
        if (at >= 0) {
            s->off = s->len = 0;
            s->direction = STREAM_IDLE;
        }
    }
    lock_release(&s->lock);
    return at;
}

int stream_setvbuf(FILE *f, char *buf, int mode, size_t size)
{
    struct stream *s = (struct stream *)f;
    char *own = 0;

    if (mode != _IOFBF && mode != _IOLBF && mode != _IONBF)
        return -1;
    if (!buf && size > 0 && mode != _IONBF) {
        buf = own = malloc(size);
        if (!buf)
            return -1;
    }
    stream_flush(f);
    lock_acquire(&s->lock);
    s->mode = (unsigned char)mode;
    if (buf && size > 0 && mode != _IONBF) {
        if (s->owns_buf)
            free(s->buf);
        s->buf = buf;
        s->size = size;
        s->owns_buf = own != 0;
    }
    lock_release(&s->lock);
    return 0;
}

/* -------------------------------------------------------- opening, closing */

int stream_parse_mode(const char *mode, int *open_flags)
{
    int rw, flags;

    switch (*mode) {
    case 'r':
        rw = __SRD;
        flags = 0;
        break;
    case 'w':
        rw = __SWR;
        flags = O_CREAT | O_TRUNC;
        break;
    case 'a':
        rw = __SWR;
        flags = O_CREAT | O_APPEND;
        break;
    default:
        errno = EINVAL;
        return 0;
    }
    while (*++mode) {
        if (*mode == '+')
            rw = __SRD | __SWR;
        else if (*mode == 'e')
            flags |= O_CLOEXEC;
        else if (*mode == 'x')
            flags |= O_EXCL;
    }
    *open_flags = flags | (rw == __SRD ? O_RDONLY : rw == __SWR ? O_WRONLY : O_RDWR);
    return rw;
}

struct stream *stream_make(int fd, int rw_flags, int open_flags)
{
    struct stream *s = malloc(sizeof(*s) + BUFSIZ);

    if (!s)
        return 0;
    *s = (struct stream){
        .ext = STREAM_SETUP(stream_put, stream_get, rw_flags),
        .fd = fd,
        .mode = STREAM_AUTO,
        .buf = (char *)(s + 1),
        .size = BUFSIZ,
    };
    if (open_flags & O_APPEND) {
        int saved = errno;
        lseek(fd, 0, SEEK_END);
        errno = saved; /* a pipe has no end to go to */
    }
    lock_acquire(&stream_list_lock);
    s->next = stream_list;
    stream_list->prev = s; /* stdin is always there */
    stream_list = s;
    lock_release(&stream_list_lock);
    return s;
}

static void stream_unlink(struct stream *s)
{
    lock_acquire(&stream_list_lock);
    if (s->prev)
        s->prev->next = s->next;
    else
        stream_list = s->next;
    if (s->next)
        s->next->prev = s->prev;
    lock_release(&stream_list_lock);
}

int stream_close(FILE *f)
{
    struct stream *s = (struct stream *)f;
    int result = stream_flush(f);

    if (close(s->fd) < 0)
        result = EOF;
    if (s->is_static) {
        /* Stays in the list, as a stream that can do nothing. */
        f->flags &= ~(__SRD | __SWR);
        s->direction = STREAM_IDLE;
        s->fd = -1;
        return result;
    }
    stream_unlink(s);
    if (s->owns_buf)
        free(s->buf);
    free(s);
    return result;
}

/* ------------------------------------------------------------ all of them */

int fflush(FILE *f)
{
    int result = 0;

    if (f)
        return f->flush ? f->flush(f) : 0;
    lock_acquire(&stream_list_lock);
    for (struct stream *s = stream_list; s; s = s->next) {
        if (s->direction == STREAM_WRITING && stream_flush(stream_file(s)) < 0)
            result = EOF;
    }
    lock_release(&stream_list_lock);
    return result;
}

/* At exit: a stream that another thread is reading from is left alone, for that
 * thread may wait for a key for ever. */
void stream_flush_all(void)
{
    lock_acquire(&stream_list_lock);
    for (struct stream *s = stream_list; s; s = s->next) {
        if (s->direction == STREAM_WRITING) {
            stream_flush(stream_file(s));
        } else if (s->direction == STREAM_READING && (!thread_many || lock_try_many(&s->lock))) {
            stream_unread(s);
            lock_release(&s->lock);
        }
    }
    lock_release(&stream_list_lock);
}

void stream_fork_begin(void)
{
    lock_acquire(&stream_list_lock);
}

/* The child's other threads are no more, and what they held is free. */
void stream_fork_end(int in_child)
{
    struct thread *self = thread_self();

    for (struct stream *s = stream_list; in_child && s; s = s->next) {
        if (s->lock.owner != self)
            memset(&s->lock, 0, sizeof(s->lock));
    }
    lock_release(&stream_list_lock);
}
