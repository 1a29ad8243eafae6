/* From the kernel's first instruction to the first program that the shell starts. */
#include "user/bench/bench.h"

#define MEASURE_MS 20ul

/* How long so many cycles take, where a cycle is one of the host's clock: by that of the guest. */
static unsigned long picoseconds(unsigned long cycles, unsigned long timebase)
{
    unsigned long tick = BENCH_PS_S / timebase, ticks = bench_ticks(), from = bench_cycle(), passed;

    do
        passed = bench_ticks() - ticks;
    while (passed < timebase * MEASURE_MS / 1000);
    return (unsigned long)((double)cycles / (double)(bench_cycle() - from) *
                           (double)(passed * tick));
}

int main(void)
{
    unsigned long now = bench_cycle(), cycles;
    struct abi_counters counters = bench_counters();

    bench_events(&bench_seen);
    MUST(counters.boot_cycle + counters.idle_cycles < now);
    cycles = now - counters.boot_cycle;
    bench_report(
        "boot", bench_ms() ? picoseconds(cycles, counters.timebase) : cycles - counters.idle_cycles,
        1);
    return 0;
}
