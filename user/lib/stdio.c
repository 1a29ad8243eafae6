/*
 * The functions of <stdio.h> that picolibc has in a form for small machines, a
 * byte at a time and without files to close, and those that it has not at all.
 * Formatting itself, scanf, seeking and the rest of them are picolibc's.
 */
#include "user/lib/glue.h"
#include "user/lib/stream.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The macros of picolibc's header stand in the way of the functions. */
#undef putc
#undef putchar
#undef getc
#undef getchar

/* ------------------------------------------------------------------ opening */

FILE *fdopen(int fd, const char *mode)
{
    struct abi_handle_info info;
    int open_flags;
    int rw = stream_parse_mode(mode, &open_flags);
    struct stream *s;

    if (!rw || glue_result(sys_handle_info(fd, &info)) < 0)
        return 0;
    s = stream_make(fd, rw, open_flags);
    return s ? stream_file(s) : 0;
}

FILE *fopen(const char *path, const char *mode)
{
    int open_flags, fd;
    int rw = stream_parse_mode(mode, &open_flags);
    struct stream *s;

    if (!rw)
        return 0;
    fd = open(path, open_flags, 0666);
    if (fd < 0)
        return 0;
    s = stream_make(fd, rw, open_flags);
    if (!s)
        sys_close(fd);
    return s ? stream_file(s) : 0;
}

/* path 0: the same file in another mode, as far as its descriptor allows. */
FILE *freopen(const char *path, const char *mode, FILE *f)
{
    struct stream *s = stream_of(f);
    int open_flags, fd;
    int rw = stream_parse_mode(mode, &open_flags);

    if (!s || !rw) {
        errno = EINVAL;
        return 0;
    }
    stream_flush(f);
    if (path) {
        fd = open(path, open_flags, 0666);
        if (fd < 0)
            return 0;
        /* The number stays, which is the point with stdin and stdout. */
        if (s->fd >= 0 && fd != s->fd) {
            int moved = dup3(fd, s->fd, open_flags & O_CLOEXEC);
            sys_close(fd);
            if (moved < 0)
                return 0;
        } else {
            s->fd = fd;
        }
        if (open_flags & O_APPEND)
            lseek(s->fd, 0, SEEK_END);
    }
    lock_acquire(&s->lock);
    f->flags = (uint8_t)((f->flags & ~(__SRD | __SWR | __SERR | __SEOF)) | rw);
    f->unget = 0;
    s->direction = STREAM_IDLE;
    s->off = s->len = 0;
    if (s->mode != _IONBF)
        s->mode = STREAM_AUTO;
    lock_release(&s->lock);
    return f;
}

int fclose(FILE *f)
{
    if (f->flags & __SCLOSE)
        return ((struct __file_close *)f)->close(f);
    return fflush(f);
}

int fileno(FILE *f)
{
    struct stream *s = stream_of(f);

    if (!s || s->fd < 0) {
        errno = EBADF;
        return -1;
    }
    return s->fd;
}

/* picolibc's seek without moving, which cannot know of what ungetc pushed back. */
__off_t ftello(FILE *f)
{
    struct stream *s = stream_of(f);
    __off_t at;

    if (!s) {
        struct __file_ext *ext = (struct __file_ext *)f;
        if ((f->flags & __SEXT) && ext->seek)
            return ext->seek(f, 0, SEEK_CUR);
        errno = ESPIPE;
        return -1;
    }
    lock_acquire(&s->lock);
    at = stream_tell(s);
    lock_release(&s->lock);
    return at;
}

long ftell(FILE *f)
{
    return ftello(f);
}

void flockfile(FILE *f)
{
    struct stream *s = stream_of(f);

    if (s)
        lock_acquire(&s->lock);
}

int ftrylockfile(FILE *f)
{
    struct stream *s = stream_of(f);

    return s && thread_many && !lock_try_many(&s->lock);
}

