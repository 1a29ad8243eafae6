/*
 * Bytes that grow.
 */
#include <string.h>

#include "user/bin/sed/sed.h"

static void text_reserve(struct text *text, size_t more)
{
    if (text->length + more + 1 > text->room) {
        text->room = (text->length + more + 1) * 2;
        text->bytes = sed_grow(text->bytes, text->room);
    }
}

void text_add(struct text *text, const char *bytes, size_t length)
{
    text_reserve(text, length);
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_add_char(struct text *text, char c)
{
    text_add(text, &c, 1);
}

void text_clear(struct text *text)
{
    text_reserve(text, 0);
    text->length = 0;
    text->bytes[0] = '\0';
}

void text_swap(struct text *a, struct text *b)
{
    struct text other = *a;

    *a = *b;
    *b = other;
}
