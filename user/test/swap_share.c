/*
 * Swapped memory that processes share by fork, and processes that together need
 * more than there is.
 *
 * test: points=5 cpus=1,2,4 mem=16M swap=96M
 * test: points=2 cpus=1,2 mem=32M swap=192M
 */
#include "user/test/proc_util.h"
#include <sys/mman.h>

#define CHILDREN 10
#define PARALLEL 4

static unsigned long pages; /* of the memory that is looked at */
static char *memory;

static void take_memory(unsigned long n)
{
    pages = n;
    memory = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void fill(unsigned seed)
{
    for (unsigned long p = 0; p < pages; p++)
        pattern_fill(memory + p * 4096, 64, seed, p * 4096);
}

static int right(unsigned seed)
{
    for (unsigned long p = 0; p < pages; p++)
        CHECK_IS(pattern_check(memory + p * 4096, 64, seed, p * 4096), -1);
    return 0;
}

static struct abi_memory totals(void)
{
    struct abi_memory m;

    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&m, 0, 0);
    return m;
}

static struct abi_counters counters(void)
{
    struct abi_counters c;

    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&c, 0, 0);
    return c;
}

/* Sees what the parent wrote, writes a part of it, and sees both. */
static int heir(void *number)
{
    unsigned long n = (unsigned long)number;

    CHECK_IS(right(1), 0);
    for (unsigned long p = n; p < pages; p += CHILDREN)
        pattern_fill(memory + p * 4096, 64, 100 + (unsigned)n, p * 4096);
    for (unsigned long p = 0; p < pages; p++) {
        unsigned seed = p % CHILDREN == n ? 100 + (unsigned)n : 1;
        CHECK_IS(pattern_check(memory + p * 4096, 64, seed, p * 4096), -1);
    }
    return 0;
}

/* A heap of twice the memory, most of it swapped out, and ten heirs that each write
 * a tenth of it; the parent's own stays. */
static int heirs(void *unused)
{
    struct abi_counters before = counters();
    pid_t pids[CHILDREN];

    (void)unused;
    take_memory(2 * totals().total);
    CHECK(memory != MAP_FAILED);
    fill(1);
    for (long i = 0; i < CHILDREN; i++)
        pids[i] = spawn(heir, (void *)i);
    for (int i = 0; i < CHILDREN; i++)
        CHECK_IS(reap(pids[i]), 0);
    CHECK_IS(right(1), 0);
    CHECK(counters().swap_outs - before.swap_outs >= pages / 2);
    CHECK(counters().swap_ins - before.swap_ins >= pages / 2);
    return 0;
}

static int worker(void *seed)
{
    take_memory(totals().total);
    CHECK(memory != MAP_FAILED);
    for (unsigned round = 0; round < 2; round++) {
        fill((unsigned)(long)seed + round);
        CHECK_IS(right((unsigned)(long)seed + round), 0);
    }
    return 0;
}

/* Several at a time, each as large as memory. */
static int together(void *unused)
{
    struct abi_counters before = counters();
    pid_t pids[PARALLEL];

    (void)unused;
    for (long i = 0; i < PARALLEL; i++)
        pids[i] = spawn(worker, (void *)(i * 10));
    for (int i = 0; i < PARALLEL; i++)
        CHECK_IS(reap(pids[i]), 0);
    CHECK(counters().swap_outs - before.swap_outs >= 3 * totals().total);
    return 0;
}

/* Rights that change, and pages given back, while they are on the disk. */
static int changed(void *unused)
{
    unsigned long free_before = totals().swap_free, half;
    char *other;

    (void)unused;
    take_memory(2 * totals().total);
    CHECK(memory != MAP_FAILED);
    fill(1);
    half = pages / 2 * 4096;
    CHECK_IS(mprotect(memory, half, PROT_READ), 0);
    CHECK_IS(ktap_in_child(heir, (void *)0l), ABI_SIGSEGV); /* it stores there */
    CHECK_IS(right(1), 0);
    CHECK_IS(mprotect(memory, half, PROT_READ | PROT_WRITE), 0);
    memory[0] ^= 0xff; /* may be written again */
    memory[0] ^= 0xff;
    CHECK_IS(right(1), 0);
    CHECK_IS(munmap(memory + half, pages * 4096 - half), 0);
    CHECK(totals().swap_free + pages / 2 + 64 >= free_before);
    other = mmap(memory + half, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(other == memory + half && *other == 0); /* nothing of old */
    pages /= 2;
    CHECK_IS(right(1), 0);
    CHECK_IS(munmap(memory, half), 0);
    CHECK(totals().swap_free + 64 >= free_before);
    return 0;
}

static const struct proc_test tests[] = {
    {heirs, "ten children of a parent whose heap is swapped out"},
    {together, "processes whose sum is four times memory"},
    {changed, "rights and mappings changed while pages are on the disk"},
};

int main(void)
{
    int n = (int)(sizeof(tests) / sizeof(tests[0]));
    unsigned long free_slots = totals().swap_free;

    ktap_plan(n + 2);
    touch_program();
    ledger_begin();
    for (int i = 0; i < n; i++)
        ok_child(tests[i].fn, 0, tests[i].name);
    ledger_end_ok("all frames are back");
    /* What is not ours may have gone out meanwhile. */
    ok(totals().swap_free + 1024 >= free_slots, "the slots are back: %lu of %lu are free",
       totals().swap_free, free_slots);
    return ktap_done();
}
