/*
 * What the small programs share: how they tell of errors, and how they end.
 *
 * A program calls util_begin() first and returns util_finish(). In between it
 * reports each failure with util_error() and goes on with its next operand; the
 * exit status is then 1. Standard output is checked once more when it is
 * flushed, so that a full disk is an error and not a short file.
 *
 * Everything is static: each program is one file and this header.
 */
#ifndef USER_BIN_UTIL_H
#define USER_BIN_UTIL_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/include/reason.h"

#define UTIL __attribute__((unused)) static

#define UTIL_BLOCK 65536 /* bytes moved by one read or write */

static const char *util_name = "?";
static int util_status; /* what util_finish() returns */

UTIL void util_begin(char **argv)
{
    const char *slash = argv[0] ? strrchr(argv[0], '/') : NULL;

    if (argv[0])
        util_name = slash ? slash + 1 : argv[0];
}

/* "name: MESSAGE", in one write, so that lines of several programs do not mix. */
UTIL void __attribute__((format(printf, 1, 2))) util_warn(const char *format, ...)
{
    char text[4608]; /* a longest path and what is said of it */
    va_list args;
    int length;

    fflush(stdout); /* keep the order when both go to one place */
    length = snprintf(text, sizeof(text) - 1, "%s: ", util_name);
    if (length < 0 || (size_t)length >= sizeof(text) - 1)
        length = 0;
    va_start(args, format);
    vsnprintf(text + length, sizeof(text) - 1 - (size_t)length, format, args);
    va_end(args);
    strcat(text, "\n");
    fputs(text, stderr);
    if (!util_status)
        util_status = 1;
}

/* "name: PATH: reason", the reason from errno. */
UTIL void util_error(const char *path)
{
    int error = errno;

    util_warn("%s: %s", path, reason(error));
}

/* Tell how the program is called, and end it with status 2. */
UTIL void __attribute__((noreturn)) util_usage(const char *arguments)
{
    fprintf(stderr, "usage: %s %s\n", util_name, arguments);
    exit(2);
}

/* Standard output failed: end. */
UTIL void __attribute__((noreturn)) util_output_failed(int status)
{
    fprintf(stderr, "%s: write error: %s\n", util_name, reason(errno));
    _exit(status);
}

/* The program's exit status, after everything printed has been written. */
UTIL int util_finish(void)
{
    if (ferror(stdout) || fflush(stdout))
        util_output_failed(util_status > 1 ? util_status : 1);
    return util_status;
}

UTIL void __attribute__((noreturn)) util_no_memory(void)
{
    fprintf(stderr, "%s: %s\n", util_name, reason(ENOMEM));
    exit(2);
}

/* realloc that ends the program when memory is out. */
UTIL void *util_grow(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);

    if (!memory)
        util_no_memory();
    return memory;
}

UTIL char *util_copy(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(util_grow(NULL, size), text, size);
}

/* directory/name in new memory. */
UTIL char *util_join(const char *directory, const char *name)
{
    size_t length = strlen(directory);
    char *path = util_grow(NULL, length + strlen(name) + 2);

    memcpy(path, directory, length);
    if (length && path[length - 1] != '/')
        path[length++] = '/';
    strcpy(path + length, name);
    return path;
}

/* The last component of path, slashes at its end left out, in new memory. */
UTIL char *util_last_name(const char *path)
{
    size_t end = strlen(path), start;
    char *name;

    while (end > 1 && path[end - 1] == '/')
        end--;
    start = end;
    while (start && path[start - 1] != '/')
        start--;
    if (start == end)
        start = 0; /* the path is "/" */
    name = util_grow(NULL, end - start + 1);
    memcpy(name, path + start, end - start);
    name[end - start] = '\0';
    return name;
}

/* Write all of it. Returns 0, or -1 with errno. */
UTIL int util_write(int fd, const char *bytes, size_t count)
{
    while (count) {
        ssize_t written = write(fd, bytes, count);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

/* text as a whole decimal number from 0 on; false if it is none. */
UTIL bool util_number(const char *text, unsigned long *number)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *number = strtoul(text, &end, 10);
    return !errno && !*end;
}

/* path opened for reading as a stream, "-" being standard input; NULL after a
 * message. */
UTIL FILE *util_open(const char *path)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;

    if (!file)
        util_error(path);
    return file;
}

/* Close what util_open() gave; a read error on it is reported now. */
UTIL void util_close(FILE *file, const char *path)
{
    if (ferror(file))
        util_error(path);
    if (file != stdin)
        fclose(file);
    else
        clearerr(file);
}

#endif
