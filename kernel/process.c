/* Processes: birth, death, family; the contract is in process.h. */
#include "kernel/process.h"

#include "kernel/bootfile.h"
#include "kernel/errno.h"
#include "kernel/exec.h"
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

#define PID_MAX     32767
#define PID_BUCKETS 256

struct watcher {
    struct list link;
    struct port *port;
    unsigned bit;
};

static struct spinlock tree_lock = SPINLOCK_INIT(RANK_TREE);
static struct list pids[PID_BUCKETS]; /* (tree_lock) */
static int last_pid;                  /* (tree_lock) */
static unsigned process_count;        /* (tree_lock) */
static struct process *init_process;

void process_init(void)
{
    for (unsigned i = 0; i < PID_BUCKETS; i++)
        list_init(&pids[i]);
}

/* ---------------------------------------------------------------- look-up */

static struct process *find_locked(int pid)
{
    list_for_each (l, &pids[pid % PID_BUCKETS]) {
        struct process *p = container_of(l, struct process, hash_link);
        if (p->pid == pid)
            return p;
    }
    return NULL;
}

struct process *process_find(int pid)
{
    if (pid <= 0)
        return NULL;
    spin_lock(&tree_lock);
    struct process *p = find_locked(pid);
    if (p)
        kobject_ref(&p->kobject);
    spin_unlock(&tree_lock);
    return p;
}

void process_for_each(void (*fn)(struct process *, void *), void *arg)
{
    for (int pid = 0;;) {
        struct process *next = NULL;
        spin_lock(&tree_lock);
        for (unsigned i = 0; i < PID_BUCKETS; i++)
            list_for_each (l, &pids[i]) {
                struct process *p = container_of(l, struct process, hash_link);
                if (p->pid > pid && (!next || p->pid < next->pid))
                    next = p;
            }
        if (next)
            kobject_ref(&next->kobject);
        spin_unlock(&tree_lock);
        if (!next)
            return;
        fn(next, arg);
        pid = next->pid;
        kobject_unref(&next->kobject);
    }
}

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

/* Gives a pid and a place in the family. -EAGAIN: too many processes. */
static int enter_tree(struct process *p, struct process *parent)
{
    spin_lock(&tree_lock);
    int rc = process_count < PROCESS_MAX ? 0 : -EAGAIN;
    if (rc == 0) {
        do
            last_pid = last_pid == PID_MAX ? 2 : last_pid + 1;
        while (find_locked(last_pid));
        p->pid = last_pid;
        p->pgid = parent ? parent->pgid : p->pid;
        p->parent = parent;
        if (parent)
            list_push_back(&parent->children, &p->sibling);
        list_push_back(&pids[p->pid % PID_BUCKETS], &p->hash_link);
        process_count++;
    }
    spin_unlock(&tree_lock);
    return rc;
}