void funlockfile(FILE *f)
{
    struct stream *s = stream_of(f);

    if (s)
        lock_release(&s->lock);
}

/* ------------------------------------------------------------------ writing */

/* The end of a call that put something: see the header on unbuffered streams. */
static int stdio_end_call(struct stream *s, int failed)
{
    if (!failed && stream_unbuffered(s) && s->len > 0 && s->direction == STREAM_WRITING)
        failed = stream_write_out(s) < 0;
    lock_release(&s->lock);
    return failed;
}

size_t fwrite(const void *restrict data, size_t size, size_t count, FILE *restrict f)
{
    struct stream *s = stream_of(f);
    size_t n;
    int failed;

    if (size == 0 || count == 0 || __builtin_mul_overflow(size, count, &n))
        return 0;
    if (!s) {
        for (size_t i = 0; i < n; i++) {
            if (fputc(((const char *)data)[i], f) == EOF)
                return i / size;
        }
        return count;
    }
    lock_acquire(&s->lock);
    failed = stream_write(s, data, n) < 0;
    if (!failed && s->mode == _IOLBF && s->len > 0 && memchr(data, '\n', n))
        failed = stream_write_out(s) < 0;
    return stdio_end_call(s, failed) ? 0 : count;
}

int fputs(const char *restrict text, FILE *restrict f)
{
    size_t len = strlen(text);

    return fwrite(text, 1, len, f) == len ? 0 : EOF;
}

int puts(const char *text)
{
    int result;

    flockfile(stdout);
    result = fputs(text, stdout);
    if (result >= 0)
        result = fputc('\n', stdout);
    funlockfile(stdout);
    return result < 0 ? EOF : 0;
}

int fputc(int c, FILE *f)
{
    struct stream *s = stream_of(f);
    int failed;

    if (!s)
        return f->flags & __SWR && f->put((char)c, f) >= 0 ? (unsigned char)c : EOF;
    lock_acquire(&s->lock);
    failed = stream_put((char)c, f) < 0;
    return stdio_end_call(s, failed) ? EOF : (unsigned char)c;
}

int putc(int c, FILE *f)
{
    return fputc(c, f);
}

int putchar(int c)
{
    return fputc(c, stdout);
}

int putc_unlocked(int c, FILE *f)
{
    return fputc(c, f);
}

static int stdio_vprint(FILE *f, const char *fmt, va_list ap)
{
    struct stream *s = stream_of(f);
    int n;

    if (!s)
        return vfprintf(f, fmt, ap);
    lock_acquire(&s->lock);
    /* A stream that had its fill of errors has them still; what counts for the
     * result is whether this call adds one. */
    if (stream_begin_write(s) < 0) {
        lock_release(&s->lock);
        return -1;
    }
    n = vfprintf(f, fmt, ap);
    return stdio_end_call(s, n < 0) ? -1 : n;
}

int vprintf(const char *fmt, va_list ap)
{
    return stdio_vprint(stdout, fmt, ap);
}

int printf(const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = stdio_vprint(stdout, fmt, ap);
    va_end(ap);
    return n;
}

int fprintf(FILE *f, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = stdio_vprint(f, fmt, ap);
    va_end(ap);
    return n;
}

int vdprintf(int fd, const char *fmt, va_list ap)
{
    char *text;
    int n = vasprintf(&text, fmt, ap);

    if (n < 0)
        return -1;
    for (int done = 0; done < n;) {
        ssize_t part = write(fd, text + done, (size_t)(n - done));
        if (part <= 0) {
            n = -1;
            break;
        }
        done += (int)part;
    }
    free(text);
    return n;
}

int dprintf(int fd, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vdprintf(fd, fmt, ap);
    va_end(ap);
    return n;
}

/* ------------------------------------------------------------------ reading */

