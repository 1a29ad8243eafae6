/*
 * The journal: recovery at mount. Three passes over the log: the first finds the end of
 * what was committed, the second what was revoked, the third writes the blocks home.
 * It can be cut short and done again any number of times. See journal.h.
 */
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/io.h"
#include "user/fs/core/log.h"

/* Copies of the block in transactions up to this one do not count. Transactions are
 * counted from the first that the log has. */
struct revoked {
    uint32_t no, upto;
};

enum pass { PASS_SCAN, PASS_REVOKE, PASS_REPLAY };

struct recovery {
    struct fs *fs;
    enum pass pass;
    uint32_t at;      /* the next block of the log */
    uint32_t visited; /* blocks so far */
    uint32_t txn;     /* the transaction, counted from the first */
    uint32_t txns;    /* those that were committed; known after the first pass */
    uint8_t *window;  /* blocks of the log that were read */
    uint32_t window_at, window_count;
    uint8_t *copy; /* a block */
    struct revoked *revoked;
    uint32_t revoked_count, revoked_room;
};

static int corrupt(struct recovery *r, const char *what, uint32_t where)
{
    fs_log(r->fs, what, where);
    return -EINVAL;
}

/* The next block of the log; it stays until the next call. */
static int next_block(struct recovery *r, uint8_t **out)
{
    const struct journal *journal = r->fs->journal;
    uint32_t home = log_home(journal, r->at), most = CACHE_RUN_BYTES >> r->fs->block_shift;
    int err;

    if (home - r->window_at >= r->window_count) {
        uint32_t count = 1;

        while (count < most && r->at + count < journal->end &&
               log_home(journal, r->at + count) == home + count)
            count++;
        r->window_count = 0;
        err = io_read(r->fs, home, count, r->window);
        if (err)
            return err;
        r->window_at = home;
        r->window_count = count;
    }
    *out = r->window + ((size_t)(home - r->window_at) << r->fs->block_shift);
    r->at = log_next(journal, r->at);
    r->visited++;
    return 0;
}

static int compare_revoked(const void *a, const void *b)
{
    const struct revoked *x = a, *y = b;

    if (x->no != y->no)
        return x->no < y->no ? -1 : 1;
    return x->upto < y->upto ? -1 : x->upto > y->upto;
}

/* Sorts the list, and leaves one entry of each block, the latest. */
static void sort_revoked(struct recovery *r)
{
    uint32_t count = 0;

    if (r->revoked_count == 0)
        return;
    qsort(r->revoked, r->revoked_count, sizeof(*r->revoked), compare_revoked);
    for (uint32_t i = 0; i < r->revoked_count; i++)
        if (i + 1 == r->revoked_count || r->revoked[i + 1].no != r->revoked[i].no)
            r->revoked[count++] = r->revoked[i];
    r->revoked_count = count;
}

static int add_revoked(struct recovery *r, uint32_t no)
{
    if (no >= r->fs->blocks)
        return 0;
    if (r->revoked_count == r->revoked_room) {
        sort_revoked(r);
        if (r->revoked_count >= r->revoked_room / 2) {
            uint32_t room = r->revoked_room ? r->revoked_room * 2 : 64;
            struct revoked *list = realloc(r->revoked, room * sizeof(*list));

            if (list == NULL)
                return -ENOMEM;
            r->revoked = list;
            r->revoked_room = room;
        }
    }
    r->revoked[r->revoked_count++] = (struct revoked){no, r->txn};
    return 0;
}

