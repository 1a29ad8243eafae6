/*
 * A reader of flattened device trees. The contract is in fdt.h.
 *
 * Safety rests on one function: read_token looks at nothing before it has
 * checked that it lies within its block, and always returns a later offset.
 * fdt_open passes over every token with it; the others pass over the same ones.
 */
#include "kernel/lib/fdt.h"

#include "kernel/errno.h"
#include "kernel/lib/string.h"

#define FDT_MAGIC   0xd00dfeed
#define FDT_VERSION 17

#define TOKEN_BEGIN    1
#define TOKEN_END      2
#define TOKEN_PROPERTY 3
#define TOKEN_NOP      4
#define TOKEN_LAST     9

/* Offsets of the header's words. */
#define HEADER_MAGIC          0
#define HEADER_SIZE           4
#define HEADER_STRUCTURE      8
#define HEADER_STRINGS        12
#define HEADER_RESERVATIONS   16
#define HEADER_VERSION        20
#define HEADER_COMPATIBLE     24
#define HEADER_STRINGS_SIZE   32
#define HEADER_STRUCTURE_SIZE 36
#define HEADER_BYTES          40

#define RESERVATION_BYTES 16

/* What the specification says a node without the properties has. */
#define DEFAULT_ADDRESS_CELLS 2
#define DEFAULT_SIZE_CELLS    1

struct token {
    uint32_t tag;
    uint32_t next;              /* offset of the token after it */
    const char *name;           /* TOKEN_BEGIN */
    struct fdt_property detail; /* TOKEN_PROPERTY */
};

static uint32_t read_32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t read_64(const uint8_t *at)
{
    return (uint64_t)read_32(at) << 32 | read_32(at + 4);
}

/* The string at offset, which is at most end; NULL if it does not end before end. */
static const char *read_string(const struct fdt *fdt, uint32_t offset, uint32_t end)
{
    const char *string = (const char *)fdt->blob + offset;

    return strnlen(string, end - offset) < end - offset ? string : NULL;
}

static bool read_property(const struct fdt *fdt, uint32_t at, struct token *token)
{
    uint32_t left = fdt->structure_end - at;
    uint32_t size, name;

    if (left < 8)
        return false;
    size = read_32(fdt->blob + at);
    name = read_32(fdt->blob + at + 4);
    left -= 8;
    if (size > left || name >= fdt->strings_end - fdt->strings)
        return false;
    token->detail.name = read_string(fdt, fdt->strings + name, fdt->strings_end);
    token->detail.data = fdt->blob + at + 8;
    token->detail.size = size;
    token->next = at + 8 + ((size + 3) & ~3u); /* left is a multiple of four too */
    return token->detail.name != NULL;
}

/* False: no whole, known token is at this offset. */
static bool read_token(const struct fdt *fdt, uint32_t at, struct token *token)
{
    if (at >= fdt->structure_end) /* all offsets here are multiples of four */
        return false;
    token->tag = read_32(fdt->blob + at);
    token->next = at + 4;
    switch (token->tag) {
    case TOKEN_BEGIN:
        token->name = read_string(fdt, at + 4, fdt->structure_end);
        if (token->name == NULL)
            return false;
        /* The structure block starts and ends on a multiple of four. */
        token->next += ((uint32_t)strlen(token->name) + 4) & ~3u;
        return true;
    case TOKEN_PROPERTY:
        return read_property(fdt, at + 4, token);
    case TOKEN_END:
    case TOKEN_NOP:
    case TOKEN_LAST:
        return true;
    default:
        return false;
    }
}

static const char *check_header(struct fdt *fdt, size_t max)
{
    const uint8_t *blob = fdt->blob;
    uint32_t size;

    if (max < HEADER_BYTES || read_32(blob + HEADER_MAGIC) != FDT_MAGIC)
        return "no device tree blob";
    size = read_32(blob + HEADER_SIZE);
    if (size < HEADER_BYTES || size > max)
        return "the device tree's size is out of range";
    if (read_32(blob + HEADER_VERSION) < FDT_VERSION ||
        read_32(blob + HEADER_COMPATIBLE) > FDT_VERSION)
        return "the device tree is of another version";
    fdt->size = size;
    return NULL;
}

/* Sets the bounds of a block. False: it is not within the blob. */
static bool set_block(const struct fdt *fdt, uint32_t offset, uint32_t size, uint32_t *start,
                      uint32_t *end)
{
    if (offset > fdt->size || size > fdt->size - offset)
        return false;
    *start = offset;
    *end = offset + size;
    return true;
}

