/* From the kernel's first instruction to the first program that the shell starts. */
#include "user/bench/bench.h"

int main(void)
{
    unsigned long now = bench_count();
    struct abi_counters counters;

    MUST(sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&counters, 0, 0) == 0);
    MUST(counters.boot_cycle < now);
    bench_report("boot", now - counters.boot_cycle, 1);
    return 0;
}
