/*
 * Memory and string functions for the kernel.
 *
 * The usual C library contracts; none sleeps, none allocates. memcpy, memmove
 * and memset are in memcpy.S and memset.S, which programs link too; the rest is
 * in string.c and is the kernel's alone. Compiled hosted (programs, host tests)
 * this header is the C library's <string.h> and string.c defines nothing that a
 * C library has.
 */
#ifndef KERNEL_LIB_STRING_H
#define KERNEL_LIB_STRING_H

#include <stddef.h>

#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
#endif

#if !__STDC_HOSTED__ || defined(HOST_TEST)
/* Copies src, cut to fit, and a NUL into the size bytes at dst (nothing if size
 * is 0). Returns strlen(src): the copy was cut if that is size or more. */
size_t strlcpy(char *restrict dst, const char *restrict src, size_t size);
#endif

/* Fill one page with zeros, or copy one. Both addresses are page-aligned; the
 * pages of a copy are not the same page. In page.S. */
void page_zero(void *page);
void page_copy(void *restrict dst, const void *restrict src);

#endif
