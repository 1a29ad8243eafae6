/*
 * The device, as the rest of the core sees it, and the list of data transfers
 * under way.
 *
 * The list serves four ends: a block that a transfer names is not given out by
 * the allocator, so that a freed block cannot get a new owner while the old one
 * still writes to it; the blocks that a write is to get are claimed by naming
 * them, and marked in the bitmap only with the mapping, when the data are on the
 * device; a truncation tells overtaken transfers how much of them still counts;
 * and writes to one block go to the device one at a time.
 */
#ifndef USER_FS_CORE_IO_H
#define USER_FS_CORE_IO_H

#include <stdbool.h>
#include <stdint.h>
#include "user/fs/core/link.h"

#define IO_BLOCKS_MAX 64 /* 16 pages of 1 KiB blocks */

struct fs;

struct io {
    struct link link;
    uint32_t ino;
    bool writing;         /* now on its way to the device */
    uint64_t first, last; /* pages */
    bool again;           /* one of them was reserved anew meanwhile */
    uint64_t cut;         /* bytes of the file at or past this were truncated away since */
    uint32_t count;
    uint32_t block[IO_BLOCKS_MAX]; /* 0: a hole */
    bool claimed[IO_BLOCKS_MAX];   /* not allocated yet */
};

/* Sleep. Never with a transaction open. Blocks count at most 64 KiB. */
int io_read(struct fs *fs, uint32_t no, uint32_t count, void *buffer)
    __attribute__((warn_unused_result));
int io_write(struct fs *fs, uint32_t no, uint32_t count, const void *buffer)
    __attribute__((warn_unused_result));
int io_flush(struct fs *fs) __attribute__((warn_unused_result));
/* The superblock, or a copy of it that begins at that sector. */
int io_super_read(struct fs *fs, uint64_t sector, void *buffer) __attribute__((warn_unused_result));
int io_super_write(struct fs *fs, const void *buffer) __attribute__((warn_unused_result));

void io_begin(struct fs *fs, struct io *io, uint32_t ino, uint64_t first, uint64_t last);
void io_end(struct fs *fs, struct io *io);
/* Whether io, or a transfer other than io, names this block. */
bool io_names(const struct io *io, uint32_t no);
bool io_busy(const struct fs *fs, const struct io *io, uint32_t no);
/* Whether a transfer other than io is writing this block now. */
bool io_writing(const struct fs *fs, const struct io *io, uint32_t no);
/* A page that is reserved is to be dirtied again: transfers of it must not take
 * its reservation away. */
void io_mark_again(struct fs *fs, uint32_t ino, uint64_t page);
/* Whether there is a transfer of the file. */
bool io_under_way(const struct fs *fs, uint32_t ino);
/* The file was cut to size. */
void io_cut(struct fs *fs, uint32_t ino, uint64_t size);

#endif
