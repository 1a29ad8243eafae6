/*
 * The streams behind FILE.
 *
 * picolibc's formatted input and output reach a FILE through function pointers
 * in its first words; everything after those is ours. A stream is idle, reading
 * or writing, and its buffer belongs to one direction at a time:
 *
 *   reading: buf[off..len) was read from fd and not yet handed out;
 *   writing: buf[0..len) was put and not yet written to fd.
 *
 * A stream without buffering still collects what one call puts, so that a
 * message is one write; the call that put it writes it out before it returns.
 * Only vfprintf, which is picolibc's own, leaves the rest after the last
 * newline to the next call or to exit.
 */
#ifndef LIB_STREAM_H
#define LIB_STREAM_H

#include "user/lib/lock.h"

#include <stdio.h>
#include <sys/types.h>

enum stream_direction {
    STREAM_IDLE,
    STREAM_READING,
    STREAM_WRITING,
};

/* How a stream is buffered: stdio's _IO*BF, or as the first write finds fd. */
#define STREAM_AUTO 3

struct stream {
    struct __file_ext ext; /* picolibc's view; must be first */
    int fd;
    unsigned char direction; /* enum stream_direction */
    unsigned char mode;      /* _IOFBF, _IOLBF, _IONBF or STREAM_AUTO */
    unsigned char is_static; /* stdin, stdout, stderr: never freed */
    unsigned char owns_buf;  /* buf came from setvbuf's malloc */
    char *buf;
    size_t size; /* of buf, at least 1 */
    size_t off, len;
    pid_t child; /* popen's, or 0 */
    struct __lock lock;
    struct stream *next, *prev; /* among all streams, under stream_list_lock */
};

/* The callbacks in FILE. */
int stream_put(char c, FILE *f);
int stream_get(FILE *f);
int stream_flush(FILE *f);
int stream_close(FILE *f);
__off_t stream_seek(FILE *f, __off_t offset, int whence);
int stream_setvbuf(FILE *f, char *buf, int mode, size_t size);

/* f as ours, or 0 if it is one of picolibc's (sscanf, fmemopen). */
static inline struct stream *stream_of(FILE *f)
{
    return f->flush == stream_flush ? (struct stream *)f : 0;
}

static inline FILE *stream_file(struct stream *s)
{
    return &s->ext.cfile.file;
}

static inline int stream_unbuffered(const struct stream *s)
{
    return s->mode == _IONBF;
}

/* For callers that hold s->lock. The first three set the stream's error mark,
 * leave errno and return -1 when they fail; fill returns 0 at the end of file,
 * and marks that. */
int stream_write_out(struct stream *s);
int stream_begin_write(struct stream *s);
int stream_write(struct stream *s, const char *data, size_t n);
int stream_fill(struct stream *s);

/* Where the program is in the file, which fd may be ahead of or behind; -1 with
 * errno if fd has no place. The caller holds s->lock. */
__off_t stream_tell(struct stream *s);

/* Parse fopen's mode. Returns the __SRD and __SWR bits, or 0 with EINVAL. */
int stream_parse_mode(const char *mode, int *open_flags);

/* A new stream on fd, in the list; 0 with errno if memory is out. One that
 * appends, by open's flags, starts at the end, so that ftell is right. */
struct stream *stream_make(int fd, int rw_flags, int open_flags);

#define STREAM_SETUP(put, get, rw)                                                                 \
    FDEV_SETUP_EXT(put, get, stream_flush, stream_close, stream_seek, stream_setvbuf, rw)

#endif
