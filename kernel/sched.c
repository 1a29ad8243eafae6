/*
 * The scheduler: a run queue per hart (run_queue.h), round robin, idle harts (idle.c) steal.
 * Contracts are in thread.h.
 *
 * A thread may be woken, or stolen after a yield, while its hart has not left its
 * stack yet; on_cpu says so. Who wakes a thread waits those few instructions
 * before queueing it, whatever locks it holds: the way out of a wait takes none
 * that a waker may hold. Who steals one waits before switching to it; no cycle
 * of harts can wait for each other then, since a hart picks the next thread
 * before it queues its own.
 */
#include "kernel/errno.h"
#include "kernel/lib/counter.h"
#include "kernel/lib/hart.h"
#include "kernel/lib/printk.h"
#include "kernel/process.h"
#include "kernel/run_queue.h"
#include "kernel/thread.h"
#include "trap/csr.h"
#include "trap/timer.h"
#include "vm/kmalloc.h"
#include "vm/space.h"
#include "vm/vmalloc.h"

#define SLICE_NS 10000000ul

void switch_context(struct context *from, struct context *to);
void load_context(struct context *to) __attribute__((noreturn));
void switch_to_user(bool *on_cpu, struct trapframe *frame) __attribute__((noreturn));

/* The thread that this hart just switched away from, to be finished with. */
static struct thread *left[MAX_HARTS];
static int next_tid = 1; /* atomic */
static uint64_t slice;   /* ticks */

/* ----------------------------------------------------------- threads' life */

static void thread_first_run(void);

struct thread *thread_create(struct process *p, void (*entry)(void *), void *argument)
{
    struct thread *t = kzalloc(sizeof *t);
    void *stack = t ? kstack_alloc() : NULL;
    if (!stack) {
        kfree(t);
        return NULL;
    }
    t->process = p;
    t->stack = stack;
    t->tid = __atomic_fetch_add(&next_tid, 1, __ATOMIC_RELAXED);
    t->state = THREAD_WAITING;
    t->hart = hart_self()->index;
    t->entry = entry;
    t->argument = argument;
    list_init(&t->run_link);
    list_init(&t->link);
    list_init(&t->wait_link);
    t->context.ra = (uint64_t)thread_first_run;
    t->context.sp = (uint64_t)stack + KSTACK_SIZE;
    return t;
}

void thread_free(struct thread *t)
{
    fp_forget(t);
    kstack_free(t->stack);
    kfree(t);
}

void thread_die(void)
{
    struct thread *t = thread_self();
    __atomic_store_n(&t->state, THREAD_DEAD, __ATOMIC_SEQ_CST);
    for (;;)
        sched_yield();
}

/* ------------------------------------------------------------------ wakes */

