/* Freeing memory under pressure; the contract is in reclaimer.h. */
#include "kernel/reclaimer.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/lock.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/wait.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/writeback.h"
#include "trap/timer.h"
#include "vm/frame.h"
#include "vm/object.h"
#include "vm/reclaim.h"
#include "vm/swap.h"
#include "vm/vmalloc.h"

#define SAMPLE     64          /* pages taken, after which some are looked at */
#define LOOKS      2           /* for each of them */
#define STEP       32          /* pages to free beyond what is short */
#define OUTS_MAX   3           /* transfers that the thread lets run ahead */
#define ROUNDS     6           /* of the scan, until every page has been young */
#define REST_NS    100000000ul /* the thread's rest when there is nothing to free */
#define PASSES_MAX 8           /* that find no page to look at */
#define PATIENCE   100         /* searches before memory is refused that others take */
#define IN_VAIN    10          /* as many of them count those that find nothing */

static struct spinlock lock = SPINLOCK_INIT(RANK_SLEEP);
static struct waitq wanted = WAITQ_INIT(wanted); /* (lock) the thread waits for work */
static bool poked;                               /* (lock) */
static bool searching;                           /* (lock) by a thread that was refused memory */
static uint64_t searches, found;                 /* (lock) ended; pages that the last one found */
static struct waitq search_wait = WAITQ_INIT(search_wait); /* (lock) for one to end */

/* What reclaim scans: without swap, memory of programs cannot leave. */
struct extent {
    uint64_t private, objects; /* pages */
};

static struct extent extent(void)
{
    struct abi_memory m;
    frame_ledger(&m);
    uint64_t shared = object_anon_pages(), anon = m.count[FRAME_ANON];
    if (!swap_enabled())
        return (struct extent){0, m.count[FRAME_OBJECT]};
    return (struct extent){anon > shared ? anon - shared : 0, m.count[FRAME_OBJECT] + shared};
}

/* What was looked at in vain since something left, of each of the two kinds. */
struct search {
    uint64_t private, objects;         /* pages */
    unsigned dry_private, dry_objects; /* passes in a row that found no page to look at */
};

/* One more pass in vain. True if no more is to be had of its kind: every page has been
 * young and old again, or none can leave. */
static bool searched(uint64_t *seen, unsigned *dry, unsigned scanned, uint64_t pages)
{
    *seen += scanned;
    *dry = scanned ? 0 : *dry + 1;
    return *dry > PASSES_MAX || *seen > ROUNDS * pages;
}

/* Frees about n pages, of private memory and of objects in the proportion in which
 * there are such. *over: nothing more is to be found. */
static uint64_t balance(uint64_t n, struct search *search, bool *over)
{
    struct extent e = extent();
    unsigned objects = 0, private = 0;
    uint64_t done = object_drop_old(n * e.objects / (e.private + e.objects + 1) + 1, &objects);
    if (done < n)
        done += reclaim_anon((unsigned)(n - done), &private);
    if (done) {
        *search = (struct search){0};
        *over = false;
        return done;
    }
    bool no_object = searched(&search->objects, &search->dry_objects, objects, e.objects);
    bool no_private = searched(&search->private, &search->dry_private, private, e.private);
    *over = no_object && no_private;
    /* A pass goes by the space that another hart is in, be it the only one with pages. It
     * counts all the same: harts that each wait for the others to give up never do. */
    if (!private && !*over)
        reclaim_wait_others();
    return 0;
}

/* The cheap things first: pages that nobody maps, stacks that nobody uses. */
static uint64_t take_unused(uint64_t n)
{
    uint64_t done = object_drop_unused(n);
    return done ? done : kstack_trim();
}

/* ------------------------------------------------------------- the thread */

/* Until memory is plenty again. False: there is nothing more to free. */
static bool free_all(void)
{
    uint64_t short_of;
    struct search search = {0};
    while ((short_of = frame_shortage())) {
        bool over = false;
        if (swap_out_count() > OUTS_MAX) {
            swap_wait_out(); /* those pages count as soon as they are free */
            continue;
        }
        if (take_unused(short_of))
            search = (struct search){0};
        else
            balance(short_of < STEP ? STEP : short_of, &search, &over);
        if (object_dirty_pages())
            writeback_poke();
        if (over) {
            if (!swap_out_count())
                return false;
            swap_wait_out();
        }
        sched_yield();
    }
    return true;
}

