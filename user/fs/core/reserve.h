/*
 * Reservations: blocks that dirty pages in the kernel will need, counted so that
 * want of space is told to the writer and not found out when the pages come.
 * They live in memory only; fs->reserved is their sum over all inodes.
 *
 * An inode's reservation is a set of pages, each with the number of blocks that
 * it lacked when it was reserved, and a set of indirect blocks that some of them
 * lacked, each counted once.
 */
#ifndef USER_FS_CORE_RESERVE_H
#define USER_FS_CORE_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

struct fs;
struct inode;

struct reserve_run {
    uint32_t page, count;
    uint32_t lack; /* blocks per page */
};

struct reservation {
    struct reserve_run *runs; /* sorted, disjoint */
    uint32_t run_count, run_room;
    uint64_t *keys; /* indirect blocks: map.h's keys, sorted */
    uint32_t key_count, key_room;
    int64_t total; /* blocks */
};

bool reserve_has(const struct inode *inode, uint32_t page);
/* Add a page that is not in the set, with the keys of the indirect blocks it
 * lacks. Returns 0, -ENOSPC or -ENOMEM. */
int reserve_add(struct fs *fs, struct inode *inode, uint32_t page, uint32_t lack,
                const uint64_t *keys, unsigned key_count) __attribute__((warn_unused_result));
/* The blocks that a page of the set lacked; 0 for another. */
uint32_t reserve_lack(const struct inode *inode, uint32_t page);
/* Make sure that the next reserve_change_last has memory: 0 or -ENOMEM. */
int reserve_make_room(struct inode *inode) __attribute__((warn_unused_result));
/* The last page of the set lacks so many blocks now. */
void reserve_change_last(struct fs *fs, struct inode *inode, uint32_t page, uint32_t lack);
/* Take pages first to last out of the set, reserved or not. */
void reserve_remove(struct fs *fs, struct inode *inode, uint32_t first, uint32_t last);
/* Take out all pages from first on, and what only they need. */
void reserve_cut(struct fs *fs, struct inode *inode, uint32_t first);
/* An indirect block was allocated, or is no longer needed. */
void reserve_remove_key(struct fs *fs, struct inode *inode, uint64_t key);
void reserve_clear(struct fs *fs, struct inode *inode);
/* Blocks that an operation may still take, own of those reserved being its own. */
int64_t reserve_available(const struct fs *fs, int64_t own);

#endif
