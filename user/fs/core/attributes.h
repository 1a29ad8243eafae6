/*
 * What the records of inodes say about them, kept in memory in struct inode, so that most stats
 * need no look at the record. What is kept is dropped when somebody gets the record to change it
 * (inode_change), and read anew by who asks next.
 *
 * A file that programs write has its size, and the time when it was written, in its memory object.
 * So the kernel is asked each time, until nobody has the file open or mapped: then nobody can write
 * it before it is opened again, and what the kernel said last is kept, too.
 */
#ifndef USER_FS_CORE_ATTRIBUTES_H
#define USER_FS_CORE_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>
#include "user/fs/core/fs.h"

struct inode;

struct attributes {
    bool known;   /* the rest is as the record has it */
    bool settled; /* these are what stat says, until a session is made: */
    uint64_t size, mtime_ns, ctime_ns;
    bool whole_seconds;   /* the record has no room for parts of a second in its change time */
    uint64_t key;         /* inode_key */
    struct msg_stat stat; /* by the record */
};

/* Those of an inode; NULL: they are not known, or its size is about to change. */
const struct attributes *attributes_known(const struct inode *inode);
/* The same, but reads the record and waits for the size if need be. Free inodes are -ENOENT.
 * *out is valid until the next sleep, or change. Sleeps. */
int attributes_get(struct fs *fs, uint32_t ino, const struct attributes **out)
    __attribute__((warn_unused_result));
/* Of those that are known, with what the kernel knows of a file that is open, or was: what stat
 * says. Does not sleep. */
void attributes_now(struct fs *fs, struct inode *inode, struct msg_stat *out);

#endif
