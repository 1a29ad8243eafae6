/*
 * Ports; the contract is in port.h, the states of a request in request.h.
 *
 * Whoever moves a request to TAKEN or REPLYING owns it until the next move, so
 * bytes and handles are copied without the port's lock. All that can fail is
 * done before the move that commits.
 */
#include "kernel/port.h"

#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/kmalloc.h"
#include "vm/object.h"
#include "vm/usercopy.h"

#define SLOT_BITS     16
#define RETRIES       3 /* direct copies tried before the client's data is parked */
#define SERVICE_START 8

static struct spinlock ports_lock = SPINLOCK_INIT(RANK_OBJECTS);
static struct list ports = LIST_INIT(ports); /* (ports_lock) */

/* ------------------------------------------------------------------- life */

struct port *port_create(void)
{
    struct port *p = kzalloc(sizeof *p);
    if (!p)
        return NULL;
    kobject_init(&p->object, HANDLE_PORT);
    spin_init(&p->lock, RANK_PORT);
    list_init(&p->queue);
    waitq_init(&p->receivers);
    p->owners = 1;
    spin_lock(&ports_lock);
    list_push_back(&ports, &p->all_link);
    spin_unlock(&ports_lock);
    return p;
}

void port_destroy(struct kobject *o)
{
    struct port *p = container_of(o, struct port, object);
    spin_lock(&ports_lock);
    list_remove(&p->all_link);
    spin_unlock(&ports_lock);
    kfree(p->service);
    kfree(p);
}