static const char *check_blocks(struct fdt *fdt)
{
    const uint8_t *blob = fdt->blob;
    uint32_t at;

    if (!set_block(fdt, read_32(blob + HEADER_STRUCTURE), read_32(blob + HEADER_STRUCTURE_SIZE),
                   &fdt->structure, &fdt->structure_end) ||
        ((fdt->structure | fdt->structure_end) & 3) != 0)
        return "the device tree's structure block is out of range";
    if (!set_block(fdt, read_32(blob + HEADER_STRINGS), read_32(blob + HEADER_STRINGS_SIZE),
                   &fdt->strings, &fdt->strings_end))
        return "the device tree's strings block is out of range";
    fdt->reservations = read_32(blob + HEADER_RESERVATIONS);
    for (at = fdt->reservations;; at += RESERVATION_BYTES) {
        if (at > fdt->size || fdt->size - at < RESERVATION_BYTES)
            return "the device tree's reservation block has no end";
        if (read_64(blob + at) == 0 && read_64(blob + at + 8) == 0)
            break;
    }
    fdt->reservations_end = at;
    return NULL;
}

/* Every token in its place: one root, properties before children, a proper end. */
static const char *check_structure(const struct fdt *fdt)
{
    struct token token;
    uint32_t at = fdt->structure;
    int depth = 0;
    bool rooted = false, may_have_property = false;

    for (;; at = token.next) {
        if (!read_token(fdt, at, &token))
            return "the device tree is malformed or cut short";
        switch (token.tag) {
        case TOKEN_BEGIN:
            if (depth == 0 && rooted)
                return "the device tree has two roots";
            if (depth == FDT_DEPTH_MAX)
                return "the device tree is too deep";
            depth++;
            rooted = may_have_property = true;
            break;
        case TOKEN_END:
            if (depth == 0)
                return "the device tree ends a node that it did not begin";
            depth--;
            may_have_property = false;
            break;
        case TOKEN_PROPERTY:
            if (!may_have_property)
                return "the device tree has a property out of place";
            break;
        case TOKEN_LAST:
            return depth == 0 && rooted ? NULL : "the device tree is malformed or cut short";
        default:
            break;
        }
    }
}

int fdt_open(struct fdt *fdt, const void *blob, size_t max, const char **why)
{
    memset(fdt, 0, sizeof(*fdt));
    fdt->blob = blob;
    *why = check_header(fdt, max);
    if (*why == NULL)
        *why = check_blocks(fdt);
    if (*why == NULL)
        *why = check_structure(fdt);
    return *why == NULL ? 0 : -EINVAL;
}

bool fdt_reservation(const struct fdt *fdt, uint32_t index, uint64_t *base, uint64_t *size)
{
    const uint8_t *at;

    if (index >= (fdt->reservations_end - fdt->reservations) / RESERVATION_BYTES)
        return false;
    at = fdt->blob + fdt->reservations + index * RESERVATION_BYTES;
    *base = read_64(at);
    *size = read_64(at + 8);
    return true;
}

/* The property whose name is the length bytes at name, of the node whose first
 * token is at this offset. */
static bool find_property(const struct fdt *fdt, uint32_t at, const char *name, size_t length,
                          struct fdt_property *property)
{
    struct token token;

    for (; read_token(fdt, at, &token); at = token.next) {
        if (token.tag == TOKEN_NOP)
            continue;
        if (token.tag != TOKEN_PROPERTY)
            return false;
        if (strncmp(token.detail.name, name, length) == 0 && token.detail.name[length] == '\0') {
            *property = token.detail;
            return true;
        }
    }
    return false;
}

bool fdt_property(const struct fdt_walk *walk, const char *name, struct fdt_property *property)
{
    return find_property(walk->fdt, walk->properties, name, strlen(name), property);
}

void fdt_walk_start(struct fdt_walk *walk, const struct fdt *fdt)
{
    memset(walk, 0, sizeof(*walk));
    walk->fdt = fdt;
    walk->next = fdt->structure;
    walk->depth = -1;
}

static uint32_t cell_count(const struct fdt_walk *walk, const char *name, uint32_t otherwise)
{
    uint64_t value;

    return fdt_number(walk, name, &value) && value <= UINT32_MAX ? (uint32_t)value : otherwise;
}

/* The walk has come to a node inside the one it was at. */
static void enter_node(struct fdt_walk *walk, const struct token *token)
{
    struct fdt_property ranges;
    int depth = ++walk->depth;

    walk->name = token->name;
    walk->properties = token->next;
    if (depth == 0) {
        walk->address_cells = DEFAULT_ADDRESS_CELLS;
        walk->size_cells = DEFAULT_SIZE_CELLS;
        walk->translated = false;
    } else {
        walk->address_cells = walk->level[depth - 1].address_cells;
        walk->size_cells = walk->level[depth - 1].size_cells;
        walk->translated = walk->level[depth - 1].translated;
    }
    walk->level[depth].address_cells = cell_count(walk, "#address-cells", DEFAULT_ADDRESS_CELLS);
    walk->level[depth].size_cells = cell_count(walk, "#size-cells", DEFAULT_SIZE_CELLS);
    walk->level[depth].translated =
        walk->translated || (fdt_property(walk, "ranges", &ranges) && ranges.size > 0);
}

