/* Processes: birth and death; the contract is in process.h. */
#include "kernel/process.h"

#include "kernel/bootfile.h"
#include "kernel/device.h"
#include "kernel/errno.h"
#include "kernel/exec.h"
#include "kernel/family.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/oom.h"
#include "kernel/port.h"
#include "kernel/system.h"
#include "kernel/thread.h"
#include "trap/csr.h"
#include "trap/sbi.h"
#include "vm/asid.h"
#include "vm/kmalloc.h"

struct space *process_space(struct process *p)
{
    spin_lock(&p->lock);
    struct space *s = p->space;
    if (s)
        space_ref(s);
    spin_unlock(&p->lock);
    return s;
}

uint64_t process_cpu_time(struct process *p)
{
    spin_lock(&p->lock);
    uint64_t ticks = p->cpu_time;
    list_for_each (l, &p->threads) {
        ticks += sched_cpu_time(container_of(l, struct thread, link));
    }
    spin_unlock(&p->lock);
    return ticks;
}

void process_set_name(struct process *p, const char *name)
{
    char clean[PROCESS_NAME];
    strlcpy(clean, name, sizeof clean);
    /* Names stand in lines of the log: nothing that a terminal or a reader of the
     * log would take for more than a name. */
    for (char *c = clean; *c; c++)
        if (*c <= ' ' || *c > '~')
            *c = '?';
    spin_lock(&p->lock);
    memcpy(p->name, clean, sizeof p->name);
    spin_unlock(&p->lock);
}

/* ------------------------------------------------------------------ birth */

static struct process *process_alloc(void)
{
    struct process *p = kzalloc(sizeof *p);
    if (!p)
        return NULL;
    kobject_init(&p->kobject, HANDLE_PROCESS);
    list_init(&p->children);
    list_init(&p->zombies);
    list_init(&p->sibling);
    list_init(&p->hash_link);
    waitq_init(&p->child_wait);
    list_init(&p->watchers);
    spin_init(&p->lock, RANK_PROCESS);
    list_init(&p->threads);
    waitq_init(&p->thread_wait);
    handle_table_init(&p->handles);
    return p;
}

void process_destroy(struct kobject *o)
{
    kfree(container_of(o, struct process, kobject));
}

static void add_thread(struct process *p, struct thread *t)
{
    spin_lock(&p->lock);
    list_push_back(&p->threads, &t->link);
    p->thread_count++;
    spin_unlock(&p->lock);
}

static void enter_user(void *unused)
{
    (void)unused;
    trap_return(&thread_self()->tf);
}

/* What a child starts with, but for its place in the tree. -ENOMEM: some of it is there. */
static int copy_process(struct process *p, struct process *parent)
{
    p->wired = parent->wired;
    p->program = parent->program;
    if (p->program)
        kobject_ref(p->program);
    memcpy(p->name, parent->name, sizeof p->name);
    p->space = space_fork(parent->space);
    return p->space ? handle_table_copy(&p->handles, &parent->handles) : -ENOMEM;
}

static struct thread *copy_thread(struct thread *me, struct process *p)
{
    struct thread *t = thread_create(p, enter_user, NULL);
    if (!t)
        return NULL;
    fp_copy(t, me);
    t->tf = me->tf;
    t->tf.sstatus &= ~(uint64_t)SSTATUS_FS;
    t->tf.x[REG_A0] = 0;
    return t;
}

int process_fork(void)
{
    struct thread *me = thread_self();
    struct process *p = process_alloc();
    if (!p)
        return -ENOMEM;
    int rc = copy_process(p, me->process);
    struct thread *t = rc == 0 ? copy_thread(me, p) : NULL;
    if (rc == 0)
        rc = t ? family_enter(p, me->process) : -ENOMEM;
    if (rc < 0) {
        if (t)
            thread_free(t);
        handle_table_destroy(&p->handles);
        if (p->space)
            space_unref(p->space);
        if (p->program)
            kobject_unref(p->program);
        kobject_unref(&p->kobject);
        return rc;
    }
    int pid = p->pid;
    add_thread(p, t);
    thread_start(t);
    return pid;
}

int process_thread_create(uint64_t entry, uint64_t sp, uint64_t tp, uint64_t arg)
{
    struct process *p = thread_self()->process;
    if (entry >= USER_END || sp > USER_END || entry % 2 || sp % 16)
        return -EINVAL;
    struct thread *t = thread_create(p, enter_user, NULL);
    if (!t)
        return -ENOMEM;
    TF_PC_OF(&t->tf) = entry;
    t->tf.x[REG_SP] = sp;
    t->tf.x[REG_GP] = thread_self()->tf.x[REG_GP];
    t->tf.x[REG_TP] = tp;
    t->tf.x[REG_A0] = arg;
    t->tf.sstatus = SSTATUS_SPIE;
    int tid = t->tid;
    add_thread(p, t);
    thread_start(t);
    return tid;
}

