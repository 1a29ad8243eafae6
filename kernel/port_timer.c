/*
 * Timers of ports: a bit raised after some time. The contract is in port.h.
 */
#include "kernel/errno.h"
#include "kernel/port.h"
#include "kernel/timerq.h"
#include "trap/timer.h"
#include "vm/kmalloc.h"

/* References: one of the port's list, one of the timer queue. Each port has one from its beginning
 * to its end, so that who sets one timer again and again, as a heart-beat does, needs no memory. */
struct port_timer {
    struct timer timer;
    struct port_timer *next; /* (port lock) */
    struct port *port;       /* referenced */
    unsigned bit;
    unsigned refs; /* atomic */
};

static void timer_fired(struct timer *t);

struct port_timer *port_timer_spare(void)
{
    return kmalloc(sizeof(struct port_timer));
}

/* A timer that nobody has any more. Lock held. What it returns is to be freed without it. */
static struct port_timer *keep_locked(struct port *p, struct port_timer *t)
{
    if (p->spare_timer)
        return t;
    p->spare_timer = t;
    return NULL;
}

/* One that nobody else has yet. Lock held. */
static struct port_timer *port_timer_get_locked(struct port *p)
{
    struct port_timer *t = p->spare_timer ? p->spare_timer : port_timer_spare();
    p->spare_timer = NULL;
    if (!t)
        return NULL;
    *t = (struct port_timer){.timer.fire = timer_fired, .port = p, .refs = 2};
    port_ref(p);
    return t;
}

static void port_timer_put(struct port_timer *t)
{
    struct port *p = t->port;
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        spin_lock(&p->lock);
        t = keep_locked(p, t);
        spin_unlock(&p->lock);
        kfree(t);
        port_unref(p);
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
    uint64_t bit = 1ul << pt->bit;
    port_ref(p);
    spin_lock(&p->lock);
    bool ours = timer_unlink_locked(p, pt, -1);
    spin_unlock(&p->lock);
    if (ours)
        port_timer_put(pt);
    port_timer_put(pt);
    if (ours) /* last: who learns of it may set the next, and finds this one spare */
        port_notify(p, bit);
    port_unref(p);
}

int port_timer(struct port *p, unsigned bit, uint64_t ns)
{
    spin_lock(&p->lock);
    struct port_timer *old = timer_unlink_locked(p, NULL, (int)bit), *t = NULL;
    if (old && timer_cancel(&old->timer)) {
        t = old; /* ours alone */
        old = NULL;
    } else if (ns) {
        t = port_timer_get_locked(p);
    }
    struct port_timer *stays = ns ? t ? t : old : NULL;
    if (stays) {
        stays->next = p->timers;
        p->timers = stays;
    }
    if (ns && t) {
        t->bit = bit;
        timer_arm(&t->timer, timer_now() + timer_ns_to_ticks(ns));
    }
    struct port_timer *unused = t && !ns ? keep_locked(p, t) : NULL;
    spin_unlock(&p->lock);
    kfree(unused);
    if (t && !ns)
        port_unref(p);
    if (old && old != stays) /* another hart is about to fire it, for nothing */
        port_timer_put(old);
    return ns && !t ? -ENOMEM : 0;
}

void port_timers_stop(struct port_timer *list)
{
    while (list) {
        struct port_timer *next = list->next;
        port_timer_stop(list);
        list = next;
    }
}
