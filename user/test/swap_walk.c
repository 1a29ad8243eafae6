/*
 * More memory than there is: walks over four times the machine's memory, in order,
 * backwards and at random, find every byte that was written.
 *
 * test: points=5 cpus=1,2,4 mem=16M swap=80M..
 * test: points=2 cpus=1,2,4 mem=32M swap=160M..
 * test: points=2 cpus=1 mem=64M swap=320M..
 */
#include "user/test/swap_util.h"

#define TIMES 4 /* as much as there is memory */

static unsigned long pages; /* of the walk */
static char *memory;

static int begin(void)
{
    pages = TIMES * frames_in_all();
    memory = take_pages(pages);
    CHECK(memory);
    return 0;
}

static void write_page(unsigned long page, unsigned long round)
{
    page_write(memory + page * PAGE, page, round);
}

static int page_right(unsigned long page, unsigned long round)
{
    return page_is_all(memory + page * PAGE, page, round);
}

/* What does not fit must have gone out, and come back for each of those reads. */
static int excess_moved(const struct abi_counters *before, unsigned long reads)
{
    unsigned long excess = pages - frames_in_all();

    return swap_moved(before, excess, reads * excess);
}

static int sequential(void *unused)
{
    struct abi_counters before = swap_counters();

    (void)unused;
    CHECK_IS(begin(), 0);
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
    struct abi_counters before = swap_counters();

    (void)unused;
    CHECK_IS(begin(), 0);
    for (unsigned long p = pages; p-- > 0;)
        write_page(p, 2);
    for (unsigned long p = pages; p-- > 0;)
        CHECK(page_right(p, 2));
    return excess_moved(&before, 1);
}

static int at_random(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long state = 4711;

    (void)unused;
    CHECK_IS(begin(), 0);
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
    return RUN_SWAP_TESTS(tests);
}
