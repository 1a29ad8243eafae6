/* Removing names: what unlink, rmdir and rename share. Used in transactions. */
#ifndef USER_FS_CORE_REMOVE_H
#define USER_FS_CORE_REMOVE_H

#include <stdbool.h>
#include <stdint.h>

struct fs;
struct inode;
struct dir_slot;
struct ext2_inode;

/* 0 if the directory has nothing in it, else -ENOTEMPTY. slot is as for
 * dir_lookup. */
int remove_check_dir(struct fs *fs, uint32_t ino, const struct ext2_inode *raw,
                     struct dir_slot *slot) __attribute__((warn_unused_result));
/* What went with a link: for inode_unlinked, once the transaction has committed. */
struct removed {
    struct inode *inode; /* NULL: it has other links */
    bool freed;          /* with its last link */
};

/* One link less; of a directory, which has none but its own, all. */
int remove_link(struct fs *fs, uint32_t ino, struct removed *removed)
    __attribute__((warn_unused_result));

#endif
