/* Making new nodes. */
#ifndef USER_FS_CORE_CREATE_H
#define USER_FS_CORE_CREATE_H

#include <stddef.h>
#include <stdint.h>

struct fs;
struct walk;
struct ext2_inode;

struct create {
    unsigned mode;      /* type included */
    unsigned rdev;      /* devices: major << 8 | minor */
    const char *target; /* symlinks */
    size_t target_len;
};

/* In a transaction: make a node under the last name of the walk, whose lookup
 * said -ENOENT. */
int create_node(struct fs *fs, struct walk *walk, const struct create *what, uint32_t *ino)
    __attribute__((warn_unused_result));
/* The device number of a device's record. */
uint32_t create_rdev(const struct ext2_inode *raw);

#endif
