/* The family tree of processes; the contract is in family.h. */
#include "kernel/family.h"

#include "kernel/abi.h"
#include "kernel/errno.h"
#include "kernel/port.h"
#include "kernel/process.h"
#include "kernel/thread.h"
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
static struct process *init_process;  /* set once */

void family_init(void)
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

struct process *family_find(int pid)
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

/* The process with the least pid above this one, or NULL. Most follow each other closely. */
static struct process *next_locked(int pid)
{
    struct process *next = NULL;
    for (int i = 1; i <= PID_BUCKETS; i++)
        if ((next = find_locked(pid + i)))
            return next;
    for (unsigned i = 0; i < PID_BUCKETS; i++)
        list_for_each (l, &pids[i]) {
            struct process *p = container_of(l, struct process, hash_link);
            if (p->pid > pid && (!next || p->pid < next->pid))
                next = p;
        }
    return next;
}

void family_for_each(void (*fn)(struct process *, void *), void *arg)
{
    for (int pid = 0;;) {
        spin_lock(&tree_lock);
        struct process *next = next_locked(pid);
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

void family_of(const struct process *p, int *ppid, int *pgid)
{
    spin_lock(&tree_lock);
    *ppid = p->parent ? p->parent->pid : 0;
    *pgid = p->pgid;
    spin_unlock(&tree_lock);
}

/* -------------------------------------------------------- birth and death */

int family_enter(struct process *p, struct process *parent)
{
    spin_lock(&tree_lock);
    int rc = process_count < PROCESS_MAX ? 0 : -EAGAIN;
    if (parent && __atomic_load_n(&parent->dying, __ATOMIC_SEQ_CST))
        rc = -EINTR;
    if (rc == 0) {
        do
            last_pid = last_pid == PID_MAX ? 2 : last_pid + 1;
        while (find_locked(last_pid));
        p->pid = last_pid;
        p->pgid = parent ? parent->pgid : p->pid;
        p->parent = parent;
        if (parent)
            list_push_back(&parent->children, &p->sibling);
        else
            init_process = p;
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

static struct watcher *watcher_make(struct port *port, unsigned bit)
{
    struct watcher *w = kmalloc(sizeof *w);
    if (w) {
        w->port = port;
        w->bit = bit;
        port_ref(port);
    }
    return w;
}

static void watcher_free(struct watcher *w)
{
    if (w) {
        port_unref(w->port);
        kfree(w);
    }
}

static void tell_watchers(struct list *watchers)
{
    struct list *l;
    while ((l = list_pop(watchers))) {
        struct watcher *w = container_of(l, struct watcher, link);
        port_notify(w->port, 1ul << w->bit);
        watcher_free(w);
    }
}

/* Whom to tell that a child of p has died. The tree lock is held; the port is told
 * without it, and may be another by then. */
static struct watcher teller_locked(const struct process *p)
{
    struct watcher w = {.port = NULL};
    if (p->watches) {
        w.port = p->watches->port;
        w.bit = p->watches->bit;
        port_ref(w.port);
    }
    return w;
}

static void tell(struct watcher w)
{
    if (w.port) {
        port_notify(w.port, 1ul << w.bit);
        port_unref(w.port);
    }
}

void family_bury(struct process *p)
{
    struct list watchers = LIST_INIT(watchers), *l;
    struct watcher parent, adopter = {.port = NULL}, *watches;
    spin_lock(&tree_lock);
    while ((l = list_pop(&p->children))) {
        container_of(l, struct process, sibling)->parent = init_process;
        list_push_back(&init_process->children, l);
    }
    if (!list_empty(&p->zombies)) {
        wake_all(&init_process->child_wait);
        adopter = teller_locked(init_process);
    }
    while ((l = list_pop(&p->zombies))) {
        container_of(l, struct process, sibling)->parent = init_process;
        list_push_back(&init_process->zombies, l);
    }
    while ((l = list_pop(&p->watchers)))
        list_push_back(&watchers, l);
    watches = p->watches;
    p->watches = NULL;
    parent = teller_locked(p->parent);
    p->state = PROCESS_ZOMBIE;
    list_remove(&p->sibling);
    list_push_back(&p->parent->zombies, &p->sibling);
    wake_all(&p->parent->child_wait);
    spin_unlock(&tree_lock);
    tell_watchers(&watchers);
    tell(parent);
    tell(adopter);
    watcher_free(watches);
}

int family_watch(struct process *p, struct port *port, unsigned bit)
{
    struct watcher *w = watcher_make(port, bit);
    if (!w)
        return -ENOMEM;
    struct list now = LIST_INIT(now);
    spin_lock(&tree_lock);
    list_push_back(p->state == PROCESS_ZOMBIE ? &now : &p->watchers, &w->link);
    spin_unlock(&tree_lock);
    tell_watchers(&now);
    return 0;
}

int family_watch_children(struct port *port, unsigned bit)
{
    struct process *self = thread_self()->process;
    struct watcher *w = watcher_make(port, bit), now = {.port = NULL};
    if (!w)
        return -ENOMEM;
    spin_lock(&tree_lock);
    struct watcher *old = self->watches;
    self->watches = w;
    if (!list_empty(&self->zombies))
        now = teller_locked(self);
    spin_unlock(&tree_lock);
    watcher_free(old);
    tell(now);
    return 0;
}

/* ---------------------------------------------------------------- waiting */

/* The first of these children that is in the group, or NULL. Minus, for -pid may be too large. */
static struct process *in_group_locked(const struct list *children, int minus_pgid)
{
    list_for_each (l, children) {
        struct process *child = container_of(l, struct process, sibling);
        if (-child->pgid == minus_pgid)
            return child;
    }
    return NULL;
}

/* A zombie among the children that are waited for, or NULL; *any: there is such a child. However
 * many others there are: but for those of a group, nothing is searched. */
static struct process *child_locked(const struct process *self, int pid, bool *any)
{
    struct process *child;
    if (pid > 0) {
        child = find_locked(pid);
        *any = child && child->parent == self;
        return *any && child->state == PROCESS_ZOMBIE ? child : NULL;
    }
    if (pid == -1) {
        *any = !list_empty(&self->children) || !list_empty(&self->zombies);
        return list_empty(&self->zombies)
                   ? NULL
                   : container_of(self->zombies.next, struct process, sibling);
    }
    int minus_pgid = pid == 0 ? -self->pgid : pid;
    child = in_group_locked(&self->zombies, minus_pgid);
    *any = child || in_group_locked(&self->children, minus_pgid);
    return child;
}

int family_wait(int pid, int flags, int *status)
{
    struct process *self = thread_self()->process, *found = NULL;
    int rc = 0;
    spin_lock(&tree_lock);
    while (rc == 0 && !found) {
        bool any = false;
        found = child_locked(self, pid, &any);
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

/* ----------------------------------------------------------------- groups */

bool family_is_child(const struct process *p)
{
    spin_lock(&tree_lock);
    bool is = p->parent == thread_self()->process;
    spin_unlock(&tree_lock);
    return is;
}

static bool may_signal_locked(const struct process *p)
{
    const struct process *self = thread_self()->process;
    return p == self || p->parent == self || p->pgid == self->pgid;
}

bool family_may_signal(const struct process *p)
{
    spin_lock(&tree_lock);
    bool may = may_signal_locked(p);
    spin_unlock(&tree_lock);
    return may;
}

int family_kill_group(int pgid, int sig, bool any)
{
    int rc = -ESRCH;
    /* The lock is held throughout: who forks comes before, and the child is in the list,
     * or after, and family_enter sees that the parent is to die. Members that are killed
     * one by one with the lock dropped between fork faster than that. */
    spin_lock(&tree_lock);
    for (unsigned i = 0; i < PID_BUCKETS; i++)
        list_for_each (l, &pids[i]) {
            struct process *p = container_of(l, struct process, hash_link);
            if (p->pgid != pgid || p->state != PROCESS_ALIVE)
                continue;
            int one = any || may_signal_locked(p) ? process_kill(p, sig) : -EPERM;
            if (one == 0 || rc == -ESRCH)
                rc = one;
        }
    spin_unlock(&tree_lock);
    return rc;
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

int family_setpgid(int pid, int pgid)
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

int family_getpgid(int pid)
{
    spin_lock(&tree_lock);
    struct process *p = pid == 0 ? thread_self()->process : pid > 0 ? find_locked(pid) : NULL;
    int rc = p ? p->pgid : -ESRCH;
    spin_unlock(&tree_lock);
    return rc;
}
