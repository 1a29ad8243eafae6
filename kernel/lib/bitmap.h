/*
 * Bitmaps: arrays of 64-bit words, bit n in word n / 64.
 *
 * Nothing here is atomic; the caller's lock guards the map. Ranges are half
 * open: from `from` up to, not including, `end`.
 */
#ifndef KERNEL_LIB_BITMAP_H
#define KERNEL_LIB_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORD_BITS 64
/* Words in a map of that many bits, for declaring one. */
#define BITMAP_WORDS(bits) (((bits) + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS)

static inline void bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / BITMAP_WORD_BITS] |= 1ull << bit % BITMAP_WORD_BITS;
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / BITMAP_WORD_BITS] &= ~(1ull << bit % BITMAP_WORD_BITS);
}

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
    return (map[bit / BITMAP_WORD_BITS] >> bit % BITMAP_WORD_BITS & 1) != 0;
}

/* The place of the lowest bit set in a word that is not 0. Written out, because
 * the base ISA has no such instruction and the compiler would call a function. */
static inline unsigned bitmap_lowest(uint64_t word)
{
    unsigned place = 0;

    for (unsigned half = BITMAP_WORD_BITS / 2; half > 0; half /= 2) {
        if (word << (BITMAP_WORD_BITS - half) == 0) {
            word >>= half;
            place += half;
        }
    }
    return place;
}

/* The two finders in one: flip is 0 to look for set bits, all ones for clear. */
static inline size_t bitmap_find(const uint64_t *map, size_t from, size_t end, uint64_t flip)
{
    while (from < end) {
        uint64_t word = (map[from / BITMAP_WORD_BITS] ^ flip) >> from % BITMAP_WORD_BITS;

        if (word != 0) {
            size_t found = from + bitmap_lowest(word);

            return found < end ? found : end;
        }
        from = (from / BITMAP_WORD_BITS + 1) * BITMAP_WORD_BITS;
    }
    return end;
}

/* The first bit set, or clear, in the range; end if there is none. */
static inline size_t bitmap_find_set(const uint64_t *map, size_t from, size_t end)
{
    return bitmap_find(map, from, end, 0);
}

static inline size_t bitmap_find_clear(const uint64_t *map, size_t from, size_t end)
{
    return bitmap_find(map, from, end, ~0ull);
}

#endif