static bool is_revoked(const struct recovery *r, uint32_t no)
{
    uint32_t low = 0, high = r->revoked_count;

    /* The first entry past those of this block with older transactions. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct revoked *entry = &r->revoked[middle];

        if (entry->no < no || (entry->no == no && entry->upto < r->txn))
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->revoked_count && r->revoked[low].no == no;
}

static int read_revokes(struct recovery *r, const struct jbd_revoke *block)
{
    uint32_t bytes = be32(block->r_count);
    int err = 0;

    if (bytes < sizeof(*block) || bytes > r->fs->block_size)
        return corrupt(r, "the journal is corrupt: a revoke block of bytes", bytes);
    for (uint32_t i = 0; i < (bytes - sizeof(*block)) / sizeof(uint32_t) && !err; i++)
        err = add_revoked(r, be32(block->r_block[i]));
    return err;
}

/* Whether the log may have a copy of this block. */
static bool may_be_logged(const struct fs *fs, uint32_t no)
{
    return no >= fs->first_block && no < fs->blocks && !log_owns(fs->journal, no);
}

/* A copy that follows a descriptor. */
static int take_copy(struct recovery *r, uint32_t no, unsigned flags)
{
    uint32_t magic = be32(JBD_MAGIC);
    uint8_t *data;
    int err = next_block(r, &data);

    if (err || r->pass == PASS_SCAN)
        return err;
    if (!may_be_logged(r->fs, no))
        return corrupt(r, "the journal is corrupt: it has a copy of block", no);
    if (r->pass != PASS_REPLAY || is_revoked(r, no))
        return 0;
    memcpy(r->copy, data, r->fs->block_size);
    if (flags & JBD_ESCAPED)
        memcpy(r->copy, &magic, sizeof(magic));
    return io_write(r->fs, no, 1, r->copy);
}

/* A descriptor and the copies behind it. The tags are taken out first, for the copies
 * are read over them. */
static int take_copies(struct recovery *r, const uint8_t *block)
{
    uint32_t size = r->fs->block_size, at = sizeof(struct jbd_header);
    uint8_t *tags = malloc(size);
    unsigned flags = 0;
    int err = tags == NULL ? -ENOMEM : 0;

    if (!err)
        memcpy(tags, block, size);
    while (!err && !(flags & JBD_LAST_TAG) && at + sizeof(struct jbd_tag) <= size &&
           r->visited < log_blocks(r->fs->journal)) {
        const struct jbd_tag *tag = (const struct jbd_tag *)(tags + at);

        flags = be16(tag->t_flags);
        err = take_copy(r, be32(tag->t_blocknr), flags);
        at += sizeof(*tag) + (flags & JBD_SAME_UUID ? 0 : JBD_UUID_BYTES);
    }
    free(tags);
    return err;
}

/* One pass. The first ends where the log does: at a block that is none of the
 * transaction that should come. */
static int run_pass(struct recovery *r, enum pass pass)
{
    const struct journal *journal = r->fs->journal;
    int err = 0;

    r->pass = pass;
    r->at = journal->tail.block;
    r->visited = r->txn = r->window_count = 0;
    while (!err && r->visited < log_blocks(journal) && (pass == PASS_SCAN || r->txn < r->txns)) {
        struct jbd_header header;
        uint8_t *block;

        err = next_block(r, &block);
        if (err)
            break;
        memcpy(&header, block, sizeof(header));
        if (be32(header.h_magic) != JBD_MAGIC ||
            be32(header.h_sequence) != journal->tail.sequence + r->txn)
            break;
        switch (be32(header.h_blocktype)) {
        case JBD_DESCRIPTOR:
            err = take_copies(r, block);
            break;
        case JBD_REVOKE:
            if (pass == PASS_REVOKE)
                err = read_revokes(r, (const struct jbd_revoke *)block);
            break;
        case JBD_COMMIT:
            r->txn++;
            break;
        default:
            return 0;
        }
    }
    return err;
}

static int recover(struct recovery *r, bool replay)
{
    int err = run_pass(r, PASS_SCAN);

    r->txns = r->txn;
    if (err || !replay)
        return err;
    err = run_pass(r, PASS_REVOKE);
    if (err)
        return err;
    sort_revoked(r);
    return run_pass(r, PASS_REPLAY);
}

int log_recover(struct fs *fs, bool replay, uint32_t *sequence)
{
    struct recovery r = {.fs = fs, .window = fs->journal->buffer, .copy = malloc(fs->block_size)};
    int err = r.copy == NULL ? -ENOMEM : recover(&r, replay);

    /* The number of a transaction that was cut short is not used again, so that what
     * is left of it can never look like a part of another. */
    *sequence = fs->journal->tail.sequence + r.txns + 1;
    if (!err && replay)
        fs_log(fs, "the journal was replayed: transactions", r.txns);
    free(r.copy);
    free(r.revoked);
    return err;
}
