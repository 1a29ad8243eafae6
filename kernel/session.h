/*
 * Sessions: a client's connection to a port, with the server's badge, a byte
 * offset, and optionally a memory object, through which reads and writes then go
 * without a message.
 *
 * When the last handle goes, the server gets MSG_CLOSE, or is told with another message.
 */
#ifndef KERNEL_SESSION_H
#define KERNEL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/handle.h"
#include "kernel/port.h"

struct object;

struct session {
    struct kobject kobject;
    struct spinlock lock;
    uint64_t offset;   /* (lock) where read and write go on */
    bool moving;       /* (lock) busy mark: a read or write at the offset */
    struct waitq wait; /* (lock) for that to end */
    struct port *port;
    struct list link; /* (port lock) port->sessions */
    uint64_t badge, key;
    struct object *object; /* NULL: every access is a message */
    bool told;             /* SESSION_TOLD */
    struct request close;  /* MSG_CLOSE, preallocated */
};

/* A session on port as spec says, in *out with the rights asked for. 0, -EINVAL
 * or -ENOMEM. */
int session_create(struct port *port, const struct ipc_session *spec, struct handle *out);
void session_destroy(struct kobject *o);

#define OFFSET_CURRENT (~0ul)

/* read and write of n bytes at the user address, for the current process; at
 * offset, or at the session's own, which moves. Bytes, or -errno. Killable. */
int64_t session_read(struct session *s, uint64_t to, uint64_t n, uint64_t offset);
int64_t session_write(struct session *s, uint64_t from, uint64_t n, uint64_t offset, int append);
int64_t session_seek(struct session *s, int64_t offset, int whence);
/* Dirty pages, then MSG_FSYNC. */
int session_fsync(struct session *s);
/* Every object of every port, then MSG_SYNC to each port. */
int session_sync_all(void);
/* Sends words to the session's server, with buffers in the current process; the
 * answer's words replace them, *received bytes came. */
int session_call(struct session *s, unsigned rights, uint64_t *words, uint64_t send,
                 uint64_t send_n, uint64_t recv, uint64_t recv_n, uint64_t *received);

#endif
