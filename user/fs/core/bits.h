/* Bitmaps as ext2 has them: bit n is bit n % 8 of byte n / 8. */
#ifndef USER_FS_CORE_BITS_H
#define USER_FS_CORE_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool bit_get(const uint8_t *map, uint32_t bit)
{
    return map[bit / 8] >> (bit % 8) & 1;
}

static inline void bit_set(uint8_t *map, uint32_t bit)
{
    map[bit / 8] |= 1u << (bit % 8);
}

static inline void bit_clear(uint8_t *map, uint32_t bit)
{
    map[bit / 8] &= ~(1u << (bit % 8));
}

/* The first clear bit at or after from; bits if there is none. */
static inline uint32_t bit_find_zero(const uint8_t *map, uint32_t bits, uint32_t from)
{
    uint32_t bit = from;

    while (bit < bits) {
        if (bit % 8 == 0 && map[bit / 8] == 0xff)
            bit += 8;
        else if (bit_get(map, bit))
            bit++;
        else
            return bit;
    }
    return bits;
}

/* The first bit, a multiple of 8, at or after from, that begins eight clear ones;
 * bits if there is none. */
static inline uint32_t bit_find_zero_byte(const uint8_t *map, uint32_t bits, uint32_t from)
{
    for (uint32_t bit = (from + 7) / 8 * 8; bit + 8 <= bits; bit += 8)
        if (map[bit / 8] == 0)
            return bit;
    return bits;
}

#endif
