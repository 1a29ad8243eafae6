/* The write-back thread; the contract is in writeback.h. */
#include "kernel/writeback.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/lib/printk.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "trap/timer.h"
#include "vm/object.h"

#define PERIOD_NS    5000000000ul /* between rounds */
#define PATIENCE_NS  2000000000ul /* a thread waits at most this long for a transfer */
#define PATIENCE_MAX 10           /* such waits in vain before a write is refused */

static struct spinlock lock = SPINLOCK_INIT(RANK_SLEEP);
static struct waitq wanted = WAITQ_INIT(wanted);     /* (lock) the thread waits for work */
static struct waitq progress = WAITQ_INIT(progress); /* (lock) others wait for a transfer's end */
static bool poked;                                   /* (lock) */
static bool needed;     /* (lock) poked because memory or the limit asks for it */
static uint64_t budget; /* (lock) pages that this round is to store yet */

static void store(struct object *o, void *unused)
{
    (void)unused;
    if (object_writeback(o, 0) == 0 && object_recall(o))
        object_writeback(o, 0);
}

/*
 * Starts a transfer of each object that has dirty pages and none on its way (pages in
 * swap are brought back for it), and waits for none of them: a server that does not answer holds up
 * its own files only. The end of a transfer brings the thread back for what is left.
 */
static void writeback_thread(void *unused)
{
    (void)unused;
    for (;;) {
        spin_lock(&lock);
        int rc = 0;
        if (!poked)
            rc = wait_hooks.wait(&wanted, &lock, 0, timer_now() + timer_ns_to_ticks(PERIOD_NS),
                                 "dirty pages");
        /* A round stores what is dirty when it begins; pages dirtied meanwhile
         * wait for the next. */
        if (needed || rc == -ETIMEDOUT)
            budget = object_dirty_pages();
        poked = needed = false;
        spin_unlock(&lock);
        if (object_dirty_pages())
            object_for_each(NULL, store, NULL);
    }
}

void writeback_ended(unsigned pages, bool more)
{
    spin_lock(&lock);
    wake_all(&progress);
    budget -= pages < budget ? pages : budget;
    if (more && budget) {
        poked = true;
        wake_all(&wanted);
    }
    spin_unlock(&lock);
}

/* Asks for write-back and waits until some of it has ended. 0, -ETIMEDOUT or
 * -EINTR. */
static int wait_progress(void)
{
    spin_lock(&lock);
    poked = needed = true;
    wake_all(&wanted);
    int rc = sched_wait_until(&progress, &lock, timer_now() + timer_ns_to_ticks(PATIENCE_NS),
                              "write-back");
    spin_unlock(&lock);
    return rc;
}

static bool waits_for_nobody(void)
{
    struct process *p = thread_self()->process;
    return !p || p->wired;
}

int writeback_wait(void)
{
    int rc = wait_progress();
    return rc == -EINTR ? rc : rc == -ETIMEDOUT ? 0 : 1;
}

int writeback_throttle(void)
{
    uint64_t limit = frame_total() / 4;
    if (waits_for_nobody())
        return 0;
    for (int i = 0; i < PATIENCE_MAX && object_dirty_pages() > limit * 3 / 4;) {
        int rc = wait_progress();
        if (rc == -EINTR)
            return -EINTR;
        i += rc == -ETIMEDOUT;
    }
    return object_dirty_pages() > limit ? -EIO : 0;
}

void writeback_poke(void)
{
    spin_lock(&lock);
    poked = needed = true;
    wake_all(&wanted);
    spin_unlock(&lock);
}

void writeback_init(void)
{
    struct thread *t = thread_create(NULL, writeback_thread, NULL);
    if (!t)
        panic("no memory for the write-back thread");
    thread_start(t);
}
