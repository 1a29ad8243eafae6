/*
 * The cache of names: what those looked up lately mean. What is known of a name holds as long as
 * its directory has the same names (inode.changes), so who changes a directory need not come here;
 * what a transaction that is still open changed is not counted yet, and is not kept.
 *
 * "." and ".." are not in it, for a directory gets another parent, or is removed, without a change
 * of its own names; nor are names that are longer than NAME_KNOWN_MAX.
 */
#ifndef USER_FS_CORE_NAMECACHE_H
#define USER_FS_CORE_NAMECACHE_H

#include <stdint.h>

#define NAMES_KNOWN    512
#define NAME_KNOWN_MAX 41

struct fs;
struct inode;
struct dir_slot;

struct known_name {
    uint32_t dir, changes; /* the directory, 0 = none, and its count of changes then */
    uint32_t hash;         /* dirindex_hash */
    uint32_t ino;
    uint32_t place; /* of the entry: block << block_shift | offset */
    uint16_t type;  /* EXT2_S_IF* of the inode */
    uint8_t len;
    char name[NAME_KNOWN_MAX];
};

/* What is known of a name; NULL: nothing. Valid until the next sleep, or change. */
const struct known_name *namecache_find(const struct fs *fs, const struct inode *dir,
                                        const char *name, unsigned len, uint32_t hash);
/* In a transaction that has looked the name up: where the entry is, and of what type the inode
 * is. */
void namecache_learn(struct fs *fs, const struct inode *dir, const char *name, unsigned len,
                     uint32_t hash, const struct dir_slot *slot, unsigned type);

#endif
