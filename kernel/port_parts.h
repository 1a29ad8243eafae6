/*
 * What port.c, port_call.c and port_serve.c share, and nobody else uses.
 *
 * Whoever moves a request to TAKEN or REPLYING owns it until the next move, so
 * bytes and handles are copied without the port's lock. All that can fail is
 * done before the move that commits.
 */
#ifndef KERNEL_PORT_PARTS_H
#define KERNEL_PORT_PARTS_H

#include "kernel/port.h"
#include "kernel/process.h"

/* The first waiter runs next on this hart: the other side of a call. Lock held. */
void port_hand_over_locked(struct waitq *q);

/* The request has ended. Its state is ours alone (TAKEN, REPLYING, or unlinked
 * under the lock). No lock held. */
void port_finish(struct port *p, struct request *r, int error);
/* Drops the handles on their way to the server. No lock held. */
void port_drop_handles(struct request *r);

/* Back to the table in the port itself, empty. */
void port_free_table(struct port *p);
/* A slot for one more request in service, -ENOMEM. Lock held. */
int port_service_slot_locked(struct port *p);
/* A TAKEN request goes into service there, with that process. Lock held. */
void port_serve_locked(struct port *p, struct request *r, int slot, struct process *server);
/* The request of that id, which is REPLYING from now on: nobody else finds it, and its
 * slot is not given to another. NULL: there is none. Lock held. */
struct request *port_take_for_reply_locked(struct port *p, uint64_t id);
/* A REPLYING request, whose slot was kept, is in service again. 0, or -EPIPE: the port
 * was given up meanwhile, and the request has ended. No lock held. */
int port_back_to_service(struct port *p, struct request *r);
/* Waits, like port_call, for the end of the current thread's request, of which the first
 * wait ended with rc. Lock held. */
int port_wait_done_locked(struct port *p, struct request *r, int rc);
/* The request has ended with rc: brings a parked answer to its place. Its result. No lock
 * held; may sleep. */
int port_call_ended(struct request *r, int rc);
/* Takes a request in SERVICE out of the port's table and list. Lock held. */
void port_leave_service_locked(struct port *p, struct request *r);
/* This process receives on p: it must act for a caller to go on. Its death is looked for here even
 * if no request ever comes to it. */
static inline void port_received_by(struct port *p, struct process *server)
{
    server->serves = true;
    p->server_pid = server->pid;
}
/* What the origin of a message that is received now tells of a session's end. Lock held. */
static inline uint64_t port_tell_locked(struct port *p)
{
    uint64_t ended = p->ended;
    p->ended = 0;
    return ended << 32;
}
/* Gives up the slot of a request that was answered, if it still has it. Lock held. */
void port_free_slot_locked(struct port *p, struct request *r);

#endif
