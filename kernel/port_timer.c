/*
 * Timers of ports: a bit raised after some time. The contract is in port.h.
 */
#include "kernel/errno.h"
#include "kernel/port.h"
#include "kernel/timerq.h"
#include "trap/timer.h"
#include "vm/kmalloc.h"

/* References: one of the port's list, one of the timer queue. */
struct port_timer {
    struct timer timer;
    struct port_timer *next; /* (port lock) */
    struct port *port;       /* referenced */
    unsigned bit;
    unsigned refs; /* atomic */
};

static void port_timer_put(struct port_timer *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        port_unref(t->port);
        kfree(t);
    }
}

/* Stops a timer that has been taken off the port's list. */
static void port_timer_stop(struct port_timer *t)
{
    if (timer_cancel(&t->timer))
        port_timer_put(t);
    port_timer_put(t);
}

/* Takes the timer of that bit, or that very timer, off the list. Lock held. */
static struct port_timer *timer_unlink_locked(struct port *p, const struct port_timer *t, int bit)
{
    for (struct port_timer **link = &p->timers; *link; link = &(*link)->next)
        if (*link == t || (int)(*link)->bit == bit) {
            struct port_timer *found = *link;
            *link = found->next;
            return found;
        }
    return NULL;
}

static void timer_fired(struct timer *t)
{
    struct port_timer *pt = container_of(t, struct port_timer, timer);
    struct port *p = pt->port;
    spin_lock(&p->lock);
    bool ours = timer_unlink_locked(p, pt, -1);
    spin_unlock(&p->lock);
    if (ours) {
        port_notify(p, 1ul << pt->bit);
        port_timer_put(pt);
    }
    port_timer_put(pt);
}

int port_timer(struct port *p, unsigned bit, uint64_t ns)
{
    struct port_timer *fresh = ns ? kzalloc(sizeof *fresh) : NULL;
    if (ns && !fresh)
        return -ENOMEM;
    spin_lock(&p->lock);
    struct port_timer *old = timer_unlink_locked(p, NULL, (int)bit);
    if (fresh) {
        fresh->port = p;
        fresh->bit = bit;
        fresh->refs = 2;
        fresh->timer.fire = timer_fired;
        fresh->next = p->timers;
        p->timers = fresh;
        port_ref(p);
        timer_arm(&fresh->timer, timer_now() + timer_ns_to_ticks(ns));
    }
    spin_unlock(&p->lock);
    if (old)
        port_timer_stop(old);
    return 0;
}

void port_timers_stop(struct port_timer *list)
{
    while (list) {
        struct port_timer *next = list->next;
        port_timer_stop(list);
        list = next;
    }
}
