/*
 * More memory than there is: walks over four times the machine's memory, in order,
 * backwards and at random, find every byte that was written.
 *
 * test: points=5 cpus=1,2,4 mem=16M swap=64M
 * test: points=2 cpus=1,2 mem=32M swap=144M
 * test: points=2 cpus=1 mem=64M swap=288M
 */
#include "user/test/proc_util.h"
#include <sys/mman.h>

static unsigned long pages; /* of the walk */
static char *memory;

static void counters(struct abi_counters *c, struct abi_memory *m)
{
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)c, 0, 0);
    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)m, 0, 0);
}

static unsigned long *word_of(unsigned long page)
{
    return (unsigned long *)(memory + page * 4096);
}

/* A page says which one it is, at both ends and in between. */
static void write_page(unsigned long page, unsigned long round)
{
    for (unsigned i = 0; i < 512; i += 73)
        word_of(page)[i] = page * 0x9e3779b97f4a7c15ul + i + round;
}

static int page_right(unsigned long page, unsigned long round)
{
    for (unsigned i = 0; i < 512; i += 73)
        if (word_of(page)[i] != page * 0x9e3779b97f4a7c15ul + i + round)
            return 0;
    return word_of(page)[1] == 0;
}

static int begin(void)
{
    struct abi_counters c;
    struct abi_memory m;

    counters(&c, &m);
    CHECK(m.swap_total > 0);
    pages = 4 * m.total;
    if (pages > m.swap_total * 9 / 10)
        pages = m.swap_total * 9 / 10;
    CHECK(pages >= 2 * m.total);
    memory = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return 0;
}

/* What does not fit must have gone out, and come back. */
static int excess_moved(const struct abi_counters *before, unsigned long reads)
{
    struct abi_counters now;
    struct abi_memory m;
    unsigned long excess;

    counters(&now, &m);
    excess = pages - m.total;
    CHECK(now.swap_outs - before->swap_outs >= excess);
    CHECK(now.swap_ins - before->swap_ins >= reads * excess);
    return 0;
}

static int sequential(void *unused)
{
    struct abi_counters before;
    struct abi_memory m;

    (void)unused;
    CHECK_IS(begin(), 0);
    counters(&before, &m);
    for (unsigned long p = 0; p < pages; p++)
        write_page(p, 1);
    for (unsigned long p = 0; p < pages; p++)
        CHECK(page_right(p, 1));
    for (unsigned long p = 0; p < pages; p++)
        CHECK(page_right(p, 1));
    return excess_moved(&before, 2);
}

static int backwards(void *unused)
{
    struct abi_counters before;
    struct abi_memory m;

    (void)unused;
    CHECK_IS(begin(), 0);
    counters(&before, &m);
    for (unsigned long p = pages; p-- > 0;)
        write_page(p, 2);
    for (unsigned long p = pages; p-- > 0;)
        CHECK(page_right(p, 2));
    return excess_moved(&before, 1);
}

static int at_random(void *unused)
{
    unsigned long state = 4711;
    struct abi_counters before;
    struct abi_memory m;

    (void)unused;
    CHECK_IS(begin(), 0);
    counters(&before, &m);
    for (unsigned long p = 0; p < pages; p++)
        write_page(p, 3);
    for (unsigned long n = 0; n < pages / 4; n++)
        CHECK(page_right(random_next(&state) % pages, 3));
    for (unsigned long n = 0; n < pages / 4; n++)
        write_page(random_next(&state) % pages, 3);
    for (unsigned long p = 0; p < pages; p++)
        CHECK(page_right(p, 3));
    return excess_moved(&before, 1);
}

static const struct proc_test tests[] = {
    {sequential, "in order"},
    {backwards, "backwards"},
    {at_random, "at random, reading and writing"},
};

int main(void)
{
    int n = (int)(sizeof(tests) / sizeof(tests[0]));

    ktap_plan(n + 1);
    touch_program();
    ledger_begin();
    for (int i = 0; i < n; i++)
        ok_child(tests[i].fn, 0, tests[i].name);
    ledger_end_ok("all frames are back");
    return ktap_done();
}
