/*
 * Requests: what travels to a server and comes back.
 *
 *   IDLE      not sent                          (its owner's alone)
 *   QUEUED    in the port's queue               port_send
 *   TAKEN     a receiver copies it              port_receive
 *   SERVICE   in the port's table, has an id    port_receive; back to QUEUED if the
 *                                               server dies (port_server_died)
 *   REPLYING  a replier copies its answer       port_reply; its slot is kept
 *   DONE      answered or failed                port_reply, port_close
 *
 * TAKEN and REPLYING are short and never wait: a copy that would have to goes
 * back to QUEUED or SERVICE first. Only QUEUED and SERVICE may be cancelled.
 */
#ifndef KERNEL_REQUEST_H
#define KERNEL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi.h"
#include "kernel/handle.h"
#include "kernel/lib/list.h"
#include "kernel/lib/wait.h"
#include "kernel/parked.h"
#include "vm/layout.h"

struct frame;
struct port;
struct process;
struct space;
struct thread;

enum request_state {
    REQUEST_IDLE,
    REQUEST_QUEUED,
    REQUEST_TAKEN,
    REQUEST_SERVICE,
    REQUEST_REPLYING,
    REQUEST_DONE,
};

/* Where a message's bytes are: in user memory, or in whole kernel frames. */
struct buffer {
    struct space *space; /* user memory, if frames is NULL */
    vaddr_t addr;
    struct frame **frames;
    uint64_t size; /* bytes it holds, or has room for */
};

struct request {
    struct list link;         /* (port lock) port->queue or port->serving */
    enum request_state state; /* (port lock) */
    struct port *port;        /* while not IDLE or DONE; the owner keeps it alive */
    uint64_t id;              /* (port lock) in SERVICE: the number, and a slot of the table */
    uint64_t number;          /* (port lock) given when it is first received */
    struct process *server;   /* (port lock) in SERVICE: who received it; only compared */
    unsigned deaths;          /* (port lock) of servers that had it in service */
    unsigned handle_count;
    uint64_t badge, origin;
    struct buffer send, recv;
    struct thread *client;          /* NULL: the kernel's own */
    struct parked_call *direct;     /* (port lock) the client waits like that: ipc_direct.c */
    void (*done)(struct request *); /* kernel's own: called once, no lock held */
    /* Kernel's own, or NULL: called when it is taken from the queue, no lock held.
     * Brings words and send up to date; false: it is no longer wanted. */
    bool (*refresh)(struct request *);
    struct waitq wait; /* (port lock) the client */
    /* the answer */
    int error; /* 0 or -errno; REQUEST_RETRY: fault the buffer in, send again */
    uint64_t recv_len;
    unsigned recv_handle_count;
    uint64_t words[IPC_WORDS];
    /* From here on the counts say what is valid. */
    struct parked parked;               /* the answer, if it could not be copied directly */
    struct handle handles[IPC_HANDLES]; /* for the server, which gets copies */
    int recv_handles[IPC_HANDLES + 1];
};

#define REQUEST_RETRY 1

/* A request with no buffers and handles yet, and no words, which the first sets to 0 and the
 * second leaves to its caller. */
void request_init(struct request *r, struct thread *client);
void request_init_without_words(struct request *r, struct thread *client);

/* What a copy stopped at. */
enum copy_result { COPY_DONE, COPY_FROM_ABSENT, COPY_TO_ABSENT };

/* Copies n bytes of `from` to `to`; never waits. *done: bytes copied. */
enum copy_result buffer_copy(const struct buffer *to, const struct buffer *from, uint64_t n,
                             uint64_t *done);
/* Makes the page at byte `offset` of a user buffer accessible. Own buffers may
 * sleep; somebody else's are only tried (FAULT_NOWAIT). 0 or -errno. */
int buffer_fault(const struct buffer *b, uint64_t offset, unsigned access, int flags);

#endif
