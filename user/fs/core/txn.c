/* Transactions: see txn.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/dirindex.h"
#include "user/fs/core/orphan.h"
#include "user/fs/core/volume.h"

/* Restarts before an operation is run alone, so that others do not evict what it
 * has waited for. */
#define TRIES_TOGETHER 256

/* The tests on the host look that no block changes where nobody said so. */
#ifdef HOST_TEST
#define CHECKS_CHANGES true
#else
#define CHECKS_CHANGES false
#endif

void txn_begin(struct fs *fs)
{
    struct txn *txn = &fs->txn;

    assert(!txn->open);
    txn->open = true;
    if (++txn->id == 0)
        txn->id = 1;
    txn->progress = txn->skipped = txn->held = false;
    txn->replaying = txn->completed = false;
    txn->io = NULL;
    txn->now = 0;
    txn->undo_count = txn->forget_count = txn->note_count = txn->want_count = 0;
    txn->freed_count = 0;
    txn->last_orphan = fs->last_orphan;
    txn->orphan_added = txn->orphan_removed = NULL;
    txn->blocks_freed = txn->inodes_freed = txn->own_reserved = 0;
}

/* Whether nothing changed in a block but what the transaction was told of. */
static bool told_of_all(const struct fs *fs, const struct txn_undo *undo)
{
    for (uint32_t part = 0; part < TXN_PARTS; part++) {
        uint32_t at = part * TXN_PART(fs);

        if (!(undo->parts >> part & 1) &&
            memcmp(undo->block->data + at, undo->old + at, TXN_PART(fs)) != 0)
            return false;
    }
    return true;
}

static void txn_commit(struct fs *fs)
{
    struct txn *txn = &fs->txn;

    for (uint32_t i = 0; CHECKS_CHANGES && i < txn->undo_count; i++)
        assert(told_of_all(fs, &txn->undo[i]));
    for (uint32_t i = 0; i < txn->undo_count; i++) {
        cache_set_dirty(fs, txn->undo[i].block);
        journal_add(fs, txn->undo[i].block);
    }
    for (uint32_t i = 0; i < txn->freed_count; i++)
        journal_freed(fs, txn->freed[i].first, txn->freed[i].count);
    for (uint32_t i = 0; i < txn->forget_count; i++) {
        struct block *block = cache_find(fs, txn->forget[i]);

        if (block != NULL && block->filling)
            block = NULL;
        journal_forget(fs, txn->forget[i], block);
        if (block != NULL)
            cache_drop(fs, block);
    }
    orphan_apply(fs);
    fs->free_blocks += txn->blocks_freed;
    fs->free_inodes += txn->inodes_freed;
    for (uint32_t i = 0; i < txn->note_count; i++)
        dirindex_apply(fs, &txn->notes[i]);
}

static void put_back(const struct fs *fs, const struct txn_undo *undo)
{
    for (uint32_t part = 0; part < TXN_PARTS; part++)
        if (undo->parts >> part & 1)
            memcpy(undo->block->data + part * TXN_PART(fs), undo->old + part * TXN_PART(fs),
                   TXN_PART(fs));
}

static void txn_roll_back(struct fs *fs)
{
    struct txn *txn = &fs->txn;

    while (txn->undo_count > 0) {
        struct txn_undo *undo = &txn->undo[--txn->undo_count];

        assert(!CHECKS_CHANGES || told_of_all(fs, undo));
        if (undo->old != NULL)
            put_back(fs, undo);
        else
            cache_drop(fs, undo->block);
    }
}

int txn_end(struct fs *fs, int result)
{
    assert(fs->txn.open);
    if (result >= 0) {
        int err = redo_publish(fs);

        result = err == -ENOSPC ? txn_wait_redo(fs) : err ? err : result;
    }
    if (result >= 0)
        txn_commit(fs);
    else
        txn_roll_back(fs);
    fs->txn.open = false;
    return result;
}

/* Sleeps until the restart makes sense. */
static int txn_satisfy(struct fs *fs)
{
    uint32_t want[CACHE_READAHEAD], count = fs->txn.want_count;

    switch (fs->txn.wait) {
    case WAIT_BLOCKS:
        memcpy(want, fs->txn.want, count * sizeof(want[0]));
        return cache_fetch(fs, want, count);
    case WAIT_BUFFER:
        return cache_reclaim(fs);
    case WAIT_COMMIT:
        return journal_commit(fs);
    case WAIT_REDO:
        return redo_make_room(fs);
    case WAIT_PEER:
        fs_wait(fs);
        return 0;
    }
    return -EIO;
}

