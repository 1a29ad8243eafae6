/*
 * Run queues, one a hart, round robin. A part of the scheduler (sched.c), for it and idle.c.
 * What each switch needs is in line.
 */
#ifndef KERNEL_RUN_QUEUE_H
#define KERNEL_RUN_QUEUE_H

#include <stdbool.h>

#include "kernel/lib/hart.h"
#include "kernel/lib/list.h"
#include "kernel/lib/lock.h"
#include "kernel/thread.h"

struct run_queue {
    struct spinlock lock;
    struct list threads; /* (lock) */
    unsigned length;     /* (lock); read without it as a hint */
};

extern struct run_queue run_queues[MAX_HARTS];

void run_queue_init(void);

/* Adds a READY thread to a hart's queue. Takes its lock. */
static inline void run_queue_put(unsigned hart, struct thread *t, bool front)
{
    struct run_queue *q = &run_queues[hart];
    spin_lock(&q->lock);
    if (front)
        list_push_front(&q->threads, &t->run_link);
    else
        list_push_back(&q->threads, &t->run_link);
    q->length++;
    spin_unlock(&q->lock);
}

/* The first thread of a queue, or the last; NULL if it is empty. Takes the lock. */
static inline struct thread *run_queue_take(struct run_queue *q, bool from_back)
{
    if (!__atomic_load_n(&q->length, __ATOMIC_RELAXED))
        return NULL;
    spin_lock(&q->lock);
    struct thread *t = NULL;
    if (q->length) {
        struct list *l = from_back ? q->threads.prev : q->threads.next;
        list_remove(l);
        q->length--;
        t = container_of(l, struct thread, run_link);
    }
    spin_unlock(&q->lock);
    return t;
}

/* A thread that another hart has not come to yet, or NULL. */
struct thread *run_queue_steal(unsigned me);

/* What this hart should run next; NULL: there is nothing. */
static inline struct thread *run_queue_pick(void)
{
    unsigned me = hart_self()->index;
    struct thread *t = run_queue_take(&run_queues[me], false);
    return t ? t : run_queue_steal(me);
}

/* Queues a thread that has become READY where it should run, and calls that hart. */
void run_queue_add(struct thread *t);
/* Threads wait in this hart's queue: calls an idle hart, if there is one, to take one. */
void run_queue_call_idle(void);
/* No hart has a thread that waits to run. Sequentially consistent. */
bool run_queue_all_empty(void);

#endif
