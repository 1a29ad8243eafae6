/*
 * What is shown: the lines of a file or a pipe, read when they are needed and kept.
 */
#ifndef USER_BIN_LESS_TEXT_H
#define USER_BIN_LESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    int fd; /* -1: all has been read */
    char *bytes;
    size_t length, capacity;
    size_t *starts; /* of the lines known; one more than those that are whole */
    size_t lines, room;
    int error; /* errno of the read that failed, or ENOMEM: the rest is missing */
};

/* 0, or -1 with errno. "-" is standard input. */
int text_open(struct text *text, const char *path);
void text_close(struct text *text);
/* Is there a line n (from 0)? Reads until that is known. */
bool text_has_line(struct text *text, size_t n);
/* Read all of it; returns the number of lines. */
size_t text_count(struct text *text);
/* Line n, which is there, without its newline. */
const char *text_line(const struct text *text, size_t n, size_t *length);

#endif
