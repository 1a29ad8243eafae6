/*
 * Programs that go over their memory again and again, every word of it: one that
 * enciphers and deciphers one and a half times the machine's memory, four such at a time that
 * together have four times as much, and a deck of pages that is shuffled.
 *
 * test: points=4 cpus=1,2,4 mem=16M swap=96M..
 * test: points=2 cpus=1,2 mem=32M swap=160M..
 * test: points=2 cpus=1 mem=64M swap=320M..
 */
#include "user/test/swap_util.h"
#include <unistd.h>

#define SELF     "/test/swap_cipher"
#define PARALLEL 4

/* ------------------------------------------------------------ linear, parallel */

static unsigned long plain(unsigned long i, unsigned long seed)
{
    return i * 0x2545f4914f6cdd1dul ^ seed;
}

/* Each word with the next of a sequence that only its start tells. */
static void encipher(unsigned long *at, unsigned long words, unsigned long key)
{
    for (unsigned long i = 0; i < words; i++)
        at[i] ^= random_next(&key);
}

/* There and back in the heap, every word written three times. */
static int linear(unsigned long pages, unsigned long seed)
{
    unsigned long words = pages * PAGE_WORDS, key;
    unsigned long *at = malloc(pages * PAGE);

    CHECK(at);
    for (unsigned long i = 0; i < words; i++)
        at[i] = plain(i, seed);
    encipher(at, words, seed + 1);
    key = seed + 1;
    for (unsigned long i = 0; i < words; i++) {
        CHECK(at[i] != plain(i, seed));
        at[i] ^= random_next(&key);
        CHECK(at[i] == plain(i, seed));
    }
    free(at);
    return 0;
}

static int alone(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long total = frames_in_all();

    (void)unused;
    CHECK_IS(linear(total + total / 2, 5), 0);
    return swap_moved(&before, total, total); /* by either pass after the first */
}

/* Programs of their own, not copies of this one. */
static pid_t start(unsigned long pages, unsigned long seed)
{
    char count[24], start_[24];
    char *const argv[] = {"swap_cipher", count, start_, 0}, *const none[] = {0};
    pid_t pid;

    snprintf(count, sizeof(count), "%lu", pages);
    snprintf(start_, sizeof(start_), "%lu", seed);
    pid = fork();
    if (pid == 0) {
        execve(SELF, argv, none);
        _exit(126);
    }
    return pid;
}

static int at_a_time(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long total = frames_in_all();
    pid_t pids[PARALLEL];
    int bad = 0;

    (void)unused;
    for (unsigned i = 0; i < PARALLEL; i++)
        pids[i] = start(total, 100 + i);
    for (unsigned i = 0; i < PARALLEL; i++)
        bad += reap(pids[i]) != 0;
    CHECK_IS(bad, 0);
    return swap_moved(&before, 3 * total, 3 * total);
}

/* --------------------------------------------------------------------- shuffle */

/* The deck lies in pages; a card is a page, and moves as a whole. */
static void exchange(char *a, char *b)
{
    static char hand[PAGE];

    memcpy(hand, a, PAGE);
    memcpy(a, b, PAGE);
    memcpy(b, hand, PAGE);
}

static int deck(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long total = frames_in_all(), cards = total + total / 2, state = 77;
    unsigned *order = malloc(cards * sizeof(*order));
    char *at = take_pages(cards);

    (void)unused;
    CHECK(order && at);
    for (unsigned long i = 0; i < cards; i++) {
        order[i] = (unsigned)i;
        page_write(at + i * PAGE, i, 3);
    }
    for (unsigned long i = cards - 1; i > 0; i--) {
        unsigned long j = random_next(&state) % (i + 1);
        unsigned other = order[i];
        order[i] = order[j];
        order[j] = other;
        if (i != j)
            exchange(at + i * PAGE, at + j * PAGE);
    }
    for (unsigned long i = 0; i < cards; i++)
        CHECK(page_is(at + i * PAGE, order[i], 3));
    return swap_moved(&before, total / 2, total / 2);
}

static const struct proc_test tests[] = {
    {alone, "one and a half times memory, enciphered and deciphered"},
    {at_a_time, "four programs at a time, together four times memory"},
    {deck, "a deck of one and a half times memory, shuffled"},
};

int main(int argc, char **argv)
{
    if (argc == 3)
        return linear(strtoul(argv[1], 0, 10), strtoul(argv[2], 0, 10));
    return RUN_SWAP_TESTS(tests);
}
