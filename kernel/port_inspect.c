/* Ports, looked at from outside; the contract is in port.h. */
#include "kernel/port.h"
#include "kernel/session.h"
#include "vm/object.h"

static unsigned length(const struct list *list)
{
    unsigned n = 0;
    list_for_each (l, list) {
        n++;
    }
    return n;
}

void port_info(struct port *p, struct abi_port_info *out)
{
    spin_lock(&p->lock);
    *out = (struct abi_port_info){
        .answered = p->answered,
        .returned = p->returned,
        .queued = length(&p->queue),
        .in_service = length(&p->serving),
    };
    spin_unlock(&p->lock);
}

/* ------------------------------------------------------------------- lists */

static unsigned list_sessions(struct port *p, uint64_t skip, uint64_t *out, unsigned room)
{
    unsigned n = 0;
    spin_lock(&p->lock);
    if (p->ended && skip)
        skip--;
    else if (p->ended && room)
        out[n++] = p->ended;
    list_for_each (l, &p->sessions) {
        if (skip)
            skip--;
        else if (n < room)
            out[n++] = container_of(l, struct session, link)->badge;
    }
    spin_unlock(&p->lock);
    return n;
}

/* The least entries above a cursor, in order. */
struct least {
    uint64_t above, *out;
    unsigned count, room;
};

static void least_add(struct least *least, uint64_t entry)
{
    unsigned at = least->count;
    if (entry <= least->above)
        return;
    while (at > 0 && least->out[at - 1] > entry)
        at--;
    if (at == least->room)
        return;
    if (least->count < least->room)
        least->count++;
    for (unsigned i = least->count - 1; i > at; i--)
        least->out[i] = least->out[i - 1];
    least->out[at] = entry;
}

static void add_key(struct object *o, void *least)
{
    least_add(least, o->key);
}

/* Of requests in one of its two lists, those that have been received have a number; without
 * those that begin with the word `but`, if it is not 0. */
static void list_numbers(struct port *p, const struct list *requests, uint64_t but,
                         struct least *least)
{
    spin_lock(&p->lock);
    list_for_each (l, requests) {
        const struct request *r = container_of(l, struct request, link);
        if (r->number && !(but && r->words[0] == but))
            least_add(least, r->number);
    }
    spin_unlock(&p->lock);
}

unsigned port_list(struct port *p, unsigned what, uint64_t cursor, uint64_t *out, unsigned room)
{
    struct least least = {cursor, out, 0, room};
    unsigned but = what >> 8;
    what &= 0xff;
    if (what == PORT_SESSIONS)
        return list_sessions(p, cursor, out, room);
    if (what == PORT_OBJECTS)
        object_for_each(p, add_key, &least);
    if (what == PORT_RETURNED)
        list_numbers(p, &p->queue, but, &least);
    if (what == PORT_IN_SERVICE)
        list_numbers(p, &p->serving, but, &least);
    return least.count;
}
