/*
 * The block cache: metadata blocks (bitmaps, inode tables, directories, indirect
 * blocks, long symlinks) in a fixed number of buffers. File data never pass
 * through it.
 *
 * A block is absent, being read (filling), clean or dirty; with a journal, a dirty one
 * may be written only when the journal lets it (journal.h). Only transactions
 * (txn.h) hand out pointers into it, and a transaction never sleeps, so that no
 * block needs a pin or a lock. Writing back copies dirty blocks into a staging
 * buffer first, so that a block can be changed again while it is being written;
 * until that write has ended the block is neither evicted nor, if it is freed
 * meanwhile, given out again (cache_writing).
 */
#ifndef USER_FS_CORE_CACHE_H
#define USER_FS_CORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/fs/core/journal.h"
#include "user/fs/core/link.h"

#define CACHE_RUN_BYTES  65536 /* most that is read or written at once */
#define CACHE_READAHEAD  16    /* blocks */
#define CACHE_MIN_BLOCKS 96

struct fs;

struct block {
    struct link lru;
    struct block *hash_next;
    uint32_t no;   /* 0: the buffer is unused */
    uint32_t txn;  /* the last transaction that touched it */
    uint32_t undo; /* where it is among the blocks that this one changes, if it is */
    bool dirty, filling;
    /* Of the journal: changed by the running transaction; part of the one that is being
     * committed, and not copied to the log yet; in the log, but not at home. */
    bool running, committing, pending, logged;
    struct log_point point; /* the transaction in the log, if logged */
    uint8_t *data;
};

struct cache {
    struct block *blocks; /* all buffers */
    uint8_t *memory;
    uint32_t count;
    uint32_t dirty;
    struct block **hash;
    uint32_t hash_mask;
    struct link lru; /* next: used last; prev: first to go */

    uint8_t *fill_buffer; /* for reading runs */
    bool fill_busy;
    uint8_t *write_buffer;          /* for writing runs */
    uint32_t *write_list;           /* numbers of the blocks to write, sorted */
    bool write_busy;                /* one thread writes back at a time */
    uint32_t write_no, write_count; /* the run under way */
};

int cache_init(struct fs *fs, size_t bytes) __attribute__((warn_unused_result));
void cache_destroy(struct fs *fs);

/* The block if it is there, filling or not; else NULL. It becomes the one used
 * last. */
struct block *cache_find(struct fs *fs, uint32_t no);
/* A buffer for block no, which is absent; its contents are undefined. NULL if no
 * buffer can be had without sleeping. Blocks of the open transaction stay. */
struct block *cache_claim(struct fs *fs, uint32_t no);
/* Forget the block, dirty or not. */
void cache_drop(struct fs *fs, struct block *block);
void cache_set_dirty(struct fs *fs, struct block *block);
bool cache_writing(const struct fs *fs, uint32_t no);

/* These sleep, and are called outside transactions only. */

/* Get the first of these blocks in, and those that follow it on the disk. The
 * caller must look again whether it is there. */
int cache_fetch(struct fs *fs, const uint32_t *want, unsigned count)
    __attribute__((warn_unused_result));
/* Make buffers evictable. */
int cache_reclaim(struct fs *fs) __attribute__((warn_unused_result));
/* Write every block that is dirty now, and that the journal lets go. */
int cache_write_back(struct fs *fs) __attribute__((warn_unused_result));

#endif
