/* The journal: opening it, and what belongs to the running transaction. See journal.h. */
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/group.h"
#include "user/fs/core/io.h"
#include "user/fs/core/log.h"
#include "user/fs/core/map.h"
#include "user/fs/core/touch.h"

/* Runs of freed blocks for which a transaction is committed: their set costs memory, and
 * time to add to. */
#define FREED_RUNS 2048

/* ------------------------------------------------------------ where the log is */

uint32_t log_home(const struct journal *journal, uint32_t block)
{
    uint32_t low = 0, high = journal->run_count - 1;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (journal->runs[middle].block + journal->runs[middle].count <= block)
            low = middle + 1;
        else
            high = middle;
    }
    return journal->runs[low].home + (block - journal->runs[low].block);
}

bool log_owns(const struct journal *journal, uint32_t no)
{
    uint32_t low = 0, high = journal->run_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (journal->by_home[middle].home + journal->by_home[middle].count <= no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < journal->run_count && journal->by_home[low].home <= no;
}

static int compare_homes(const void *a, const void *b)
{
    const struct log_run *x = a, *y = b;

    return x->home < y->home ? -1 : x->home > y->home;
}

static int reject(struct fs *fs, const char *why, uint64_t number)
{
    fs_log(fs, why, number);
    return -EINVAL;
}

/* Block no is the next one of the log; journal->end counts them. */
static int add_log_block(struct fs *fs, struct journal *journal, uint32_t no)
{
    uint32_t count = journal->run_count;
    struct log_run *last = count > 0 ? &journal->runs[count - 1] : NULL;

    if (!group_is_data(fs, no))
        return reject(fs, "the journal has a block that cannot be a file's", no);
    if (last != NULL && last->home + last->count == no) {
        last->count++;
    } else {
        if ((count & (count - 1)) == 0) { /* the array is full */
            last = realloc(journal->runs, (count ? count * 2 : 1) * sizeof(*last));
            if (last == NULL)
                return -ENOMEM;
            journal->runs = last;
        }
        journal->runs[journal->run_count++] = (struct log_run){journal->end, 1, no};
    }
    journal->end++;
    return 0;
}

/* Adds what block no maps, as far as the log has `blocks`; at level 0 itself. */
static int map_log(struct fs *fs, struct journal *journal, uint32_t no, int level, uint32_t blocks)
{
    uint32_t *address;
    int err;

    if (level == 0)
        return add_log_block(fs, journal, no);
    if (!group_is_data(fs, no))
        return reject(fs, "the journal has a block that cannot be a file's", no);
    address = malloc(fs->block_size);
    if (address == NULL)
        return -ENOMEM;
    err = io_read(fs, no, 1, address);
    for (uint32_t i = 0; i < 1u << fs->addr_shift && journal->end < blocks && !err; i++)
        err = map_log(fs, journal, address[i], level - 1, blocks);
    free(address);
    return err;
}

/* Makes journal->by_home. No block may be there twice. */
static int sort_runs(struct fs *fs, struct journal *journal)
{
    struct log_run *runs = malloc(journal->run_count * sizeof(*runs));

    journal->by_home = runs;
    if (runs == NULL)
        return -ENOMEM;
    memcpy(runs, journal->runs, journal->run_count * sizeof(*runs));
    qsort(runs, journal->run_count, sizeof(*runs), compare_homes);
    for (uint32_t i = 1; i < journal->run_count; i++)
        if (runs[i].home < runs[i - 1].home + runs[i - 1].count)
            return reject(fs, "the journal has a block twice", runs[i].home);
    return 0;
}

/* Finds the blocks of the log. They never change, so that they can be read although
 * the log may not be replayed yet. */
static int find_log(struct fs *fs, struct journal *journal)
{
    uint32_t index = fs->super.s_journal_inum - 1, blocks;
    uint64_t byte = (uint64_t)index * fs->inode_size;
    const struct ext2_inode *raw;
    uint8_t *data;
    int err;

    if (index >= fs->inodes_per_group)
        return reject(fs, "the journal's inode", fs->super.s_journal_inum);
    data = malloc(fs->block_size);
    if (data == NULL)
        return -ENOMEM;
    err = io_read(fs, fs->group[0].inode_table + (byte >> fs->block_shift), 1, data);
    raw = (const struct ext2_inode *)(data + (byte & (fs->block_size - 1)));
    blocks = raw->i_size >> fs->block_shift;
    if (!err && (inode_type(raw) != EXT2_S_IFREG || raw->i_flags & EXT2_FL_EXTENTS ||
                 raw->i_size_high || blocks < JBD_MIN_BLOCKS || blocks > fs->blocks))
        err = reject(fs, "the journal's inode is not one: mode", raw->i_mode);
    for (int i = 0; i < EXT2_NBLOCK && journal->end < blocks && !err; i++)
        err = map_log(fs, journal, raw->i_block[i], i < EXT2_NDIR ? 0 : i - EXT2_NDIR + 1, blocks);
    free(data);
    return err ? err : sort_runs(fs, journal);
}

/* ------------------------------------------------------------------- opening */

/* Takes the journal's superblock over, as far as it makes sense. */
static int check_log(struct fs *fs, struct journal *journal)
{
    const struct jbd_super *super = log_super(journal);
    uint32_t blocks = be32(super->s_maxlen), start = be32(super->s_start);

    if (be32(super->s_header.h_magic) != JBD_MAGIC ||
        be32(super->s_header.h_blocktype) != JBD_SUPER_V2)
        return reject(fs, "the journal has no superblock that is known: type",
                      be32(super->s_header.h_blocktype));
    if (be32(super->s_feature_incompat) & ~JBD_INCOMPAT_REVOKE || super->s_feature_ro_compat ||
        super->s_feature_compat)
        return reject(fs, "the journal has unknown features (bits)",
                      be32(super->s_feature_incompat));
    if (be32(super->s_blocksize) != fs->block_size)
        return reject(fs, "the journal has blocks of another size", be32(super->s_blocksize));
    journal->first = be32(super->s_first);
    if (blocks < JBD_MIN_BLOCKS || blocks > journal->end || journal->first == 0 ||
        journal->first > blocks / 8)
        return reject(fs, "the journal has another size than its superblock says", blocks);
    journal->end = blocks;
    if (start && (start < journal->first || start >= blocks))
        return reject(fs, "the journal begins outside of itself", start);
    journal->tail = (struct log_point){be32(super->s_sequence), start};
    return 0;
}

static int allocate(struct fs *fs, struct journal *journal)
{
    size_t list_bytes = fs->cache.count * sizeof(struct block *);

    journal->log_super = malloc(fs->block_size);
    journal->volume_super = malloc(fs->block_size);
    journal->buffer = malloc(CACHE_RUN_BYTES);
    journal->list = malloc(list_bytes);
    if (!journal->log_super || !journal->volume_super || !journal->buffer || !journal->list)
        return -ENOMEM;
    /* Touched now, as the cache's own buffers are. */
    touch(journal->buffer, CACHE_RUN_BYTES);
    touch(journal->list, list_bytes);
    return 0;
}

static int open_log(struct fs *fs)
{
    struct journal *journal = fs->journal;
    bool replay = fs->super.s_feature_incompat & EXT2_INCOMPAT_RECOVER;
    int err = allocate(fs, journal);

    if (!err)
        err = find_log(fs, journal);
    if (!err)
        err = io_read(fs, log_home(journal, 0), 1, journal->log_super);
    if (!err)
        err = check_log(fs, journal);
    journal->empty = journal->tail.block == 0;
    journal->sequence = journal->tail.sequence;
    journal->head = journal->first;
    if (!err && !journal->empty)
        err = log_recover(fs, replay, &journal->sequence);
    if (err)
        return err;
    /* log_recover leaves out a number, that of a transaction that was cut short; perhaps
     * it did so at the mount before, which was cut short, too. */
    journal->recovered = journal->sequence - 2;
    journal->committed = journal->sequence - 1;
    journal->tail = (struct log_point){journal->sequence, journal->first};
    if (!journal->empty) {
        err = io_flush(fs);
        if (!err)
            err = log_write_super(fs, true, journal->tail);
        if (!err)
            err = io_flush(fs);
        journal->empty = true;
    }
    return err ? err : io_read(fs, fs->first_block, 1, journal->volume_super);
}

int journal_open(struct fs *fs)
{
    int err;

    fs->journal = calloc(1, sizeof(*fs->journal));
    if (fs->journal == NULL)
        return -ENOMEM;
    err = open_log(fs);
    if (err)
        journal_destroy(fs);
    return err;
}

void journal_destroy(struct fs *fs)
{
    struct journal *journal = fs->journal;

    if (journal == NULL)
        return;
    free(journal->runs);
    free(journal->by_home);
    free(journal->log_super);
    free(journal->volume_super);
    free(journal->buffer);
    free(journal->list);
    freed_destroy(&journal->running.freed);
    freed_destroy(&journal->committing.freed);
    free(journal->running.revokes.blocks);
    free(journal->committing.revokes.blocks);
    free(journal);
    fs->journal = NULL;
}

int log_write_super(struct fs *fs, bool empty, struct log_point tail)
{
    struct jbd_super *super = log_super(fs->journal);

    super->s_feature_incompat |= be32(JBD_INCOMPAT_REVOKE);
    super->s_start = empty ? 0 : be32(tail.block);
    super->s_sequence = be32(tail.sequence);
    return io_write(fs, log_home(fs->journal, 0), 1, super);
}

void log_abort(struct fs *fs, uint32_t no)
{
    if (fs->journal != NULL)
        fs->journal->aborted = true;
    fs_write_failed(fs, no);
}

/* -------------------------------------------------------- the running transaction */

void journal_add(struct fs *fs, struct block *block)
{
    if (fs->journal == NULL || block->running)
        return;
    block->running = true;
    fs->journal->changed++;
}

static int reserve_revokes(struct revokes *revokes, uint32_t more)
{
    uint32_t room = revokes->room ? revokes->room : 64, *blocks;

    while (room < revokes->count + more)
        room *= 2;
    if (room == revokes->room)
        return 0;
    blocks = realloc(revokes->blocks, room * sizeof(*blocks));
    if (blocks == NULL)
        return -ENOMEM;
    revokes->blocks = blocks;
    revokes->room = room;
    return 0;
}

int journal_reserve(struct fs *fs, uint32_t freed, uint32_t forgotten)
{
    int err;

    if (fs->journal == NULL)
        return 0;
    err = freed_reserve(&fs->journal->running.freed, freed);
    return err ? err : reserve_revokes(&fs->journal->running.revokes, forgotten);
}

void journal_freed(struct fs *fs, uint32_t first, uint32_t count)
{
    if (fs->journal != NULL)
        freed_add(&fs->journal->running.freed, first, count);
}

/* The log is needed from this point on until the running transaction is committed. */
static void pin(struct journal_txn *txn, struct log_point point)
{
    if (!txn->pinned || jbd_after(txn->pin.sequence, point.sequence))
        txn->pin = point;
    txn->pinned = true;
}

void journal_forget(struct fs *fs, uint32_t no, struct block *block)
{
    struct journal *journal = fs->journal;
    struct revokes *revokes;

    if (journal == NULL)
        return;
    revokes = &journal->running.revokes;
    revokes->blocks[revokes->count++] = no;
    if (block == NULL)
        return;
    if (block->running)
        journal->changed--;
    if (block->logged)
        pin(&journal->running, block->point);
    if (block->committing)
        pin(&journal->running, journal->commit_point);
}

void journal_add_super(struct fs *fs)
{
    if (fs->journal != NULL)
        fs->journal->running.super = true;
}

/* ------------------------------------------------------------------- questions */

bool journal_holds(const struct fs *fs, uint32_t no)
{
    const struct journal *journal = fs->journal;

    return journal != NULL &&
           (freed_has(&journal->running.freed, no) || freed_has(&journal->committing.freed, no));
}

bool journal_lets_home(const struct fs *fs, const struct block *block)
{
    return fs->journal == NULL || (!block->running && !block->committing);
}

bool journal_dirty(const struct fs *fs)
{
    const struct journal *journal = fs->journal;

    return journal != NULL &&
           (journal->changed > 0 || journal->running.super || journal->running.revokes.count > 0);
}

uint32_t log_tags(const struct fs *fs)
{
    return (fs->block_size - sizeof(struct jbd_header) - JBD_UUID_BYTES) / sizeof(struct jbd_tag);
}

uint32_t log_revokes(const struct fs *fs)
{
    return (fs->block_size - sizeof(struct jbd_revoke)) / sizeof(uint32_t);
}

uint32_t log_cost(const struct fs *fs)
{
    const struct journal_txn *running = &fs->journal->running;
    uint32_t blocks = fs->journal->changed + running->super, tags = log_tags(fs);
    uint32_t per_revoke = log_revokes(fs);

    return blocks + (blocks + tags - 1) / tags +
           (running->revokes.count + per_revoke - 1) / per_revoke + 1;
}

bool journal_crowded(const struct fs *fs)
{
    const struct journal *journal = fs->journal;

    if (journal == NULL || journal->aborted || fs->readonly)
        return false;
    return log_cost(fs) >= log_blocks(journal) / 4 || log_free(journal) < log_blocks(journal) / 2 ||
           journal->running.freed.count >= FREED_RUNS;
}
