/*
 * The C part of kernel/lib/string.h against plain models and the C library.
 */
/* host-test: */
#include <stdlib.h>
#include <string.h>

#include "test/host/lib_check.h"

/* string.c is compiled here under other names, next to the C library's. */
#define STRING_UNDER_TEST
#define memcmp  our_memcmp
#define memchr  our_memchr
#define strlen  our_strlen
#define strnlen our_strnlen
#define strcmp  our_strcmp
#define strncmp our_strncmp
#define strchr  our_strchr
#define strlcpy our_strlcpy
size_t our_strlcpy(char *restrict dst, const char *restrict src, size_t size);
size_t our_strlen(const char *s);
int our_strncmp(const char *a, const char *b, size_t n);
#include "kernel/lib/string.c"
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strlcpy

#define ROUNDS 20000

static uint64_t seed = 88172645463325252ull;

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

/* A block of exactly n bytes, so that a read past it is caught. */
static char *block(const char *from, size_t n)
{
    char *copy = malloc(n + (n == 0));

    memcpy(copy, from, n);
    return copy;
}

static void test_memcmp(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        _Alignas(8) unsigned char a[80], b[80];
        size_t at_a = check_random(&seed) % 8, at_b = check_random(&seed) % 2 ? at_a : 0;
        size_t n = check_random(&seed) % 64;

        for (size_t i = 0; i < sizeof(a); i++)
            a[i] = (unsigned char)check_random(&seed);
        memcpy(b + at_b, a + at_a, n);
        CHECK(our_memcmp(a + at_a, b + at_b, n) == 0);
        if (n > 0) {
            b[at_b + check_random(&seed) % n] ^= (unsigned char)check_random(&seed);
            CHECK(sign(our_memcmp(a + at_a, b + at_b, n)) == sign(memcmp(a + at_a, b + at_b, n)));
        }
    }
}

static void test_search(void)
{
    static const char text[] = "a\0b\xff"
                               "c"; /* the byte 255 is found by -1 too */

    CHECK(our_memchr(text, 'c', 5) == text + 4);
    CHECK(our_memchr(text, 'c', 4) == NULL);
    CHECK(our_memchr(text, -1, 5) == text + 3);
    CHECK(our_memchr(text, 0, 5) == text + 1);
    CHECK(our_memchr(text, 'a', 0) == NULL);
    CHECK(our_strchr("path/name", '/') != NULL && *our_strchr("path/name", '/') == '/');
    CHECK(our_strchr(text, 'b') == NULL);
    CHECK(our_strchr(text, '\0') == text + 1);
    CHECK(our_strchr("\xff", '\xff') != NULL);
}

static void test_lengths(void)
{
    for (size_t n = 0; n < 40; n++) {
        char text[64];

        memset(text, 'x', sizeof(text));
        text[n] = '\0';
        char *whole = block(text, n + 1), *open = block(text, n);

        CHECK(our_strlen(whole) == n);
        CHECK(our_strnlen(whole, 1000) == n);
        CHECK(our_strnlen(open, n) == n);
        CHECK(our_strnlen(open, n / 2) == n / 2);
        free(whole);
        free(open);
    }
}

static void test_comparison(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        char a[8] = {0}, b[8] = {0};
        size_t n = check_random(&seed) % 10;

        /* Few letters, so that many are equal; one with the top bit set. */
        for (size_t i = 0; i < 7; i++) {
            a[i] = "ab\xe1\0"[check_random(&seed) % 4];
            b[i] = "ab\xe1\0"[check_random(&seed) % 4];
        }
        CHECK(sign(our_strcmp(a, b)) == sign(strcmp(a, b)));
        CHECK(sign(our_strncmp(a, b, n)) == sign(strncmp(a, b, n)));
        CHECK(our_strcmp(a, a) == 0);
    }
    char *open = block("abc", 3);

    CHECK(our_strncmp(open, "abcd", 3) == 0);
    free(open);
}

static void test_copy(void)
{
    for (size_t size = 0; size < 8; size++) {
        char *to = malloc(size + (size == 0));

        memset(to, '#', size + (size == 0));
        CHECK(our_strlcpy(to, "four", size) == 4);
        if (size == 0)
            CHECK(to[0] == '#');
        else
            CHECK(strlen(to) == (size > 4 ? 4 : size - 1) && memcmp(to, "four", strlen(to)) == 0);
        free(to);
    }
}

int main(void)
{
    check_plan(5);
    test_memcmp();
    check_end("memcmp agrees with the C library");
    test_search();
    check_end("memchr and strchr find the first, within bounds");
    test_lengths();
    check_end("strlen and strnlen read no byte too many");
    test_comparison();
    check_end("strcmp and strncmp compare as unsigned");
    test_copy();
    check_end("strlcpy cuts and says so");
    return check_exit();
}
