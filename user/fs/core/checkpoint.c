/* The journal: checkpoints. See journal.h. */
#include <assert.h>
#include "user/fs/core/io.h"
#include "user/fs/core/log.h"

static void keep(struct log_point *oldest, bool *any, struct log_point point)
{
    if (!*any || jbd_after(oldest->sequence, point.sequence))
        *oldest = point;
    *any = true;
}

/* The oldest transaction that the log must keep; false if it need keep none. */
static bool oldest_needed(const struct fs *fs, struct log_point *oldest)
{
    const struct journal *journal = fs->journal;
    const struct cache *cache = &fs->cache;
    bool any = false;

    if (journal->commit_busy)
        keep(oldest, &any, journal->commit_point);
    if (journal->running.pinned)
        keep(oldest, &any, journal->running.pin);
    if (journal->committing.pinned)
        keep(oldest, &any, journal->committing.pin);
    if (journal->super_logged)
        keep(oldest, &any, journal->super_point);
    for (uint32_t i = 0; i < cache->count; i++)
        if (cache->blocks[i].logged)
            keep(oldest, &any, cache->blocks[i].point);
    return any;
}

/* The log begins at point from now on; or is empty, unless something was added to it
 * since this was found out. */
static int move_tail(struct fs *fs, struct log_point point, bool empty)
{
    struct journal *journal = fs->journal;
    int err;

    while (journal->super_busy)
        fs_wait(fs);
    if (journal->aborted)
        return -EIO;
    if (journal->commit_busy || journal->sequence != point.sequence)
        empty = false;
    if (journal->empty || (!empty && point.sequence == journal->tail.sequence))
        return 0;
    journal->super_busy = true;
    journal->empty = empty; /* already now, so that a commit waits and unsets it */
    err = log_write_super(fs, empty, point);
    if (!err)
        err = io_flush(fs); /* before that part of the log is overwritten */
    if (!err)
        journal->tail = point;
    else
        log_abort(fs, log_home(journal, 0));
    journal->super_busy = false;
    fs_wake(fs);
    return err;
}

/* Writes home what is committed. The blocks come last: when they have been written, and
 * until the caller sleeps, none is on its way home, where oldest_needed would miss it. */
static int write_home(struct fs *fs)
{
    struct journal *journal = fs->journal;
    int err = 0;

    if (journal->super_logged) {
        journal->super_logged = false;
        err = super_store(fs);
        if (err)
            log_abort(fs, super_block(fs));
    }
    return err ? err : cache_write_back(fs);
}

static int checkpoint(struct fs *fs)
{
    struct journal *journal = fs->journal;
    struct log_point oldest = {0, 0};
    bool empty;
    int err = write_home(fs);

    if (err)
        return err;
    assert(!fs->cache.write_busy);
    empty = !oldest_needed(fs, &oldest);
    if (empty)
        oldest = (struct log_point){journal->sequence, journal->head};
    err = io_flush(fs); /* what went home, before the log forgets it */
    if (err)
        log_abort(fs, log_home(journal, 0));
    return err ? err : move_tail(fs, oldest, empty);
}

int journal_checkpoint(struct fs *fs)
{
    struct journal *journal = fs->journal;
    int err = -EIO;

    while (journal->checkpoint_busy)
        fs_wait(fs);
    journal->checkpoint_busy = true;
    if (!journal->aborted)
        err = checkpoint(fs);
    journal->checkpoint_busy = false;
    fs_wake(fs);
    return err;
}

int journal_make_room(struct fs *fs)
{
    int err = journal_commit(fs);

    if (!err && journal_crowded(fs))
        err = journal_checkpoint(fs);
    return err;
}
