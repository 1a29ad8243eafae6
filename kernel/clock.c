/* Time of day: the RTC's at boot, and the time CSR since. */
#include "kernel/clock.h"

#include "trap/timer.h"

/* Goldfish RTC: reading the low word latches the high one. Nanoseconds. */
#define RTC_TIME_LOW  0
#define RTC_TIME_HIGH 1

static uint64_t boot_ticks, boot_wall_ns;

void clock_init(volatile uint32_t *rtc)
{
    boot_ticks = timer_now();
    if (rtc) {
        uint64_t low = rtc[RTC_TIME_LOW];
        boot_wall_ns = (uint64_t)rtc[RTC_TIME_HIGH] << 32 | low;
    }
}

uint64_t clock_monotonic_ns(void)
{
    return timer_ticks_to_ns(timer_now() - boot_ticks);
}

uint64_t clock_realtime_ns(void)
{
    return boot_wall_ns + clock_monotonic_ns();
}