static bool wake_as(struct thread *t, int result)
{
    enum thread_state waiting = THREAD_WAITING;
    if (!__atomic_compare_exchange_n(&t->state, &waiting, THREAD_READY, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED))
        return false;
    t->wake_result = result;
    while (__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
        ;
    return true;
}

bool thread_wake(struct thread *t, int result)
{
    if (!wake_as(t, result))
        return false;
    run_queue_add(t);
    return true;
}

bool thread_wake_handoff(struct thread *t)
{
    if (!wake_as(t, 0))
        return false;
    t->handed = true;
    run_queue_put(hart_self()->index, t, true);
    return true;
}

void thread_start(struct thread *t)
{
    thread_wake(t, 0);
}

/* ------------------------------------------------------------- the switch */

/* Finishes with the thread that ran before on this hart. */
static inline void finish_switch(void)
{
    struct hart *h = hart_self();
    struct thread *old = left[h->index];
    bool dead = __atomic_load_n(&old->state, __ATOMIC_ACQUIRE) == THREAD_DEAD;
    __atomic_store_n(&old->on_cpu, false, __ATOMIC_RELEASE);
    if (dead)
        thread_free(old);
}

static void thread_first_run(void)
{
    finish_switch();
    struct thread *t = thread_self();
    t->entry(t->argument);
    thread_die();
}

uint64_t sched_cpu_time(const struct thread *t)
{
    bool running = __atomic_load_n(&t->state, __ATOMIC_RELAXED) == THREAD_RUNNING;
    return t->cpu_time + (running ? timer_now() - t->started : 0);
}

static void arm_slice(struct hart *h, uint64_t now)
{
    h->slice_end = now + slice;
    if (h->timer_armed > h->slice_end)
        timer_set(h->slice_end);
}

/* Makes next this hart's current thread; the context is still the one before. */
static inline struct thread *become(struct thread *next)
{
    struct hart *h = hart_self();
    struct thread *prev = h->current;
    uint64_t now = timer_now();
    while (__atomic_load_n(&next->on_cpu, __ATOMIC_ACQUIRE))
        ;
    count(COUNT_SWITCH);
    prev->cpu_time += now - prev->started;
    next->started = now;
    next->hart = h->index;
    __atomic_store_n(&next->state, THREAD_RUNNING, __ATOMIC_RELAXED);
    __atomic_store_n(&next->on_cpu, true, __ATOMIC_RELAXED);
    if (prev->tf.sstatus & SSTATUS_FS)
        fp_leave(prev);
    if (next->tf.sstatus & SSTATUS_FS)
        fp_enter(next);
    /* An idle hart stays in the space it was in: the next thread is likely the
     * same process's. Kernel threads need no user half and do likewise. */
    if (next->process)
        space_switch(next->process->space);
    h->current = next;
    h->stack_low = (uint64_t)next->stack;
    h->kernel_sp = (uint64_t)next->stack + KSTACK_SIZE;
    h->attention &= ~(uint32_t)ATTEND_RESCHEDULE;
    if (next != h->idle && (!next->handed || prev == h->idle))
        arm_slice(h, now);
    next->handed = false;
    left[h->index] = prev;
    return prev;
}

static void switch_to(struct thread *next)
{
    struct thread *prev = become(next);
    switch_context(&prev->context, &next->context);
    finish_switch();
}

/* The current thread's state says whether it goes back to a queue. */
static void reschedule(void)
{
    struct hart *h = hart_self();
    struct thread *prev = h->current;
    struct thread *next = run_queue_pick();
    bool runs_on = __atomic_load_n(&prev->state, __ATOMIC_SEQ_CST) == THREAD_RUNNING;
    if (!next) {
        if (runs_on)
            return;
        next = h->idle;
    }
    if (runs_on && prev != h->idle) {
        __atomic_store_n(&prev->state, THREAD_READY, __ATOMIC_RELAXED);
        run_queue_put(h->index, prev, false);
    }
    switch_to(next);
}

void sched_yield(void)
{
    assert(spin_none_held());
    reschedule();
}

/* ---------------------------------------------------------------- waiting */

static void wait_timed_out(struct timer *timer)
{
    thread_wake(container_of(timer, struct thread, timeout), -ETIMEDOUT);
}

static int sched_wait(struct waitq *q, struct spinlock *lock, int flags, uint64_t deadline,
                      const char *what)
{
    struct thread *t = thread_self();
    assert(t != hart_self()->idle);
    t->killable = flags & WAIT_KILLABLE;
    t->wake_result = 0;
    t->wait_what = what;
    list_push_back(&q->waiters, &t->wait_link);
    __atomic_store_n(&t->state, THREAD_WAITING, __ATOMIC_SEQ_CST);
    /* After the store: a killer either sees WAITING, or we see its mark here. */
    enum thread_state waiting = THREAD_WAITING;
    if (t->killable && thread_dying() &&
        __atomic_compare_exchange_n(&t->state, &waiting, THREAD_RUNNING, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED)) {
        list_remove(&t->wait_link);
        t->wait_what = NULL;
        return -EINTR;
    }
    if (deadline != WAIT_FOREVER) {
        t->timeout.fire = wait_timed_out;
        t->timeout.locked = true;
        timer_arm(&t->timeout, deadline);
    }
    spin_unlock(lock);
    reschedule();
    if (deadline != WAIT_FOREVER)
        timer_cancel(&t->timeout);
    spin_lock(lock);
    list_remove(&t->wait_link);
    t->wait_what = NULL;
    t->wait_holder = 0;
    return t->wake_result;
}

static unsigned sched_wake(struct waitq *q, unsigned n)
{
    unsigned woken = 0;
    struct list *l;
    while (woken < n && (l = list_pop(&q->waiters)))
        woken += thread_wake(container_of(l, struct thread, wait_link), 0);
    return woken;
}

int sched_wait_until(struct waitq *q, struct spinlock *lock, uint64_t deadline, const char *what)
{
    return sched_wait(q, lock, WAIT_KILLABLE, deadline, what);
}

/* ---------------------------------------------------------------- parking */

void sched_park_locked(struct waitq *q, const char *what, int holder, void (*resume)(void *),
                       void *argument)
{
    struct thread *t = thread_self();
    t->killable = true;
    t->wake_result = 0;
    t->wait_what = what;
    t->wait_holder = holder;
    t->entry = resume;
    t->argument = t->parked = argument;
    t->context.ra = (uint64_t)thread_first_run;
    /* Frames below the argument's are no more by then, however often it parks with it. */
    t->context.sp = (uint64_t)argument & ~15ul;
    t->context.s[0] = 0; /* the backtrace ends here */
    list_push_back(&q->waiters, &t->wait_link);
    __atomic_store_n(&t->state, THREAD_WAITING, __ATOMIC_SEQ_CST);
    /* As in sched_wait; but it is not queued before its hart has picked another (see above). */
    enum thread_state waiting = THREAD_WAITING;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (process_thread_must_leave(t->process, t) &&
        __atomic_compare_exchange_n(&t->state, &waiting, THREAD_RUNNING, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED))
        t->wake_result = -EINTR;
}

/* The current thread has parked, but is to die: it goes on. */
static bool must_go_on(const struct thread *t)
{
    return __atomic_load_n(&t->state, __ATOMIC_SEQ_CST) == THREAD_RUNNING;
}

bool sched_claim_locked(struct thread *t)
{
    enum thread_state waiting = THREAD_WAITING;
    /* One that is still on its stack would have to be waited for. */
    if (!t->parked || __atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE) ||
        !__atomic_compare_exchange_n(&t->state, &waiting, THREAD_READY, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED))
        return false;
    list_remove(&t->wait_link);
    return true;
}