int fgetc(FILE *f)
{
    int c;

    if (!(f->flags & __SRD)) {
        errno = EBADF;
        f->flags |= __SERR;
        return EOF;
    }
    if (f->unget) {
        c = (unsigned char)f->unget;
        f->unget = 0;
        return c;
    }
    c = f->get(f);
    if (c < 0) {
        f->flags |= c == _FDEV_ERR ? __SERR : __SEOF;
        return EOF;
    }
    return (unsigned char)c;
}

int getc(FILE *f)
{
    return fgetc(f);
}

int getchar(void)
{
    return fgetc(stdin);
}

int getc_unlocked(FILE *f)
{
    return fgetc(f);
}

/* Up to n bytes at to, of a locked stream whose ungetc place is empty. */
static size_t stdio_read(struct stream *s, char *to, size_t n)
{
    size_t done = 0;

    while (done < n) {
        size_t have = s->direction == STREAM_READING ? s->len - s->off : 0;
        if (have == 0) {
            if (stream_fill(s) <= 0)
                break;
            continue;
        }
        if (have > n - done)
            have = n - done;
        memcpy(to + done, s->buf + s->off, have);
        s->off += have;
        done += have;
    }
    return done;
}

size_t fread(void *restrict data, size_t size, size_t count, FILE *restrict f)
{
    struct stream *s = stream_of(f);
    char *to = data;
    size_t n, done = 0;

    if (size == 0 || count == 0 || __builtin_mul_overflow(size, count, &n))
        return 0;
    if (f->unget || !s) {
        int c;
        while (done < n && (done == 0 || !s) && (c = fgetc(f)) != EOF)
            to[done++] = (char)c;
    }
    if (s && done < n) {
        lock_acquire(&s->lock);
        done += stdio_read(s, to + done, n - done);
        lock_release(&s->lock);
    }
    return done / size;
}

/*
 * Move bytes from f to to until n are there or delim was among them. *found
 * says which. At the end of the file fewer come.
 */
static size_t stdio_read_until(FILE *f, char *to, size_t n, int delim, int *found)
{
    struct stream *s = stream_of(f);
    size_t done = 0;
    int c;

    *found = 0;
    while (done < n && !*found) {
        size_t have = s && s->direction == STREAM_READING && !f->unget ? s->len - s->off : 0;
        const char *from, *end;
        if (have == 0) {
            c = fgetc(f);
            if (c == EOF)
                break;
            to[done++] = (char)c;
            *found = c == delim;
            continue;
        }
        if (have > n - done)
            have = n - done;
        from = s->buf + s->off;
        end = memchr(from, delim, have);
        if (end) {
            have = (size_t)(end - from) + 1;
            *found = 1;
        }
        memcpy(to + done, from, have);
        s->off += have;
        done += have;
    }
    return done;
}

char *fgets(char *restrict line, int size, FILE *restrict f)
{
    size_t n;
    int found;

    if (size <= 0)
        return 0;
    flockfile(f);
    n = stdio_read_until(f, line, (size_t)size - 1, '\n', &found);
    funlockfile(f);
    if (n == 0 && size > 1)
        return 0;
    line[n] = '\0';
    return line;
}

ssize_t getdelim(char **restrict line, size_t *restrict size, int delim, FILE *restrict f)
{
    size_t n = 0;
    int found = 0;

    flockfile(f);
    do {
        if (!*line || *size - n < 2) {
            size_t room = *line && *size >= 128 ? *size * 2 : 128;
            char *grown = realloc(*line, room);
            if (!grown) {
                funlockfile(f);
                return -1;
            }
            *line = grown;
            *size = room;
        }
        n += stdio_read_until(f, *line + n, *size - n - 1, delim, &found);
    } while (!found && n == *size - 1);
    funlockfile(f);
    if (n == 0)
        return -1; /* and what the caller has of the last line stays */
    (*line)[n] = '\0';
    return (ssize_t)n;
}

ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict f)
{
    return getdelim(line, size, '\n', f);
}
