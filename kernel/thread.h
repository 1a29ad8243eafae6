/*
 * Threads.
 *
 *   READY    in a run queue                      made so by thread_wake, thread_start
 *   RUNNING  on a hart                           by the scheduler
 *   WAITING  in a wait queue, not in a run queue by itself (wait_on)
 *   DEAD     has left for good; freed once it is off its stack
 *
 * WAITING -> READY is one compare-and-swap, so of a wake-up, a time-out and a
 * kill exactly one wins.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/lib/hart.h"
#include "kernel/lib/list.h"
#include "kernel/lib/wait.h"
#include "kernel/timerq.h"
#include "trap/trap.h"

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_WAITING, THREAD_DEAD };

/* What a switch saves: the callee-saved registers (kernel/switch.S). */
struct context {
    uint64_t ra, sp, s[12];
};

struct thread {
    struct trapframe tf; /* first: the trampoline finds it through hart->current */
    struct context context;
    struct process *process; /* NULL: a kernel thread */
    void *stack;             /* lowest address of the kernel stack */
    int tid;
    enum thread_state state; /* atomic */
    bool on_cpu;             /* atomic: a hart still uses its stack */
    unsigned hart;           /* where it runs or ran last */
    struct list run_link;    /* (run queue) */
    struct list link;        /* (process lock) process->threads */
    /* waiting */
    struct list wait_link; /* (the wait queue's lock) */
    void *parked;          /* its wait has no context but this: sched_park_locked */
    bool handed;           /* took over from a caller or server: goes on in its slice */
    bool killable;         /* this wait ends when the process is to die */
    int wake_result;
    struct timer timeout;
    const char *wait_what; /* in words; NULL when it does not wait */
    int wait_holder;       /* pid of who must act, 0 unknown */
    uint64_t room;         /* where its last message was to go, or 0 (kernel/ipc.c) */
    /* accounting */
    uint64_t started;  /* ticks: when it was switched in */
    uint64_t cpu_time; /* ticks before that */
    /* floating point: f0..f31, fcsr */
    uint64_t fp[33];
    void (*entry)(void *); /* where it starts, or goes on from a parked wait */
    void *argument;
};

static inline struct thread *thread_self(void)
{
    return hart_self()->current;
}

/* A thread of p (or of the kernel, p NULL) that will run entry(argument), in the
 * kernel; NULL: no memory. thread_start makes it READY. */
struct thread *thread_create(struct process *p, void (*entry)(void *), void *argument);
void thread_start(struct thread *t);
/* Frees a thread that never ran. */
void thread_free(struct thread *t);
/* WAITING -> READY with that result; false if something else woke it first. */
bool thread_wake(struct thread *t, int result);
/* The same, for the other side of a call: a receiver whose caller is about to
 * wait, a caller whose server has answered. It runs on this hart, next, and goes
 * on in the current slice, so that two who call each other do not keep others
 * out. If the waker goes on for long, the tick brings an idle hart to help. */
bool thread_wake_handoff(struct thread *t);
/* Ends the current thread. Its process must have let go of it. */
void thread_die(void) __attribute__((noreturn));
/* The process is to die: true if the current thread must leave. */
bool thread_dying(void);

/* Sets up this hart's idle thread; its stack is the one in use. */
void sched_init_hart(void);
/* Fills wait_hooks. Once. */
void sched_init(void);
/* Runs the idle loop; does not return. */
void sched_idle(void) __attribute__((noreturn));
/* Gives the hart to the next ready thread, if there is one. No lock held. */
void sched_yield(void);
/* The timer fired: run timers, end the slice. */
void sched_tick(void);
/* Sleeps on q until `deadline`: wait_on with a time limit. */
int sched_wait_until(struct waitq *q, struct spinlock *lock, uint64_t deadline, const char *what);

/*
 * Waits at the boundary to user mode, where all that a thread is lies in its trap frame: who ends
 * such a wait may fill the frame and switch straight to user mode (kernel/ipc_direct.c). Anybody
 * else wakes it as usual, and it goes on with resume(argument), which does not return.
 */
/* The current thread waits on q from now on, killable, and has to leave soon. argument is on its
 * stack, of which the part above stays. q's lock is held. */
void sched_park_locked(struct waitq *q, const char *what, int holder, void (*resume)(void *),
                       void *argument);
/* Takes a parked thread off its wait, to be switched to or woken; false if something else ended
 * it. q's lock is held. */
bool sched_claim_locked(struct thread *t);
/* A claimed thread goes on as if woken. */
void sched_unclaim(struct thread *t);
/* Leaves the current thread, which is parked: for another; for one that was claimed, in user mode,
 * in the same slice. No lock held. */
void sched_leave(void) __attribute__((noreturn));
void sched_leave_to(struct thread *claimed) __attribute__((noreturn));
/* The wait of the current thread, which was parked, has ended: how. q's lock is held. */
int sched_unpark_locked(void);

/* The thread's CPU time in ticks. */
uint64_t sched_cpu_time(const struct thread *t);

/* Floating point (kernel/fp.c): lets the current thread use it; whether it
 * could not before. Saves a thread's registers before it leaves the hart. */
bool fp_enable(struct trapframe *tf);
void fp_leave(struct thread *t);
/* Before it runs on this hart again: is FS what the registers hold? */
void fp_enter(struct thread *t);
/* Copies the parent's FP state, in registers or saved. */
void fp_copy(struct thread *child, struct thread *parent);
/* t is gone: no hart's registers hold its values. */
void fp_forget(struct thread *t);

#endif