static bool cache_crowded(const struct fs *fs)
{
    return fs->cache.dirty > fs->cache.count / 4 * 3 && !fs->cache.write_busy;
}

/* Before a transaction: nobody wants to be alone, there are clean buffers, and there is
 * room in the log and for a record. The operation itself will meet an error if that matters to it.
 */
static void txn_prepare(struct fs *fs, bool alone)
{
    int err = 0;

    for (;;) {
        if (fs->txn.alone && !alone)
            fs_wait(fs);
        else if (!err && cache_crowded(fs))
            err = cache_reclaim(fs);
        else if (!err && journal_crowded(fs))
            err = journal_make_room(fs);
        else if (!err && redo_crowded(fs))
            err = redo_make_room(fs);
        else
            return;
    }
}

int txn_run(struct fs *fs, txn_fn *fn, void *arg)
{
    uint32_t tries = 0, most = TRIES_TOGETHER + fs->cache.count;
    bool alone = false;
    int err;

    for (;;) {
        txn_prepare(fs, alone);
        txn_begin(fs);
        err = txn_end(fs, fn(fs, arg));
        if (err != FS_AGAIN)
            break;
        if (fs->txn.progress)
            tries = 0;
        tries++;
        if (fs->txn.wait == WAIT_PEER && alone) {
            fs->txn.alone = alone = false; /* the peer may need to run first */
            fs_wake(fs);
        } else if (tries > TRIES_TOGETHER && !alone && !fs->txn.alone) {
            fs->txn.alone = alone = true;
        }
        if (alone && tries > most) {
            fs_log(fs, "an operation needs more blocks at once than the cache has", 0);
            err = -EIO;
            break;
        }
        err = txn_satisfy(fs);
        if (err)
            break;
    }
    if (alone) {
        fs->txn.alone = false;
        fs_wake(fs);
    }
    return err;
}

int txn_look(struct fs *fs, txn_fn *fn, void *arg)
{
    int err;

    if (fs->txn.alone)
        return txn_run(fs, fn, arg);
    txn_begin(fs);
    err = fn(fs, arg);
    assert(fs->txn.undo_count == 0 && fs->txn.note_count == 0 && !fs->txn.completed);
    fs->txn.open = false;
    return err == FS_AGAIN ? txn_run(fs, fn, arg) : err;
}

static int want_blocks(struct fs *fs, const uint32_t *list, unsigned count)
{
    struct txn *txn = &fs->txn;

    txn->wait = WAIT_BLOCKS;
    txn->want_count = count < CACHE_READAHEAD ? count : CACHE_READAHEAD;
    memcpy(txn->want, list, txn->want_count * sizeof(list[0]));
    return FS_AGAIN;
}

int block_get_ahead(struct fs *fs, const uint32_t *list, unsigned count, struct block **out)
{
    struct block *block;

    assert(fs->txn.open);
    fs->stats.block_gets++;
    if (list[0] < fs->first_block || list[0] >= fs->blocks || list[0] == 0)
        return fs_corrupt(fs, "block number out of range", list[0]);
    block = cache_find(fs, list[0]);
    if (block == NULL || block->filling) {
        fs->stats.restarts++;
        return want_blocks(fs, list, count);
    }
    block->txn = fs->txn.id;
    *out = block;
    return 0;
}

int block_get(struct fs *fs, uint32_t no, struct block **out)
{
    return block_get_ahead(fs, &no, 1, out);
}

/* The block's entry if it has one: block->undo may be of an earlier transaction. */
static struct txn_undo *undo_of(struct txn *txn, const struct block *block)
{
    if (block->undo < txn->undo_count && txn->undo[block->undo].block == block)
        return &txn->undo[block->undo];
    return NULL;
}

static struct txn_undo *add_undo(struct txn *txn, struct block *block, uint8_t *old)
{
    block->undo = txn->undo_count++;
    txn->undo[block->undo] = (struct txn_undo){.block = block, .old = old, .first = TXN_PARTS - 1};
    return &txn->undo[block->undo];
}

/* A buffer for old contents; they are taken in the order of undo[]. */
static uint8_t *old_buffer(struct fs *fs)
{
    struct txn *txn = &fs->txn;

    if (txn->undo_count == txn->old_count) {
        txn->old[txn->old_count] = malloc(fs->block_size);
        if (txn->old[txn->old_count] == NULL)
            return NULL;
        txn->old_count++;
    }
    return txn->old[txn->undo_count];
}

