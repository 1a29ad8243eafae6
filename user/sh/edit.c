/*
 * A line being edited. See edit.h.
 */
#include <stdlib.h>
#include <string.h>

#include "user/include/utf8.h"
#include "user/sh/edit.h"
#include "user/sh/shell.h"

#define LEAST_CAPACITY 128

/* Make room for length bytes. */
static void reserve(struct edit *edit, size_t length)
{
    size_t capacity = edit->capacity ? edit->capacity : LEAST_CAPACITY;
    char *bigger;

    if (length <= edit->capacity)
        return;
    while (capacity < length)
        capacity *= 2;
    bigger = realloc(edit->text, capacity);
    if (!bigger)
        shell_no_memory();
    edit->text = bigger;
    edit->capacity = capacity;
}

void edit_clear(struct edit *edit)
{
    edit->length = edit->cursor = 0;
}

void edit_set(struct edit *edit, const char *text, size_t length)
{
    if (length > edit->capacity)
        reserve(edit, length);
    if (length)
        memmove(edit->text, text, length);
    edit->length = edit->cursor = length;
}

void edit_insert(struct edit *edit, const char *bytes, size_t count)
{
    if (!count)
        return;
    reserve(edit, edit->length + count);
    memmove(edit->text + edit->cursor + count, edit->text + edit->cursor,
            edit->length - edit->cursor);
    memcpy(edit->text + edit->cursor, bytes, count);
    edit->cursor += count;
    edit->length += count;
}

void edit_remove(struct edit *edit, size_t from, size_t to)
{
    if (from >= to)
        return;
    memmove(edit->text + from, edit->text + to, edit->length - to);
    edit->length -= to - from;
    if (edit->cursor >= to)
        edit->cursor -= to - from;
    else if (edit->cursor > from)
        edit->cursor = from;
}

void edit_cut(struct edit *edit, size_t from, size_t to)
{
    char *cut;

    if (from >= to)
        return;
    cut = malloc(to - from);
    if (!cut)
        shell_no_memory();
    memcpy(cut, edit->text + from, to - from);
    free(edit->cut);
    edit->cut = cut;
    edit->cut_length = to - from;
    edit_remove(edit, from, to);
}

void edit_paste(struct edit *edit)
{
    edit_insert(edit, edit->cut, edit->cut_length);
}

void edit_transpose(struct edit *edit)
{
    size_t middle = edit->cursor < edit->length ? edit->cursor : edit_left(edit);
    size_t first, end;
    char bytes[UTF8_MAX];

    if (!middle || middle == edit->length)
        return;
    first = utf8_previous(edit->text, middle);
    end = utf8_next(edit->text, edit->length, middle);
    memcpy(bytes, edit->text + first, middle - first);
    memmove(edit->text + first, edit->text + middle, end - middle);
    memcpy(edit->text + end - (middle - first), bytes, middle - first);
    edit->cursor = end;
}

/* --------------------------------------------------------------------- places */

size_t edit_left(const struct edit *edit)
{
    return edit->cursor ? utf8_previous(edit->text, edit->cursor) : 0;
}

size_t edit_right(const struct edit *edit)
{
    return edit->cursor < edit->length ? utf8_next(edit->text, edit->length, edit->cursor)
                                       : edit->length;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80);
}

size_t edit_word_left(const struct edit *edit)
{
    size_t at = edit->cursor;

    while (at && !is_word(edit->text[at - 1]))
        at--;
    while (at && is_word(edit->text[at - 1]))
        at--;
    return at;
}

size_t edit_word_right(const struct edit *edit)
{
    size_t at = edit->cursor;

    while (at < edit->length && !is_word(edit->text[at]))
        at++;
    while (at < edit->length && is_word(edit->text[at]))
        at++;
    return at;
}

size_t edit_blank_left(const struct edit *edit)
{
    size_t at = edit->cursor;

    while (at && strchr(" \t", edit->text[at - 1]))
        at--;
    while (at && !strchr(" \t", edit->text[at - 1]))
        at--;
    return at;
}
