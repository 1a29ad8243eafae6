/* The clock and this hart's timer: Sstc's stimecmp, or SBI's TIME extension. */
#include "trap/timer.h"

#include "kernel/lib/hart.h"
#include "trap/sbi.h"

#define NS_PER_SECOND 1000000000ul

static uint64_t ticks_per_second;
static bool has_sstc;

void timer_init(uint64_t timebase, bool sstc)
{
    ticks_per_second = timebase;
    has_sstc = sstc;
}

void timer_set(uint64_t when)
{
    struct hart *h = hart_self();
    if (h->timer_armed == when)
        return;
    h->timer_armed = when;
    if (has_sstc)
        asm volatile("csrw %0, %1" ::"i"(CSR_STIMECMP), "r"(when) : "memory");
    else
        sbi_set_timer(when);
}

uint64_t timer_ticks_to_ns(uint64_t ticks)
{
    return ticks / ticks_per_second * NS_PER_SECOND +
           ticks % ticks_per_second * NS_PER_SECOND / ticks_per_second;
}

uint64_t timer_ns_to_ticks(uint64_t ns)
{
    uint64_t seconds = ns / NS_PER_SECOND, rest = ns % NS_PER_SECOND;
    if (seconds > (TIMER_NEVER / 4) / ticks_per_second)
        return TIMER_NEVER / 4;
    /* Rounded up: a sleeper never wakes early. */
    return seconds * ticks_per_second +
           (rest * ticks_per_second + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

uint64_t timer_timebase(void)
{
    return ticks_per_second;
}
