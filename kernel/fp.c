/*
 * Floating-point state, per thread, by sstatus.FS (unprivileged spec 11.2,
 * privileged spec 3.1.6.6).
 *
 * A thread enters user mode with FS off until it uses an FP instruction, which
 * traps as illegal; then its registers are loaded. A hart remembers whose values
 * its registers hold, so a thread that comes back to them loads nothing, and
 * they are saved only when FS says they changed. The kernel itself is compiled
 * without floating point.
 */
#include "kernel/lib/hart.h"
#include "kernel/lib/string.h"
#include "kernel/thread.h"
#include "trap/csr.h"

void fp_save(uint64_t *fp);       /* kernel/fpregs.S */
void fp_load(const uint64_t *fp); /* kernel/fpregs.S */

bool fp_enable(struct trapframe *tf)
{
    if ((tf->sstatus & SSTATUS_FS) != SSTATUS_FS_OFF)
        return false;
    struct hart *h = hart_self();
    csr_set(sstatus, SSTATUS_FS_CLEAN);
    fp_load(thread_self()->fp);
    csr_clear(sstatus, SSTATUS_FS);
    /* Whatever hart it came from must not take its old values for new ones. */
    fp_forget(thread_self());
    h->fp_owner = thread_self();
    tf->sstatus |= SSTATUS_FS_CLEAN;
    return true;
}

void fp_leave(struct thread *t)
{
    if ((t->tf.sstatus & SSTATUS_FS) == SSTATUS_FS_DIRTY) {
        csr_set(sstatus, SSTATUS_FS_CLEAN);
        fp_save(t->fp);
        csr_clear(sstatus, SSTATUS_FS);
        t->tf.sstatus = (t->tf.sstatus & ~(uint64_t)SSTATUS_FS) | SSTATUS_FS_CLEAN;
    }
}

void fp_enter(struct thread *t)
{
    if ((t->tf.sstatus & SSTATUS_FS) && hart_self()->fp_owner != t)
        t->tf.sstatus &= ~(uint64_t)SSTATUS_FS;
}

void fp_copy(struct thread *child, struct thread *parent)
{
    fp_leave(parent);
    memcpy(child->fp, parent->fp, sizeof child->fp);
}

void fp_forget(struct thread *t)
{
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        struct thread *owner = t;
        __atomic_compare_exchange_n(&harts[i].fp_owner, &owner, NULL, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    }
}
