/*
 * A sort of three times the machine's memory: records in the heap, sorted in place,
 * are all there afterwards, each whole, in order.
 *
 * test: points=4 cpus=1,2,4 mem=16M swap=64M..
 * test: points=2 cpus=1,2,4 mem=32M swap=128M..
 * test: points=2 cpus=1 mem=64M swap=224M..
 */
#include "user/test/swap_util.h"
#include <unistd.h>

#define SMALL 12 /* records that are sorted by insertion */

/* The key is a bijection of the number, so that all keys differ. */
struct record {
    unsigned long key;
    unsigned long number;
    unsigned long body[30];
};

static unsigned long key_of(unsigned long number)
{
    unsigned long x = (number + 1) * 0x9e3779b97f4a7c15ul;

    x ^= x >> 31;
    return x * 0xd6e8feb86659fd93ul;
}

static void make(struct record *r, unsigned long number)
{
    r->key = key_of(number);
    r->number = number;
    for (unsigned i = 0; i < 30; i++)
        r->body[i] = number * 31 + i;
}

static int whole(const struct record *r)
{
    for (unsigned i = 0; i < 30; i++)
        if (r->body[i] != r->number * 31 + i)
            return 0;
    return r->key == key_of(r->number);
}

static void exchange(struct record *a, struct record *b)
{
    struct record other = *a;

    *a = *b;
    *b = other;
}

static void insert(struct record *from, struct record *to)
{
    for (struct record *r = from + 1; r < to; r++)
        for (struct record *s = r; s > from && s[-1].key > s->key; s--)
            exchange(s - 1, s);
}

static unsigned long middle_key(const struct record *from, const struct record *to)
{
    unsigned long a = from->key, b = from[(to - from) / 2].key, c = to[-1].key;

    if (a > b) {
        unsigned long other = a;
        a = b;
        b = other;
    }
    return c < a ? a : c > b ? b : c;
}

/* Quicksort of [from, to): both parts are approached from their ends, which is how
 * the pages come in, too. */
static void sort(struct record *from, struct record *to)
{
    while (to - from > SMALL) {
        unsigned long pivot = middle_key(from, to);
        struct record *low = from, *high = to - 1;
        while (low <= high) {
            while (low->key < pivot)
                low++;
            while (high->key > pivot)
                high--;
            if (low <= high)
                exchange(low++, high--);
        }
        if (high + 1 - from < to - low) {
            sort(from, high + 1);
            from = low;
        } else {
            sort(low, to);
            to = high + 1;
        }
    }
    insert(from, to);
}

static int sort_three_times_memory(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long bytes = 3 * frames_in_all() * PAGE, n = bytes / sizeof(struct record);
    unsigned long sum = 0, last = 0, excess = 2 * frames_in_all();
    struct record *all = sbrk((long)bytes);

    (void)unused;
    CHECK(all != (void *)-1);
    for (unsigned long i = 0; i < n; i++)
        make(&all[i], i);
    sort(all, all + n);
    for (unsigned long i = 0; i < n; i++) {
        CHECK(whole(&all[i]) && all[i].number < n);
        CHECK(i == 0 || all[i].key > last);
        last = all[i].key;
        sum += all[i].number;
    }
    CHECK(sum == n * (n - 1) / 2);
    /* It is written once, gone over at least once by the sort, and read once. */
    return swap_moved(&before, 2 * excess, 2 * excess);
}

static const struct proc_test tests[] = {
    {sort_three_times_memory, "three times memory, sorted in place"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
