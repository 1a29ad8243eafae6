/* The text being edited. See buffer.h. */
#include <stdlib.h>
#include <string.h>

#include "user/bin/vi/buffer.h"

void *buffer_memory(void *old, size_t size)
{
    void *memory = realloc(old, size);

    if (!memory)
        buffer_no_memory();
    return memory;
}

static void line_reserve(struct line *line, size_t length)
{
    size_t capacity = line->capacity ? line->capacity : 16;

    if (length <= line->capacity)
        return;
    while (capacity < length)
        capacity *= 2;
    line->bytes = buffer_memory(line->bytes, capacity);
    line->capacity = capacity;
}

static void line_insert(struct line *line, size_t at, const char *bytes, size_t count)
{
    if (!count)
        return;
    line_reserve(line, line->length + count);
    memmove(line->bytes + at + count, line->bytes + at, line->length - at);
    memcpy(line->bytes + at, bytes, count);
    line->length += count;
}

void buffer_init(struct buffer *buffer)
{
    *buffer = (struct buffer){.lines = buffer_memory(NULL, sizeof(struct line))};
    buffer->lines[0] = (struct line){NULL, 0, 0};
    buffer->count = buffer->room = 1;
}

void buffer_free(struct buffer *buffer)
{
    for (size_t i = 0; i < buffer->count; i++)
        free(buffer->lines[i].bytes);
    free(buffer->lines);
    *buffer = (struct buffer){NULL, 0, 0};
}

bool place_before(struct place a, struct place b)
{
    return a.line < b.line || (a.line == b.line && a.at < b.at);
}

static size_t count_newlines(const char *bytes, size_t count)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += bytes[i] == '\n';
    return found;
}

/* Make count empty lines before line `at`. */
static void open_lines(struct buffer *buffer, size_t at, size_t count)
{
    if (buffer->room - buffer->count < count) {
        size_t room = 2 * buffer->room + count;

        buffer->lines = buffer_memory(buffer->lines, room * sizeof(struct line));
        buffer->room = room;
    }
    memmove(buffer->lines + at + count, buffer->lines + at,
            (buffer->count - at) * sizeof(struct line));
    memset(buffer->lines + at, 0, count * sizeof(struct line));
    buffer->count += count;
}

struct place buffer_insert(struct buffer *buffer, struct place place, const char *bytes,
                           size_t count)
{
    size_t newlines = count_newlines(bytes, count), last = place.line + newlines, tail;
    const char *end = bytes + count;

    if (!newlines) {
        line_insert(&buffer->lines[place.line], place.at, bytes, count);
        return (struct place){place.line, place.at + count};
    }
    open_lines(buffer, place.line + 1, newlines);
    /* What was behind the place goes behind the last line inserted. */
    tail = buffer->lines[place.line].length - place.at;
    line_insert(&buffer->lines[last], 0, buffer->lines[place.line].bytes + place.at, tail);
    buffer->lines[place.line].length = place.at;
    for (size_t i = place.line;; i++) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t length = (size_t)((newline ? newline : end) - bytes);

        if (i == last) {
            line_insert(&buffer->lines[i], 0, bytes, length);
            return (struct place){last, length};
        }
        line_insert(&buffer->lines[i], buffer->lines[i].length, bytes, length);
        bytes += length + 1;
    }
}

void buffer_remove(struct buffer *buffer, struct place from, struct place to)
{
    struct line *first = &buffer->lines[from.line], *last = &buffer->lines[to.line];
    size_t lines = to.line - from.line, tail = last->length - to.at;

    if (!lines) {
        if (to.at > from.at)
            memmove(first->bytes + from.at, first->bytes + to.at, tail);
        first->length -= to.at - from.at;
        return;
    }
    if (tail)
        line_reserve(first, from.at + tail);
    first->length = from.at;
    if (tail)
        memcpy(first->bytes + from.at, last->bytes + to.at, tail);
    first->length += tail;
    for (size_t i = from.line + 1; i <= to.line; i++)
        free(buffer->lines[i].bytes);
    memmove(buffer->lines + from.line + 1, buffer->lines + to.line + 1,
            (buffer->count - to.line - 1) * sizeof(struct line));
    buffer->count -= lines;
}

char *buffer_copy(const struct buffer *buffer, struct place from, struct place to, size_t *count)
{
    size_t length = 0, at = 0;
    char *copy;

    for (size_t i = from.line; i <= to.line; i++)
        length += buffer->lines[i].length + 1;
    copy = buffer_memory(NULL, length);
    for (size_t i = from.line; i <= to.line; i++) {
        size_t start = i == from.line ? from.at : 0;
        size_t end = i == to.line ? to.at : buffer->lines[i].length;

        if (end > start)
            memcpy(copy + at, buffer->lines[i].bytes + start, end - start);
        at += end - start;
        if (i < to.line)
            copy[at++] = '\n';
    }
    *count = at;
    return copy;
}
