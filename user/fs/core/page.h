/* Pages of files: what page.c, pagereserve.c and truncate.c share. */
#ifndef USER_FS_CORE_PAGE_H
#define USER_FS_CORE_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "user/fs/core/volume.h"

/* Blocks in a page: 1, 2 or 4. */
static inline unsigned page_blocks(const struct fs *fs)
{
    return FS_PAGE >> fs->block_shift;
}

/* In a transaction: the record of the regular file that a key names. -ENOENT if the
 * inode has another life by now, or none. */
int page_record(struct fs *fs, uint64_t key, bool change, struct ext2_inode **raw)
    __attribute__((warn_unused_result));
/* The inode that a key names, held; -ENOENT if there can be none. */
int page_hold(struct fs *fs, uint64_t key, struct inode **out) __attribute__((warn_unused_result));
/* Whether the file's object was cut since it had been so `cuts` times. */
bool page_overtaken(struct fs *fs, uint64_t key, uint64_t cuts);
/* In a transaction: how many of the blocks of a page the file does not have. */
int page_count_lack(struct fs *fs, const struct ext2_inode *raw, uint64_t page, uint32_t *lack)
    __attribute__((warn_unused_result));
/* 0, or -EFBIG or -EINVAL: may a file of this size have these pages? */
int page_check_range(const struct fs *fs, uint64_t first, uint64_t count, uint64_t size)
    __attribute__((warn_unused_result));

/* Reserve what is needed to store these pages of a file that had this size when it had
 * been cut so often, if it is not reserved; those past the end do not count. -EAGAIN:
 * it was cut since. Sleeps. */
int page_reserve_stored(struct fs *fs, uint64_t key, uint64_t first, uint64_t count, uint64_t size,
                        uint64_t cuts) __attribute__((warn_unused_result));
/* The file of this key is about to grow to size. Its last page may be in memory and
 * count as wholly backed, though it lacks blocks behind the present end: these are
 * reserved. 0, -ENOSPC or another errno; sleeps. */
int page_reserve_last(struct fs *fs, uint64_t key, uint64_t size)
    __attribute__((warn_unused_result));

#endif
