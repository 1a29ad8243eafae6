/*
 * Memory that is given back all at once, and byte buffers that grow in it.
 *
 * The shell keeps two kinds of arena. Each complete command is parsed into its
 * own, which a function defined there keeps alive by a reference. Execution
 * works like a stack in one other arena: a command marks it, expands its words
 * there, and releases it to the mark when it ends, so that neither a long
 * session nor a long loop grows.
 *
 * No allocation here returns NULL: when memory is out, shell_no_memory() ends
 * the command or the shell.
 */
#ifndef USER_SH_ARENA_H
#define USER_SH_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct arena_chunk;

struct arena_mark {
    struct arena_chunk *chunk;
    size_t used;
};

/* A new empty arena with one reference. */
struct arena *arena_create(void);
/* Take and drop a reference; the last one dropped frees everything. */
struct arena *arena_hold(struct arena *arena);
void arena_drop(struct arena *arena);

/* size bytes, aligned for any type, not cleared. */
void *arena_alloc(struct arena *arena, size_t size);
/* As arena_alloc, cleared. */
void *arena_zalloc(struct arena *arena, size_t size);
/* A NUL-terminated copy of length bytes. */
char *arena_copy(struct arena *arena, const char *text, size_t length);

/* Everything allocated after arena_mark() is freed by arena_release(). */
struct arena_mark arena_mark(const struct arena *arena);
void arena_release(struct arena *arena, struct arena_mark mark);

/* Bytes that grow in an arena. data is NULL until the first byte is added. */
struct strbuf {
    struct arena *arena;
    char *data;
    size_t length, capacity;
};

void strbuf_init(struct strbuf *buf, struct arena *arena);
void strbuf_put(struct strbuf *buf, char c);
void strbuf_add(struct strbuf *buf, const char *bytes, size_t count);
void strbuf_adds(struct strbuf *buf, const char *text);
/* Room for count more bytes at data + length; the caller adds to length. */
char *strbuf_room(struct strbuf *buf, size_t count);
/* The text, with a NUL after it that length does not count. */
char *strbuf_text(struct strbuf *buf);

/* A list of strings that grows in an arena; items[count] is always NULL. */
struct strlist {
    struct arena *arena;
    char **items;
    size_t count, capacity;
};

void strlist_init(struct strlist *list, struct arena *arena);
void strlist_add(struct strlist *list, char *item);

#endif
