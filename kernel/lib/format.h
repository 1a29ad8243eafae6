/*
 * Formatted text into a buffer: the part of printf that a kernel uses.
 *
 *   %d %i %u %x %X %o   with l, ll or z; flags 0, - and #; width and precision
 *   %c %s %p %%         with width, and precision for %s; %p is 0x and hex digits
 *
 * Width and precision may be `*`. They mean what they mean in C; a width or a
 * precision over 4095 counts as 4095. Anything else after a % ends the
 * conversions: the rest of the format is copied as it stands, so that a wrong
 * format shows itself and no argument is taken for what it is not.
 */
#ifndef KERNEL_LIB_FORMAT_H
#define KERNEL_LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most size bytes, the NUL included, and always a NUL if size is not
 * 0. Returns the length the whole text has, without its NUL: the text was cut if
 * that is size or more. A null %s prints "(null)". Takes no lock, may be called
 * anywhere. */
int format_v(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int format(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