static void reclaimer(void *unused)
{
    (void)unused;
    for (;;) {
        uint64_t rest = WAIT_FOREVER;
        if (!free_all())
            rest = timer_now() + timer_ns_to_ticks(REST_NS);
        spin_lock(&lock);
        if (rest != WAIT_FOREVER)
            poked = false;
        if (!poked)
            wait_hooks.wait(&wanted, &lock, 0, rest, "memory pressure");
        poked = false;
        spin_unlock(&lock);
    }
}

/*
 * From half of memory on, pages are looked at as others are taken. Without that the first look
 * comes when memory is short: every page has been used since it was first mapped, and none is
 * known to be used more than others (docs/SWAP.md has the measurement).
 */
static void sample(void)
{
    static uint64_t last; /* atomic: frames that were free */
    uint64_t now = frame_free_estimate(), then = __atomic_load_n(&last, __ATOMIC_RELAXED);
    if (now > then)
        __atomic_store_n(&last, now, __ATOMIC_RELAXED);
    else if (then - now >= SAMPLE &&
             __atomic_compare_exchange_n(&last, &then, now, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED))
        reclaim_sample(LOOKS * SAMPLE);
}

void reclaimer_faulted(void)
{
    if (frame_free_estimate() < frame_total() / 2)
        sample();
    reclaimer_poke();
}

void reclaimer_poke(void)
{
    if (!frame_low() || __atomic_load_n(&poked, __ATOMIC_RELAXED))
        return;
    spin_lock(&lock);
    poked = true;
    wake_all(&wanted);
    spin_unlock(&lock);
}

void reclaimer_init(void)
{
    struct thread *t = thread_create(NULL, reclaimer, NULL);
    if (!t)
        panic("no memory for the thread that frees memory");
    thread_start(t);
}

/* ------------------------------------------------------- who is refused it */

/* Goes round through memory until something leaves. Pages freed or on their way; 0 if none
 * can leave. */
static uint64_t search_memory(uint64_t n)
{
    struct search search = {0};
    uint64_t reclaimed = counter_sum(COUNT_RECLAIM);
    for (;;) {
        bool over = false;
        uint64_t done = take_unused(n);
        if (!done)
            done = balance(n, &search, &over);
        if (done || thread_dying())
            return done;
        uint64_t now = counter_sum(COUNT_RECLAIM);
        if (over && now == reclaimed)
            return 0;
        reclaimed = now; /* others find something */
        sched_yield();   /* pages grow old by the rounds in which they are not used */
    }
}

/*
 * The same, but one thread searches for all that are refused memory at the time, and they
 * share what it finds, or does not. With each searching for itself, hundreds made every
 * page old between two turns of the threads that use them, and none of these got on.
 */
static uint64_t reclaim_some(uint64_t n)
{
    spin_lock(&lock);
    if (searching) {
        uint64_t mine = searches;
        while (searches == mine)
            wait_on(&search_wait, &lock, 0, "search for memory");
        uint64_t done = found;
        spin_unlock(&lock);
        return done;
    }
    searching = true;
    spin_unlock(&lock);
    uint64_t done = search_memory(n);
    spin_lock(&lock);
    searching = false;
    searches++;
    found = done || !thread_dying() ? done : 1; /* it did not search to the end */
    wake_all(&search_wait);
    spin_unlock(&lock);
    return done;
}

static bool waits_for_nobody(void)
{
    struct process *p = thread_self()->process;
    return !p || p->wired;
}

/* Frees memory until there is enough. 0, -ENOMEM, -EINTR. */
static int make_room(bool (*enough)(void), int patience)
{
    while (patience > 0) {
        if (thread_dying())
            return -EINTR;
        uint64_t ended = swap_out_ended(), reclaimed = counter_sum(COUNT_RECLAIM);
        uint64_t done = reclaim_some(frame_shortage() + STEP);
        if (enough())
            return 0;
        /* Pages on their way are free when the disk has them. */
        if (swap_out_count())
            swap_wait_out();
        if (ended != swap_out_ended())
            continue;
        /* Others may take what becomes free, and then get on. But pages that are only read
         * again, such as those of programs, could come and go like that for ever. */
        if (done || reclaimed != counter_sum(COUNT_RECLAIM)) {
            patience -= done ? 1 : IN_VAIN;
            continue;
        }
        /* Servers are what others wait for: they never wait for write-back. */
        if (waits_for_nobody() || !object_dirty_pages())
            return -ENOMEM;
        int rc = writeback_wait();
        if (rc < 0)
            return rc;
        patience -= rc == 0 ? IN_VAIN : 0;
    }
    return -ENOMEM;
}

int reclaimer_make_room(void)
{
    return make_room(frame_available, PATIENCE);
}

int reclaimer_make_plenty(void)
{
    return frame_plenty() ? 0 : make_room(frame_plenty, PATIENCE / 5);
}
