/*
 * The files of the initial RAM image, as memory objects.
 */
#ifndef KERNEL_BOOTFILE_H
#define KERNEL_BOOTFILE_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/handle.h"

/* Copies each file of the cpio archive into an object. Panics if the archive is
 * malformed or memory is too small: nothing can run without it. */
void bootfile_init(const void *archive, size_t size);
/* A handle on that file (READ|EXEC|TRANSFER): 0, -ENOENT or -ENOMEM. */
int bootfile_open(const char *name, struct handle *out);

#endif
