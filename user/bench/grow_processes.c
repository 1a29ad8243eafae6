/* What goes by the number of processes, which all sleep: switches, wake-ups, fork. */
#include "user/bench/bench.h"

static int to[2], from[2];

static void answer(void)
{
    char byte;

    while (read(to[0], &byte, 1) == 1)
        MUST(write(from[1], &byte, 1) == 1);
}

static void yield_for_ever(void)
{
    for (;;)
        sys_yield();
}

static void measure(unsigned long n)
{
    int pid = bench_spawn(yield_for_ever);
    char row[40], byte = 0;

    snprintf(row, sizeof(row), "switch@%lu", n);
    BENCH(row, 1, sys_yield());
    bench_end(pid);
    pid = bench_spawn(answer);
    snprintf(row, sizeof(row), "wake@%lu", n);
    BENCH(row, 1, byte++; MUST(write(to[1], &byte, 1) == 1); MUST(read(from[0], &byte, 1) == 1));
    bench_end(pid);
    snprintf(row, sizeof(row), "fork-beside@%lu", n);
    BENCH(row, 1, bench_fork_exit_wait());
}

int main(void)
{
    static const unsigned long counts[] = {1, 10, 100, 1000, 2000};
    static int pids[2000];
    unsigned long n = 0;

    MUST(pipe(to) == 0 && pipe(from) == 0);
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        while (n < counts[i])
            pids[n++] = bench_spawn(bench_sleep);
        sys_sleep(100000000);
        measure(n);
    }
    while (n > 0)
        bench_end(pids[--n]);
    return 0;
}
