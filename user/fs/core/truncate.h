/*
 * Freeing the blocks of a file from some point on, and giving it a new size.
 * These sleep, and set the inode's `truncating` mark meanwhile.
 */
#ifndef USER_FS_CORE_TRUNCATE_H
#define USER_FS_CORE_TRUNCATE_H

#include <stdint.h>

struct fs;
struct inode;

/* Free all blocks at or past logical block keep. The inode is held, its mark not
 * set. What it had reserved from there on is no longer reserved. */
int truncate_free(struct fs *fs, struct inode *inode, uint64_t keep)
    __attribute__((warn_unused_result));
/* Set the size of a regular file, which the caller holds: on the disk, in the
 * kernel's memory object, and in its reservations. */
int truncate_to(struct fs *fs, struct inode *inode, uint64_t size)
    __attribute__((warn_unused_result));

#endif
