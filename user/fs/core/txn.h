/*
 * Transactions: the one way to look at metadata and the one way to change them.
 *
 * An operation on metadata is a function that txn_run calls between txn_begin
 * and txn_end (or txn_look, if it changes nothing), with the big lock held, which is not left in
 * between: while a transaction is open its thread does not sleep, and no other is open. It gets
 * blocks with block_get and changes those that block_get_for_change or
 * block_get_new gave it, or the bytes that it told block_change of. When it
 * succeeds, all its changes take effect at once (the blocks become dirty); when
 * it fails, none does, for the blocks get their old contents back.
 *
 * A block that is not in memory makes block_get return FS_AGAIN. The operation
 * passes that up, its changes are undone, txn_run sleeps until the block has
 * been read, and calls the operation again from its start. An operation must
 * therefore leave no trace outside of blocks and its own argument. What follows
 * from its success in memory is done by txn_run's caller, which still has the
 * lock at that point.
 *
 * Why this cannot deadlock: a thread that sleeps has no transaction open and
 * holds nothing that is locked. Other waits in the core, in this order, each for
 * a thread that itself only waits for those below:
 *
 *   1. an inode's `truncating` mark (inode.h), of which a thread has one at most;
 *   2. a data transfer that overlaps (io.h);
 *   3. `fs->alone`: one operation that was restarted too often runs by itself;
 *   4. a checkpoint or a commit by another thread (journal.h);
 *   5. write-back by another thread (cache.write_busy);
 *   6. a superblock being written, a block being read, the device.
 *
 * With a journal, what succeeds joins its running transaction, which takes up the
 * changes of many of ours, and becomes durable with it.
 */
#ifndef USER_FS_CORE_TXN_H
#define USER_FS_CORE_TXN_H

#include <stdbool.h>
#include <stdint.h>
#include "user/fs/core/cache.h"
#include "user/fs/core/freed.h"

#define FS_AGAIN (-100000) /* not an errno: undo, wait, run again */

#define TXN_UNDO_MAX   192
#define TXN_FREED_MAX  1152
#define TXN_FORGET_MAX 64
#define TXN_NOTES_MAX  4

/* A block's parts and the bytes of one: 16, 32 or 64. */
#define TXN_PARTS          64
#define TXN_PART_SHIFT(fs) ((fs)->block_shift - 6)
#define TXN_PART(fs)       (1u << TXN_PART_SHIFT(fs))

struct fs;
struct inode;
struct io;

/* What a restart has to wait for. */
enum txn_wait {
    WAIT_BLOCKS, /* blocks want[] to be read */
    WAIT_BUFFER, /* a buffer for a new block */
    WAIT_COMMIT, /* blocks that were freed to be free for good */
    WAIT_REDO,   /* room for a record */
    WAIT_PEER,   /* another thread's doing */
};

/* A change of a directory's names, told to its index when the transaction succeeds. */
struct txn_note {
    struct inode *dir;
    uint32_t hash;
    uint32_t offset; /* of the entry in the directory */
    uint32_t gap;    /* bytes of the largest entry that the block has room for now */
    bool new_block;  /* the block was added to the directory for this name */
    enum { NOTE_ADD, NOTE_REMOVE, NOTE_REPLACE } kind; /* the last: it names another inode */
};

/* A block that may have changed: which of its 64 parts, the first in bit 0. */
struct txn_undo {
    struct block *block;
    uint8_t *old; /* what was there, at the same places; NULL: a new block, zeros before */
    uint64_t parts;
    uint32_t first; /* none before it */
};

struct txn {
    bool open;
    uint32_t id;
    bool alone;    /* an operation that may not be disturbed is restarting */
    bool progress; /* the operation got further than in its last run */
    /* For the redo ring (redo.h): it is one of its records that is replayed; the request
     * at hand is completed, by opening the file of that key if it is not 0. */
    bool replaying, completed;
    uint64_t completed_key;
    uint32_t undo_count;
    struct txn_undo undo[TXN_UNDO_MAX];
    uint8_t *old[TXN_UNDO_MAX]; /* buffers for undo[].old, kept between uses */
    uint32_t old_count;

