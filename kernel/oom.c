/* Who is killed when memory is out; the contract is in oom.h. */
#include "kernel/oom.h"

#include "kernel/lib/printk.h"
#include "kernel/lib/wait.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/frame.h"
#include "vm/space.h"

static struct spinlock lock = SPINLOCK_INIT(RANK_SLEEP);
static struct process *victim;               /* (lock) killed, and not yet gone; referenced */
static struct waitq gone = WAITQ_INIT(gone); /* (lock) until it is */

struct choice {
    struct process *process; /* referenced */
    uint64_t pages, swapped;
};

static void consider(struct process *p, void *arg)
{
    struct choice *best = arg;
    struct space *s = process_space(p);
    if (!s)
        return;
    uint64_t swapped = __atomic_load_n(&s->swapped, __ATOMIC_RELAXED);
    uint64_t pages = __atomic_load_n(&s->resident, __ATOMIC_RELAXED) + swapped;
    space_unref(s);
    if (p->wired || p->pid == INIT_PID || (p->spared && pages <= frame_total() / 2))
        return;
    if (best->process && pages <= best->pages)
        return;
    if (best->process)
        kobject_unref(&best->process->kobject);
    kobject_ref(&p->kobject);
    *best = (struct choice){p, pages, swapped};
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
    struct choice best = {0};
    spin_lock(&lock);
    if (victim) {
        if (victim != self)
            wait_for_victim_locked();
        else
            spin_unlock(&lock);
        return victim != self;
    }
    spin_unlock(&lock);
    process_for_each(consider, &best);
    if (!best.process || best.process == self) {
        if (best.process)
            kobject_unref(&best.process->kobject);
        return false;
    }
    spin_lock(&lock);
    if (victim) { /* somebody was faster: look again when that one is gone */
        wait_for_victim_locked();
        kobject_unref(&best.process->kobject);
        return true;
    }
    victim = best.process;
    spin_unlock(&lock);
    printk("out of memory: %s (%d) is killed, the largest with %lu pages, %lu of them in swap; "
           "%s (%d) needed one",
           best.process->name, best.process->pid, best.pages, best.swapped, self->name, self->pid);
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
