/* Run queues: see run_queue.h. */
#include "kernel/run_queue.h"

#include "trap/sbi.h"

struct run_queue run_queues[MAX_HARTS];

void run_queue_init(void)
{
    for (unsigned i = 0; i < MAX_HARTS; i++) {
        spin_init(&run_queues[i].lock, RANK_RUNQ);
        list_init(&run_queues[i].threads);
    }
}

struct thread *run_queue_steal(unsigned me)
{
    struct thread *t = NULL;
    for (unsigned i = 1; !t && i < hart_limit; i++)
        t = run_queue_take(&run_queues[me + i < hart_limit ? me + i : me + i - hart_limit], true);
    return t;
}

static bool is_idling(unsigned hart)
{
    return __atomic_load_n(&harts[hart].idling, __ATOMIC_SEQ_CST);
}

/* Where a thread that became ready should run: where it ran, if that hart is
 * idle; else on any idle hart; else where the queue is shortest, here if equal:
 * busy harts do not steal from each other. */
static unsigned place(const struct thread *t)
{
    unsigned best = hart_self()->index;
    if (is_idling(t->hart))
        return t->hart;
    for (unsigned i = 0; i < hart_limit; i++) {
        if (is_idling(i))
            return i;
        if (harts[i].online && __atomic_load_n(&run_queues[i].length, __ATOMIC_RELAXED) <
                                   __atomic_load_n(&run_queues[best].length, __ATOMIC_RELAXED))
            best = i;
    }
    return best;
}

void run_queue_add(struct thread *t)
{
    unsigned hart = place(t);
    run_queue_put(hart, t, false);
    /* Either the idle loop sees the queue before it sleeps, or we see idling. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (hart != hart_self()->index && is_idling(hart))
        sbi_send_ipi(1ul << hart);
}

void run_queue_call_idle(void)
{
    for (unsigned i = 0; i < hart_limit; i++)
        if (is_idling(i)) {
            sbi_send_ipi(1ul << i);
            return;
        }
}

bool run_queue_all_empty(void)
{
    for (unsigned i = 0; i < hart_limit; i++)
        if (__atomic_load_n(&run_queues[i].length, __ATOMIC_SEQ_CST))
            return false;
    return true;
}
