/*
 * Memory that goes to the swap disk and comes back: on a machine that has 32 MiB. The count per
 * page that the kernel says was moved is that of all instructions: faults, scans, interrupts,
 * pages that had to leave for those that came. What idles while the disk works executes none.
 */
#include "user/bench/bench.h"
#include <sys/mman.h>

#define PAGE   4096ul
#define WORDS  (PAGE / sizeof(unsigned long))
#define PAGES  16384ul /* 64 MiB */
#define STRIDE 9973ul  /* a prime: i * STRIDE % PAGES goes everywhere, and never on */

static unsigned long *memory;

static struct abi_counters counters(void)
{
    struct abi_counters now;

    MUST(sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&now, 0, 0) == 0);
    return now;
}

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
    unsigned long before = counters().swap_outs, begin = bench_count(), moved;

    for (unsigned long i = 0; i < PAGES; i++)
        fill(i);
    begin = bench_count() - begin;
    moved = counters().swap_outs - before;
    MUST(moved > PAGES / 2);
    bench_report("swap-out", begin, moved);
}

static void page_ins(const char *row, unsigned long stride)
{
    unsigned long before = counters().swap_ins, begin = bench_count(), moved;

    for (unsigned long i = 0; i < PAGES; i++)
        check(i * stride % PAGES);
    begin = bench_count() - begin;
    moved = counters().swap_ins - before;
    MUST(moved > PAGES / 2);
    bench_report(row, begin, moved);
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
