/* Directories: space in their blocks. Used by dir.c and dirchange.c. */
#ifndef USER_FS_CORE_DIRSPACE_H
#define USER_FS_CORE_DIRSPACE_H

#include <stdint.h>
#include "user/fs/core/ext2.h"

#define DIRENT_MIN 12 /* an entry with a name of one letter */

struct fs;

/* Bytes of an entry with a name of this length. */
static inline uint32_t dirspace_bytes(unsigned name_len)
{
    return (EXT2_DIRENT_HEAD + name_len + 3u) & ~3u;
}

/* Bytes of a checked entry's record that it does not need. */
static inline uint32_t dirspace_spare(const struct ext2_dirent *entry)
{
    return entry->inode ? entry->rec_len - dirspace_bytes(entry->name_len) : entry->rec_len;
}

/* The largest entry that a block has room for. Checks all entries. */
int dirspace_gap(struct fs *fs, uint8_t *data, uint32_t *gap) __attribute__((warn_unused_result));

#endif
