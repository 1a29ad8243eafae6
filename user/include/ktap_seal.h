/*
 * The seal on each line of a test's report, by which whoever grades a kernel
 * knows that the test wrote the line and not the kernel.
 *
 * The grader puts a fresh key into the slot of the program's file, in the disk
 * image of this one boot (test/banyan/seal.py). Each plan and each result then
 * ends in a digest of the key, of the seal of the line before and of the line:
 *
 *      ok 3 bytes keep their order {5c0e9ab13f7d2268}
 *
 * So a line printed by someone who has not the key, one kept from another boot,
 * one left out or one moved is seen. A slot without a key, as the build makes it,
 * gives lines without seals. A kernel can read the slot in the program's memory
 * as it can read all; docs/TESTING.md says what that means.
 *
 * The digest is SipHash-2-4 (Aumasson and Bernstein, 2012).
 */
#ifndef KTAP_SEAL_H
#define KTAP_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KTAP_SEAL_UNUSED __attribute__((unused))
#define KTAP_KEY_SIZE    16

/* In the file, where the grader finds it by its mark. */
KTAP_SEAL_UNUSED static volatile struct {
    char mark[16];
    uint8_t key[KTAP_KEY_SIZE];
} ktap_slot __attribute__((aligned(32))) = {.mark = "\x89KTAP key slot\r\n"};

struct ktap_siphash {
    uint64_t v0, v1, v2, v3;
};

KTAP_SEAL_UNUSED static uint64_t ktap_rotate(uint64_t word, int by)
{
    return word << by | word >> (64 - by);
}

KTAP_SEAL_UNUSED static void ktap_rounds(struct ktap_siphash *s, int count)
{
    while (count-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = ktap_rotate(s->v1, 13) ^ s->v0;
        s->v3 = ktap_rotate(s->v3, 16) ^ s->v2;
        s->v0 = ktap_rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = ktap_rotate(s->v1, 17) ^ s->v2;
        s->v3 = ktap_rotate(s->v3, 21) ^ s->v0;
        s->v2 = ktap_rotate(s->v2, 32);
    }
}

/* Up to eight bytes as a little-endian number. */
KTAP_SEAL_UNUSED static uint64_t ktap_word(const uint8_t *bytes, size_t n)
{
    uint64_t word = 0;

    while (n-- > 0)
        word = word << 8 | bytes[n];
    return word;
}

KTAP_SEAL_UNUSED static void ktap_take(struct ktap_siphash *s, uint64_t word)
{
    s->v3 ^= word;
    ktap_rounds(s, 2);
    s->v0 ^= word;
}

/* SipHash-2-4 of n bytes. */
KTAP_SEAL_UNUSED static uint64_t ktap_digest(const uint8_t *key, const uint8_t *bytes, size_t n)
{
    uint64_t k0 = ktap_word(key, 8), k1 = ktap_word(key + 8, 8);
    struct ktap_siphash s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
                             k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
    size_t at = 0;

    for (; at + 8 <= n; at += 8)
        ktap_take(&s, ktap_word(bytes + at, 8));
    ktap_take(&s, (uint64_t)n << 56 | ktap_word(bytes + at, n - at));
    s.v2 ^= 0xff;
    ktap_rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/*
 * The seal of the next line, whose text lies at line + 8, `length` bytes long; the
 * eight bytes before it are for the last seal. False if the slot has no key.
 */
KTAP_SEAL_UNUSED static int ktap_seal(uint8_t *line, size_t length, uint64_t *seal)
{
    static uint64_t last;
    uint8_t key[KTAP_KEY_SIZE], any = 0;

    for (int i = 0; i < KTAP_KEY_SIZE; i++)
        any |= key[i] = ktap_slot.key[i];
    if (!any)
        return 0;
    for (int i = 0; i < 8; i++)
        line[i] = (uint8_t)(last >> 8 * i);
    last = *seal = ktap_digest(key, line, 8 + length);
    return 1;
}

#endif
