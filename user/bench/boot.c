/* From the kernel's first instruction to the first program that the shell starts. */
#include "user/bench/bench.h"

int main(void)
{
    unsigned long now = bench_cycle();
    struct abi_counters counters = bench_counters();

    MUST(counters.boot_cycle + counters.idle_cycles < now);
    bench_report("boot", now - counters.boot_cycle - counters.idle_cycles, 1);
    return 0;
}
