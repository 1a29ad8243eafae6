/*
 * The ready queue: bytes typed and not read yet, in records.
 *
 * In canonical mode a read takes at most one record, a line or what stood before
 * ^D; in raw mode the marks mean nothing. Bounded; pure.
 */
#ifndef USER_TTY_READY_H
#define USER_TTY_READY_H

#include <stdbool.h>
#include <stddef.h>

#define READY_MAX 8192 /* bytes typed ahead, and marks; a power of two */

/* Entries are a byte, with READY_END if its record ends there and READY_SHOWN if it
 * was echoed when it was typed; or READY_EOF alone: an end of file. */
#define READY_BYTE  0x0ff
#define READY_END   0x100
#define READY_EOF   0x200
#define READY_SHOWN 0x400

struct ready {
    unsigned short entry[READY_MAX];
    unsigned head, tail; /* free-running */
};

unsigned ready_room(const struct ready *ready);
bool ready_empty(const struct ready *ready);
void ready_clear(struct ready *ready);
/* There must be room. Those staged, n-th after the last, are in the queue when they are
 * committed, all at once. */
void ready_push(struct ready *ready, unsigned entry);
void ready_stage(struct ready *ready, unsigned n, unsigned entry);
void ready_commit(struct ready *ready, unsigned count);

/* Copy, and leave there, up to room bytes: of the first record (the queue is not
 * empty; 0 = end of file), or of all. Return the number. */
long ready_record(const struct ready *ready, char *buf, size_t room);
size_t ready_bytes(const struct ready *ready, char *buf, size_t room);

/* Drop count bytes from the front; 0 drops an end of file, if that is first. */
void ready_consume(struct ready *ready, size_t count);

/* Move all entries to where there is room for READY_MAX; returns their number. */
unsigned ready_take(struct ready *ready, unsigned short *entries);

/* Forget the records: an end of file becomes the byte eof, or nothing if that is
 * 0. */
void ready_unmark(struct ready *ready, unsigned char eof);

#endif
