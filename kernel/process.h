/*
 * Processes: an address space, handles and threads under one pid.
 *
 *   ALIVE   has threads. Once `dying` is set each of them leaves at its next way
 *           to user mode; waits that are killable end with -EINTR.
 *   ZOMBIE  the last thread has given everything back; the status waits for the
 *           parent (init, if the parent is gone).
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/handle.h"
#include "kernel/lib/list.h"
#include "kernel/lib/wait.h"
#include "vm/space.h"

#define PROCESS_MAX  4096 /* at a time */
#define PROCESS_NAME 32
#define INIT_PID     1

struct port;
struct thread;
struct watcher;

enum process_state { PROCESS_ALIVE, PROCESS_ZOMBIE };

struct process {
    struct kobject kobject; /* references: the tree's, handles', look-ups' */
    int pid;
    int pgid;                 /* (tree lock) */
    struct process *parent;   /* (tree lock) */
    struct list children;     /* (tree lock) that live, */
    struct list zombies;      /* (tree lock) and that have died, the first first */
    struct list sibling;      /* (tree lock) */
    struct list hash_link;    /* (tree lock) */
    struct waitq child_wait;  /* (tree lock) */
    struct list watchers;     /* (tree lock) ports to be told of its death */
    struct watcher *watches;  /* (tree lock) whom to tell of children's deaths; or NULL */
    enum process_state state; /* (tree lock) */
    struct spinlock lock;
    struct list threads;        /* (lock) */
    unsigned thread_count;      /* (lock) */
    struct waitq thread_wait;   /* (lock) exec waits for the others to leave */
    bool dying;                 /* atomic, set under lock */
    struct thread *exec_thread; /* atomic, set under lock: all but it must leave */
    int status;                 /* (lock) wait status, once dying */
    bool own_fault;             /* (lock) it dies by what it did itself, or of a stall */
    bool serves;                /* has received on a port; its own threads set it */
    struct space *space;        /* (lock) for others than its own threads */
    struct kobject *program;    /* (lock) what it executes, for symbols; or NULL */
    bool wired;                 /* of the initial RAM image: may use the reserve */
    bool spared;                /* init started it: kernel/oom.h */
    uint64_t cpu_time;          /* (lock) ticks of threads that are gone */
    char name[PROCESS_NAME];    /* (lock) */
    struct handle_table handles;
};

static inline bool process_thread_must_leave(const struct process *p, const struct thread *t)
{
    const struct thread *exec = __atomic_load_n(&p->exec_thread, __ATOMIC_RELAXED);
    return __atomic_load_n(&p->dying, __ATOMIC_RELAXED) || (exec && exec != t);
}

/* Process 1, with a system handle: executes the boot file "init". Runs it in a
 * thread of its own. */
void process_start_init(void);

/* A copy of the current process, with a copy of the current thread. Its pid; -ENOMEM,
 * -EAGAIN (too many), -EINTR (the process is to die). */
int process_fork(void);
/* Ends the process with that wait status; only this thread, for thread_exit. */
void process_exit(int status) __attribute__((noreturn));
void process_thread_exit(void) __attribute__((noreturn));
int process_thread_create(uint64_t entry, uint64_t sp, uint64_t tp, uint64_t arg);
/* Kills it with that signal as the cause; 0 only checks. -EINVAL, -EPERM for init. Takes
 * the process lock, under which threads are woken; does not wait for the end. SIGABRT
 * says that the process itself is at fault: it is a supervisor's for a server that stalls. */
int process_kill(struct process *p, int sig);
void process_destroy(struct kobject *o);
/* Makes the current thread the only one (exec). -EINTR: the process dies. */
int process_single_out(void);
/* Its space with a reference; NULL when it has none any more. */
struct space *process_space(struct process *p);
uint64_t process_cpu_time(struct process *p);
void process_set_name(struct process *p, const char *name);

#endif
