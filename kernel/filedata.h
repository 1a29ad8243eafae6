/*
 * read and write on memory objects: cached pages, copied by the kernel.
 */
#ifndef KERNEL_FILEDATA_H
#define KERNEL_FILEDATA_H

#include <stdint.h>

struct object;

/* Copies up to n bytes from offset on to the current process; 0 at the end.
 * Bytes, or -errno if there were none. Killable. */
int64_t filedata_read(struct object *o, uint64_t to, uint64_t n, uint64_t offset);
/* Copies n bytes from the current process to *offset on (append: to the end) and
 * moves *offset past them. Blocks are reserved before pages become dirty, so
 * -ENOSPC comes from here. Bytes, or -errno if there were none. Killable. */
int64_t filedata_write(struct object *o, uint64_t from, uint64_t n, uint64_t *offset, int append);

#endif