void sched_unclaim(struct thread *t)
{
    run_queue_add(t);
}

void sched_leave(void)
{
    assert(spin_none_held());
    struct thread *t = thread_self();
    if (must_go_on(t)) {
        t->entry(t->argument);
        thread_die();
    }
    struct thread *next = run_queue_pick();
    next = next ? next : hart_self()->idle;
    become(next);
    load_context(&next->context);
}

void sched_leave_to(struct thread *claimed)
{
    struct thread *t = thread_self();
    claimed->handed = true;
    claimed->parked = NULL;
    claimed->wait_what = NULL;
    claimed->wait_holder = 0;
    if (must_go_on(t)) { /* later: who is claimed is off its stack, so nobody waits in a circle */
        __atomic_store_n(&t->state, THREAD_READY, __ATOMIC_RELAXED);
        run_queue_put(hart_self()->index, t, false);
    }
    struct thread *prev = become(claimed);
    switch_to_user(&prev->on_cpu, &claimed->tf);
}

int sched_unpark_locked(void)
{
    struct thread *t = thread_self();
    list_remove(&t->wait_link);
    t->parked = NULL;
    t->wait_what = NULL;
    t->wait_holder = 0;
    return t->wake_result;
}

bool thread_dying(void)
{
    struct process *p = thread_self()->process;
    /* After what the caller has stored: a killer sees that, or the caller sees its mark. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return p && process_thread_must_leave(p, thread_self());
}

/* ------------------------------------------------------------------ ticks */

void sched_tick(void)
{
    struct hart *h = hart_self();
    h->timer_armed = 0; /* it fired: whatever comes next has to be set anew */
    timers_run();
    uint64_t now = timer_now(), next = timers_next();
    if (h->current != h->idle) {
        if (now >= h->slice_end) {
            h->slice_end = now + slice;
            if (run_queues[h->index].length > 0) {
                h->attention |= ATTEND_RESCHEDULE;
                run_queue_call_idle();
            }
        }
        if (h->slice_end < next)
            next = h->slice_end;
    }
    timer_set(next);
}

void sched_init(void)
{
    run_queue_init();
    slice = timer_ns_to_ticks(SLICE_NS);
    wait_hooks.wait = sched_wait;
    wait_hooks.wake = sched_wake;
}
