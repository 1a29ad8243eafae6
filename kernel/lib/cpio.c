/*
 * A reader of cpio archives in newc form. The contract is in cpio.h.
 *
 * An entry is a header of 110 characters, the name with its NUL, and the data;
 * after the name and after the data come NULs up to the next multiple of four
 * from the archive's start. The header is the magic and thirteen fields of eight
 * hex digits. The entry named TRAILER!!! closes the archive.
 */
#include "kernel/lib/cpio.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/lib/string.h"

#define HEADER_BYTES    110
#define MAGIC           "070701"
#define MAGIC_BYTES     6
#define FIELD_BYTES     8
#define FIELD_MODE      1
#define FIELD_SIZE      6
#define FIELD_NAME_SIZE 11
#define TRAILER         "TRAILER!!!"

static bool read_field(const uint8_t *header, unsigned index, uint32_t *value)
{
    const uint8_t *at = header + MAGIC_BYTES + index * FIELD_BYTES;

    *value = 0;
    for (unsigned i = 0; i < FIELD_BYTES; i++) {
        uint32_t digit;

        if (at[i] >= '0' && at[i] <= '9')
            digit = at[i] - (uint32_t)'0';
        else if (at[i] >= 'a' && at[i] <= 'f')
            digit = at[i] - (uint32_t)'a' + 10;
        else if (at[i] >= 'A' && at[i] <= 'F')
            digit = at[i] - (uint32_t)'A' + 10;
        else
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

/* Moves *offset past size bytes and their padding, no further than the archive's
 * end: the padding may be cut off there. False: the bytes themselves are. */
static bool skip(const struct cpio *cpio, size_t *offset, size_t size)
{
    size_t left = cpio->size - *offset, padded;

    if (size > left)
        return false;
    padded = size + (-(*offset + size) & 3);
    *offset += padded < left ? padded : left;
    return true;
}

void cpio_start(struct cpio *cpio, const void *archive, size_t size)
{
    *cpio = (struct cpio){.archive = archive, .size = size};
}

int cpio_next(struct cpio *cpio, struct cpio_entry *entry)
{
    const uint8_t *header = cpio->archive + cpio->next;
    size_t offset = cpio->next, data;
    uint32_t name_size, size;

    if (cpio->size - offset < HEADER_BYTES || memcmp(header, MAGIC, MAGIC_BYTES) != 0)
        return -EINVAL;
    if (!read_field(header, FIELD_MODE, &entry->mode) || !read_field(header, FIELD_SIZE, &size) ||
        !read_field(header, FIELD_NAME_SIZE, &name_size))
        return -EINVAL;
    entry->name = (const char *)header + HEADER_BYTES;

    /* The padding counts from the archive's start, where the header is on four. */
    if (name_size == 0 || name_size > cpio->size - offset - HEADER_BYTES ||
        strnlen(entry->name, name_size) != name_size - 1 ||
        !skip(cpio, &offset, HEADER_BYTES + (size_t)name_size))
        return -EINVAL;
    if (strcmp(entry->name, TRAILER) == 0)
        return 0;
    data = offset;
    if (!skip(cpio, &offset, size))
        return -EINVAL;
    entry->data = cpio->archive + data;
    entry->size = size;
    cpio->next = offset;
    return 1;
}
