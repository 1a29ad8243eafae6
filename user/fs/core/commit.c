/* The journal: commits. See journal.h. */
#include <string.h>
#include "user/fs/core/io.h"
#include "user/fs/core/log.h"

/* Writes the blocks of a transaction to the log, as many at once as lie together. */
struct log_writer {
    struct fs *fs;
    uint32_t at;          /* the next block of the log */
    uint32_t home, count; /* on the volume: what the buffer holds */
    int err;
};

/* The log says from now on that something is in it, and the superblock that someone
 * must look; in this order, for else e2fsck would not know whom to believe. */
static int log_begin(struct fs *fs)
{
    struct journal *journal = fs->journal;
    struct log_point tail = {journal->sequence, journal->head};
    int err;

    while (journal->super_busy)
        fs_wait(fs);
    if (journal->aborted)
        return -EIO;
    if (!journal->empty)
        return 0;
    journal->super_busy = true;
    err = super_unclean(fs);
    if (!err)
        err = io_flush(fs);
    if (!err)
        err = log_write_super(fs, false, tail);
    if (!err) {
        journal->tail = tail;
        journal->empty = false;
    }
    journal->super_busy = false;
    fs_wake(fs);
    return err;
}

/* The running transaction becomes the one that is committed, and another begins.
 * Returns how many blocks of the cache it has; those stay as they are until they have
 * been copied. */
static uint32_t freeze(struct fs *fs)
{
    struct journal *journal = fs->journal;
    struct cache *cache = &fs->cache;
    struct journal_txn kept = journal->committing; /* its memory */
    uint32_t count = 0, cost = log_cost(fs);

    for (uint32_t i = 0; i < cache->count; i++) {
        struct block *block = &cache->blocks[i];

        if (!block->running)
            continue;
        block->running = false;
        block->committing = block->pending = true;
        journal->list[count++] = block;
    }
    journal->committing = journal->running;
    journal->committing.redo_end = redo_position(fs);
    redo_committing(fs, journal->commit_point.sequence);
    journal->running = (struct journal_txn){.revokes = kept.revokes, .freed = kept.freed};
    journal->changed = 0;
    journal->sequence++;
    for (; cost > 0; cost--)
        journal->head = log_next(journal, journal->head);
    if (journal->committing.super)
        super_image(fs, journal->volume_super);
    return count;
}

static void writer_flush(struct log_writer *w)
{
    uint32_t home = w->home, count = w->count;

    w->count = 0;
    if (count == 0 || w->err)
        return;
    fs_wake(w->fs); /* what has been copied may change */
    if (w->fs->journal->aborted) {
        w->err = -EIO;
        return;
    }
    w->err = io_write(w->fs, home, count, w->fs->journal->buffer);
}

/* Room for the next block of the log, zeroed. */
static void *writer_next(struct log_writer *w)
{
    struct journal *journal = w->fs->journal;
    uint32_t home = log_home(journal, w->at), most = CACHE_RUN_BYTES >> w->fs->block_shift;
    uint8_t *place;

    if (w->count == most || home != w->home + w->count)
        writer_flush(w);
    if (w->count == 0)
        w->home = home;
    place = journal->buffer + ((size_t)w->count++ << w->fs->block_shift);
    w->at = log_next(journal, w->at);
    memset(place, 0, w->fs->block_size);
    return place;
}

static void write_revokes(struct log_writer *w, uint32_t sequence)
{
    const struct revokes *revokes = &w->fs->journal->committing.revokes;
    uint32_t most = log_revokes(w->fs), n;

    for (uint32_t done = 0; done < revokes->count; done += n) {
        struct jbd_revoke *block = writer_next(w);

        n = revokes->count - done < most ? revokes->count - done : most;
        block->r_header = jbd_header(JBD_REVOKE, sequence);
        block->r_count = be32(sizeof(*block) + n * sizeof(uint32_t));
        for (uint32_t i = 0; i < n; i++)
            block->r_block[i] = be32(revokes->blocks[done + i]);
    }
}

/* A block of the transaction; the last one may be the volume's superblock. */
struct logged {
    uint32_t no;
    const uint8_t *data;
};

static struct logged nth_block(struct fs *fs, uint32_t count, uint32_t i)
{
    const struct journal *journal = fs->journal;

    if (i == count)
        return (struct logged){super_block(fs), journal->volume_super};
    return (struct logged){journal->list[i]->no, journal->list[i]->data};
}

/* What the log has must not look like the log's own. */
static bool must_escape(const uint8_t *data)
{
    uint32_t magic;

    memcpy(&magic, data, sizeof(magic));
    return be32(magic) == JBD_MAGIC;
}

