/*
 * The block map of a file: which block holds logical block n, through 0 to 3
 * levels of indirect blocks. Used in transactions.
 */
#ifndef USER_FS_CORE_MAP_H
#define USER_FS_CORE_MAP_H

#include <stdint.h>

struct fs;
struct ext2_inode;

#define MAP_LEVELS 3

/* The block, 0 for a hole. */
int map_get(struct fs *fs, const struct ext2_inode *raw, uint64_t n, uint32_t *no)
    __attribute__((warn_unused_result));
/* The same, and the keys of the indirect blocks that block n would need first. A
 * key names one indirect block of the file, there or not. */
int map_get_missing(struct fs *fs, const struct ext2_inode *raw, uint64_t n, uint32_t *no,
                    uint64_t keys[MAP_LEVELS], unsigned *key_count)
    __attribute__((warn_unused_result));
/* The keys of all indirect blocks on the way to block n. Returns how many. */
unsigned map_keys(const struct fs *fs, uint64_t n, uint64_t keys[MAP_LEVELS]);
/* The first block of the file that a key's indirect block is for. */
uint64_t map_key_start(const struct fs *fs, uint64_t key);
/* Map block n, which was a hole, to no. The record lies in a block got for
 * change; its i_blocks counts no and the new indirect blocks, whose allocation
 * begins looking at goal. */
int map_set(struct fs *fs, struct ext2_inode *raw, uint64_t n, uint32_t no, uint32_t goal)
    __attribute__((warn_unused_result));

#endif
