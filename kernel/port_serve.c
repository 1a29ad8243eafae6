/* Ports, the server's side: receive and reply; the contract is in port.h. */
#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/string.h"
#include "kernel/port_parts.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/kmalloc.h"
#include "vm/usercopy.h"

#define SLOT_BITS 16 /* of an id; the others are the request's number */

/* -------------------------------------------------------------- in service */

static unsigned slot_of(uint64_t id)
{
    return id & ((1u << SLOT_BITS) - 1);
}

/* The table is that in the port, or while there are many a larger one. */
int port_service_slot_locked(struct port *p)
{
    for (unsigned n = 0; n < p->service_size; n++) {
        unsigned slot = (p->service_hint + n) % p->service_size;
        if (!p->service[slot]) {
            p->service_hint = slot + 1;
            return (int)slot;
        }
    }
    unsigned size = p->service_size * 2;
    if (size > 1u << SLOT_BITS)
        return -ENOMEM;
    struct request **bigger = kzalloc(size * sizeof *bigger);
    if (!bigger)
        return -ENOMEM;
    memcpy(bigger, p->service, p->service_size * sizeof *bigger);
    int slot = (int)p->service_size;
    port_free_table(p);
    p->service = bigger;
    p->service_size = size;
    return slot;
}

void port_free_table(struct port *p)
{
    if (p->service != p->few)
        kfree(p->service);
    memset(p->few, 0, sizeof p->few);
    p->service = p->few;
    p->service_size = PORT_FEW;
}

/* A slot is free again. What a rush took goes with the last. */
static void clear_slot_locked(struct port *p, unsigned slot)
{
    p->service[slot] = NULL;
    if (--p->service_used == 0 && p->service != p->few)
        port_free_table(p);
}

/* Into the list of those in service, in the order of their numbers: a new one is last,
 * one that was here before goes back to its place. Lock held. */
static void list_by_number_locked(struct port *p, struct request *r)
{
    struct list *l = p->serving.prev;
    while (l != &p->serving && container_of(l, struct request, link)->number > r->number)
        l = l->prev;
    list_push_front(l, &r->link);
}

static void serve_locked(struct port *p, struct request *r, struct process *server)
{
    server->serves = true;
    r->server = server;
    list_by_number_locked(p, r);
    r->state = REQUEST_SERVICE;
    if (!r->done)
        wake_all(&r->wait); /* it may have been killed while uncancellable */
}

void port_serve_locked(struct port *p, struct request *r, int slot, struct process *server)
{
    if (!r->number)
        r->number = ++p->last_number;
    r->id = r->number << SLOT_BITS | (uint64_t)slot;
    p->service[slot] = r;
    p->service_used++;
    serve_locked(p, r, server);
}

/* Puts a TAKEN request into the table; its id, or why not: it has ended then. */
static int64_t enter_service(struct port *p, struct request *r)
{
    int64_t id;
    spin_lock(&p->lock);
    int slot = p->closed ? -EPIPE : port_service_slot_locked(p);
    if (slot >= 0)
        port_serve_locked(p, r, slot, thread_self()->process);
    /* Once the lock is left the client may be killed, and the request gone. */
    id = slot < 0 ? slot : (int64_t)r->id;
    spin_unlock(&p->lock);
    if (slot < 0)
        port_finish(p, r, slot);
    return id;
}

int port_back_to_service(struct port *p, struct request *r)
{
    spin_lock(&p->lock);
    bool closed = p->closed;
    if (!closed)
        serve_locked(p, r, thread_self()->process);
    spin_unlock(&p->lock);
    if (closed)
        port_finish(p, r, -EPIPE);
    return closed ? -EPIPE : 0;
}

void port_leave_service_locked(struct port *p, struct request *r)
{
    clear_slot_locked(p, slot_of(r->id));
    list_remove(&r->link);
}

