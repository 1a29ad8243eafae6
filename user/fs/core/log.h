/* The log: what the files of the journal share among themselves. See journal.h. */
#ifndef USER_FS_CORE_LOG_H
#define USER_FS_CORE_LOG_H

#include "user/fs/core/jbd.h"
#include "user/fs/core/volume.h"

static inline struct jbd_super *log_super(const struct journal *journal)
{
    return (struct jbd_super *)journal->log_super;
}

/* The block of the log behind this one. */
static inline uint32_t log_next(const struct journal *journal, uint32_t block)
{
    return block + 1 == journal->end ? journal->first : block + 1;
}

static inline uint32_t log_blocks(const struct journal *journal)
{
    return journal->end - journal->first;
}

/* Blocks that can be written without reaching the tail. */
static inline uint32_t log_free(const struct journal *journal)
{
    uint32_t total = log_blocks(journal), used = 0;

    if (!journal->empty)
        used = (journal->head + total - journal->tail.block) % total;
    return total - used - 1;
}

/* Where a block of the log is on the volume. */
uint32_t log_home(const struct journal *journal, uint32_t block);
/* Whether a block of the volume is one of the log. */
bool log_owns(const struct journal *journal, uint32_t no);
/* Write the journal's superblock: the log begins there, or is empty. The caller has
 * super_busy. Sleeps. */
int log_write_super(struct fs *fs, bool empty, struct log_point tail)
    __attribute__((warn_unused_result));
/* Blocks that a commit of the running transaction would write. */
uint32_t log_cost(const struct fs *fs);
/* Tags in a descriptor block, and numbers in a revoke block, at most. */
uint32_t log_tags(const struct fs *fs);
uint32_t log_revokes(const struct fs *fs);
/* Nothing more is written; what is on the disk is what was committed last. */
void log_abort(struct fs *fs, uint32_t no);

/* Find the end of the log, and if replay is set write what is committed in it to its
 * home. Sets *sequence to the next number to use. Sleeps. */
int log_recover(struct fs *fs, bool replay, uint32_t *sequence) __attribute__((warn_unused_result));

#endif
