/*
 * A reader of cpio archives in the new ASCII form ("newc", magic 070701), which
 * the initial RAM image has.
 *
 * Nothing is copied: names and data point into the archive, which must stay as
 * it is while they are used. No byte outside the archive is read, whatever is
 * in it.
 */
#ifndef KERNEL_LIB_CPIO_H
#define KERNEL_LIB_CPIO_H

#include <stddef.h>
#include <stdint.h>

struct cpio {
    const uint8_t *archive;
    size_t size;
    size_t next; /* offset of the next entry's header */
};

struct cpio_entry {
    const char *name; /* NUL-terminated, as archived: no "./" is taken off */
    const void *data; /* on a multiple of four from the archive's start */
    size_t size;      /* bytes at data */
    uint32_t mode;    /* file type and permissions, as in st_mode */
};

void cpio_start(struct cpio *cpio, const void *archive, size_t size);

/* Gets the next entry. 1: there is one; 0: the archive is at its end, also when
 * asked again; -EINVAL: no whole entry follows (no magic, a field that is no hex
 * number, a name or data past the end, no trailer). */
int cpio_next(struct cpio *cpio, struct cpio_entry *entry) __attribute__((warn_unused_result));

#endif
