/*
 * struct fs, the mounted volume: geometry, counters and the parts that the other
 * files own. All of it is guarded by the big lock (fs.h).
 */
#ifndef USER_FS_CORE_VOLUME_H
#define USER_FS_CORE_VOLUME_H

#include "kernel/errno.h"
#include "user/fs/core/cache.h"
#include "user/fs/core/dir.h"
#include "user/fs/core/ext2.h"
#include "user/fs/core/fs.h"
#include "user/fs/core/inode.h"
#include "user/fs/core/link.h"
#include "user/fs/core/namecache.h"
#include "user/fs/core/pathcache.h"
#include "user/fs/core/redo.h"
#include "user/fs/core/txn.h"

/* Where the metadata of a block group lie; checked at mount. */
struct group {
    uint32_t block_bitmap, inode_bitmap, inode_table;
};

struct fs {
    const struct fs_hooks *hooks;
    void *context;
    struct fs_params params;
    struct fs_stats stats;

    /* Geometry: constant after mount. */
    uint32_t block_size, block_shift;
    uint32_t blocks;      /* of the volume; block numbers are below this */
    uint32_t first_block; /* of group 0: 1 with 1 KiB blocks, else 0 */
    uint32_t blocks_per_group, groups;
    uint32_t inodes, inodes_per_group, inode_size, first_ino;
    uint32_t inode_table_blocks; /* per group */
    uint32_t gdt_block, gdt_blocks;
    uint32_t addr_shift; /* log2 of block numbers in an indirect block */
    uint64_t max_size;   /* of a file */
    bool filetype, rev1, sparse_super;
    struct group *group;

    /* State of the superblock (super.c). */
    struct ext2_super super; /* as last read or written, counts excepted */
    bool readonly;
    bool frozen;     /* mounted read-only: nothing at all is written */
    bool error;      /* a structure was found corrupt: never marked clean again */
    bool was_valid;  /* clean when mounted, so that it may become clean again */
    bool clean;      /* the superblock on the disk says: cleanly unmounted, or empty log */
    bool super_busy; /* it is being written */

    /* Committed totals, and promises made against them. */
    int64_t free_blocks, free_inodes;
    int64_t reserved; /* blocks promised to dirty pages */

    struct cache cache;
    struct journal *journal; /* NULL: the volume has none, or may not be written */
    struct txn txn;
    struct redo redo;
    struct inode_table inode_table;
    struct known_name names[NAMES_KNOWN];
    struct known_path paths[PATHS_KNOWN];
    struct link ios;         /* data transfers under way: struct io (io.h) */
    uint32_t orphans;        /* inodes without names that sessions or mappings keep */
    struct link orphan_list; /* orphan.h: all those that must be on the disk's list, */
    uint32_t last_orphan;    /* and its first, or 0 */
    uint32_t renames;        /* counts them, for fs_getcwd */
};

/* The time; one look at the clock serves a whole transaction. */
static inline uint64_t fs_now(struct fs *fs)
{
    if (!fs->txn.open)
        return fs->hooks->now_ns(fs->context);
    if (fs->txn.now == 0)
        fs->txn.now = fs->hooks->now_ns(fs->context);
    return fs->txn.now;
}

/* Sleep until something that another thread does is done. */
static inline void fs_wait(struct fs *fs)
{
    fs->hooks->wait(fs->context);
}

static inline void fs_wake(struct fs *fs)
{
    fs->hooks->wake(fs->context);
}

/* 0, or -EROFS. */
static inline int fs_writable(const struct fs *fs)
{
    return fs->readonly ? -EROFS : 0;
}

/* The volume holds what cannot be right: say so once per case, go read-only.
 * Returns -EIO. */
int fs_corrupt(struct fs *fs, const char *what, uint64_t where) __attribute__((warn_unused_result));
/* What is on the disk at this block is not what should be there, for the device failed
 * to write it: say so, go read-only. */
void fs_write_failed(struct fs *fs, uint32_t no);
/* One line to the log: "fs: what: number". */
void fs_log(struct fs *fs, const char *what, uint64_t number);

/* super.c: the superblock must say "not clean" before other metadata change on
 * the disk. May sleep. */
int super_unclean(struct fs *fs) __attribute__((warn_unused_result));
/* Write the superblock; clean only if nothing is dirty. May sleep. */
int super_sync(struct fs *fs) __attribute__((warn_unused_result));
/* For the journal. The number of the block that the superblock is in; make the image of
 * that block what the running transaction has it be; the image was committed; write it
 * home, which may sleep. */
uint32_t super_block(const struct fs *fs);
void super_image(struct fs *fs, uint8_t *image);
void super_committed(struct fs *fs, const uint8_t *image);
int super_store(struct fs *fs) __attribute__((warn_unused_result));
/* Revision 1 volumes: a file over 2 GiB exists. False if there can be none. */
bool super_allow_large(struct fs *fs);

#endif