void port_free_slot_locked(struct port *p, struct request *r)
{
    unsigned slot = slot_of(r->id);
    if (slot < p->service_size && p->service[slot] == r)
        clear_slot_locked(p, slot);
}

struct request *port_take_for_reply_locked(struct port *p, uint64_t id)
{
    unsigned slot = slot_of(id);
    struct request *r = slot < p->service_size ? p->service[slot] : NULL;
    if (!r || r->id != id || r->state != REQUEST_SERVICE)
        return NULL;
    list_remove(&r->link);
    r->state = REQUEST_REPLYING;
    return r;
}

/* --------------------------------------------------------------- receiving */

static void requeue(struct port *p, struct request *r)
{
    spin_lock(&p->lock);
    bool closed = p->closed;
    if (!closed) {
        r->state = REQUEST_QUEUED;
        list_push_front(&p->queue, &r->link);
        wake_one(&p->receivers); /* this one may be long, or give up */
        if (!r->done)
            wake_all(&r->wait);
    }
    spin_unlock(&p->lock);
    if (closed)
        port_finish(p, r, -EPIPE);
}

/* Delivers a TAKEN request. 1: delivered; 0: it went elsewhere, take the next;
 * -errno: the receiver's own fault. */
static int deliver(struct port *p, struct request *r, const struct buffer *into,
                   struct received *out)
{
    if (r->refresh && !r->refresh(r)) {
        port_finish(p, r, -ECANCELED);
        return 0;
    }
    if (r->send.size > into->size) {
        port_finish(p, r, -EMSGSIZE);
        return 0;
    }
    uint64_t done = 0;
    enum copy_result copy;
    while ((copy = buffer_copy(into, &r->send, r->send.size, &done)) != COPY_DONE) {
        if (copy == COPY_TO_ABSENT) { /* our own page: fetch it without the request */
            uint64_t rest = r->send.size - done;
            requeue(p, r);
            int rc = user_prefault(into->space, into->addr + done, rest, ACCESS_WRITE);
            return rc < 0 ? rc : 0;
        }
        if (buffer_fault(&r->send, done, ACCESS_READ, FAULT_NOWAIT) < 0) {
            port_finish(p, r, REQUEST_RETRY);
            return 0;
        }
    }
    /* The request keeps its own, for the next server if this one dies. */
    struct handle_table *table = &thread_self()->process->handles;
    struct handle copies[IPC_HANDLES];
    for (unsigned i = 0; i < r->handle_count; i++)
        copies[i] = handle_copy(r->handles[i]);
    int rc = handle_install_many(table, copies, r->handle_count, out->handles);
    if (rc < 0) {
        for (unsigned i = 0; i < r->handle_count; i++)
            handle_drop(copies[i]);
        port_finish(p, r, rc);
        return 0;
    }
    out->handle_count = r->handle_count;
    out->badge = r->badge;
    out->origin = r->origin;
    out->recv_len = r->send.size;
    memcpy(out->words, r->words, sizeof out->words);
    int64_t id = enter_service(p, r);
    if (id < 0) {
        for (unsigned i = 0; i < out->handle_count; i++)
            handle_close(table, out->handles[i]);
        return id == -EPIPE ? -EPIPE : 0;
    }
    out->id = (uint64_t)id;
    count(COUNT_MESSAGE);
    return 1;
}

/* Takes the next request or the pending bits. Lock held; sleeps. */
static int next_locked(struct port *p, struct request **r, struct received *out)
{
    while (!p->pending && list_empty(&p->queue)) {
        if (p->closed)
            return -EPIPE;
        int rc = wait_on(&p->receivers, &p->lock, WAIT_KILLABLE, "receive");
        if (rc < 0 && thread_dying())
            return rc;
    }
    if (p->pending) {
        memset(out, 0, sizeof *out);
        out->words[0] = p->pending;
        p->pending = 0;
        return 0;
    }
    *r = container_of(list_pop(&p->queue), struct request, link);
    (*r)->state = REQUEST_TAKEN;
    return 0;
}

