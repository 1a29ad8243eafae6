/* The write-back thread; the contract is in writeback.h. */
#include "kernel/writeback.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/lib/printk.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "trap/timer.h"
#include "vm/object.h"
#include "vm/vmalloc.h"

#define PERIOD_NS    5000000000ul /* between rounds */
#define PATIENCE_NS  2000000000ul /* a thread waits at most this long for one round */
#define PATIENCE_MAX 10           /* rounds without progress before memory is refused */

static struct spinlock lock = SPINLOCK_INIT(RANK_SLEEP);
static struct waitq wanted = WAITQ_INIT(wanted); /* (lock) the thread waits for work */
static struct waitq rounds = WAITQ_INIT(rounds); /* (lock) others wait for a round's end */
static bool poked;                               /* (lock) */

static void store(struct object *o, void *unused)
{
    (void)unused;
    /* One pass; transfers of one object follow one another. */
    for (uint64_t tries = 0; tries < 4096 && o->dirty && object_writeback(o, 0); tries++) {
        spin_lock(&o->lock);
        while (o->in_flight)
            wait_on(&o->wait, &o->lock, 0, "write-back");
        bool failing = o->error != 0;
        spin_unlock(&o->lock);
        if (failing) /* stays dirty, is tried again next time */
            break;
    }
}

static void writeback_thread(void *unused)
{
    (void)unused;
    for (;;) {
        spin_lock(&lock);
        if (!poked)
            wait_hooks.wait(&wanted, &lock, 0, timer_now() + timer_ns_to_ticks(PERIOD_NS),
                            "dirty pages");
        poked = false;
        spin_unlock(&lock);
        if (object_dirty_pages())
            object_for_each(NULL, store, NULL);
        spin_lock(&lock);
        wake_all(&rounds);
        spin_unlock(&lock);
    }
}

/* Asks for a round and waits for its end. 0, -ETIMEDOUT or -EINTR. */
static int wait_round(void)
{
    spin_lock(&lock);
    poked = true;
    wake_all(&wanted);
    int rc = sched_wait_until(&rounds, &lock, timer_now() + timer_ns_to_ticks(PATIENCE_NS),
                              "write-back");
    spin_unlock(&lock);
    return rc;
}

static bool waits_for_nobody(void)
{
    struct process *p = thread_self()->process;
    return !p || p->wired;
}

int writeback_make_room(void)
{
    uint64_t want = frame_shortage() + 32;
    if (object_shrink(want, false) || object_shrink(want, true) || kstack_trim())
        return 0;
    /* Servers are what others wait for: they never wait for write-back. */
    if (waits_for_nobody())
        return -ENOMEM;
    for (int i = 0; i < PATIENCE_MAX && object_dirty_pages(); i++) {
        if (wait_round() == -EINTR)
            return -EINTR;
        if (object_shrink(want, true))
            return 0;
    }
    return -ENOMEM;
}

int writeback_throttle(void)
{
    uint64_t limit = frame_total() / 4;
    if (waits_for_nobody())
        return 0;
    for (int i = 0; i < PATIENCE_MAX && object_dirty_pages() > limit * 3 / 4; i++)
        if (wait_round() == -EINTR)
            return -EINTR;
    return object_dirty_pages() > limit ? -EIO : 0;
}

void writeback_balance(void)
{
    if (!frame_low())
        return;
    uint64_t want = frame_shortage();
    if (object_shrink(want, false) < want)
        object_shrink(want, true);
    if (frame_low() && object_dirty_pages()) {
        spin_lock(&lock);
        poked = true;
        wake_all(&wanted);
        spin_unlock(&lock);
    }
}

void writeback_init(void)
{
    struct thread *t = thread_create(NULL, writeback_thread, NULL);
    if (!t)
        panic("no memory for the write-back thread");
    thread_start(t);
}
