/*
 * What ipc.c and ipc_direct.c share, and nobody else uses.
 */
#ifndef KERNEL_IPC_PARTS_H
#define KERNEL_IPC_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/port.h"
#include "kernel/request.h"

struct process;
struct trapframe;

/* A call, in its thread's stack. */
struct parked_call {
    struct request request;
    struct kobject *session; /* referenced */
};

/* A receive, likewise. */
struct parked_receive {
    struct port *port;  /* referenced */
    struct buffer into; /* the receiver's */
};

/* The words of a message in a frame. */
void ipc_get_words(const struct trapframe *tf, uint64_t *words);
void ipc_put_words(struct trapframe *tf, const uint64_t *words);
/* The call of the current thread has ended with rc: the frame gets what came, the session
 * goes. */
void ipc_call_finish(struct trapframe *tf, struct parked_call *c, int rc);
/* Receives into the current thread's frame; the port goes. May not return. */
void ipc_receive_into(struct trapframe *tf, struct parked_receive *w);

/* ---- ipc_direct.c: each returns, nothing done, if it is not for it */

/* Sends the call to a receiver that waits, and switches to that. */
void ipc_call_direct(struct port *p, struct parked_call *c);
/* Waits, parked, if there is nothing to receive. */
void ipc_receive_direct(struct parked_receive *w);
/* Answers the request to its client, which waits, waits itself for the next, and switches to the
 * client. True: the answer is given, the wait is not begun. */
bool ipc_reply_direct(struct port *p, uint64_t id, const struct reply *reply,
                      struct parked_receive *w);

#endif
