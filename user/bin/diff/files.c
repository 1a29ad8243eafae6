/*
 * Files as numbered lines. Equal lines get equal numbers from a table of the
 * lines of both files, so that comparing two is comparing two numbers.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/bin/diff/diff.h"

int files_read(int fd, struct side *side)
{
    size_t room = 0;
    ssize_t count;

    *side = (struct side){NULL, 0, NULL, 0};
    for (;;) {
        if (side->size == room) {
            room = room ? room * 2 : 65536;
            side->bytes = diff_grow(side->bytes, room);
        }
        count = read(fd, side->bytes + side->size, room - side->size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return (int)count;
        side->size += (size_t)count;
    }
}

void files_free(struct side *side)
{
    free(side->bytes);
    free(side->lines);
    *side = (struct side){NULL, 0, NULL, 0};
}

bool files_is_binary(const struct side *side)
{
    return side->size && memchr(side->bytes, 0, side->size);
}

static void cut(struct side *side)
{
    size_t at = 0, room = 0;

    while (at < side->size) {
        const char *start = side->bytes + at;
        const char *end = memchr(start, '\n', side->size - at);
        size_t length = end ? (size_t)(end - start) + 1 : side->size - at;

        if ((size_t)side->count == room) {
            room = room ? room * 2 : 256;
            side->lines = diff_grow(side->lines, room * sizeof(*side->lines));
        }
        side->lines[side->count++] = (struct line){start, length, 0, false};
        at += length;
    }
}

/* The next character of a line as the options see it; -1 at its end. A line that
 * ends the file without a newline differs from one with it, unless blanks vary. */
static int next_character(const struct line *line, size_t *at)
{
    bool blanks = options.blanks_vary || options.blanks_vanish;
    size_t start = *at;
    int c;

    while (blanks && *at < line->length && isspace((unsigned char)line->text[*at]))
        ++*at;
    if (*at == line->length)
        return -1;
    if (*at > start && options.blanks_vary && !options.blanks_vanish)
        return ' ';
    c = (unsigned char)line->text[(*at)++];
    return options.ignore_case ? tolower(c) : c;
}

static unsigned long hash_line(const struct line *line)
{
    unsigned long hash = 14695981039346656037UL;
    size_t at = 0;
    int c;

    while ((c = next_character(line, &at)) >= 0)
        hash = (hash ^ (unsigned long)c) * 1099511628211UL;
    return hash;
}

static bool same(const struct line *a, const struct line *b)
{
    size_t i = 0, j = 0;
    int c;

    do {
        c = next_character(a, &i);
        if (c != next_character(b, &j))
            return false;
    } while (c >= 0);
    return true;
}

void files_cut(struct side sides[2])
{
    const struct line **table;
    size_t size = 16;
    long ids = 0;

    cut(&sides[0]);
    cut(&sides[1]);
    while (size < 2 * (size_t)(sides[0].count + sides[1].count))
        size *= 2;
    table = diff_grow(NULL, size * sizeof(*table));
    memset(table, 0, size * sizeof(*table));
    for (int s = 0; s < 2; s++) {
        for (long i = 0; i < sides[s].count; i++) {
            struct line *line = &sides[s].lines[i];
            size_t slot = hash_line(line) & (size - 1);

            while (table[slot] && !same(table[slot], line))
                slot = (slot + 1) & (size - 1);
            if (!table[slot]) {
                line->id = ids++;
                table[slot] = line;
            }
            line->id = table[slot]->id;
        }
    }
    free(table);
}
