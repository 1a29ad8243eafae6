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

/* The first waiter runs next on this hart: the other side of a call. Lock held. */
void port_hand_over_locked(struct waitq *q);

/* The request has ended. Its state is ours alone (TAKEN, REPLYING, or unlinked
 * under the lock). No lock held. */
void port_finish(struct port *p, struct request *r, int error);
/* Drops the handles on their way to the server. No lock held. */
void port_drop_handles(struct request *r);

/* Takes a request in SERVICE out of the port's table and list. Lock held. */
void port_leave_service_locked(struct port *p, struct request *r);
/* Gives up the slot of a request that was answered, if it still has it. Lock held. */
void port_free_slot_locked(struct port *p, struct request *r);

#endif
