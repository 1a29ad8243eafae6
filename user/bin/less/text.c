/* The lines that are shown. See text.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/bin/less/text.h"

#define BLOCK 65536

int text_open(struct text *text, const char *path)
{
    struct stat info;

    *text = (struct text){.fd = strcmp(path, "-") ? open(path, O_RDONLY) : STDIN_FILENO};
    if (text->fd < 0)
        return -1;
    if (!fstat(text->fd, &info) && S_ISDIR(info.st_mode)) {
        text_close(text);
        errno = EISDIR;
        return -1;
    }
    return 0;
}

void text_close(struct text *text)
{
    if (text->fd > STDIN_FILENO)
        close(text->fd);
    free(text->bytes);
    free(text->starts);
    *text = (struct text){.fd = -1};
}

static void end(struct text *text, int error)
{
    if (text->fd > STDIN_FILENO)
        close(text->fd);
    text->fd = -1;
    text->error = error;
}

/* Note where a line starts. False: memory is out. */
static bool add_start(struct text *text, size_t start)
{
    if (text->lines == text->room) {
        size_t room = text->room ? text->room * 2 : 1024;
        size_t *bigger = realloc(text->starts, room * sizeof(*bigger));

        if (!bigger)
            return false;
        text->starts = bigger;
        text->room = room;
    }
    text->starts[text->lines++] = start;
    return true;
}

/* Find the lines in the bytes from `from` on. */
static bool find_lines(struct text *text, size_t from)
{
    if (!from && text->length && !add_start(text, 0))
        return false;
    while (from < text->length) {
        const char *newline = memchr(text->bytes + from, '\n', text->length - from);

        if (!newline)
            break;
        from = (size_t)(newline + 1 - text->bytes);
        if (!add_start(text, from))
            return false;
    }
    return true;
}

static void read_more(struct text *text)
{
    size_t from = text->length;
    ssize_t got;

    if (text->capacity - text->length < BLOCK) {
        size_t capacity = text->capacity ? text->capacity * 2 : 4 * BLOCK;
        char *bigger = realloc(text->bytes, capacity);

        if (!bigger) {
            end(text, ENOMEM);
            return;
        }
        text->bytes = bigger;
        text->capacity = capacity;
    }
    do
        got = read(text->fd, text->bytes + text->length, BLOCK);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        end(text, got < 0 ? errno : 0);
        return;
    }
    text->length += (size_t)got;
    if (!find_lines(text, from))
        end(text, ENOMEM);
}

/* The lines to be shown: the last start is none if nothing follows it. */
static size_t whole_lines(const struct text *text)
{
    if (!text->lines)
        return 0;
    return text->fd < 0 && text->starts[text->lines - 1] < text->length ? text->lines
                                                                        : text->lines - 1;
}

bool text_has_line(struct text *text, size_t n)
{
    while (text->fd >= 0 && whole_lines(text) <= n)
        read_more(text);
    return n < whole_lines(text);
}

size_t text_count(struct text *text)
{
    text_has_line(text, SIZE_MAX - 1);
    return whole_lines(text);
}

const char *text_line(const struct text *text, size_t n, size_t *length)
{
    size_t start = text->starts[n];
    size_t next = n + 1 < text->lines ? text->starts[n + 1] : text->length;

    if (next > start && text->bytes[next - 1] == '\n')
        next--;
    *length = next - start;
    return text->bytes + start;
}
