/*
 * What trap/ calls upwards: system calls, faults, interrupts, and the way out.
 */
#include "kernel/errno.h"
#include "kernel/exec.h"
#include "kernel/interrupt.h"
#include "kernel/lib/hart.h"
#include "kernel/lib/format.h"
#include "kernel/lib/printk.h"
#include "kernel/log.h"
#include "kernel/oom.h"
#include "kernel/process.h"
#include "kernel/reclaimer.h"
#include "kernel/thread.h"
#include "trap/trap.h"
#include "vm/layout.h"
#include "vm/shadow.h"
#include "vm/usercopy.h"

#define USER_FRAMES 6 /* of a killed program's backtrace */

_Static_assert(offsetof(struct thread, tf) == 0, "the trampoline finds the frame");
_Static_assert(offsetof(struct thread, process) == THREAD_PROCESS, "THREAD_PROCESS");
_Static_assert(offsetof(struct process, dying) == PROCESS_DYING, "PROCESS_DYING");
_Static_assert(offsetof(struct process, exec_thread) == PROCESS_EXEC, "PROCESS_EXEC");

void trap_up_interrupt(enum trap_interrupt kind)
{
    if (kind == INTERRUPT_TIMER)
        sched_tick();
    else if (kind == INTERRUPT_EXTERNAL)
        interrupt_deliver();
}

/* ------------------------------------------------------------ fatal causes */

static void print_user_frame(uint64_t pc)
{
    char name[48];
    uint64_t offset;
    if (exec_symbol(pc, name, sizeof name, &offset) == 0)
        printk("  0x%lx %s+0x%lx", pc, name, offset);
    else
        printk("  0x%lx", pc);
}

/* The callers, by frame pointer as far as the chain makes sense. */
static void print_user_backtrace(const struct trapframe *tf)
{
    struct space *s = thread_self()->process->space;
    uint64_t fp = tf->x[REG_S0], pair[2];
    for (int i = 0; i < USER_FRAMES && fp >= tf->x[REG_SP] && fp % 8 == 0; i++) {
        if (!user_range(fp - 16, sizeof pair) || copy_from_user(s, pair, fp - 16, sizeof pair) < 0)
            return;
        if (pair[1] < USER_MIN || pair[1] >= USER_END)
            return;
        print_user_frame(pair[1] - 2);
        if (pair[0] <= fp)
            return;
        fp = pair[0];
    }
}

static const char *access_word(uint64_t cause)
{
    return cause == CAUSE_STORE_PAGE_FAULT   ? "store"
           : cause == CAUSE_FETCH_PAGE_FAULT ? "fetch"
                                             : "load";
}

/* One line that says who died where and why; then the callers. */
static void report(const struct trapframe *tf, int error)
{
    char name[48], where[80] = "";
    uint64_t pc = TF_PC_OF(tf), offset, cause = tf->scause;
    const char *program = thread_self()->process->name;
    if (exec_symbol(pc, name, sizeof name, &offset) == 0)
        format(where, sizeof where, " (%s+0x%lx)", name, offset);
    bool page = cause == CAUSE_FETCH_PAGE_FAULT || cause == CAUSE_LOAD_PAGE_FAULT ||
                cause == CAUSE_STORE_PAGE_FAULT;
    const char *why = error == -ENOMEM   ? ": out of memory"
                      : error == -EIO    ? ": the page could not be read"
                      : error == -ENOSPC ? ": no space left for it"
                      : error == -ENXIO  ? ": past the end of the file"
                                         : "";
    if (page)
        printk("%s: page fault at 0x%lx, pc 0x%lx%s, %s%s", program, tf->stval, pc, where,
               access_word(cause), why);
    else
        printk("%s: %s at pc 0x%lx%s, value 0x%lx", program, cause_name(cause), pc, where,
               tf->stval);
    print_user_backtrace(tf);
}

static int signal_of(uint64_t cause, int error)
{
    if (error == -ENOMEM)
        return ABI_SIGKILL;
    if (error == -EIO || error == -ENXIO || error == -ENOSPC)
        return ABI_SIGBUS;
    switch (cause) {
    case CAUSE_ILLEGAL:
        return ABI_SIGILL;
    case CAUSE_BREAKPOINT:
        return ABI_SIGTRAP;
    case CAUSE_FETCH_MISALIGNED:
    case CAUSE_LOAD_MISALIGNED:
    case CAUSE_STORE_MISALIGNED:
    case CAUSE_FETCH_ACCESS:
    case CAUSE_LOAD_ACCESS:
    case CAUSE_STORE_ACCESS:
        return ABI_SIGBUS;
    default:
        return ABI_SIGSEGV;
    }
}

void trap_up_exception(struct trapframe *tf)
{
    struct process *p = thread_self()->process;
    uint64_t cause = tf->scause;
    int error = -EFAULT;
    if (cause == CAUSE_ILLEGAL && fp_enable(tf))
        return;
    bool page_fault = cause == CAUSE_LOAD_PAGE_FAULT || cause == CAUSE_STORE_PAGE_FAULT ||
                      cause == CAUSE_FETCH_PAGE_FAULT;
    if (page_fault &&
        shadow_fill(tf->stval, cause == CAUSE_STORE_PAGE_FAULT, cause == CAUSE_FETCH_PAGE_FAULT))
        return;
    if (cause == CAUSE_LOAD_PAGE_FAULT)
        error = space_fault(p->space, tf->stval, ACCESS_READ, 0);
    else if (cause == CAUSE_STORE_PAGE_FAULT)
        error = space_fault(p->space, tf->stval, ACCESS_WRITE, 0);
    else if (cause == CAUSE_FETCH_PAGE_FAULT)
        error = space_fault(p->space, tf->stval, ACCESS_EXEC, 0);
    if (error == 0 || error == -EINTR) { /* -EINTR: on its way out already */
        reclaimer_faulted();
        return;
    }
    if (error == -ENOMEM && (thread_dying() || oom_kill()))
        return; /* the access is tried again, unless it was ours to die */
    report(tf, error);
    process_exit(signal_of(cause, error));
}

/* ------------------------------------------------------------- the way out */

void trap_up_leave(void)
{
    for (;;) {
        struct hart *h = hart_self();
        uint32_t what = h->attention;
        h->attention = 0;
        if (what & ATTEND_LOG)
            log_deliver();
        if (what & ATTEND_MEMORY)
            reclaimer_poke();
        /* Who kills a thread that runs calls its hart after it has set the mark. */
        if (process_thread_must_leave(thread_self()->process, thread_self()))
            process_thread_exit();
        if (!(what & ATTEND_RESCHEDULE))
            return;
        sched_yield();
    }
}
