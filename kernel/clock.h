/* Wall-clock and monotonic time in nanoseconds. */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include <stdint.h>

/* Reads the real-time clock (goldfish RTC registers), if there is one. */
void clock_init(volatile uint32_t *rtc);
/* Since boot. */
uint64_t clock_monotonic_ns(void);
/* Since 1970; since boot if the machine has no clock. */
uint64_t clock_realtime_ns(void);

#endif
