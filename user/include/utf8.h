/*
 * UTF-8: characters of a text, and the cells that they take on a terminal.
 *
 * Any bytes are accepted: one that is no part of a character counts as a
 * character of its own, UTF8_INVALID. Pure; a file's or a line's bytes are never
 * changed by looking at them.
 */
#ifndef BANYAN_UTF8_H
#define BANYAN_UTF8_H

#include <stddef.h>

#define UTF8_INVALID (-1l)
#define UTF8_MAX     4 /* bytes of a character */

/* The first character of text, which has length > 0 bytes: its length in bytes, and
 * its code point in *code. */
size_t utf8_decode(const char *text, size_t length, long *code);
/* Bytes of a code point, which must be one; returns their number. */
size_t utf8_encode(char bytes[UTF8_MAX], long code);

/* Where the character after the one at `at` < length starts; where the one before
 * `at` > 0 does. */
size_t utf8_next(const char *text, size_t length, size_t at);
size_t utf8_previous(const char *text, size_t at);

/* How many cells it takes: 0 (it joins the one before), 1 or 2. An invalid byte
 * is shown as one. Control characters are the caller's to show. */
unsigned utf8_width(long code);

#endif