static void leave_tree_locked(struct process *p)
{
    list_remove(&p->sibling);
    list_remove(&p->hash_link);
    process_count--;
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

int process_fork(void)
{
    struct thread *me = thread_self();
    struct process *parent = me->process, *p = process_alloc();
    if (!p)
        return -ENOMEM;
    p->space = space_fork(parent->space);
    struct thread *t = p->space ? thread_create(p, enter_user, NULL) : NULL;
    int rc = t ? handle_table_copy(&p->handles, &parent->handles) : -ENOMEM;
    if (rc == 0)
        rc = enter_tree(p, parent);
    if (rc < 0) {
        if (t)
            thread_free(t);
        handle_table_destroy(&p->handles);
        if (p->space)
            space_unref(p->space);
        kobject_unref(&p->kobject);
        return rc;
    }
    p->wired = parent->wired;
    p->program = parent->program;
    if (p->program)
        kobject_ref(p->program);
    memcpy(p->name, parent->name, sizeof p->name);
    fp_copy(t, me);
    t->tf = me->tf;
    t->tf.sstatus &= ~(uint64_t)SSTATUS_FS;
    t->tf.x[REG_A0] = 0;
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
    if (!t || enter_tree(p, NULL) < 0 || system_create(&system) < 0 ||
        handle_install_at(&p->handles, H_SYSTEM, system) < 0)
        panic("no memory for process 1");
    init_process = p;
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

static void begin_death(struct process *p, int status)
{
    spin_lock(&p->lock);
    if (!p->dying) {
        p->status = status;
        __atomic_store_n(&p->dying, true, __ATOMIC_SEQ_CST);
        rouse_threads_locked(p, hart_self()->current);
    }
    spin_unlock(&p->lock);
}

int process_kill(struct process *p, int sig)
{
    if (sig < 0 || sig > ABI_SIG_MAX)
        return -EINVAL;
    if (p == init_process)
        return -EPERM;
    if (sig)
        begin_death(p, sig);
    return 0;
}

/* What nobody else needs any more; by the last thread. */
static void give_back(struct process *p)
{
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

static void tell_watchers(struct list *watchers)
{
    struct list *l;
    while ((l = list_pop(watchers))) {
        struct watcher *w = container_of(l, struct watcher, link);
        port_notify(w->port, 1ul << w->bit);
        port_unref(w->port);
        kfree(w);
    }
}

static void become_zombie(struct process *p)
{
    struct list watchers = LIST_INIT(watchers), *l;
    spin_lock(&tree_lock);
    while ((l = list_pop(&p->children))) {
        struct process *child = container_of(l, struct process, sibling);
        child->parent = init_process;
        list_push_back(&init_process->children, &child->sibling);
        if (child->state == PROCESS_ZOMBIE)
            wake_all(&init_process->child_wait);
    }
    while ((l = list_pop(&p->watchers)))
        list_push_back(&watchers, l);
    p->state = PROCESS_ZOMBIE;
    wake_all(&p->parent->child_wait);
    spin_unlock(&tree_lock);
    tell_watchers(&watchers);
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
    }
    wake_all(&p->thread_wait);
    spin_unlock(&p->lock);
    if (last && p == init_process)
        panic("init died: status %#x", p->status);
    if (last) {
        /* Once it is a zombie the process may be freed under us. */
        kobject_ref(&p->kobject);
        give_back(p);
        become_zombie(p);
        t->process = NULL;
        kobject_unref(&p->kobject);
    }
    thread_die();
}

void process_exit(int status)
{
    begin_death(thread_self()->process, status);
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

/* ----------------------------------------------------------------- family */

static bool wanted(const struct process *child, const struct process *self, int pid)
{
    if (pid > 0)
        return child->pid == pid;
    if (pid == 0)
        return child->pgid == self->pgid;
    return pid == -1 || child->pgid == -pid;
}

int process_wait(int pid, int flags, int *status)
{
    struct process *self = thread_self()->process, *found = NULL;
    int rc = 0;
    spin_lock(&tree_lock);
    while (rc == 0 && !found) {
        bool any = false;
        list_for_each (l, &self->children) {
            struct process *child = container_of(l, struct process, sibling);
            if (!wanted(child, self, pid))
                continue;
            any = true;
            if (child->state == PROCESS_ZOMBIE) {
                found = child;
                break;
            }
        }
        if (found)
            leave_tree_locked(found);
        else if (!any)
            rc = -ECHILD;
        else if (flags & ABI_WNOHANG)
            break;
        else
            rc = wait_on(&self->child_wait, &tree_lock, WAIT_KILLABLE, "child");
    }
    spin_unlock(&tree_lock);
    if (!found)
        return rc;
    *status = found->status;
    pid = found->pid;
    kobject_unref(&found->kobject);
    return pid;
}

int process_kill_group(int pgid, int sig, bool (*may)(struct process *))
{
    int rc = -ESRCH, pid = 0;
    for (;;) {
        /* One at a time, so that the tree lock is not held while killing. */
        struct process *next = NULL;
        spin_lock(&tree_lock);
        for (unsigned i = 0; i < PID_BUCKETS; i++)
            list_for_each (l, &pids[i]) {
                struct process *p = container_of(l, struct process, hash_link);
                if (p->pgid == pgid && p->pid > pid && p->state == PROCESS_ALIVE &&
                    (!next || p->pid < next->pid))
                    next = p;
            }
        if (next)
            kobject_ref(&next->kobject);
        spin_unlock(&tree_lock);
        if (!next)
            return rc;
        pid = next->pid;
        int one = may && !may(next) ? -EPERM : process_kill(next, sig);
        if (one == 0 || rc == -ESRCH)
            rc = one;
        kobject_unref(&next->kobject);
    }
}

bool process_is_child(const struct process *p)
{
    spin_lock(&tree_lock);
    bool is = p->parent == thread_self()->process;
    spin_unlock(&tree_lock);
    return is;
}

/* Whom a process may signal without a handle: itself, its children, its group.
 * So nobody may join just any group: only one that a relative is in. */
static bool may_join_locked(const struct process *self, const struct process *p, int pgid)
{
    if (pgid == p->pid || pgid == p->pgid)
        return true;
    for (unsigned i = 0; i < PID_BUCKETS; i++)
        list_for_each (l, &pids[i]) {
            struct process *q = container_of(l, struct process, hash_link);
            bool sibling = q->parent == self->parent && self->parent != init_process;
            if (q->pgid == pgid && (q == self || q->parent == self || sibling))
                return true;
        }
    return false;
}

int process_setpgid(int pid, int pgid)
{
    struct process *self = thread_self()->process;
    if (pid < 0 || pgid < 0)
        return -EINVAL;
    spin_lock(&tree_lock);
    struct process *p = pid == 0 ? self : find_locked(pid);
    int rc = p && (p == self || p->parent == self) ? 0 : -ESRCH;
    if (rc == 0 && pgid && !may_join_locked(self, p, pgid))
        rc = -EPERM;
    if (rc == 0)
        p->pgid = pgid ? pgid : p->pid;
    spin_unlock(&tree_lock);
    return rc;
}

int process_getpgid(int pid)
{
    spin_lock(&tree_lock);
    struct process *p = pid == 0 ? thread_self()->process : pid > 0 ? find_locked(pid) : NULL;
    int rc = p ? p->pgid : -ESRCH;
    spin_unlock(&tree_lock);
    return rc;
}

void process_family(struct process *p, int *ppid, int *pgid)
{
    spin_lock(&tree_lock);
    *ppid = p->parent ? p->parent->pid : 0;
    *pgid = p->pgid;
    spin_unlock(&tree_lock);
}

int process_watch(struct process *p, struct port *port, unsigned bit)
{
    struct watcher *w = kmalloc(sizeof *w);
    if (!w)
        return -ENOMEM;
    struct list now = LIST_INIT(now);
    w->port = port;
    w->bit = bit;
    port_ref(port);
    spin_lock(&tree_lock);
    list_push_back(p->state == PROCESS_ZOMBIE ? &now : &p->watchers, &w->link);
    spin_unlock(&tree_lock);
    tell_watchers(&now);
    return 0;
}
