/*
 * kernel/lib/bitmap.h against an array of bytes.
 */
/* host-test: */
#include <stdlib.h>
#include <string.h>

#include "kernel/lib/bitmap.h"
#include "test/host/lib_check.h"

#define BITS   200
#define ROUNDS 300

static uint64_t seed = 362436069ull;

static size_t model_find(const unsigned char *model, size_t from, size_t end, unsigned char wanted)
{
    for (; from < end; from++) {
        if (model[from] == wanted)
            return from;
    }
    return end;
}

static void test_single_bits(void)
{
    uint64_t map[BITMAP_WORDS(BITS)] = {0};

    CHECK(BITMAP_WORDS(0) == 0 && BITMAP_WORDS(1) == 1 && BITMAP_WORDS(64) == 1);
    CHECK(BITMAP_WORDS(65) == 2);
    for (size_t bit = 0; bit < BITS; bit++) {
        bitmap_set(map, bit);
        CHECK(bitmap_test(map, bit));
        CHECK(bitmap_find_set(map, 0, BITS) == bit);
        CHECK(bitmap_find_clear(map, bit, BITS) == (bit + 1 < BITS ? bit + 1 : BITS));
        bitmap_clear(map, bit);
        CHECK(!bitmap_test(map, bit));
        CHECK(bitmap_find_set(map, 0, BITS) == BITS);
    }
    for (unsigned place = 0; place < 64; place++)
        CHECK(bitmap_lowest(~0ull << place) == place && bitmap_lowest(1ull << place) == place);
}

static void test_random(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        /* On the heap, so that a read of a word too many is caught. */
        size_t bits = 1 + check_random(&seed) % BITS;
        uint64_t *map = calloc(BITMAP_WORDS(bits), sizeof(*map));
        unsigned char model[BITS] = {0};
        unsigned density = 1 + check_random(&seed) % 60;

        for (size_t i = 0; i < bits; i++) {
            size_t bit = check_random(&seed) % bits;

            model[bit] = check_random(&seed) % 64 < density;
            (model[bit] ? bitmap_set : bitmap_clear)(map, bit);
        }
        for (size_t i = 0; i < bits; i++)
            CHECK(bitmap_test(map, i) == (model[i] != 0));
        for (int query = 0; query < 100; query++) {
            size_t from = check_random(&seed) % (bits + 1), end = check_random(&seed) % (bits + 1);

            CHECK(bitmap_find_set(map, from, end) == model_find(model, from, end, 1));
            CHECK(bitmap_find_clear(map, from, end) == model_find(model, from, end, 0));
        }
        free(map);
    }
}

int main(void)
{
    check_plan(2);
    test_single_bits();
    check_end("each bit is set, tested, found and cleared alone");
    test_random();
    check_end("random maps agree with a model");
    return check_exit();
}