/* Keeps what these parts of a block have, the first time that they are about to change. */
static void keep(const struct fs *fs, struct txn_undo *undo, uint32_t first, uint32_t last)
{
    uint64_t parts = UINT64_MAX << first & UINT64_MAX >> (TXN_PARTS - 1 - last);
    uint32_t at = first * TXN_PART(fs), bytes = (last - first + 1) * TXN_PART(fs);

    if ((undo->parts & parts) == parts)
        return;
    if ((undo->parts & parts) && first < last) {
        for (uint32_t part = first; part <= last; part++)
            keep(fs, undo, part, part);
        return;
    }
    assert(!CHECKS_CHANGES || memcmp(undo->old + at, undo->block->data + at, bytes) == 0);
    undo->parts |= parts;
    if (first < undo->first)
        undo->first = first;
    memcpy(undo->old + at, undo->block->data + at, bytes);
}

int block_change(struct fs *fs, struct block *block, uint32_t from, uint32_t bytes)
{
    struct txn *txn = &fs->txn;
    struct txn_undo *undo = undo_of(txn, block);
    uint8_t *old;

    assert(txn->open && bytes > 0 && from + bytes <= fs->block_size);
    if (undo == NULL) {
        if (fs->readonly)
            return -EROFS;
        if (block->pending)
            return txn_wait_peer(fs); /* a commit is about to copy it */
        if (txn->undo_count == TXN_UNDO_MAX || (old = old_buffer(fs)) == NULL)
            return -ENOMEM;
        undo = add_undo(txn, block, old);
        if (CHECKS_CHANGES)
            memcpy(old, block->data, fs->block_size);
    }
    keep(fs, undo, from >> TXN_PART_SHIFT(fs), (from + bytes - 1) >> TXN_PART_SHIFT(fs));
    return 0;
}

int block_get_for_change(struct fs *fs, uint32_t no, struct block **out)
{
    int err = block_get(fs, no, out);

    return err ? err : block_change(fs, *out, 0, fs->block_size);
}

int block_get_new(struct fs *fs, uint32_t no, struct block **out)
{
    struct txn *txn = &fs->txn;
    struct block *block = cache_find(fs, no);
    struct txn_undo *undo;
    int err;

    fs->stats.block_gets++;
    if (block != NULL) { /* only a corrupt volume has a free block in use */
        err = block_get_for_change(fs, no, out);
        if (!err)
            memset((*out)->data, 0, fs->block_size);
        return err;
    }
    if (fs->readonly)
        return -EROFS;
    if (txn->undo_count == TXN_UNDO_MAX || old_buffer(fs) == NULL)
        return -ENOMEM;
    block = cache_claim(fs, no);
    if (block == NULL) {
        txn->wait = WAIT_BUFFER;
        return FS_AGAIN;
    }
    block->txn = txn->id;
    memset(block->data, 0, fs->block_size);
    undo = add_undo(txn, block, NULL);
    undo->parts = UINT64_MAX;
    undo->first = 0;
    *out = block;
    return 0;
}

int txn_free(struct fs *fs, uint32_t no)
{
    struct txn *txn = &fs->txn;
    struct freed_run *last = txn->freed_count > 0 ? &txn->freed[txn->freed_count - 1] : NULL;

    if (fs->journal == NULL)
        return 0;
    if (last != NULL && (no == last->first + last->count || no + 1 == last->first)) {
        last->first = no < last->first ? no : last->first;
        last->count++;
        return 0;
    }
    if (txn->freed_count == TXN_FREED_MAX)
        return -ENOMEM;
    txn->freed[txn->freed_count++] = (struct freed_run){no, 1};
    return journal_reserve(fs, txn->freed_count, txn->forget_count);
}

int txn_forget(struct fs *fs, uint32_t no)
{
    struct txn *txn = &fs->txn;
    const struct block *block = cache_find(fs, no);

    if (block != NULL && block->pending)
        return txn_wait_peer(fs); /* a commit is about to copy it */
    if (txn->forget_count == TXN_FORGET_MAX)
        return -ENOMEM;
    txn->forget[txn->forget_count++] = no;
    return journal_reserve(fs, txn->freed_count, txn->forget_count);
}

int txn_wait_peer(struct fs *fs)
{
    fs->txn.wait = WAIT_PEER;
    return FS_AGAIN;
}

int txn_wait_redo(struct fs *fs)
{
    fs->txn.wait = WAIT_REDO;
    return FS_AGAIN;
}

int txn_wait_commit(struct fs *fs)
{
    fs->txn.wait = WAIT_COMMIT;
    return FS_AGAIN;
}

void txn_completes(struct fs *fs, uint64_t key)
{
    fs->txn.completed = true;
    fs->txn.completed_key = key;
}

void txn_progress(struct fs *fs)
{
    fs->txn.progress = true;
}