/* Work that this receiver does not take, because there is more or because it is about to
 * leave: another one may have it. Lock held. */
static void pass_on_locked(struct port *p)
{
    if (p->pending || !list_empty(&p->queue))
        wake_one(&p->receivers);
}

void port_pass_on(struct port *p)
{
    spin_lock(&p->lock);
    pass_on_locked(p);
    spin_unlock(&p->lock);
}

int port_receive(struct port *p, const struct buffer *into, struct received *out)
{
    int rc = 0;
    port_received_by(p, thread_self()->process);
    while (rc == 0) {
        struct request *r = NULL;
        spin_lock(&p->lock);
        rc = next_locked(p, &r, out);
        pass_on_locked(p);
        spin_unlock(&p->lock);
        if (rc < 0)
            return rc;
        rc = r ? deliver(p, r, into, out) : 1;
    }
    if (rc > 0 && __atomic_load_n(&p->ended, __ATOMIC_RELAXED)) { /* if not now, then next time */
        spin_lock(&p->lock);
        out->origin |= port_tell_locked(p);
        spin_unlock(&p->lock);
    }
    return rc < 0 ? rc : 0;
}

/* ---------------------------------------------------------------- replying */

/* Brings the reply's bytes to the client. 0, or -errno and it stays in service. */
static int copy_reply(struct request *r, const struct reply *reply, uint64_t *fault_at)
{
    uint64_t done = 0;
    enum copy_result copy;
    while ((copy = buffer_copy(&r->recv, &reply->send, reply->send.size, &done)) != COPY_DONE) {
        if (copy == COPY_FROM_ABSENT) {
            *fault_at = done;
            return REQUEST_RETRY;
        }
        if (buffer_fault(&r->recv, done, ACCESS_WRITE, FAULT_NOWAIT) < 0) {
            /* A reply never waits for its client: the client copies it out. */
            int rc = park(&r->parked, &reply->send, reply->send.size, false);
            *fault_at = 0;
            return rc == 0 ? 0 : rc == -ENOSPC ? -EAGAIN : REQUEST_RETRY;
        }
    }
    return 0;
}

static int reply_taken(struct port *p, struct request *r, struct reply *reply, uint64_t *fault_at)
{
    if (reply->send.size > r->recv.size)
        return -EMSGSIZE;
    if (reply->handle_count && !r->client)
        return -EINVAL;
    int rc = copy_reply(r, reply, fault_at);
    if (rc)
        return rc;
    if (reply->handle_count) {
        rc = handle_install_many(&r->client->process->handles, reply->handles, reply->handle_count,
                                 r->recv_handles);
        if (rc < 0) {
            parked_free(&r->parked);
            /* -ENOMEM says that no session was made. */
            return rc == -ENOMEM ? -EMFILE : rc;
        }
    }
    /* Committed. */
    r->recv_handle_count = reply->handle_count;
    r->recv_len = reply->send.size;
    memcpy(r->words, reply->words, sizeof r->words);
    port_finish(p, r, 0);
    return 0;
}

int port_reply(struct port *p, uint64_t id, struct reply *reply)
{
    for (;;) {
        spin_lock(&p->lock);
        struct request *r = port_take_for_reply_locked(p, id);
        spin_unlock(&p->lock);
        if (!r)
            return -ECANCELED;
        uint64_t fault_at = 0;
        int rc = reply_taken(p, r, reply, &fault_at);
        if (rc == 0)
            return 0;
        if (port_back_to_service(p, r) < 0)
            return -ECANCELED;
        if (rc == -EAGAIN)
            parked_announce(p, reply->send.size);
        if (rc != REQUEST_RETRY)
            return rc;
        rc = buffer_fault(&reply->send, fault_at, ACCESS_READ, 0);
        if (rc < 0)
            return rc;
    }
}
