/*
 * The pager: what vm/ asks for pages, put into messages to the server whose port
 * the object names. The messages are in kernel/messages.h.
 */
#include "kernel/pager.h"

#include "kernel/clock.h"
#include "kernel/errno.h"
#include "kernel/lib/string.h"
#include "kernel/messages.h"
#include "kernel/port.h"
#include "kernel/reclaimer.h"
#include "kernel/thread.h"
#include "kernel/writeback.h"
#include "vm/kmalloc.h"
#include "vm/object.h"
#include "vm/space.h"

/* A transfer and the request that carries it. */
struct pager_io {
    struct page_io io;
    struct request request;
};

static struct page_io *io_alloc(void)
{
    struct pager_io *p = kmalloc(sizeof *p);
    return p ? &p->io : NULL;
}

static void io_free(struct page_io *io)
{
    kfree(container_of(io, struct pager_io, io));
}

/* Bytes that the server did not send are zero. */
static void zero_rest(struct page_io *io, uint64_t from)
{
    for (uint64_t at = from; at < io->count * PAGE_SIZE;) {
        uint64_t in = at & PAGE_MASK;
        memset((char *)frame_address(io->frames[at >> PAGE_SHIFT]) + in, 0, PAGE_SIZE - in);
        at += PAGE_SIZE - in;
    }
}

static void transfer_done(struct request *r)
{
    struct pager_io *p = container_of(r, struct pager_io, request);
    int error = r->error;
    if (error == 0 && (int64_t)r->words[0] < 0)
        error = (int64_t)r->words[0] > -1000 ? (int)(int64_t)r->words[0] : -EIO;
    if (!p->io.out && error == 0)
        zero_rest(&p->io, r->recv_len);
    struct object *o = p->io.object;
    bool out = p->io.out;
    unsigned pages = p->io.count;
    if (out)
        object_ref(o);
    object_io_done(&p->io, error, r->words[1]);
    if (out) {
        writeback_ended(pages, error == 0 && o->dirty);
        object_unref(o);
    }
}

/* Pages that a truncation took away while the message waited are not stored: the
 * file may have been made longer again, and their bytes must not reappear. Of later
 * truncations the server knows by their number. */
static bool refresh_out(struct request *r)
{
    struct pager_io *p = container_of(r, struct pager_io, request);
    struct object *o = p->io.object;
    unsigned n = 0;
    spin_lock(&o->lock);
    while (n < p->io.count && !(p->io.frames[n]->flags & PAGE_DETACHED))
        n++;
    uint64_t start = p->io.first << PAGE_SHIFT;
    r->words[3] = n;
    r->words[4] = o->size;
    r->words[5] = p->io.cuts = o->cuts;
    r->send.size = n * PAGE_SIZE;
    if (n && o->size - start < r->send.size)
        r->send.size = o->size - start;
    spin_unlock(&o->lock);
    return n > 0;
}

static int start(struct page_io *io)
{
    struct pager_io *p = container_of(io, struct pager_io, io);
    struct request *r = &p->request;
    struct object *o = io->object;
    request_init(r, NULL);
    r->done = transfer_done;
    r->origin = ORIGIN_KERNEL;
    r->words[0] = io->out ? MSG_PAGE_OUT : MSG_PAGE_IN;
    r->words[1] = o->key;
    r->words[2] = io->first;
    r->words[3] = io->count;
    struct buffer pages = {.frames = io->frames, .size = io->count * PAGE_SIZE};
    if (io->out) {
        r->send = pages;
        r->refresh = refresh_out;
    } else {
        r->recv = pages;
    }
    return port_send(o->port, r);
}

static int reserve(struct object *o, uint64_t first, unsigned count, uint64_t size)
{
    struct request r;
    request_init(&r, thread_self());
    r.origin = ORIGIN_KERNEL;
    r.words[0] = MSG_RESERVE;
    r.words[1] = o->key;
    r.words[2] = first;
    r.words[3] = count;
    r.words[4] = size;
    int rc = port_call(o->port, &r);
    if (rc < 0)
        return rc;
    int64_t n = (int64_t)r.words[0];
    /* The server's word is checked. */
    return n > (int64_t)count ? (int)count : n < -1000 ? -EIO : (int)n;
}

static uint64_t deaths(void *port)
{
    return __atomic_load_n(&((struct port *)port)->deaths, __ATOMIC_ACQUIRE);
}

static void ref(void *port)
{
    port_ref(port);
}

static void unref(void *port)
{
    port_unref(port);
}

static void backing_ref(void *backing)
{
    kobject_ref(backing);
}

static void backing_unref(void *backing)
{
    kobject_unref(backing);
}

void pager_init(void)
{
    pager_ops = (struct pager_ops){
        .io_alloc = io_alloc,
        .io_free = io_free,
        .start = start,
        .reserve = reserve,
        .deaths = deaths,
        .port_ref = ref,
        .port_unref = unref,
        .now_ns = clock_realtime_ns,
        .make_room = reclaimer_make_room,
        .throttle = writeback_throttle,
    };
    backing_ops = (struct backing_ops){.ref = backing_ref, .unref = backing_unref};
}
