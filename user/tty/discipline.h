/*
 * The line discipline: what becomes of bytes typed, and of bytes written.
 *
 * Pure: no system calls, no allocation, no device; the driver feeds it bytes and
 * gets the echo through a function, so that it is tested on the host. One
 * thread.
 *
 * Input. In canonical mode (ICANON) bytes collect in the line being edited; a
 * newline or ^D moves it to the ready queue as a record, and a read takes at
 * most one record. In raw mode each byte is ready at once. The ready queue and
 * the line are bounded: what does not fit is dropped with a bell.
 *
 * Reading is in two steps, peek and consume, because the reader may be dead by
 * the time it is answered; what it did not get is the next one's.
 */
#ifndef USER_TTY_DISCIPLINE_H
#define USER_TTY_DISCIPLINE_H

#include <stdbool.h>
#include <stddef.h>
#include "kernel/messages.h"
#include "user/tty/ready.h"

#define LINE_MAX_BYTES 4096   /* of a line, its newline included */
#define MARK           '\x1e' /* begins a kernel line where lines are marked */
#define MARK_AS_BYTE   '\x1f' /* after a MARK: that was a program's own byte, there */

/* What discipline_input asks its caller to do. */
#define INPUT_INTERRUPT 1 /* ^C: line and type-ahead are gone, "^C" is echoed */
#define INPUT_DUMP      2 /* ^P */

struct discipline {
    struct msg_termios termios;
    bool marked; /* nothing is echoed, and bytes go out as they came but for MARK */

    /* Takes echoed bytes, output processing done. It may drop them. */
    void (*echo)(void *context, const char *bytes, size_t n);
    void *context;

    unsigned char line[LINE_MAX_BYTES];
    unsigned line_len;
    bool finishing; /* the line becomes a record: has, if the tail is that */
    unsigned finished_tail;
    unsigned line_column; /* of the cursor when the line began */

    struct ready ready;                /* what was typed ahead */
    unsigned short retyped[READY_MAX]; /* used while the mode changes */

    unsigned column; /* of the cursor, as far as plain text goes */
};

/* Canonical, echoing, with the usual keys. */
void discipline_init(struct discipline *d, bool marked,
                     void (*echo)(void *context, const char *bytes, size_t n), void *context);

/* A byte was typed. Returns INPUT_* bits. */
unsigned discipline_input(struct discipline *d, unsigned char byte);

/* What a server that was killed has left: a line is in one place, not in two. */
void discipline_resume(struct discipline *d);

/* ^C when nobody is to be killed: the reader gets an empty line. */
void discipline_empty_line(struct discipline *d);

/*
 * What a read of up to `room` (> 0) bytes returns now: the number copied to buf;
 * 0 for an end of file, or in raw mode for nothing with VMIN 0 and VTIME 0; or
 * -EAGAIN: the reader has to wait. With VMIN 0 and VTIME > 0 the caller bounds
 * the wait. VMIN counts as one byte at most 255 and never more than room; the
 * inter-byte timer (VTIME with VMIN > 0) is not kept: what is there is returned.
 */
long discipline_peek(const struct discipline *d, char *buf, size_t room);

/* The reader got what peek returned (count bytes): drop it. */
void discipline_consume(struct discipline *d, size_t count);

/* Is anything at all ready, in either mode? */
bool discipline_ready(const struct discipline *d);

/* Switch to other settings. With flush, what was typed is dropped first; without,
 * it stays readable: from canonical to raw as bytes, the other way as if it were
 * typed now, ^C included. Returns INPUT_* bits. */
unsigned discipline_set(struct discipline *d, const struct msg_termios *termios, bool flush);

/* Output processing: copies from src (n bytes) to dst (room bytes, at least 2)
 * as far as fits. Returns the bytes produced; *used is set to those taken. */
size_t discipline_output(struct discipline *d, const char *src, size_t n, char *dst, size_t room,
                         size_t *used);

#endif
