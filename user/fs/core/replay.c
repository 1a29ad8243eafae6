/*
 * The redo ring: doing again, at mount, what the last instance had done. See redo.h.
 *
 * A record that cannot be right ends it, and so does one that was being replayed when
 * the instance before died of it more than once (fs_params.distrust). What came before
 * is kept, the rest is lost, and the volume is read-only, for a part of what programs
 * were told is missing.
 */
#include <string.h>
#include "user/fs/core/group.h"
#include "user/fs/core/redo.h"
#include "user/fs/core/volume.h"

#define DEATHS 2 /* of a record, and it is set aside */

struct replay {
    uint64_t at, end;   /* the record: the next word; behind its last */
    uint64_t from;      /* its first */
    uint64_t sound_end; /* of the last record that may be replayed */
    uint32_t ro_compat; /* that it says the superblock has */
};

static uint64_t word_at(const struct redo *redo, uint64_t position)
{
    return redo->ring[position & redo->mask];
}

/* The next word, or 0 at the end. */
static uint64_t next_word(const struct redo *redo, struct replay *r)
{
    return r->at < r->end ? word_at(redo, r->at++) : 0;
}

/* Whether the record at r->from is sound; finds its end. */
static bool check_record(const struct redo *redo, struct replay *r)
{
    uint64_t most = redo->head->head - r->from, words;

    if (most < REDO_HEADER || word_at(redo, r->from + REDO_POSITION) != r->from)
        return false;
    words = (uint32_t)word_at(redo, r->from + REDO_SIZE);
    if (words < REDO_HEADER || words > most ||
        word_at(redo, r->from + REDO_CHECK) != redo_check(redo, r->from, words))
        return false;
    r->end = r->from + words;
    return true;
}

/* Whether a record behind this one forgets the block. Without a journal, which keeps freed
 * blocks back, what is in it may be a file's data by now. */
static bool forgotten_later(const struct fs *fs, const struct replay *r, uint32_t no)
{
    const struct redo *redo = &fs->redo;
    uint64_t at = r->end;

    while (fs->journal == NULL && at < r->sound_end) {
        uint64_t counts = word_at(redo, at + REDO_COUNTS);
        uint64_t list = at + REDO_HEADER + (counts >> 32 & 0xffff);

        for (uint64_t i = 0; i < counts >> 48; i++)
            if ((uint32_t)word_at(redo, list + i) == no)
                return true;
        at += (uint32_t)word_at(redo, at + REDO_SIZE);
    }
    return false;
}

/* The words of a block that the record changes. */
static int apply_block(struct fs *fs, struct replay *r)
{
    const struct redo *redo = &fs->redo;
    uint64_t head = next_word(redo, r), run, words = fs->block_size / sizeof(uint64_t);
    bool skip = forgotten_later(fs, r, (uint32_t)head);
    struct block *block;
    int err = 0;

    if (!skip)
        err = head >> 32 ? block_get_new(fs, (uint32_t)head, &block)
                         : block_get_for_change(fs, (uint32_t)head, &block);
    while (!err && (run = next_word(redo, r)) != 0) {
        uint64_t first = (uint32_t)run, count = run >> 32;

        if (count > words || first > words - count || count > r->end - r->at)
            return -EINVAL;
        for (uint64_t i = 0; i < count; i++) {
            uint64_t word = next_word(redo, r);

            if (!skip)
                ((uint64_t *)block->data)[first + i] = word;
        }
    }
    return err;
}

static int op_apply(struct fs *fs, void *arg)
{
    struct replay *r = arg;
    struct txn *txn = &fs->txn;
    const struct redo *redo = &fs->redo;
    uint64_t counts = word_at(redo, r->from + REDO_COUNTS), word;
    unsigned freed = counts >> 32 & 0xffff, forgotten = counts >> 48;
    int err = 0;

    txn->replaying = true;
    r->at = r->from + REDO_HEADER;
    r->ro_compat = (uint32_t)counts;
    txn->last_orphan = word_at(redo, r->from + REDO_SIZE) >> 32;
    if (freed > TXN_FREED_MAX || forgotten > TXN_FORGET_MAX)
        return -EINVAL;
    for (; txn->freed_count < freed; txn->freed_count++) {
        word = next_word(redo, r);
        txn->freed[txn->freed_count] = (struct freed_run){(uint32_t)word, word >> 32};
    }
    for (unsigned i = 0; i < forgotten && !err; i++)
        err = txn_forget(fs, (uint32_t)next_word(redo, r));
    if (!err && fs->journal != NULL)
        err = journal_reserve(fs, freed, forgotten);
    while (!err && r->at < r->end)
        err = apply_block(fs, r);
    return err;
}

/* What follows from a record outside of blocks. */
static void applied(struct fs *fs, const struct replay *r)
{
    if (fs->super.s_feature_ro_compat != r->ro_compat)
        journal_add_super(fs);
    fs->super.s_feature_ro_compat = r->ro_compat;
    fs->redo.applied = r->end;
}

/* How far the records may be replayed: to the first that is spoiled, or was set aside. */
static uint64_t find_sound_end(const struct redo *redo)
{
    struct replay r = {.from = redo->head->tail};

    while (r.from < redo->head->head && r.from < redo->head->aside && check_record(redo, &r))
        r.from = r.end;
    return r.from;
}

/* The volume stays as it was before the record at this position, for good. */
static void set_aside(struct fs *fs, uint64_t position)
{
    fs->redo.head->aside = position;
    redo_lost(fs, position);
    if (redo_make_room(fs) != 0)
        fs_log(fs, "what was replayed could not be stored: position", position);
    fs_log(fs, "from a bad record on, what was done lately is lost: position", position);
}

/* Replays one record after the other, *position being where the next one begins. */
static int replay_all(struct fs *fs, uint64_t *position)
{
    struct redo_head *head = fs->redo.head;
    struct replay r = {.sound_end = find_sound_end(&fs->redo)};

    while (*position < r.sound_end) {
        int err;

        r.from = *position;
        if (head->applying != r.from)
            head->tries = 0;
        head->applying = r.from;
        if (!check_record(&fs->redo, &r))
            return -EINVAL;
        err = txn_run(fs, op_apply, &r);
        if (err)
            return err;
        applied(fs, &r);
        *position = r.end;
    }
    return *position < head->head ? -EINVAL : 0;
}

int redo_replay(struct fs *fs)
{
    struct redo_head *head = fs->redo.head;
    uint64_t position;
    int err;

    if (head == NULL || head->tail == head->head)
        return 0;
    if (fs->readonly) {
        fs_log(fs, "what was done lately is lost, for the volume is read-only: words of records",
               head->head - head->tail);
        redo_lost(fs, head->tail);
        return 0;
    }
    /* The instance before ended at this record; so did another if tries says so. */
    if (head->applying != REDO_NOWHERE && ++head->tries >= DEATHS && fs->params.distrust)
        head->aside = head->applying;
    position = head->tail;
    err = replay_all(fs, &position);
    head->applying = REDO_NOWHERE;
    if (err && err != -EINVAL && !fs->error)
        return err == -ENOMEM ? err : -EIO; /* the record is not to blame */
    fs_log(fs, "what the last instance had done was done again: words of records",
           position - head->tail);
    if (err)
        set_aside(fs, position);
    return group_count(fs);
}
