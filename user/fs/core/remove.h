/* Removing names: what unlink, rmdir and rename share. Used in transactions. */
#ifndef USER_FS_CORE_REMOVE_H
#define USER_FS_CORE_REMOVE_H

#include <stdint.h>

struct fs;
struct inode;
struct dir_slot;
struct ext2_inode;

/* 0 if the directory has nothing in it, else -ENOTEMPTY. slot is as for
 * dir_lookup. */
int remove_check_dir(struct fs *fs, uint32_t ino, const struct ext2_inode *raw,
                     struct dir_slot *slot) __attribute__((warn_unused_result));
/* One link less; of a directory, which has none but its own, all. *gone: the
 * inode if that was the last, for inode_unlinked once this has committed. */
int remove_link(struct fs *fs, uint32_t ino, struct inode **gone)
    __attribute__((warn_unused_result));

#endif
