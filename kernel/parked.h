/*
 * Parked data: bytes of a message that wait in kernel frames because a page of
 * the other side's buffer is away (docs/MESSAGE.md).
 *
 * The frames are a pool taken at boot, so that parking needs no memory when there
 * is none. When the pool is empty a sender waits for room, killable and holding
 * nothing; a replier never waits: its port is noted, and NOTIFY_ROOM is raised on
 * it when frames come back.
 */
#ifndef KERNEL_PARKED_H
#define KERNEL_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi.h"

struct buffer;
struct frame;
struct port;

struct parked {
    struct frame *frames[IPC_BUFFER_MAX / 4096];
    unsigned count; /* 0: nothing is parked */
    uint64_t size;  /* bytes */
};

/* Takes the pool's frames. Once, at boot. */
void parked_init(void);

/* Copies the first n bytes of b (1 to IPC_BUFFER_MAX) into frames of the pool. If
 * b is the caller's own its pages are faulted in, which may sleep; else they are
 * only tried. 0; -ENOSPC: the pool has not enough; else what the fault said.
 * After an error nothing is parked. No lock held. */
int park(struct parked *p, const struct buffer *b, uint64_t n, bool own);
/* Gives the frames back, and tells who waits for them. No lock held. */
void parked_free(struct parked *p);

/* Waits until n bytes might be parked. 0, or -EINTR. No lock held. */
int parked_wait(uint64_t n);
/* Raises NOTIFY_ROOM on port when n bytes might be parked, which may be now. */
void parked_announce(struct port *port, uint64_t n);

#endif
