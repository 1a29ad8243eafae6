/* The pool of frames for parked data; the contract is in parked.h. */
#include "kernel/parked.h"

#include "kernel/errno.h"
#include "kernel/lib/lock.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/wait.h"
#include "kernel/port.h"
#include "kernel/request.h"
#include "kernel/thread.h"
#include "vm/frame.h"
#include "vm/usercopy.h"

#define POOL_MAX   64  /* frames: four messages of the largest size */
#define POOL_MIN   16  /* one */
#define POOL_SHARE 256 /* of memory's frames, one is for the pool */

static struct spinlock lock = SPINLOCK_INIT(RANK_SLEEP);
static struct frame *pool[POOL_MAX]; /* (lock) */
static unsigned pool_free;           /* (lock) */
static struct waitq senders = WAITQ_INIT(senders);
static struct list announce = LIST_INIT(announce); /* (lock) ports, each with a reference */
static unsigned announce_count;                    /* (lock) */

void parked_init(void)
{
    unsigned size = frame_total() / POOL_SHARE;
    size = size < POOL_MIN ? POOL_MIN : size > POOL_MAX ? POOL_MAX : size;
    while (pool_free < size) {
        struct frame *f = frame_alloc(FRAME_KMALLOC, 0, FRAME_NORMAL);
        if (!f)
            panic("no memory for the frames that messages are parked in");
        pool[pool_free++] = f;
    }
}

static unsigned frames_for(uint64_t n)
{
    return page_round_up(n) >> PAGE_SHIFT;
}

int park(struct parked *p, const struct buffer *b, uint64_t n, bool own)
{
    unsigned count = frames_for(n);
    spin_lock(&lock);
    bool enough = count <= pool_free;
    while (enough && p->count < count)
        p->frames[p->count++] = pool[--pool_free];
    spin_unlock(&lock);
    if (!enough)
        return -ENOSPC;
    p->size = n;
    struct buffer to = {.frames = p->frames, .size = n};
    uint64_t done = 0;
    while (buffer_copy(&to, b, n, &done) != COPY_DONE) {
        int rc = buffer_fault(b, done, ACCESS_READ, own ? 0 : FAULT_NOWAIT);
        if (rc < 0) {
            parked_free(p);
            return rc;
        }
    }
    return 0;
}

/* The first of the ports that wait for room, with its reference. */
static struct port *announce_next(void)
{
    spin_lock(&lock);
    struct list *l = list_pop(&announce);
    struct port *port = l ? container_of(l, struct port, room_link) : NULL;
    if (port) {
        port->awaits_room = false;
        announce_count--;
    }
    spin_unlock(&lock);
    return port;
}

void parked_free(struct parked *p)
{
    if (p->count == 0)
        return;
    spin_lock(&lock);
    while (p->count)
        pool[pool_free++] = p->frames[--p->count];
    wake_all(&senders);
    /* A port told may be back before we are through: each is told once. */
    unsigned ports = announce_count;
    spin_unlock(&lock);
    while (ports--) {
        struct port *port = announce_next();
        if (!port)
            break;
        port_notify(port, NOTIFY_ROOM);
        port_unref(port);
    }
}

int parked_wait(uint64_t n)
{
    int rc = 0;
    spin_lock(&lock);
    while (rc == 0 && pool_free < frames_for(n)) {
        rc = wait_on(&senders, &lock, WAIT_KILLABLE, "room for a message");
        if (rc < 0 && !thread_dying())
            rc = 0;
    }
    spin_unlock(&lock);
    return rc;
}

void parked_announce(struct port *port, uint64_t n)
{
    spin_lock(&lock);
    bool room = pool_free >= frames_for(n);
    if (!room && !port->awaits_room) {
        port->awaits_room = true;
        port_ref(port);
        list_push_back(&announce, &port->room_link);
        announce_count++;
    }
    spin_unlock(&lock);
    if (room)
        port_notify(port, NOTIFY_ROOM);
}
