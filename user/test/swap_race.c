/*
 * Pages that are evicted while they are used: by the kernel's copies into pages that came
 * back clean, and by threads on other harts. What was written last is there.
 *
 * test: points=4 cpus=1,2,4 mem=16M swap=96M..
 * test: points=2 cpus=2 mem=32M swap=128M..
 */
#include <pthread.h>
#include <unistd.h>

#include "user/test/swap_util.h"

/* ------------------------------------------------ copies into clean pages */

/*
 * A page that came back by a read is clean: it has a slot with the same bytes. Then the
 * kernel writes to it, and nobody else does; if that leaves no mark, the page is evicted
 * as it was.
 */
static int copies_into_clean_pages(void *unused)
{
    unsigned long pages = frames_in_all() + frames_in_all() / 4;
    struct abi_counters before = swap_counters();
    char *at = take_pages(pages);
    static char page[PAGE];
    int ends[2];

    (void)unused;
    CHECK(at && pipe(ends) == 0);
    pages_write(at, pages, 1);
    for (unsigned long p = 0; p < pages; p++) {
        CHECK(page_is(at + p * PAGE, p, 1));
        page_write(page, p, 2);
        CHECK(write(ends[1], page, PAGE) == (ssize_t)PAGE);
        CHECK(read(ends[0], at + p * PAGE, PAGE) == (ssize_t)PAGE);
    }
    CHECK(pages_are(at, pages, 2));
    CHECK(swap_counters().refaults > before.refaults);
    return swap_moved(&before, pages / 4, pages / 4);
}

/* ---------------------------------------------------------- many threads */

#define THREADS 4

/* In each round every thread takes as many steps as it has pages, and then waits for the
 * others: however the threads are scheduled, more pages than there are frames take turns. */
#define ROUNDS 10

static char *shared_pages;
static pthread_barrier_t round_ends;
static unsigned long pages_each;
static unsigned short *written[THREADS]; /* how often each page was, by its thread */

/* Each thread has pages of its own, all over the memory of all: it reads one or writes
 * one more word to it, as chance has it. A word that is lost ends the program. */
static void *use_pages(void *which)
{
    unsigned long me = (unsigned long)which, chance = me * 77 + 1;

    for (unsigned long step = 0; step < ROUNDS * pages_each; step++) {
        if (step % pages_each == 0)
            pthread_barrier_wait(&round_ends);
        unsigned long n = random_next(&chance) % pages_each;
        volatile unsigned long *page =
            (volatile unsigned long *)(shared_pages + (n * THREADS + me) * PAGE);
        unsigned count = written[me][n], word = count % PAGE_WORDS;
        unsigned long last = count ? page_word(n, me, count - 1) : 0;

        if (page[count ? (count - 1) % PAGE_WORDS : 0] != last) {
            dprintf(2, "# thread %lu, page %lu: write %u is lost\n", me, n, count);
            _exit(1);
        }
        if (random_next(&chance) % 2) {
            page[word] = page_word(n, me, count);
            written[me][n]++;
        }
    }
    return 0;
}

static int threads_and_eviction(void *unused)
{
    struct abi_counters before = swap_counters();
    pthread_t threads[THREADS];

    (void)unused;
    pages_each = (frames_in_all() + frames_in_all() / 4) / THREADS;
    shared_pages = take_pages(pages_each * THREADS);
    CHECK(shared_pages && pthread_barrier_init(&round_ends, 0, THREADS) == 0);
    for (unsigned long i = 0; i < THREADS; i++)
        CHECK((written[i] = calloc(pages_each, sizeof(*written[i]))));
    for (unsigned long i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], 0, use_pages, (void *)i) == 0);
    for (unsigned long i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], 0) == 0);
    return swap_moved(&before, pages_each * THREADS, pages_each * THREADS);
}

static const struct proc_test tests[] = {
    {copies_into_clean_pages, "what the kernel copies into clean pages stays"},
    {threads_and_eviction, "what threads write stays, whenever a page is evicted"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
