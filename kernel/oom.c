/* Who is killed when memory is out; the contract is in oom.h. */
#include "kernel/oom.h"

#include "kernel/family.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/wait.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/frame.h"
#include "vm/space.h"

static struct spinlock lock = SPINLOCK_INIT(RANK_SLEEP);
static struct process *victim;               /* (lock) killed, and not yet gone; referenced */
static struct waitq gone = WAITQ_INIT(gone); /* (lock) until it is */

#define JOBS_MAX 64 /* that are told apart; what further ones have is not counted */

struct choice {
    struct {
        int pgid;
        uint64_t pages;
    } jobs[JOBS_MAX];
    unsigned count;
    int pgid;                /* the job that is to give one */
    struct process *process; /* referenced */
    uint64_t pages, swapped;
};

/* The pages of a process that may be chosen; 0 of others. */
static uint64_t pages_of(struct process *p, uint64_t *swapped)
{
    struct space *s = p->wired || p->pid == INIT_PID ? NULL : process_space(p);
    if (!s)
        return 0;
    *swapped = __atomic_load_n(&s->swapped, __ATOMIC_RELAXED);
    uint64_t pages = __atomic_load_n(&s->resident, __ATOMIC_RELAXED) + *swapped;
    space_unref(s);
    return p->spared && pages <= frame_total() / 2 ? 0 : pages;
}

static void add_to_job(struct process *p, void *arg)
{
    struct choice *c = arg;
    uint64_t swapped, pages = pages_of(p, &swapped);
    int ppid, pgid;
    family_of(p, &ppid, &pgid);
    unsigned i = 0;
    while (i < c->count && c->jobs[i].pgid != pgid)
        i++;
    if (!pages || i == JOBS_MAX)
        return;
    if (i == c->count) {
        c->jobs[i].pgid = pgid;
        c->jobs[i].pages = 0;
        c->count++;
    }
    c->jobs[i].pages += pages;
}

static void take_largest(struct process *p, void *arg)
{
    struct choice *c = arg;
    uint64_t swapped = 0, pages = pages_of(p, &swapped);
    int ppid, pgid;
    family_of(p, &ppid, &pgid);
    if (!pages || pgid != c->pgid || pages < c->pages)
        return;
    if (c->process)
        kobject_unref(&c->process->kobject);
    kobject_ref(&p->kobject);
    c->process = p;
    c->pages = pages;
    c->swapped = swapped;
}

static void choose(struct choice *c)
{
    family_for_each(add_to_job, c);
    uint64_t most = 0;
    for (unsigned i = 0; i < c->count; i++)
        if (c->jobs[i].pages > most) {
            most = c->jobs[i].pages;
            c->pgid = c->jobs[i].pgid;
        }
    if (most)
        family_for_each(take_largest, c);
}

/* Waits until the victim is gone. Lock held, and dropped. */
static void wait_for_victim_locked(void)
{
    const struct process *whom = victim;
    while (victim && victim == whom)
        if (wait_on(&gone, &lock, WAIT_KILLABLE, "memory of a killed process") < 0)
            break;
    spin_unlock(&lock);
}

bool oom_kill(void)
{
    struct process *self = thread_self()->process;
    struct choice best = {.count = 0};
    spin_lock(&lock);
    if (victim) {
        if (victim != self)
            wait_for_victim_locked();
        else
            spin_unlock(&lock);
        return victim != self;
    }
    spin_unlock(&lock);
    choose(&best);
    spin_lock(&lock);
    /* Somebody was faster: what that one has, or had, may be enough. It is there before
     * that one is no victim any more. */
    bool again = victim || frame_available();
    if (again || !best.process || best.process == self) {
        if (again)
            wait_for_victim_locked();
        else
            spin_unlock(&lock);
        if (best.process)
            kobject_unref(&best.process->kobject);
        return again;
    }
    victim = best.process;
    spin_unlock(&lock);
    printk("out of memory: %s (%d) is killed, the largest of job %d, with %lu pages, %lu in swap; "
           "%s (%d) needed one",
           best.process->name, best.process->pid, best.pgid, best.pages, best.swapped, self->name,
           self->pid);
    process_kill(best.process, ABI_SIGKILL);
    spin_lock(&lock);
    if (victim == best.process)
        wait_for_victim_locked();
    else
        spin_unlock(&lock);
    return true;
}

void oom_ended(struct process *p)
{
    spin_lock(&lock);
    bool mine = victim == p;
    if (mine) {
        victim = NULL;
        wake_all(&gone);
    }
    spin_unlock(&lock);
    if (mine)
        kobject_unref(&p->kobject);
}
