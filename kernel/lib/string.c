/*
 * The C string functions the kernel needs, for size and clarity: the hot ones,
 * memcpy, memmove, memset and the page functions, are assembly beside this file.
 */
#include "kernel/lib/string.h"

#include <stdint.h>

/* The compiler must not turn the loops below into calls of the very functions
 * they define. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#if !__STDC_HOSTED__ || defined(STRING_UNDER_TEST)

typedef uint64_t __attribute__((may_alias)) word_t;

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    /* Equal words first; the differing or last word is settled bytewise. */
    if ((((uintptr_t)x | (uintptr_t)y) & 7) == 0) {
        while (n >= 8 && *(const word_t *)x == *(const word_t *)y) {
            x += 8;
            y += 8;
            n -= 8;
        }
    }
    for (; n > 0; x++, y++, n--) {
        if (*x != *y)
            return *x < *y ? -1 : 1;
    }
    return 0;
}

void *memchr(const void *s, int byte, size_t n)
{
    const unsigned char *p = s;

    for (; n > 0; p++, n--) {
        if (*p == (unsigned char)byte)
            return (void *)(uintptr_t)p;
    }
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p != '\0')
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n] != '\0')
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; a++, b++, n--) {
        if (*a != *b)
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        if (*a == '\0')
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++) {
        if (*s == '\0')
            return NULL;
    }
    return (char *)(uintptr_t)s;
}

#endif

#if !__STDC_HOSTED__ || defined(HOST_TEST)

size_t strlcpy(char *restrict dst, const char *restrict src, size_t size)
{
    size_t length = strlen(src);

    if (size > 0) {
        size_t n = length < size ? length : size - 1;

        memcpy(dst, src, n);
        dst[n] = '\0';
    }
    return length;
}

#endif
