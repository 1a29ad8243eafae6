/* Timers in a pairing heap per hart; the contract is in timerq.h. */
#include "kernel/timerq.h"

#include <stddef.h>

#include "kernel/lib/hart.h"
#include "kernel/lib/lock.h"
#include "trap/timer.h"

static struct timer_queue {
    struct spinlock lock;
    struct timer *root; /* (lock) */
} queues[MAX_HARTS] = {
    [0 ... MAX_HARTS - 1] = {SPINLOCK_INIT(RANK_TIMER), NULL},
};

/* One tree of two: the later root becomes the other's first child. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->when < a->when) {
        struct timer *t = a;
        a = b;
        b = t;
    }
    b->previous = a;
    b->sibling = a->child;
    if (a->child)
        a->child->previous = b;
    a->child = b;
    a->sibling = NULL;
    a->previous = NULL;
    return a;
}

/* One tree of a list of siblings: pairs from the left, then from the right. */
static struct timer *meld_all(struct timer *first)
{
    struct timer *pairs = NULL;
    while (first) {
        struct timer *a = first, *b = a->sibling;
        first = b ? b->sibling : NULL;
        a->sibling = a->previous = NULL;
        if (b)
            b->sibling = b->previous = NULL;
        a = meld(a, b);
        a->sibling = pairs;
        pairs = a;
    }
    struct timer *root = NULL;
    while (pairs) {
        struct timer *next = pairs->sibling;
        pairs->sibling = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void remove_locked(struct timer_queue *q, struct timer *t)
{
    struct timer *below = meld_all(t->child);
    if (q->root == t) {
        q->root = below;
    } else {
        /* previous is the parent for a first child, else the left sibling. */
        if (t->previous->child == t)
            t->previous->child = t->sibling;
        else
            t->previous->sibling = t->sibling;
        if (t->sibling)
            t->sibling->previous = t->previous;
        q->root = meld(q->root, below);
    }
    t->child = t->sibling = t->previous = NULL;
    t->armed = false;
}

void timer_arm(struct timer *t, uint64_t when)
{
    struct hart *h = hart_self();
    struct timer_queue *q = &queues[h->index];
    spin_lock(&q->lock);
    t->when = when;
    t->hart = h->index;
    t->armed = true;
    t->child = t->sibling = t->previous = NULL;
    q->root = meld(q->root, t);
    spin_unlock(&q->lock);
    if (when < h->timer_armed)
        timer_set(when);
}

bool timer_cancel(struct timer *t)
{
    struct timer_queue *q = &queues[t->hart];
    spin_lock(&q->lock);
    bool was = t->armed;
    if (was)
        remove_locked(q, t);
    spin_unlock(&q->lock);
    return was;
}

void timers_run(void)
{
    struct timer_queue *q = &queues[hart_self()->index];
    spin_lock(&q->lock);
    while (q->root && q->root->when <= timer_now()) {
        struct timer *t = q->root;
        remove_locked(q, t);
        if (t->locked) {
            t->fire(t);
            continue;
        }
        spin_unlock(&q->lock);
        t->fire(t);
        spin_lock(&q->lock);
    }
    spin_unlock(&q->lock);
}

uint64_t timers_next(void)
{
    struct timer_queue *q = &queues[hart_self()->index];
    spin_lock(&q->lock);
    uint64_t when = q->root ? q->root->when : TIMER_NEVER;
    spin_unlock(&q->lock);
    return when;
}
