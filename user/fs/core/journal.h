/*
 * The journal: how changes to metadata survive a power cut as a whole or not at all.
 * The format is ext3's (jbd.h), so that e2fsck replays it, too.
 *
 * What an operation changes (txn.h) joins the running transaction, which collects the
 * changes of many operations in memory. A commit (commit.c) writes it to the log: the
 * blocks, a flush, a commit block, a flush. The first flush puts file data, which are
 * written in place before the metadata that show them change, on the medium before the
 * commit block ("ordered data"). Only then may the blocks be written to their homes
 * (cache.h), whenever it suits; a checkpoint (checkpoint.c) does that and gives their
 * room in the log free. After a crash the log is replayed (recover.c).
 *
 * Three rules keep what is on the disk whole:
 *  - A block goes home only when the transaction that changed it last is committed.
 *  - The log is kept from the oldest transaction on that some block's home lacks.
 *  - A block that was freed is given out anew only when the freeing is committed
 *    (freed.h), and the log then says that older copies of it in there do not count
 *    (revoke blocks).
 *
 * Room in the log: an operation begins only while the log has half its blocks free,
 * and a transaction that has a quarter of the log is committed; so the running
 * transaction always fits. An error while writing ends all writing ("aborted"): the
 * volume is read-only, and holds what was committed last.
 *
 * Guarded by the big lock, as all of the core.
 */
#ifndef USER_FS_CORE_JOURNAL_H
#define USER_FS_CORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "user/fs/core/freed.h"

struct fs;
struct block;

/* A transaction in the log: its number, and where it begins. */
struct log_point {
    uint32_t sequence, block;
};

/* Adjacent blocks of the log, and where they are on the volume. */
struct log_run {
    uint32_t block, count, home;
};

struct revokes {
    uint32_t *blocks, count, room;
};

/* What a transaction has besides the blocks that it changed. */
struct journal_txn {
    struct revokes revokes;
    struct freed freed;
    bool super; /* the volume's superblock changed */
    /* The log is needed from here on until this transaction is committed: it freed
     * blocks whose contents only the log has. */
    bool pinned;
    struct log_point pin;
    uint64_t redo_end; /* of the one that is committed: it has all records before (redo.h) */
};

struct journal {
    /* Constant after mount. */
    uint32_t first, end;     /* blocks of the log that are written in a circle */
    struct log_run *runs;    /* in the order of the log, */
    struct log_run *by_home; /* and in that of the volume */
    uint32_t run_count;

    uint32_t sequence;  /* of the running transaction */
    uint32_t committed; /* up to this one, all are on the medium */
    uint32_t recovered; /* up to this one, at mount, for certain */
    uint32_t changed;   /* blocks of the running transaction */
    struct journal_txn running, committing;

    bool commit_busy;              /* one thread commits at a time */
    struct log_point commit_point; /* then: the transaction that it commits */
    bool checkpoint_busy;
    bool super_busy; /* the journal's superblock is being written */
    bool aborted;

    uint32_t head;         /* where the next transaction begins */
    bool empty;            /* as the journal's superblock says: */
    struct log_point tail; /* if not, the oldest transaction to replay */

    bool super_logged; /* the volume's superblock in the log is newer than at home */
    struct log_point super_point;

    uint8_t *log_super;    /* a block: the journal's superblock */
    uint8_t *volume_super; /* a block: the one that has the volume's superblock in it */
    uint8_t *buffer;       /* CACHE_RUN_BYTES, for the commit */
    struct block **list;   /* of the blocks to commit */
};

/* At mount, with the groups known: open the log, replay it if the superblock says that
 * it must be, and get ready for writing. Returns 0 with fs->journal set; or a negated
 * errno, the log having told why, and nothing but complete transactions of the log
 * having been written. Sleeps. */
int journal_open(struct fs *fs) __attribute__((warn_unused_result));
void journal_destroy(struct fs *fs);

/* For transactions (txn.c): these do not sleep. With no journal they do nothing. */

/* The block was changed; it is dirty. */
void journal_add(struct fs *fs, struct block *block);
/* Make sure that journal_freed and journal_forget have memory for so many more: 0 or
 * -ENOMEM. */
int journal_reserve(struct fs *fs, uint32_t freed, uint32_t forgotten)
    __attribute__((warn_unused_result));
/* These blocks were freed. */
void journal_freed(struct fs *fs, uint32_t first, uint32_t count);
/* A block of metadata was freed; block is what the cache has of it, or NULL. */
void journal_forget(struct fs *fs, uint32_t no, struct block *block);
/* The superblock was changed. */
void journal_add_super(struct fs *fs);

/* Whether a block that is free in the bitmaps must not be given out before a commit. */
bool journal_holds(const struct fs *fs, uint32_t no);
/* Whether the block may be written to its home. */
bool journal_lets_home(const struct fs *fs, const struct block *block);
/* Whether the running transaction has anything to commit. */
bool journal_dirty(const struct fs *fs);
/* Whether there is too little room for another operation. */
bool journal_crowded(const struct fs *fs);

/* These sleep, with no transaction open. 0 or -EIO. */

/* Put everything that was changed before this call on the medium, file data that were
 * written included. */
int journal_commit(struct fs *fs) __attribute__((warn_unused_result));
/* Write home what is committed, and give its room in the log free. */
int journal_checkpoint(struct fs *fs) __attribute__((warn_unused_result));
/* Make room for another operation. */
int journal_make_room(struct fs *fs) __attribute__((warn_unused_result));

#endif
