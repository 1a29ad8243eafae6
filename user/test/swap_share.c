/*
 * Swapped memory that processes share by fork, and processes that together need
 * more than there is.
 *
 * test: points=5 cpus=1,2,4 mem=16M swap=96M..
 * test: points=2 cpus=1,2 mem=32M swap=192M..
 * test: points=2 cpus=1 mem=64M swap=384M..
 */
#include "user/test/swap_util.h"
#include <unistd.h>

#define CHILDREN 10
#define PARALLEL 4

/* Seeds: what the parent wrote, and what child n did. */
enum { PARENT = 1, CHILD = 100 };

static unsigned long pages; /* of the memory that is looked at */
static char *memory;

static int take_memory(unsigned long n)
{
    pages = n;
    memory = take_pages(n);
    CHECK(memory);
    return 0;
}

/* Sees what the parent wrote, writes a part of it, and sees both. */
static int heir(void *number)
{
    unsigned long n = (unsigned long)number;

    CHECK(pages_are(memory, pages, PARENT));
    for (unsigned long p = n; p < pages; p += CHILDREN)
        page_write(memory + p * PAGE, p, CHILD + n);
    for (unsigned long p = 0; p < pages; p++)
        CHECK(page_is_all(memory + p * PAGE, p, p % CHILDREN == n ? CHILD + n : PARENT));
    return 0;
}

/* A heap of twice the memory, most of it swapped out, and ten heirs that each write
 * a tenth of it; the parent's own stays. */
static int heirs(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long excess = frames_in_all();
    pid_t pids[CHILDREN];

    (void)unused;
    CHECK_IS(take_memory(2 * frames_in_all()), 0);
    pages_write(memory, pages, PARENT);
    for (long i = 0; i < CHILDREN; i++)
        pids[i] = spawn(heir, (void *)i);
    for (int i = 0; i < CHILDREN; i++)
        CHECK_IS(reap(pids[i]), 0);
    CHECK(pages_are(memory, pages, PARENT));
    /* All of it was gone over at least twice after it was written. */
    return swap_moved(&before, excess, 2 * excess);
}

static int all_written[2]; /* a pipe: it ends when each has written all of its memory */

static int worker(void *number)
{
    unsigned long seed = 10 * (unsigned long)number;
    char none;

    CHECK_IS(take_memory(frames_in_all()), 0);
    pages_write(memory, pages, seed);
    CHECK_IS(close(all_written[1]), 0);
    CHECK_IS(read(all_written[0], &none, 1), 0);
    CHECK(pages_are(memory, pages, seed));
    pages_write(memory, pages, seed + 1);
    CHECK(pages_are(memory, pages, seed + 1));
    return 0;
}

/* Several at a time, each as large as memory. */
static int together(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long excess = (PARALLEL - 1) * frames_in_all();
    pid_t pids[PARALLEL];

    (void)unused;
    CHECK_IS(pipe(all_written), 0);
    for (long i = 0; i < PARALLEL; i++)
        pids[i] = spawn(worker, (void *)i);
    CHECK_IS(close(all_written[1]), 0);
    for (int i = 0; i < PARALLEL; i++)
        CHECK_IS(reap(pids[i]), 0);
    return swap_moved(&before, excess, excess);
}

/* Rights that change, and pages given back, while they are on the disk. */
static int changed(void *unused)
{
    unsigned long free_before = swap_memory().swap_free, half;
    char *other;

    (void)unused;
    CHECK_IS(take_memory(2 * frames_in_all()), 0);
    pages_write(memory, pages, PARENT);
    half = pages / 2 * PAGE;
    CHECK_IS(mprotect(memory, half, PROT_READ), 0);
    CHECK_IS(ktap_in_child(heir, (void *)0l), ABI_SIGSEGV); /* it stores there */
    CHECK(pages_are(memory, pages, PARENT));
    CHECK_IS(mprotect(memory, half, PROT_READ | PROT_WRITE), 0);
    memory[0] ^= 0xff; /* may be written again */
    memory[0] ^= 0xff;
    CHECK(pages_are(memory, pages, PARENT));
    CHECK_IS(munmap(memory + half, pages * PAGE - half), 0);
    CHECK(swap_memory().swap_free + pages / 2 + 64 >= free_before);
    other = mmap(memory + half, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(other == memory + half && *other == 0); /* nothing of old */
    pages /= 2;
    CHECK(pages_are(memory, pages, PARENT));
    CHECK_IS(munmap(memory, half), 0);
    CHECK(swap_memory().swap_free + 64 >= free_before);
    return 0;
}

static const struct proc_test tests[] = {
    {heirs, "ten children of a parent whose heap is swapped out"},
    {together, "processes whose sum is four times memory"},
    {changed, "rights and mappings changed while pages are on the disk"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
