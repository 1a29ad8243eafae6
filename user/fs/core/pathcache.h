/*
 * The cache of paths: which inodes short paths that were walked lately have led to. What is known
 * holds as long as no name of the volume has gone, or got another inode (inode_table.names_lost);
 * after that, names that are known (namecache.h) make the walk short.
 */
#ifndef USER_FS_CORE_PATHCACHE_H
#define USER_FS_CORE_PATHCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATHS_KNOWN    64
#define PATH_KNOWN_MAX 40

struct fs;
struct inode;

struct known_path {
    uint64_t text[PATH_KNOWN_MAX / sizeof(uint64_t)]; /* zeros to the next word */
    uint32_t dir;                                     /* where the walk began */
    uint32_t names_lost;                              /* when the walk began */
    uint32_t ino;                                     /* 0: nothing is known */
    uint8_t len;
    bool follow; /* a symlink at the end was to be followed */
};

/* The inode that the path is known to lead to from the directory, if it is in memory; else NULL.
 * It is not held, and lasts until the next sleep at least. */
struct inode *pathcache_find(struct fs *fs, uint32_t dir, const char *path, size_t len,
                             bool follow);
/* A walk has come to the inode; names_lost was so when it began, and it may have slept since. */
void pathcache_learn(struct fs *fs, uint32_t dir, const char *path, size_t len, bool follow,
                     uint32_t names_lost, const struct inode *inode);

#endif
