/*
 * The lines typed before. See history.h.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/sh/history.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

#define FILE_MODE 0600
#define READ_MAX  (256 * 1024) /* bytes of the file's end that are looked at */

static char *lines[HISTORY_MAX]; /* line i is lines[(first + i) % HISTORY_MAX] */
static size_t first, count, forgotten;

/* ---------------------------------------------------------------------- memory */

size_t history_count(void)
{
    return count;
}

const char *history_line(size_t i)
{
    return lines[(first + i) % HISTORY_MAX];
}

size_t history_number(size_t i)
{
    return forgotten + i + 1;
}

/* No line is worth an error: without memory for it, it is left out. */
static void keep(const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    if (!copy)
        return;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (count == HISTORY_MAX) {
        free(lines[first]);
        first = (first + 1) % HISTORY_MAX;
        forgotten++;
        count--;
    }
    lines[(first + count++) % HISTORY_MAX] = copy;
}

size_t history_search(size_t before, const char *text, size_t length)
{
    while (before-- > 0) {
        const char *line = history_line(before);
        size_t left = strlen(line);

        for (; left >= length; left--, line++)
            if (!memcmp(line, text, length))
                return before;
    }
    return count;
}

/* ------------------------------------------------------------------------ file */

/* False: there is to be none. */
static bool file_path(char path[PATH_MAX], const char *suffix)
{
    const char *file = var_get("HISTFILE"), *home = var_get("HOME");
    int length;

    if (file)
        length = snprintf(path, PATH_MAX, "%s%s", file, suffix);
    else
        length = snprintf(path, PATH_MAX, "%s/.history%s", home ? home : "", suffix);
    return length > 0 && length < PATH_MAX && (!file || *file);
}

/* The file anew, with the lines that are kept: first under another name, so that
 * there is always a whole one. */
static void rewrite(void)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    FILE *file;

    if (!file_path(path, "") || !file_path(fresh, ".new"))
        return;
    file = fopen(fresh, "w");
    if (!file)
        return;
    fchmod(fileno(file), FILE_MODE);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s\n", history_line(i));
    if (ferror(file) | fclose(file))
        unlink(fresh);
    else
        rename(fresh, path);
}

/* The last READ_MAX bytes of the file; NULL without any. */
static char *read_end(int fd, size_t *length)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = size > 0 ? malloc(READ_MAX) : NULL;

    *length = 0;
    if (!text)
        return NULL;
    lseek(fd, size > READ_MAX ? size - READ_MAX : 0, SEEK_SET);
    while (*length < READ_MAX) {
        ssize_t got = read(fd, text + *length, READ_MAX - *length);

        if (got <= 0)
            break;
        *length += (size_t)got;
    }
    return text;
}

void history_load(void)
{
    char path[PATH_MAX], *text;
    struct stat info;
    size_t length, found = 0;
    int fd = file_path(path, "") ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    /* A device or a pipe would be waited for. */
    text = fstat(fd, &info) || !S_ISREG(info.st_mode) ? NULL : read_end(fd, &length);
    close(fd);
    if (!text)
        return;
    for (size_t at = 0; at < length;) {
        const char *newline = memchr(text + at, '\n', length - at);
        size_t end = newline ? (size_t)(newline - text) : length;

        if (end > at && !memchr(text + at, 0, end - at)) {
            keep(text + at, end - at);
            found++;
        }
        at = end + 1;
    }
    free(text);
    forgotten = 0;
    if (found > 2 * HISTORY_MAX || info.st_size > READ_MAX)
        rewrite();
}

static void append(const char *text, size_t length)
{
    char path[PATH_MAX];
    int fd =
        file_path(path, "") ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, FILE_MODE) : -1;
    char *line = fd < 0 ? NULL : malloc(length + 1);

    if (line) { /* in one write, so that lines of several shells do not mix */
        memcpy(line, text, length);
        line[length] = '\n';
        shell_write(fd, line, length + 1);
    }
    free(line);
    if (fd >= 0)
        close(fd);
}

void history_add(const char *text, size_t length)
{
    if (!length || strchr(" \t", text[0]) || memchr(text, 0, length))
        return;
    if (count) {
        const char *last = history_line(count - 1);

        if (strlen(last) == length && !memcmp(last, text, length))
            return;
    }
    keep(text, length);
    append(text, length);
}

void history_forget(void)
{
    char path[PATH_MAX];

    while (count)
        free(lines[(first + --count) % HISTORY_MAX]);
    first = forgotten = 0;
    if (file_path(path, ""))
        unlink(path);
}
