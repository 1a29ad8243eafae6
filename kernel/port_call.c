/* Ports, the client's side: send and wait; the contract is in port.h. */
#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/port_parts.h"
#include "kernel/thread.h"
#include "vm/usercopy.h"

#define RETRIES 3 /* direct copies tried before the client's data is parked */

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
        port_leave_service_locked(p, r);
    r->state = REQUEST_IDLE;
}

int port_wait_done_locked(struct port *p, struct request *r, int rc)
{
    struct thread *t = thread_self();
    while (r->state != REQUEST_DONE) {
        bool may_cancel = r->state == REQUEST_QUEUED || r->state == REQUEST_SERVICE;
        if (rc == -EINTR && may_cancel && thread_dying()) {
            unlink_locked(p, r);
            return -EINTR;
        }
        t->wait_holder = p->server_pid;
        rc = wait_on(&r->wait, &p->lock, may_cancel ? WAIT_KILLABLE : 0, "reply");
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

int port_call_ended(struct request *r, int rc)
{
    port_drop_handles(r);
    if (rc == 0 && r->parked.count)
        rc = unpark(r);
    parked_free(&r->parked);
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
    r->direct = NULL;
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
            port_hand_over_locked(&p->receivers);
            rc = port_wait_done_locked(p, r, 0);
        }
        spin_unlock(&p->lock);
        if (rc != REQUEST_RETRY)
            break;
        rc = 0;
    }
    parked_free(&outgoing);
    return port_call_ended(r, rc);
}
