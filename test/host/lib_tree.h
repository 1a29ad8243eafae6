/*
 * Flattened device trees made in a test, well-formed or not: the calls append
 * what they are told to and check nothing but their own buffers.
 */
#ifndef TEST_HOST_LIB_TREE_H
#define TEST_HOST_LIB_TREE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TREE_BEGIN    1u
#define TREE_END      2u
#define TREE_PROPERTY 3u
#define TREE_NOP      4u
#define TREE_LAST     9u

#define TREE_HEADER 40
#define TREE_MAX    65536

struct tree {
    uint8_t reservations[1024], structure[TREE_MAX], strings[4096];
    size_t reservations_size, structure_size, strings_size;
};

struct tree_blob {
    uint8_t *bytes; /* exactly size of them, from malloc */
    size_t size;
};

static inline void tree_store(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline void tree_append(uint8_t *block, size_t *size, size_t max, const void *data, size_t n)
{
    if (n > max - *size) {
        printf("Bail out! the test's tree is too large\n");
        exit(1);
    }
    memcpy(block + *size, data, n);
    *size += n;
}

static inline void tree_bytes(struct tree *t, const void *data, size_t n)
{
    tree_append(t->structure, &t->structure_size, sizeof(t->structure), data, n);
    tree_append(t->structure, &t->structure_size, sizeof(t->structure), "\0\0\0", -n & 3);
}

static inline void tree_word(struct tree *t, uint32_t value)
{
    uint8_t bytes[4];

    tree_store(bytes, value);
    tree_bytes(t, bytes, 4);
}

static inline void tree_reserve(struct tree *t, uint64_t base, uint64_t size)
{
    uint8_t entry[16];

    tree_store(entry, (uint32_t)(base >> 32));
    tree_store(entry + 4, (uint32_t)base);
    tree_store(entry + 8, (uint32_t)(size >> 32));
    tree_store(entry + 12, (uint32_t)size);
    tree_append(t->reservations, &t->reservations_size, sizeof(t->reservations), entry, 16);
}

static inline void tree_begin(struct tree *t, const char *name)
{
    tree_word(t, TREE_BEGIN);
    tree_bytes(t, name, strlen(name) + 1);
}

static inline void tree_end(struct tree *t)
{
    tree_word(t, TREE_END);
}

static inline void tree_property(struct tree *t, const char *name, const void *data, size_t size)
{
    tree_word(t, TREE_PROPERTY);
    tree_word(t, (uint32_t)size);
    tree_word(t, (uint32_t)t->strings_size);
    tree_append(t->strings, &t->strings_size, sizeof(t->strings), name, strlen(name) + 1);
    tree_bytes(t, data, size);
}

static inline void tree_string(struct tree *t, const char *name, const char *value)
{
    tree_property(t, name, value, strlen(value) + 1);
}

/* Cells, as unsigned. */
static inline void tree_cells(struct tree *t, const char *name, unsigned count, ...)
{
    uint8_t cells[256];
    va_list values;

    va_start(values, count);
    for (unsigned i = 0; i < count; i++)
        tree_store(cells + (size_t)4 * i, va_arg(values, unsigned));
    va_end(values);
    tree_property(t, name, cells, (size_t)4 * count);
}

/* The blob; the strings come last, as they usually do, or before the structure. The
 * closing entry of the reservations is added, no token of the structure is. */
static inline struct tree_blob tree_finish_ordered(const struct tree *t, bool structure_last)
{
    size_t blocks = TREE_HEADER + t->reservations_size + 16;
    size_t structure = structure_last ? (blocks + t->strings_size + 3) & ~(size_t)3 : blocks;
    size_t strings = structure_last ? blocks : structure + t->structure_size;
    struct tree_blob blob = {.size = structure_last ? structure + t->structure_size
                                                    : strings + t->strings_size};
    const uint32_t header[TREE_HEADER / 4] = {
        0xd00dfeed,
        (uint32_t)blob.size,
        (uint32_t)structure,
        (uint32_t)strings,
        TREE_HEADER,
        17,
        16,
        0,
        (uint32_t)t->strings_size,
        (uint32_t)t->structure_size,
    };

    blob.bytes = calloc(1, blob.size);
    for (size_t i = 0; i < TREE_HEADER / 4; i++)
        tree_store(blob.bytes + 4 * i, header[i]);
    memcpy(blob.bytes + TREE_HEADER, t->reservations, t->reservations_size);
    memcpy(blob.bytes + structure, t->structure, t->structure_size);
    memcpy(blob.bytes + strings, t->strings, t->strings_size);
    return blob;
}

static inline struct tree_blob tree_finish(const struct tree *t)
{
    return tree_finish_ordered(t, false);
}

/* A copy with a few bytes changed, favouring the words that steer a reader, and at
 * times cut short. The caller frees it. */
static inline struct tree_blob tree_corrupt(const struct tree_blob *blob,
                                            uint64_t (*random)(uint64_t *), uint64_t *state)
{
    static const uint32_t telling[] = {0, 1, 2, 3, 4, 9, 0x7fffffff, 0x80000000, 0xfffffffc, -1u};
    struct tree_blob copy = {.size = blob->size};

    if (random(state) % 4 == 0)
        copy.size -= random(state) % copy.size;
    copy.bytes = malloc(copy.size);
    memcpy(copy.bytes, blob->bytes, copy.size);
    for (uint64_t n = 1 + random(state) % 8; n > 0 && copy.size >= 4; n--) {
        /* Half of them early: the header and the first nodes. */
        size_t span = random(state) % 2 != 0 && copy.size > 256 ? 256 : copy.size;
        size_t at = random(state) % (span / 4) * 4;

        switch (random(state) % 4) {
        case 0:
            copy.bytes[at + random(state) % 4] = (uint8_t)random(state);
            break;
        case 1:
            copy.bytes[at + random(state) % 4] ^= (uint8_t)(1u << random(state) % 8);
            break;
        case 2:
            tree_store(copy.bytes + at, telling[random(state) % 10]);
            break;
        default:
            tree_store(copy.bytes + at, (uint32_t)(random(state) % (2 * blob->size)));
            break;
        }
    }
    return copy;
}

#endif
