/*
 * Directories: their entries. All functions are used in transactions; lookups
 * come before any change in the same transaction.
 *
 * A directory of more than DIR_SCAN_BLOCKS blocks gets a name index
 * (dirindex.h); one too large for that is searched block by block.
 */
#ifndef USER_FS_CORE_DIR_H
#define USER_FS_CORE_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include "user/fs/core/ext2.h"

#define DIR_SCAN_BLOCKS 1

struct fs;
struct inode;
struct block;

/* A search, which may be continued when its transaction is run again (all zero
 * at first, then left alone), and the entry that it found. */
struct dir_slot {
    uint32_t changes, next; /* blocks before next were searched, as of changes */
    uint32_t ino;
    uint32_t block, offset;
};

/* "." or ".."? */
static inline bool dir_is_dots(const char *name, unsigned len)
{
    return len > 0 && name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/* hash: dirindex_hash of the name. 0, -ENOENT, FS_AGAIN, -EIO. */
int dir_lookup(struct fs *fs, struct inode *dir, const struct ext2_inode *raw, const char *name,
               unsigned len, uint32_t hash, struct dir_slot *slot)
    __attribute__((warn_unused_result));
/* The entry for an inode number; its name is copied out. */
int dir_lookup_ino(struct fs *fs, struct inode *dir, const struct ext2_inode *raw, uint32_t ino,
                   char name[EXT2_NAME_MAX], unsigned *len, struct dir_slot *slot)
    __attribute__((warn_unused_result));
/* 0 if there is nothing but "." and ".."; else -ENOTEMPTY. */
int dir_check_empty(struct fs *fs, struct inode *dir, const struct ext2_inode *raw,
                    struct dir_slot *slot) __attribute__((warn_unused_result));
/* What ".." names, and the slot of it if that is wanted. */
int dir_parent(struct fs *fs, const struct ext2_inode *raw, struct dir_slot *slot)
    __attribute__((warn_unused_result));

/* The record raw was got for change. A name that is added is not there yet. */
int dir_add(struct fs *fs, struct inode *dir, struct ext2_inode *raw, const char *name,
            unsigned len, uint32_t ino, unsigned mode) __attribute__((warn_unused_result));
int dir_remove(struct fs *fs, struct inode *dir, struct ext2_inode *raw, const char *name,
               unsigned len, const struct dir_slot *slot) __attribute__((warn_unused_result));
int dir_replace(struct fs *fs, struct inode *dir, struct ext2_inode *raw,
                const struct dir_slot *slot, uint32_t ino, unsigned mode)
    __attribute__((warn_unused_result));
/* ".." names another directory now. */
int dir_set_parent(struct fs *fs, struct ext2_inode *raw, const struct dir_slot *slot,
                   uint32_t parent) __attribute__((warn_unused_result));
/* Gives a new directory its first block, with "." and "..". */
int dir_make(struct fs *fs, struct ext2_inode *raw, uint32_t ino, uint32_t parent)
    __attribute__((warn_unused_result));

/* For those that read a directory through. */
uint32_t dir_blocks(const struct fs *fs, const struct ext2_inode *raw);
int dir_block(struct fs *fs, const struct ext2_inode *raw, uint32_t n, struct block **out)
    __attribute__((warn_unused_result));
/* The entry at this offset of a block's data, checked. */
int dir_entry(struct fs *fs, uint8_t *data, uint32_t offset, struct ext2_dirent **out)
    __attribute__((warn_unused_result));

#endif