    int64_t blocks_freed; /* net; allocation makes it negative */
    int64_t inodes_freed;
    int64_t own_reserved;            /* of fs->reserved, what this operation may use */
    uint32_t forget[TXN_FORGET_MAX]; /* freed blocks that may be in the cache */
    uint32_t forget_count;
    struct freed_run freed[TXN_FREED_MAX]; /* with a journal: all freed blocks */
    uint32_t freed_count;
    uint32_t last_orphan; /* orphan.h: the first on the list, in the end */
    struct inode *orphan_added, *orphan_removed;
    struct txn_note notes[TXN_NOTES_MAX];
    uint32_t note_count;

    uint64_t now;  /* fs_now's, once it was asked */
    struct io *io; /* the transfer that this transaction serves, if any */
    bool skipped;  /* free blocks were passed over: another transfer has them, */
    bool held;     /* or the journal */

    enum txn_wait wait;
    uint32_t want[CACHE_READAHEAD];
    uint32_t want_count;
};

typedef int txn_fn(struct fs *fs, void *arg);

/* Run fn as a transaction, again and again until it returns anything other than
 * FS_AGAIN; returns that. Sleeps before and between, not after. */
int txn_run(struct fs *fs, txn_fn *fn, void *arg) __attribute__((warn_unused_result));
/* The same for a function that changes nothing: it needs no room in cache, log and record. */
int txn_look(struct fs *fs, txn_fn *fn, void *arg) __attribute__((warn_unused_result));

void txn_begin(struct fs *fs);
/* result >= 0 commits. Returns result. */
int txn_end(struct fs *fs, int result);

/* In a transaction. Each returns 0, FS_AGAIN or an errno; *out is valid until
 * the transaction ends. */
int block_get(struct fs *fs, uint32_t no, struct block **out) __attribute__((warn_unused_result));
int block_get_for_change(struct fs *fs, uint32_t no, struct block **out)
    __attribute__((warn_unused_result));
/* These bytes of a block that block_get gave are about to change. Only the parts of the block
 * that have them are kept, compared and recorded; a change that nobody told of is neither
 * undone nor recorded (in a block of which something was told, the tests on the host see it). */
int block_change(struct fs *fs, struct block *block, uint32_t from, uint32_t bytes)
    __attribute__((warn_unused_result));
/* A block that was just allocated: zeros, not read from the disk. */
int block_get_new(struct fs *fs, uint32_t no, struct block **out)
    __attribute__((warn_unused_result));
/* As block_get, and should it be absent read the count - 1 blocks of list after
 * the first with it. */
int block_get_ahead(struct fs *fs, const uint32_t *list, unsigned count, struct block **out)
    __attribute__((warn_unused_result));
/* A block is being freed, of metadata or not. */
int txn_free(struct fs *fs, uint32_t no) __attribute__((warn_unused_result));
/* It is one of metadata: at commit, forget what the cache has of it. */
int txn_forget(struct fs *fs, uint32_t no) __attribute__((warn_unused_result));
/* Ask to be run again once another thread has woken us. Returns FS_AGAIN. */
int txn_wait_peer(struct fs *fs) __attribute__((warn_unused_result));
/* Ask to be run again when there is room for the record. Returns FS_AGAIN. */
int txn_wait_redo(struct fs *fs) __attribute__((warn_unused_result));
/* Ask to be run again after a commit. Returns FS_AGAIN. */
int txn_wait_commit(struct fs *fs) __attribute__((warn_unused_result));
/* What was asked for is done if this succeeds, whatever else follows: the next instance
 * must not do it again (redo.h). key: of the file that it opens, or 0. */
void txn_completes(struct fs *fs, uint64_t key);
/* Restarts so far did not happen for nothing. */
void txn_progress(struct fs *fs);

#endif
