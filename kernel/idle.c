/* What a hart does that has nothing to run; contracts are in thread.h. */
#include "kernel/lib/counter.h"
#include "kernel/lib/hart.h"
#include "kernel/log.h"
#include "kernel/reclaimer.h"
#include "kernel/run_queue.h"
#include "kernel/thread.h"
#include "trap/csr.h"
#include "trap/timer.h"
#include "vm/asid.h"
#include "vm/space.h"

static struct thread idle_threads[MAX_HARTS];

void sched_idle(void)
{
    struct hart *h = hart_self();
    for (;;) {
        trap_poll();
        log_deliver();
        if (h->attention & ATTEND_MEMORY)
            reclaimer_poke();
        h->attention = 0;
        sched_yield();
        if (h->attention) /* of whoever has just left */
            continue;
        /* From here to the other store shootdowns leave this hart out: vm/asid.c relies on both
         * being sequentially consistent, and on space_switch before the next program. */
        __atomic_store_n(&h->idling, true, __ATOMIC_SEQ_CST);
        /* A dying space waits for this hart to leave it. */
        if (h->space && !__atomic_load_n(&h->space->refs, __ATOMIC_SEQ_CST))
            space_switch(NULL);
        /* wfi ends when an interrupt pends, though SIE is off (section 3.3.3). */
        if (run_queue_all_empty() && !csr_read(sip)) {
            uint64_t from = csr_read(cycle);
            asm volatile("wfi" ::: "memory");
            count_add(COUNT_IDLE_CYCLES, csr_read(cycle) - from);
        }
        __atomic_store_n(&h->idling, false, __ATOMIC_SEQ_CST);
    }
}

void sched_init_hart(void)
{
    struct hart *h = hart_self();
    struct thread *t = &idle_threads[h->index];
    t->state = THREAD_RUNNING;
    t->on_cpu = true;
    t->hart = h->index;
    t->stack = (void *)h->stack_low;
    list_init(&t->run_link);
    list_init(&t->wait_link);
    h->idle = h->current = t;
    h->timer_armed = 0;
    timer_set(TIMER_NEVER);
}
