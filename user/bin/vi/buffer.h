/*
 * The text being edited: an array of lines, at least one, and the two changes that
 * everything else is made of. Pure but for memory: without any, buffer_no_memory(),
 * which the program defines, ends it; the text is whole at that moment.
 */
#ifndef USER_BIN_VI_BUFFER_H
#define USER_BIN_VI_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct line {
    char *bytes; /* without its newline; NULL if nothing was ever in it */
    size_t length, capacity;
};

struct buffer {
    struct line *lines;
    size_t count, room;
};

/* Before byte `at` of a line; at its length: behind its last. */
struct place {
    size_t line, at;
};

void buffer_no_memory(void) __attribute__((noreturn));
/* size > 0 bytes, old's content kept; never NULL. */
void *buffer_memory(void *old, size_t size);

/* One empty line. */
void buffer_init(struct buffer *buffer);
void buffer_free(struct buffer *buffer);
/* Insert count bytes, in which newlines end lines. Returns the place behind them. */
struct place buffer_insert(struct buffer *buffer, struct place place, const char *bytes,
                           size_t count);
/* Remove what is from..to, a newline for each line between. from is not behind to. */
void buffer_remove(struct buffer *buffer, struct place from, struct place to);
/* A copy of that, newlines between lines, in new memory. */
char *buffer_copy(const struct buffer *buffer, struct place from, struct place to, size_t *count);

bool place_before(struct place a, struct place b);

#endif
