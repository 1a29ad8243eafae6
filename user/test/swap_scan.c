/*
 * A working set of half the frames stays in memory while four times as many pages are
 * gone over once, in order: written first, then read.
 *
 * How fast the set is used beside the scan settles what can be asked. One process does
 * both by turns: for each page of the scan it goes on by two pages of the set, so that
 * the set is gone over once while a quarter of memory is scanned; each pass finds less
 * than a tenth of its pages gone. Two processes do each as fast as they can. Here the
 * set may be driven out while its process does not run, but it gets in again: the scan
 * waits for the disk, so a set that is in memory makes many passes, and most of all
 * passes find it there.
 *
 * test: points=4 cpus=1,2 mem=32M swap=160M..
 * test: points=2 cpus=1,2 mem=64M swap=320M..
 */
#include "user/test/swap_util.h"
#include <unistd.h>

#define TIMES     4 /* the scan is so many times as large as memory */
#define LOOKS     8 /* in a pass, for pages of the set that are gone */
#define SET_SEED  7
#define SCAN_SEED 9

/* The working set: written anew by each pass, page by page. */
static struct {
    char *at;
    unsigned long pages, next; /* of them, the one whose turn it is */
    unsigned long pass;
    unsigned char *here, *gone; /* by page: as mincore said; since it was used */
    unsigned long missed;       /* pages of this pass that were gone */
    unsigned long driven_out;   /* passes that found a tenth of them gone, or more */
} set;

static int take_set(void)
{
    set.pages = frames_in_all() / 2;
    set.at = take_pages(set.pages);
    set.here = calloc(set.pages, 1);
    set.gone = calloc(set.pages, 1);
    CHECK(set.at && set.here && set.gone);
    pages_write(set.at, set.pages, SET_SEED);
    return 0;
}

/* A page that is gone may be read ahead before its turn comes: so all are looked at. */
static int look(void)
{
    CHECK_IS(mincore(set.at, set.pages * PAGE, set.here), 0);
    for (unsigned long p = 0; p < set.pages; p++)
        set.gone[p] |= !(set.here[p] & 1);
    return 0;
}

/* The next page of the set, of which nothing must be lost. */
static int use_next(void)
{
    unsigned long p = set.next;

    if (p % (set.pages / LOOKS) == 0)
        CHECK_IS(look(), 0);
    set.missed += set.gone[p];
    set.gone[p] = 0;
    CHECK(page_is(set.at + p * PAGE, p, SET_SEED + set.pass));
    page_write(set.at + p * PAGE, p, SET_SEED + set.pass + 1);
    set.next = (p + 1) % set.pages;
    return 0;
}

/* Passes that miss nothing are not told one by one. */
static void end_pass(const char *during)
{
    if (set.missed)
        dprintf(2, "# pass %lu, %s: %lu of %lu pages were gone\n", set.pass, during, set.missed,
                set.pages);
    set.driven_out += set.missed * 10 >= set.pages;
    set.missed = 0;
    set.pass++;
}

/* A page of the scan, n-th of all its turns: written in the first round, read in the next. */
static int scan_page(char *scan, unsigned long pages, unsigned long n)
{
    unsigned long p = n % pages;

    if (n >= pages)
        CHECK(page_is(scan + p * PAGE, p, SCAN_SEED));
    else
        page_write(scan + p * PAGE, p, SCAN_SEED);
    return 0;
}

static int by_turns(void *unused)
{
    unsigned long frames = frames_in_all(), pages = TIMES * frames;
    struct abi_counters before = swap_counters();
    char *scan = take_pages(pages);

    (void)unused;
    CHECK(scan);
    CHECK_IS(take_set(), 0);
    for (unsigned long n = 0; n < 2 * pages; n++) {
        CHECK_IS(scan_page(scan, pages, n), 0);
        for (int i = 0; i < 2; i++) {
            CHECK_IS(use_next(), 0);
            if (set.next == 0)
                end_pass(n < pages ? "written" : "read");
        }
    }
    CHECK(set.pass >= 2 * TIMES * 4);
    CHECK_IS(swap_moved(&before, 2 * frames, 2 * frames), 0);
    CHECK_IS(set.driven_out, 0);
    return 0;
}

/* ------------------------------------------------------------- two processes */

static int ready[2]; /* a pipe: it ends when the set is there */

static int scanner(void *unused)
{
    unsigned long pages = TIMES * frames_in_all();
    char *scan = take_pages(pages), none;

    (void)unused;
    CHECK(scan);
    CHECK_IS(close(ready[1]), 0);
    CHECK_IS(read(ready[0], &none, 1), 0);
    for (unsigned long n = 0; n < 2 * pages; n++)
        CHECK_IS(scan_page(scan, pages, n), 0);
    return 0;
}

/* The scanner begins as a copy of a process that has no set yet. */
static int side_by_side(void *unused)
{
    unsigned long frames = frames_in_all();
    struct abi_counters before = swap_counters();
    int status;
    pid_t pid;

    (void)unused;
    CHECK_IS(pipe(ready), 0);
    pid = spawn(scanner, 0);
    CHECK(pid > 0);
    CHECK_IS(take_set(), 0);
    CHECK_IS(close(ready[1]), 0);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        do
            CHECK_IS(use_next(), 0);
        while (set.next);
        end_pass("side by side");
    }
    dprintf(2, "# %lu passes, %lu with the set driven out\n", set.pass, set.driven_out);
    CHECK_IS(status, 0);
    CHECK_IS(swap_moved(&before, 2 * frames, 2 * frames), 0);
    CHECK(set.driven_out * 2 < set.pass);
    return 0;
}

static const struct proc_test tests[] = {
    {by_turns, "by turns, two pages of the set for each of the scan"},
    {side_by_side, "two processes"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
