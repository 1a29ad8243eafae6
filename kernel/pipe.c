/*
 * Pipes; the contract is in pipe.h.
 *
 * The ring is PIPE_SIZE bytes of kernel memory. Bytes move between it and user
 * memory with no lock held, for that may take a page fault; busy marks keep a
 * second reader or writer out meanwhile.
 */
#include "kernel/pipe.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/kmalloc.h"
#include "vm/usercopy.h"

#define PIPE_SIZE   16384 /* bytes; a power of two */
#define PIPE_ATOMIC 4096

struct pipe {
    struct spinlock lock;
    uint64_t head, tail;                /* (lock) bytes ever read and written */
    bool reading, writing;              /* (lock) busy marks: one reader, one writer copies */
    bool readers, writers;              /* (lock) the end still exists */
    struct waitq wait_read, wait_write; /* (lock) */
    uint32_t refs;                      /* atomic: the two ends */
    char *ring;
};

struct pipe_end {
    struct kobject object;
    struct pipe *pipe;
    bool write;
};

static struct pipe_end *end_create(struct pipe *p, bool write)
{
    struct pipe_end *e = kzalloc(sizeof *e);
    if (e) {
        kobject_init(&e->object, HANDLE_PIPE);
        e->pipe = p;
        e->write = write;
    }
    return e;
}

static void pipe_unref(struct pipe *p)
{
    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        kfree(p->ring);
        kfree(p);
    }
}

int pipe_create(struct handle *reader, struct handle *writer)
{
    struct pipe *p = kzalloc(sizeof *p);
    char *ring = kmalloc(PIPE_SIZE);
    struct pipe_end *r = end_create(p, false), *w = end_create(p, true);
    if (!p || !ring || !r || !w) {
        kfree(p);
        kfree(ring);
        kfree(r);
        kfree(w);
        return -ENOMEM;
    }
    spin_init(&p->lock, RANK_PIPE);
    p->ring = ring;
    p->refs = 2;
    p->readers = p->writers = true;
    waitq_init(&p->wait_read);
    waitq_init(&p->wait_write);
    *reader = (struct handle){&r->object, RIGHT_READ | RIGHT_TRANSFER, 0};
    *writer = (struct handle){&w->object, RIGHT_WRITE | RIGHT_TRANSFER, 0};
    return 0;
}

void pipe_end_destroy(struct kobject *o)
{
    struct pipe_end *e = container_of(o, struct pipe_end, object);
    struct pipe *p = e->pipe;
    spin_lock(&p->lock);
    if (e->write)
        p->writers = false;
    else
        p->readers = false;
    wake_all(&p->wait_read);
    wake_all(&p->wait_write);
    spin_unlock(&p->lock);
    kfree(e);
    pipe_unref(p);
}

uint64_t pipe_level(struct kobject *o)
{
    struct pipe *p = container_of(o, struct pipe_end, object)->pipe;
    spin_lock(&p->lock);
    uint64_t n = p->tail - p->head;
    spin_unlock(&p->lock);
    return n;
}

/* Copies between the ring from position at on, and the user; *done is how far it
 * came. No lock held: the busy mark keeps others of the same end out, and the
 * other end touches other bytes. */
static int copy(struct pipe *p, bool write, uint64_t at, uint64_t user, uint64_t n, uint64_t *done)
{
    struct space *s = thread_self()->process->space;
    while (*done < n) {
        uint64_t in_ring = (at + *done) % PIPE_SIZE;
        uint64_t step = n - *done < PIPE_SIZE - in_ring ? n - *done : PIPE_SIZE - in_ring;
        int rc = write ? copy_from_user(s, p->ring + in_ring, user + *done, step)
                       : copy_to_user(s, user + *done, p->ring + in_ring, step);
        if (rc < 0)
            return rc;
        *done += step;
    }
    return 0;
}

int64_t pipe_read(struct kobject *o, uint64_t to, uint64_t n)
{
    struct pipe *p = container_of(o, struct pipe_end, object)->pipe;
    if (!user_range(to, n))
        return -EFAULT;
    int rc = 0;
    spin_lock(&p->lock);
    while (rc == 0 && (p->reading || (p->head == p->tail && p->writers && n)))
        rc = wait_on(&p->wait_read, &p->lock, WAIT_KILLABLE, "pipe read");
    uint64_t have = p->tail - p->head, done = 0, at = p->head;
    if (rc == 0 && have && n) {
        p->reading = true;
        spin_unlock(&p->lock);
        rc = copy(p, false, at, to, have < n ? have : n, &done);
        spin_lock(&p->lock);
        p->reading = false;
        p->head += done;
        /* All: a single one woken might be about to die, or wait for another
         * condition of the same queue. */
        wake_all(&p->wait_write);
        wake_all(&p->wait_read);
    }
    spin_unlock(&p->lock);
    return done ? (int64_t)done : rc;
}

int64_t pipe_write(struct kobject *o, uint64_t from, uint64_t n)
{
    struct pipe *p = container_of(o, struct pipe_end, object)->pipe;
    if (!user_range(from, n))
        return -EFAULT;
    int rc = 0;
    uint64_t done = 0;
    spin_lock(&p->lock);
    while (rc == 0 && p->writing)
        rc = wait_on(&p->wait_write, &p->lock, WAIT_KILLABLE, "pipe write");
    bool mine = rc == 0;
    if (mine)
        p->writing = true;
    while (rc == 0 && done < n) {
        uint64_t room = PIPE_SIZE - (p->tail - p->head);
        uint64_t need = n <= PIPE_ATOMIC ? n : 1;
        if (!p->readers) {
            rc = -EPIPE;
        } else if (room < need) {
            rc = wait_on(&p->wait_write, &p->lock, WAIT_KILLABLE, "pipe write");
        } else {
            uint64_t step = n - done < room ? n - done : room, moved = 0, at = p->tail;
            spin_unlock(&p->lock);
            rc = copy(p, true, at, from + done, step, &moved);
            spin_lock(&p->lock);
            p->tail += moved;
            done += moved;
            wake_all(&p->wait_read);
        }
    }
    if (mine) {
        p->writing = false;
        wake_all(&p->wait_write);
    }
    spin_unlock(&p->lock);
    return done ? (int64_t)done : rc;
}