bool fdt_next(struct fdt_walk *walk)
{
    struct token token;

    while (read_token(walk->fdt, walk->next, &token) && token.tag != TOKEN_LAST) {
        walk->next = token.next;
        if (token.tag == TOKEN_END)
            walk->depth--;
        if (token.tag == TOKEN_BEGIN) {
            enter_node(walk, &token);
            return true;
        }
    }
    return false;
}

/* Whether the length bytes at part name the node, in full or up to its @. */
static bool is_named(const char *node, const char *part, size_t length)
{
    if (strncmp(node, part, length) != 0)
        return false;
    return node[length] == '\0' || (node[length] == '@' && memchr(part, '@', length) == NULL);
}

/* Moves on, inside the node the walk is at, along the path that ends at end. */
static bool find_below(struct fdt_walk *walk, const char *path, const char *end)
{
    for (int depth = walk->depth;; depth++) {
        size_t length = 0;

        while (path < end && *path == '/')
            path++;
        if (path == end)
            return true;
        while (path + length < end && path[length] != '/')
            length++;
        do {
            if (!fdt_next(walk) || walk->depth <= depth)
                return false;
        } while (walk->depth != depth + 1 || !is_named(walk->name, path, length));
        path += length;
    }
}

bool fdt_find(struct fdt_walk *walk, const char *path, size_t length)
{
    const char *end = path + length;
    struct fdt_walk aliases;
    struct fdt_property target;
    size_t alias = 0;

    if (length == 0)
        return false;
    if (*path == '/')
        return fdt_next(walk) && find_below(walk, path, end);

    while (alias < length && path[alias] != '/')
        alias++;
    fdt_walk_start(&aliases, walk->fdt);
    if (!fdt_find(&aliases, "/aliases", 8) ||
        !find_property(walk->fdt, aliases.properties, path, alias, &target))
        return false;

    const char *full = (const char *)target.data;

    return target.size > 0 && full[0] == '/' && fdt_next(walk) &&
           find_below(walk, full, full + strnlen(full, target.size)) &&
           find_below(walk, path + alias, end);
}

bool fdt_cells(const struct fdt_property *property, uint32_t offset, uint32_t cells,
               uint64_t *value)
{
    if (cells > 2 || offset > property->size || property->size - offset < cells * 4)
        return false;
    *value = cells == 0   ? 0
             : cells == 1 ? read_32(property->data + offset)
                          : read_64(property->data + offset);
    return true;
}

bool fdt_number(const struct fdt_walk *walk, const char *name, uint64_t *value)
{
    struct fdt_property property;

    return fdt_property(walk, name, &property) && (property.size == 4 || property.size == 8) &&
           fdt_cells(&property, 0, property.size / 4, value);
}

bool fdt_reg(const struct fdt_walk *walk, uint32_t index, uint64_t *base, uint64_t *size)
{
    struct fdt_property reg;
    uint32_t entry;

    if (walk->address_cells > 2 || walk->address_cells == 0 || walk->size_cells > 2)
        return false;
    entry = (walk->address_cells + walk->size_cells) * 4;
    if (!fdt_property(walk, "reg", &reg) || index >= reg.size / entry)
        return false;
    return fdt_cells(&reg, index * entry, walk->address_cells, base) &&
           fdt_cells(&reg, index * entry + walk->address_cells * 4, walk->size_cells, size);
}

bool fdt_list_has(const struct fdt_property *list, const char *string)
{
    const char *at = (const char *)list->data;
    size_t left = list->size, wanted = strlen(string);

    while (left > 0) {
        size_t length = strnlen(at, left);

        if (length == wanted && memcmp(at, string, length) == 0)
            return true;
        if (length == left)
            break;
        at += length + 1;
        left -= length + 1;
    }
    return false;
}

bool fdt_compatible(const struct fdt_walk *walk, const char *string)
{
    struct fdt_property list;

    return fdt_property(walk, "compatible", &list) && fdt_list_has(&list, string);
}

bool fdt_enabled(const struct fdt_walk *walk)
{
    struct fdt_property status;

    return !fdt_property(walk, "status", &status) || fdt_list_has(&status, "okay") ||
           fdt_list_has(&status, "ok");
}