static void run_init(void *unused)
{
    (void)unused;
    struct handle program;
    int rc = bootfile_open("init", &program);
    if (rc == 0)
        rc = exec_first(program, "init");
    if (rc < 0)
        panic("cannot run init from the initial RAM image: error %d", -rc);
    trap_return(&thread_self()->tf);
}

void process_start_init(void)
{
    struct process *p = process_alloc();
    struct thread *t = p ? thread_create(p, run_init, NULL) : NULL;
    struct handle system;
    if (!t || family_enter(p, NULL) < 0 || system_create(&system) < 0 ||
        handle_install_at(&p->handles, H_SYSTEM, system) < 0)
        panic("no memory for process 1");
    process_set_name(p, "init");
    add_thread(p, t);
    thread_start(t);
}

/* ------------------------------------------------------------------ death */

/* Wakes or interrupts every thread but `except`, so that it notices that it must
 * leave. Process lock held, the reason already visible. */
static void rouse_threads_locked(struct process *p, struct thread *except)
{
    uint64_t running = 0;
    /* A thread that is switched to now sees the reason, or we see its hart. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    list_for_each (l, &p->threads) {
        struct thread *t = container_of(l, struct thread, link);
        if (t == except)
            continue;
        if (t->killable)
            thread_wake(t, -EINTR);
        if (t->hart != hart_self()->index)
            running |= 1ul << t->hart;
    }
    if (running)
        sbi_send_ipi(running);
}

static void begin_death(struct process *p, int status, bool own_fault)
{
    spin_lock(&p->lock);
    if (!p->dying) {
        p->status = status;
        p->own_fault = own_fault;
        __atomic_store_n(&p->dying, true, __ATOMIC_SEQ_CST);
        rouse_threads_locked(p, hart_self()->current);
    }
    spin_unlock(&p->lock);
}

int process_kill(struct process *p, int sig)
{
    if (sig < 0 || sig > ABI_SIG_MAX)
        return -EINVAL;
    if (p->pid == INIT_PID)
        return -EPERM;
    if (sig)
        begin_death(p, sig, sig == ABI_SIGABRT || p == thread_self()->process);
    return 0;
}

/* What nobody else needs any more; by the last thread. */
static void give_back(struct process *p)
{
    device_stop_all(p->space);
    /* Before the handles go, and with them perhaps the ports. */
    if (p->serves)
        port_server_died(p, p->own_fault);
    handle_table_destroy(&p->handles);
    spin_lock(&p->lock);
    struct space *space = p->space;
    struct kobject *program = p->program;
    p->space = NULL;
    p->program = NULL;
    spin_unlock(&p->lock);
    space_switch(NULL);
    if (space)
        space_unref(space);
    if (program)
        kobject_unref(program);
    oom_ended(p);
}

void process_thread_exit(void)
{
    struct thread *t = thread_self();
    struct process *p = t->process;
    spin_lock(&p->lock);
    list_remove(&t->link);
    p->cpu_time += sched_cpu_time(t);
    bool last = --p->thread_count == 0;
    if (last && !p->dying) {
        p->dying = true; /* its last thread left by itself */
        p->status = 0;
        p->own_fault = true;
    }
    wake_all(&p->thread_wait);
    spin_unlock(&p->lock);
    if (last && p->pid == INIT_PID)
        panic("init died: status %#x", p->status);
    if (last) {
        /* Once it is a zombie the process may be freed under us. */
        kobject_ref(&p->kobject);
        give_back(p);
        family_bury(p);
        t->process = NULL;
        kobject_unref(&p->kobject);
    }
    thread_die();
}

void process_exit(int status)
{
    begin_death(thread_self()->process, status, true);
    process_thread_exit();
}

int process_single_out(void)
{
    struct thread *t = thread_self();
    struct process *p = t->process;
    spin_lock(&p->lock);
    int rc = p->dying || p->exec_thread ? -EINTR : 0;
    if (rc == 0) {
        __atomic_store_n(&p->exec_thread, t, __ATOMIC_SEQ_CST);
        rouse_threads_locked(p, t);
        while (p->thread_count > 1 && !p->dying)
            wait_on(&p->thread_wait, &p->lock, WAIT_KILLABLE, "other threads");
        __atomic_store_n(&p->exec_thread, NULL, __ATOMIC_SEQ_CST);
        if (p->dying)
            rc = -EINTR;
    }
    spin_unlock(&p->lock);
    return rc;
}
