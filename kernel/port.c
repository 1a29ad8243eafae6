/* Ports: life, notifications, endings; the contract is in port.h, the states of a
 * request in request.h. */
#include "kernel/port.h"

#include "kernel/lib/printk.h"
#include "kernel/errno.h"
#include "kernel/log.h"
#include "kernel/port_parts.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/kmalloc.h"
#include "vm/object.h"

#define DEATHS_MAX 3 /* of servers with the same request in service, before it is refused */

static struct spinlock ports_lock = SPINLOCK_INIT(RANK_OBJECTS);
static struct list ports = LIST_INIT(ports); /* (ports_lock) */

/* ------------------------------------------------------------------- life */

struct port *port_create(void)
{
    struct port *p = kzalloc(sizeof *p);
    if (!p || !(p->spare_timer = port_timer_spare())) {
        kfree(p);
        return NULL;
    }
    kobject_init(&p->object, HANDLE_PORT);
    spin_init(&p->lock, RANK_PORT);
    list_init(&p->queue);
    list_init(&p->serving);
    list_init(&p->sessions);
    waitq_init(&p->receivers);
    port_free_table(p);
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
    kfree(p->spare_timer);
    port_free_table(p);
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

void port_for_each(void (*fn)(struct port *, void *), void *arg)
{
    struct port *held = NULL;
    spin_lock(&ports_lock);
    for (struct list *l = ports.next; l != &ports; l = l->next) {
        struct port *p = container_of(l, struct port, all_link);
        if (!try_ref(p))
            continue;
        spin_unlock(&ports_lock);
        fn(p, arg);
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

/* ---------------------------------------------------------- notifications */

void port_notify(struct port *p, uint64_t bits)
{
    spin_lock(&p->lock);
    p->pending |= bits;
    wake_one(&p->receivers);
    spin_unlock(&p->lock);
}

/* ---------------------------------------------------------------- endings */

void port_hand_over_locked(struct waitq *q)
{
    struct list *l;
    while ((l = list_pop(&q->waiters)))
        if (thread_wake_handoff(container_of(l, struct thread, wait_link)))
            return;
}

void port_drop_handles(struct request *r)
{
    for (unsigned i = 0; i < r->handle_count; i++)
        handle_drop(r->handles[i]);
    r->handle_count = 0;
}

void port_finish(struct port *p, struct request *r, int error)
{
    if (error != REQUEST_RETRY)
        port_drop_handles(r);
    spin_lock(&p->lock);
    port_free_slot_locked(p, r);
    r->error = error;
    r->state = REQUEST_DONE;
    p->answered += error == 0;
    void (*done)(struct request *) = r->done;
    if (!done)
        port_hand_over_locked(&r->wait);
    spin_unlock(&p->lock);
    if (done)
        done(r);
}

/* Ends all requests of a list, which are ours alone. */
static void finish_all(struct port *p, struct list *requests, int error)
{
    struct list *l;
    while ((l = list_pop(requests)))
        port_finish(p, container_of(l, struct request, link), error);
}

static void port_close(struct port *p)
{
    struct list orphans = LIST_INIT(orphans), *l;
    spin_lock(&p->lock);
    p->closed = true;
    while ((l = list_pop(&p->queue)))
        list_push_back(&orphans, l);
    while (!list_empty(&p->serving)) {
        l = p->serving.next;
        port_leave_service_locked(p, container_of(l, struct request, link));
        list_push_back(&orphans, l);
    }
    /* Not cancellable any more: they are ours. */
    list_for_each (it, &orphans) {
        container_of(it, struct request, link)->state = REQUEST_REPLYING;
    }
    struct port_timer *timers = p->timers;
    p->timers = NULL;
    wake_all(&p->receivers);
    spin_unlock(&p->lock);
    finish_all(p, &orphans, -EPIPE);
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

/* ------------------------------------------------------- deaths of servers */

struct dead_server {
    const struct process *process;
    bool own_fault;
};

/* Puts what the dead had in service back at the head of the queue, in the order in
 * which it was received. */
static void return_requests(struct port *p, void *arg)
{
    const struct dead_server *dead = arg;
    struct list refused = LIST_INIT(refused), *before;
    spin_lock(&p->lock);
    if (p->server_pid == dead->process->pid) {
        __atomic_fetch_add(&p->deaths, 1, __ATOMIC_RELEASE);
        p->server_pid = 0;
    }
    for (struct list *l = p->serving.prev; l != &p->serving; l = before) {
        struct request *r = container_of(l, struct request, link);
        before = l->prev;
        if (r->server != dead->process)
            continue;
        port_leave_service_locked(p, r);
        r->deaths += dead->own_fault;
        if (r->deaths == DEATHS_MAX) {
            r->state = REQUEST_REPLYING;
            list_push_back(&refused, l);
            continue;
        }
        r->state = REQUEST_QUEUED;
        list_push_front(&p->queue, l);
        p->returned++;
        wake_one(&p->receivers);
    }
    spin_unlock(&p->lock);
    finish_all(p, &refused, -EIO);
}

void port_server_died(const struct process *server, bool own_fault)
{
    struct dead_server dead = {server, own_fault};
    port_for_each(return_requests, &dead);
}
