/*
 * Memory that goes to the swap disk and comes back: on a machine that has 32 MiB. The count per
 * page that the kernel says was moved is that of all instructions: faults, scans, interrupts,
 * pages that had to leave for those that came.
 */
#include "user/bench/bench.h"
#include <sys/mman.h>

#define PAGE   4096ul
#define WORDS  (PAGE / sizeof(unsigned long))
#define PAGES  16384ul /* 64 MiB */
#define STRIDE 9973ul  /* a prime: i * STRIDE % PAGES goes everywhere, and never on */

static unsigned long *memory;

static unsigned long pattern(unsigned long page)
{
    return page * 0x9e3779b97f4a7c15ul + 1;
}

static void fill(unsigned long page)
{
    memory[page * WORDS] = pattern(page);
    memory[page * WORDS + WORDS - 1] = ~pattern(page);
}

static void check(unsigned long page)
{
    MUST(memory[page * WORDS] == pattern(page));
    MUST(memory[page * WORDS + WORDS - 1] == ~pattern(page));
}

static void page_outs(void)
{
    unsigned long before = bench_counters().swap_outs, counts, moved;
    struct bench_span span = bench_start();

    for (unsigned long i = 0; i < PAGES; i++)
        fill(i);
    counts = bench_stop(span);
    moved = bench_counters().swap_outs - before;
    MUST(moved > PAGES / 2);
    bench_report("swap-out", counts, moved);
}

static void page_ins(const char *row, unsigned long stride)
{
    unsigned long before = bench_counters().swap_ins, counts, moved;
    struct bench_span span = bench_start();

    for (unsigned long i = 0; i < PAGES; i++)
        check(i * stride % PAGES);
    counts = bench_stop(span);
    moved = bench_counters().swap_ins - before;
    MUST(moved > PAGES / 2);
    bench_report(row, counts, moved);
}

int main(void)
{
    memory = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED);
    page_outs();
    page_ins("swap-in", 1);
    page_ins("swap-in-random", STRIDE);
    return 0;
}
