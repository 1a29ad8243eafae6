/*
 * Messages without a detour: a call to a server that waits, and the answer to a client that does,
 * switch straight from the one to the other: no run queue, no kernel context of either side, for
 * both are at a system call and all that they are is in their trap frames (J. Liedtke, "Improving
 * IPC by kernel design", SOSP 1993). In the same slice, for the one waits for the other.
 *
 * This is a part of what kernel/port_call.c and port_serve.c do, and leaves everything as they
 * would: it is tried first, and whatever is unusual (handles, a page that is not there, another
 * request in the queue, a death) is left to them, before anything has changed.
 * KERNEL_DEFINES=-DIPC_DIRECT=0 turns it off.
 */
#include "kernel/errno.h"
#include "kernel/ipc_parts.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/string.h"
#include "kernel/port_parts.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/usercopy.h"

#ifndef IPC_DIRECT
#define IPC_DIRECT 1
#endif

/* All of the buffer, or false. Never waits. */
static bool copy(const struct buffer *to, const struct buffer *from)
{
    uint64_t done = 0;
    return !from->size ||
           (from->size <= to->size && buffer_copy(to, from, from->size, &done) == COPY_DONE);
}

/* Nothing is there to be received. */
static bool idle_locked(const struct port *p)
{
    return !p->closed && !p->pending && list_empty(&p->queue);
}

/* ------------------------------------------------------------------ calls */

/* A parked call that somebody ended in the usual way. */
static void call_resumed(void *call)
{
    struct parked_call *c = call;
    struct request *r = &c->request;
    struct port *p = r->port;
    spin_lock(&p->lock);
    int rc = port_wait_done_locked(p, r, sched_unpark_locked());
    spin_unlock(&p->lock);
    rc = rc == REQUEST_RETRY ? port_call(p, r) : port_call_ended(r, rc);
    ipc_call_finish(&thread_self()->tf, c, rc);
    trap_return(&thread_self()->tf);
}

void ipc_call_direct(struct port *p, struct parked_call *c)
{
    struct request *r = &c->request;
    struct thread *server = NULL;
    if (!IPC_DIRECT || r->handle_count)
        return;
    if (r->recv.size && user_prefault(r->recv.space, r->recv.addr, r->recv.size, ACCESS_WRITE) < 0)
        return;
    spin_lock(&p->lock);
    if (idle_locked(p) && !list_empty(&p->receivers.waiters)) {
        server = container_of(p->receivers.waiters.next, struct thread, wait_link);
        if (!sched_claim_locked(server))
            server = NULL;
    }
    spin_unlock(&p->lock);
    if (!server)
        return;
    struct parked_receive *w = server->parked;
    if (!copy(&w->into, &r->send)) {
        sched_unclaim(server);
        return;
    }
    spin_lock(&p->lock);
    int slot = p->closed ? -EPIPE : port_service_slot_locked(p);
    if (slot < 0) {
        spin_unlock(&p->lock);
        sched_unclaim(server);
        return;
    }
    r->port = p;
    r->direct = c;
    port_serve_locked(p, r, slot, server->process);
    p->server_pid = server->process->pid;
    sched_park_locked(&r->wait, "reply", p->server_pid, call_resumed, c);
    uint64_t origin = r->origin | port_tell_locked(p);
    spin_unlock(&p->lock);
    count(COUNT_CALL);
    count(COUNT_MESSAGE);
    count(COUNT_DIRECT);
    struct trapframe *tf = &server->tf;
    tf->x[REG_A0] = r->id;
    tf->x[REG_A1] = r->badge;
    tf->x[REG_T3] = origin;
    tf->x[REG_T4] = r->send.size; /* and no handles */
    ipc_put_words(tf, r->words);
    port_unref(p); /* the receiver's; the session has another */
    sched_leave_to(server);
}

/* --------------------------------------------------------------- receives */

static void receive_resumed(void *receive)
{
    struct parked_receive *w = receive;
    struct trapframe *tf = &thread_self()->tf;
    spin_lock(&w->port->lock);
    int rc = sched_unpark_locked();
    spin_unlock(&w->port->lock);
    if (rc < 0 && thread_dying()) {
        tf->x[REG_A0] = (uint64_t)rc;
        port_pass_on(w->port);
        port_unref(w->port);
    } else {
        ipc_receive_into(tf, w);
    }
    trap_return(tf);
}

static void park_locked(struct parked_receive *w)
{
    port_received_by(w->port, thread_self()->process);
    sched_park_locked(&w->port->receivers, "receive", 0, receive_resumed, w);
}

void ipc_receive_direct(struct parked_receive *w)
{
    struct port *p = w->port;
    if (!IPC_DIRECT)
        return;
    spin_lock(&p->lock);
    bool idle = idle_locked(p);
    if (idle)
        park_locked(w);
    spin_unlock(&p->lock);
    if (idle)
        sched_leave();
}

/* ---------------------------------------------------------------- answers */

/* Gives a reference up unless it is the last. */
static bool unref_unless_last(struct kobject *o)
{
    uint32_t refs = __atomic_load_n(&o->refs, __ATOMIC_RELAXED);
    while (refs > 1)
        if (__atomic_compare_exchange_n(&o->refs, &refs, refs - 1, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

bool ipc_reply_direct(struct port *p, uint64_t id, const struct reply *reply,
                      struct parked_receive *w)
{
    struct request *r = NULL;
    spin_lock(&p->lock);
    if (IPC_DIRECT && idle_locked(p) && (r = port_take_for_reply_locked(p, id)) && !r->direct) {
        spin_unlock(&p->lock);
        port_back_to_service(p, r);
        return false;
    }
    spin_unlock(&p->lock);
    if (!r)
        return false;
    struct parked_call *c = r->direct;
    struct thread *client = r->client;
    bool fits = copy(&r->recv, &reply->send);
    spin_lock(&p->lock);
    if (!fits || !idle_locked(p) || !sched_claim_locked(client)) {
        spin_unlock(&p->lock);
        port_back_to_service(p, r);
        return false;
    }
    port_free_slot_locked(p, r);
    p->answered++;
    ipc_put_words(&client->tf, reply->words);
    client->tf.x[REG_A0] = 0;
    client->tf.x[REG_T4] = reply->send.size; /* and no handles */
    if (!unref_unless_last(c->session)) {    /* its end is a message, which may wake us */
        memcpy(r->words, reply->words, sizeof r->words);
        r->recv_len = reply->send.size;
        r->state = REQUEST_DONE;
        spin_unlock(&p->lock);
        sched_unclaim(client);
        return true;
    }
    r->state = REQUEST_IDLE;
    park_locked(w);
    spin_unlock(&p->lock);
    count(COUNT_DIRECT);
    sched_leave_to(client);
}
