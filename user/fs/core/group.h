/*
 * Block groups: the bitmaps, and the allocation of blocks and inodes. All of it
 * is used in transactions.
 *
 * Locality: a file's inode goes where its directory is, a directory's where
 * there is most room; a block goes right behind the one before it in the file,
 * else to free space nearby that has eight blocks together, else anywhere.
 */
#ifndef USER_FS_CORE_GROUP_H
#define USER_FS_CORE_GROUP_H

#include <stdbool.h>
#include <stdint.h>

struct fs;

/* Whether a block may belong to a file: it is on the volume and is not one of
 * the volume's own. */
bool group_is_data(const struct fs *fs, uint32_t no);
/* Where to look for the first block of an inode. */
uint32_t group_goal(const struct fs *fs, uint32_t ino);

/* Find 1 to want free blocks that are adjacent, and whose numbers no transfer
 * and no write-back under way has, nor a commit to come (journal.h). Nothing is changed. -ENOSPC.
 */
int group_find_blocks(struct fs *fs, uint32_t goal, uint32_t want, uint32_t *first, uint32_t *count)
    __attribute__((warn_unused_result));
/* Mark one block allocated that group_find_blocks found. */
int group_take_block(struct fs *fs, uint32_t no) __attribute__((warn_unused_result));
/* Both, for one block of metadata; it counts against what is not reserved for
 * others. */
int group_alloc_block(struct fs *fs, uint32_t goal, uint32_t *no)
    __attribute__((warn_unused_result));
int group_free_block(struct fs *fs, uint32_t no) __attribute__((warn_unused_result));

/* At mount: bring the totals in struct fs up to date with the groups. Sleeps. */
int group_count(struct fs *fs) __attribute__((warn_unused_result));

int group_alloc_inode(struct fs *fs, uint32_t dir, bool directory, uint32_t *ino)
    __attribute__((warn_unused_result));
int group_free_inode(struct fs *fs, uint32_t ino, bool directory)
    __attribute__((warn_unused_result));

#endif