static bool try_ref(struct port *p)
{
    uint32_t refs = __atomic_load_n(&p->object.refs, __ATOMIC_RELAXED);
    while (refs)
        if (__atomic_compare_exchange_n(&p->object.refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void port_for_each_pager(void (*fn)(struct port *))
{
    struct port *held = NULL;
    spin_lock(&ports_lock);
    for (struct list *l = ports.next; l != &ports; l = l->next) {
        struct port *p = container_of(l, struct port, all_link);
        if (!p->synced || p->closed || !try_ref(p))
            continue;
        spin_unlock(&ports_lock);
        fn(p);
        if (held)
            port_unref(held);
        held = p;
        spin_lock(&ports_lock);
    }
    spin_unlock(&ports_lock);
    if (held)
        port_unref(held);
}

void port_owner_add(struct port *p)
{
    __atomic_fetch_add(&p->owners, 1, __ATOMIC_RELAXED);
}

/* ---------------------------------------------------------------- endings */

/* The first waiter runs next on this hart: the other side of a call. Lock held. */
static void hand_over(struct waitq *q)
{
    struct list *l;
    while ((l = list_pop(&q->waiters)))
        if (thread_wake_handoff(container_of(l, struct thread, wait_link)))
            return;
}

static void drop_handles(struct request *r)
{
    for (unsigned i = 0; i < r->handle_count; i++)
        handle_drop(r->handles[i]);
    r->handle_count = 0;
}

/* The request has ended. Its state is ours alone (TAKEN, REPLYING, or unlinked
 * under the lock). No lock held. */
static void finish(struct port *p, struct request *r, int error)
{
    if (error != REQUEST_RETRY)
        drop_handles(r);
    spin_lock(&p->lock);
    r->error = error;
    r->state = REQUEST_DONE;
    void (*done)(struct request *) = r->done;
    if (!done)
        hand_over(&r->wait);
    spin_unlock(&p->lock);
    if (done)
        done(r);
}

static void port_close(struct port *p)
{
    struct list orphans = LIST_INIT(orphans);
    spin_lock(&p->lock);
    p->closed = true;
    struct list *l;
    while ((l = list_pop(&p->queue)))
        list_push_back(&orphans, l);
    for (unsigned i = 0; i < p->service_size; i++)
        if (p->service[i]) {
            list_push_back(&orphans, &p->service[i]->link);
            p->service[i] = NULL;
        }
    /* Not cancellable any more: they are ours. */
    list_for_each (it, &orphans) {
        container_of(it, struct request, link)->state = REQUEST_REPLYING;
    }
    struct port_timer *timers = p->timers;
    p->timers = NULL;
    wake_all(&p->receivers);
    spin_unlock(&p->lock);
    while ((l = list_pop(&orphans)))
        finish(p, container_of(l, struct request, link), -EPIPE);
    port_timers_stop(timers);
    log_port_closed(p);
    uint64_t lost = object_discard_port(p);
    if (lost)
        printk("a server's port was given up: %lu dirty pages are lost", lost);
}

void port_owner_remove(struct port *p)
{
    if (__atomic_sub_fetch(&p->owners, 1, __ATOMIC_ACQ_REL) == 0)
        port_close(p);
}

/* ---------------------------------------------------------- notifications */

void port_notify(struct port *p, uint64_t bits)
{
    spin_lock(&p->lock);
    p->pending |= bits;
    wake_one(&p->receivers);
    spin_unlock(&p->lock);
}

/* ----------------------------------------------------------------- sending */

static int enqueue_locked(struct port *p, struct request *r)
{
    if (p->closed)
        return -EPIPE;
    r->port = p;
    r->state = REQUEST_QUEUED;
    r->error = 0;
    r->recv_len = 0;
    r->recv_handle_count = 0;
    list_push_back(&p->queue, &r->link);
    return 0;
}

int port_send(struct port *p, struct request *r)
{
    spin_lock(&p->lock);
    int rc = enqueue_locked(p, r);
    if (rc == 0)
        wake_one(&p->receivers);
    spin_unlock(&p->lock);
    return rc;
}

static void unlink_locked(struct port *p, struct request *r)
{
    if (r->state == REQUEST_QUEUED)
        list_remove(&r->link);
    else
        p->service[r->id & ((1u << SLOT_BITS) - 1)] = NULL;
    r->state = REQUEST_IDLE;
}

/* Waits for the end of the current thread's request. Lock held. */
static int wait_done_locked(struct port *p, struct request *r)
{
    struct thread *t = thread_self();
    while (r->state != REQUEST_DONE) {
        bool may_cancel = r->state == REQUEST_QUEUED || r->state == REQUEST_SERVICE;
        t->wait_holder = p->server_pid;
        int rc = wait_on(&r->wait, &p->lock, may_cancel ? WAIT_KILLABLE : 0, "reply");
        may_cancel = r->state == REQUEST_QUEUED || r->state == REQUEST_SERVICE;
        if (rc == -EINTR && may_cancel && thread_dying()) {
            unlink_locked(p, r);
            return -EINTR;
        }
    }
    r->state = REQUEST_IDLE;
    return r->error;
}

/* Brings an answer that was parked to where it belongs. */
static int unpark(struct request *r)
{
    struct buffer from = {.frames = r->parked.frames, .size = r->parked.size};
    uint64_t done = 0;
    int rc = 0;
    while (rc == 0 && buffer_copy(&r->recv, &from, r->recv_len, &done) != COPY_DONE)
        rc = buffer_fault(&r->recv, done, ACCESS_WRITE, 0);
    return rc;
}

int port_call(struct port *p, struct request *r)
{
    struct buffer original = r->send;
    struct parked outgoing = {.count = 0};
    int rc = 0;
    if (r->recv.size && !r->recv.frames)
        rc = user_prefault(r->recv.space, r->recv.addr, r->recv.size, ACCESS_WRITE);
    count(COUNT_CALL);
    for (int tries = 0; rc == 0; tries++) {
        if (original.size && !original.frames && tries < RETRIES)
            rc = user_prefault(original.space, original.addr, original.size, ACCESS_READ);
        if (tries == RETRIES) {
            while ((rc = park(&outgoing, &original, original.size, true)) == -ENOSPC)
                if ((rc = parked_wait(original.size)) < 0)
                    break;
            r->send = (struct buffer){.frames = outgoing.frames, .size = original.size};
        }
        if (rc < 0)
            break;
        spin_lock(&p->lock);
        rc = enqueue_locked(p, r);
        if (rc == 0) {
            hand_over(&p->receivers);
            rc = wait_done_locked(p, r);
        }
        spin_unlock(&p->lock);
        if (rc != REQUEST_RETRY)
            break;
        rc = 0;
    }
    drop_handles(r);
    parked_free(&outgoing);
    if (rc == 0 && r->parked.count)
        rc = unpark(r);
    parked_free(&r->parked);
    return rc;
}

/* --------------------------------------------------------------- receiving */

/* A free slot of the table, which grows; -ENOMEM. Lock held. */
static int service_slot_locked(struct port *p)
{
    for (unsigned n = 0; n < p->service_size; n++) {
        unsigned slot = (p->service_hint + n) % p->service_size;
        if (!p->service[slot]) {
            p->service_hint = slot + 1;
            return (int)slot;
        }
    }
    unsigned size = p->service_size ? p->service_size * 2 : SERVICE_START;
    if (size > 1u << SLOT_BITS)
        return -ENOMEM;
    struct request **bigger = kzalloc(size * sizeof *bigger);
    if (!bigger)
        return -ENOMEM;
    memcpy(bigger, p->service, p->service_size * sizeof *bigger);
    kfree(p->service);
    p->service = bigger;
    int slot = (int)p->service_size;
    p->service_size = size;
    return slot;
}

/* Puts a TAKEN or REPLYING request into the table. If the port was given up
 * meanwhile, the request ends. 0, or why not. */
static int enter_service(struct port *p, struct request *r, bool fresh_id)
{
    spin_lock(&p->lock);
    int slot = p->closed  ? -EPIPE
               : fresh_id ? service_slot_locked(p)
                          : (int)(r->id & ((1u << SLOT_BITS) - 1));
    if (slot >= 0) {
        if (fresh_id)
            r->id = ++p->next_id << SLOT_BITS | (uint64_t)slot;
        p->service[slot] = r;
        r->state = REQUEST_SERVICE;
        if (!r->done)
            wake_all(&r->wait); /* it may have been killed while uncancellable */
    }
    spin_unlock(&p->lock);
    if (slot < 0)
        finish(p, r, slot);
    return slot < 0 ? slot : 0;
}

static void requeue(struct port *p, struct request *r)
{
    spin_lock(&p->lock);
    bool closed = p->closed;
    if (!closed) {
        r->state = REQUEST_QUEUED;
        list_push_front(&p->queue, &r->link);
        if (!r->done)
            wake_all(&r->wait);
    }
    spin_unlock(&p->lock);
    if (closed)
        finish(p, r, -EPIPE);
}

/* Delivers a TAKEN request. 1: delivered; 0: it went elsewhere, take the next;
 * -errno: the receiver's own fault. */
static int deliver(struct port *p, struct request *r, const struct buffer *into,
                   struct received *out)
{
    if (r->refresh && !r->refresh(r)) {
        finish(p, r, -ECANCELED);
        return 0;
    }
    if (r->send.size > into->size) {
        finish(p, r, -EMSGSIZE);
        return 0;
    }
    uint64_t done = 0;
    enum copy_result copy;
    while ((copy = buffer_copy(into, &r->send, r->send.size, &done)) != COPY_DONE) {
        if (copy == COPY_TO_ABSENT) { /* our own page: fetch it without the request */
            requeue(p, r);
            int rc = buffer_fault(into, done, ACCESS_WRITE, 0);
            return rc < 0 ? rc : 0;
        }
        if (buffer_fault(&r->send, done, ACCESS_READ, FAULT_NOWAIT) < 0) {
            finish(p, r, REQUEST_RETRY);
            return 0;
        }
    }
    struct handle_table *table = &thread_self()->process->handles;
    int rc = handle_install_many(table, r->handles, r->handle_count, out->handles);
    if (rc < 0) {
        finish(p, r, rc);
        return 0;
    }
    out->handle_count = r->handle_count;
    r->handle_count = 0;
    out->badge = r->badge;
    out->origin = r->origin;
    out->recv_len = r->send.size;
    memcpy(out->words, r->words, sizeof out->words);
    rc = enter_service(p, r, true);
    if (rc < 0) {
        for (unsigned i = 0; i < out->handle_count; i++)
            handle_close(table, out->handles[i]);
        return rc == -EPIPE ? rc : 0;
    }
    out->id = r->id;
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
        out->id = 0;
        out->words[0] = p->pending;
        p->pending = 0;
        return 0;
    }
    *r = container_of(list_pop(&p->queue), struct request, link);
    (*r)->state = REQUEST_TAKEN;
    return 0;
}

int port_receive(struct port *p, const struct buffer *into, struct received *out)
{
    int rc = into->size ? user_prefault(into->space, into->addr, into->size, ACCESS_WRITE) : 0;
    memset(out, 0, sizeof *out);
    p->server_pid = thread_self()->process->pid;
    while (rc == 0) {
        struct request *r = NULL;
        spin_lock(&p->lock);
        rc = next_locked(p, &r, out);
        /* Work that this receiver does not take, because there is more or because
         * it is about to die: another one may have it. */
        if (p->pending || !list_empty(&p->queue))
            wake_one(&p->receivers);
        spin_unlock(&p->lock);
        if (rc < 0 || !r)
            return rc;
        rc = deliver(p, r, into, out);
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
            return rc;
        }
    }
    /* Committed. */
    r->recv_handle_count = reply->handle_count;
    r->recv_len = reply->send.size;
    memcpy(r->words, reply->words, sizeof r->words);
    finish(p, r, 0);
    return 0;
}

int port_reply(struct port *p, uint64_t id, struct reply *reply)
{
    unsigned slot = id & ((1u << SLOT_BITS) - 1);
    for (;;) {
        spin_lock(&p->lock);
        struct request *r = slot < p->service_size ? p->service[slot] : NULL;
        if (!r || r->id != id) {
            spin_unlock(&p->lock);
            return -ECANCELED;
        }
        p->service[slot] = NULL;
        r->state = REQUEST_REPLYING;
        spin_unlock(&p->lock);
        uint64_t fault_at = 0;
        int rc = reply_taken(p, r, reply, &fault_at);
        if (rc == 0)
            return 0;
        if (enter_service(p, r, false) < 0)
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
