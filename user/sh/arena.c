/*
 * Arenas: a stack of chunks, each filled from its start. See arena.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/sh/arena.h"
#include "user/sh/shell.h"

#define CHUNK_SIZE 4000 /* payload; with malloc's own words about a page */
#define ALIGNMENT  16

struct arena_chunk {
    struct arena_chunk *below;
    size_t size, used;
    _Alignas(ALIGNMENT) char data[];
};

struct arena {
    struct arena_chunk *top;
    struct arena_chunk *spare; /* one empty chunk, so that a loop that crosses
                                  a chunk's end does not malloc each time */
    unsigned references;
};

static size_t round_up(size_t size)
{
    if (size > SIZE_MAX / 4)
        shell_no_memory();
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

struct arena *arena_create(void)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    if (!arena)
        shell_no_memory();
    arena->references = 1;
    return arena;
}

struct arena *arena_hold(struct arena *arena)
{
    arena->references++;
    return arena;
}

void arena_drop(struct arena *arena)
{
    if (--arena->references)
        return;
    arena_release(arena, (struct arena_mark){NULL, 0});
    free(arena->spare);
    free(arena);
}

static void push_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena->spare;

    if (chunk && size <= chunk->size) {
        arena->spare = NULL;
    } else {
        if (size < CHUNK_SIZE)
            size = CHUNK_SIZE;
        chunk = malloc(sizeof(*chunk) + size);
        if (!chunk)
            shell_no_memory();
        chunk->size = size;
    }
    chunk->used = 0;
    chunk->below = arena->top;
    arena->top = chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t need = round_up(size ? size : 1);
    struct arena_chunk *top = arena->top;
    void *result;

    if (!top || top->size - top->used < need) {
        push_chunk(arena, need);
        top = arena->top;
    }
    result = top->data + top->used;
    top->used += need;
    return result;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);

    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    struct arena_chunk *top = arena->top;

    return (struct arena_mark){top, top ? top->used : 0};
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
    while (arena->top != mark.chunk) {
        struct arena_chunk *chunk = arena->top;

        arena->top = chunk->below;
        if (!arena->spare && chunk->size == CHUNK_SIZE)
            arena->spare = chunk;
        else
            free(chunk);
    }
    if (arena->top)
        arena->top->used = mark.used;
}

/* Grow the arena's newest allocation where it is, if its chunk has the room. */
static bool extend_newest(struct arena *arena, void *start, size_t old_size, size_t new_size)
{
    struct arena_chunk *top = arena->top;
    size_t offset;

    if (!top || (char *)start + old_size != top->data + top->used)
        return false;
    offset = (size_t)((char *)start - top->data);
    if (top->size - offset < new_size)
        return false;
    top->used = offset + new_size;
    return true;
}

/* Capacities are multiples of ALIGNMENT, as extend_newest needs them. */
static void *grow(struct arena *arena, void *old, size_t old_capacity, size_t new_capacity)
{
    void *bigger;

    if (old && extend_newest(arena, old, old_capacity, new_capacity))
        return old;
    bigger = arena_alloc(arena, new_capacity);
    if (old)
        memcpy(bigger, old, old_capacity);
    return bigger;
}

void strbuf_init(struct strbuf *buf, struct arena *arena)
{
    *buf = (struct strbuf){.arena = arena};
}

char *strbuf_room(struct strbuf *buf, size_t count)
{
    if (buf->capacity - buf->length < count) {
        size_t capacity = buf->capacity * 2;

        if (capacity - buf->length < count)
            capacity = buf->length + count;
        capacity = round_up(capacity < 64 ? 64 : capacity);
        buf->data = grow(buf->arena, buf->data, buf->capacity, capacity);
        buf->capacity = capacity;
    }
    return buf->data + buf->length;
}

void strbuf_put(struct strbuf *buf, char c)
{
    *strbuf_room(buf, 1) = c;
    buf->length++;
}

void strbuf_add(struct strbuf *buf, const char *bytes, size_t count)
{
    if (!count)
        return;
    memcpy(strbuf_room(buf, count), bytes, count);
    buf->length += count;
}

void strbuf_adds(struct strbuf *buf, const char *text)
{
    strbuf_add(buf, text, strlen(text));
}

char *strbuf_text(struct strbuf *buf)
{
    *strbuf_room(buf, 1) = '\0';
    return buf->data;
}

void strlist_init(struct strlist *list, struct arena *arena)
{
    *list = (struct strlist){.arena = arena};
    list->capacity = 8;
    list->items = arena_alloc(arena, list->capacity * sizeof(char *));
    list->items[0] = NULL;
}

void strlist_add(struct strlist *list, char *item)
{
    if (list->count + 1 == list->capacity) {
        size_t bytes = list->capacity * sizeof(char *);

        list->items = grow(list->arena, list->items, bytes, bytes * 2);
        list->capacity *= 2;
    }
    list->items[list->count++] = item;
    list->items[list->count] = NULL;
}