static void write_descriptor(struct log_writer *w, uint32_t sequence, uint32_t count, uint32_t from,
                             uint32_t n)
{
    struct fs *fs = w->fs;
    uint8_t *place = writer_next(w);

    *(struct jbd_header *)place = jbd_header(JBD_DESCRIPTOR, sequence);
    place += sizeof(struct jbd_header);
    for (uint32_t i = 0; i < n; i++) {
        struct logged block = nth_block(fs, count, from + i);
        unsigned flags = must_escape(block.data) ? JBD_ESCAPED : 0;

        if (i > 0)
            flags |= JBD_SAME_UUID;
        if (i + 1 == n)
            flags |= JBD_LAST_TAG;
        *(struct jbd_tag *)place = (struct jbd_tag){be32(block.no), 0, be16(flags)};
        place += sizeof(struct jbd_tag);
        if (i == 0) {
            memcpy(place, log_super(fs->journal)->s_uuid, JBD_UUID_BYTES);
            place += JBD_UUID_BYTES;
        }
    }
}

static void write_blocks(struct log_writer *w, uint32_t sequence, uint32_t count)
{
    struct journal *journal = w->fs->journal;
    uint32_t total = count + journal->committing.super, most = log_tags(w->fs), n;

    for (uint32_t done = 0; done < total; done += n) {
        n = total - done < most ? total - done : most;
        write_descriptor(w, sequence, count, done, n);
        for (uint32_t i = done; i < done + n; i++) {
            struct logged block = nth_block(w->fs, count, i);
            uint8_t *place = writer_next(w);

            memcpy(place, block.data, w->fs->block_size);
            if (must_escape(place))
                memset(place, 0, sizeof(uint32_t));
            if (i < count)
                journal->list[i]->pending = false;
        }
    }
}

static int write_commit(struct log_writer *w, uint32_t sequence)
{
    uint64_t now = w->fs->hooks->now_ns(w->fs->context);
    struct jbd_commit *block = writer_next(w);

    block->c_header = jbd_header(JBD_COMMIT, sequence);
    block->c_seconds = __builtin_bswap64(now / 1000000000u);
    block->c_nanoseconds = be32(now % 1000000000u);
    writer_flush(w);
    return w->err ? w->err : io_flush(w->fs);
}

/* The transaction is on the medium: its blocks may go home. */
static void committed(struct fs *fs)
{
    struct journal *journal = fs->journal;
    struct cache *cache = &fs->cache;

    journal->committed = journal->commit_point.sequence;
    redo_trim(fs, journal->committing.redo_end, 0); /* before what was freed is given out */
    for (uint32_t i = 0; i < cache->count; i++) {
        struct block *block = &cache->blocks[i];

        if (!block->committing)
            continue;
        block->committing = false;
        block->logged = true;
        block->point = journal->commit_point;
    }
    if (journal->committing.super) {
        super_committed(fs, journal->volume_super);
        journal->super_logged = true;
        journal->super_point = journal->commit_point;
    }
    journal->committing.pinned = journal->committing.super = false;
    journal->committing.revokes.count = 0;
    freed_clear(&journal->committing.freed);
}

static int write_log(struct fs *fs, uint32_t count)
{
    struct log_point point = fs->journal->commit_point;
    struct log_writer w = {.fs = fs, .at = point.block};

    write_revokes(&w, point.sequence);
    write_blocks(&w, point.sequence, count);
    writer_flush(&w);
    if (!w.err)
        w.err = io_flush(fs);
    return w.err ? w.err : write_commit(&w, point.sequence);
}

/* Commits the running transaction; commit_busy is ours. */
static int commit_running(struct fs *fs)
{
    struct journal *journal = fs->journal;
    uint32_t count;
    int err;

    journal->commit_point = (struct log_point){journal->sequence, journal->head};
    err = log_begin(fs);
    if (!err && log_cost(fs) > log_free(journal)) {
        fs_log(fs, "the journal is too small for a transaction, blocks", log_cost(fs));
        err = -EIO;
    }
    if (err)
        return err;
    count = freeze(fs);
    err = write_log(fs, count);
    if (!err)
        committed(fs);
    else
        for (uint32_t i = 0; i < count; i++)
            journal->list[i]->pending = false;
    return err;
}

int journal_commit(struct fs *fs)
{
    struct journal *journal = fs->journal;
    uint32_t want = journal->sequence - !journal_dirty(fs);

    while (jbd_after(want, journal->committed) && !journal->aborted) {
        if (journal->commit_busy) {
            fs_wait(fs);
            continue;
        }
        journal->commit_busy = true;
        if (commit_running(fs) != 0)
            log_abort(fs, log_home(journal, journal->commit_point.block));
        journal->commit_busy = false;
        fs_wake(fs);
    }
    return journal->aborted ? -EIO : 0;
}
