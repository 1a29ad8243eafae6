/* Name indices: see dirindex.h. */
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/volume.h"
#include "user/fs/core/dirindex.h"

#define FIRST_SLOTS 256
#define FIRST_GAPS  64

uint32_t dirindex_hash(const char *name, unsigned len)
{
    uint32_t hash = DIRINDEX_HASH_EMPTY;

    for (unsigned i = 0; i < len; i++)
        hash = dirindex_hash_next(hash, name[i]);
    return hash;
}

static uint32_t home(const struct dirindex *index, uint32_t hash)
{
    return (hash ^ hash >> 15) & index->mask;
}

static size_t index_size(const struct dirindex *index)
{
    return sizeof(*index) + (index->mask + 1ul) * sizeof(index->slots[0]) +
           index->gap_room * sizeof(index->gaps[0]);
}

void dirindex_drop(struct fs *fs, struct inode *dir)
{
    struct dirindex *index = dir->index;

    if (index == NULL)
        return;
    fs->inode_table.index_bytes -= index_size(index);
    free(index->slots);
    free(index->gaps);
    free(index);
    dir->index = NULL;
}

/* Drops the indices of other directories until so many bytes more are allowed. */
static bool make_room(struct fs *fs, const struct inode *dir, size_t bytes)
{
    struct inode_table *table = &fs->inode_table;

    for (unsigned i = 0; i < INODE_HASH; i++) {
        for (struct link *l = table->hash[i].next; l != &table->hash[i]; l = l->next) {
            struct inode *other = LINK_OWNER(l, struct inode, hash);

            if (table->index_bytes + bytes <= fs->params.index_bytes)
                return true;
            if (other != dir)
                dirindex_drop(fs, other);
        }
    }
    return table->index_bytes + bytes <= fs->params.index_bytes;
}

struct dirindex *dirindex_open(struct fs *fs, struct inode *dir)
{
    struct dirindex *index = dir->index;

    if (index != NULL)
        return index;
    index = calloc(1, sizeof(*index));
    if (index == NULL)
        return NULL;
    index->mask = FIRST_SLOTS - 1;
    index->gap_room = FIRST_GAPS;
    index->slots = calloc(FIRST_SLOTS, sizeof(index->slots[0]));
    index->gaps = calloc(FIRST_GAPS, sizeof(index->gaps[0]));
    if (!index->slots || !index->gaps || !make_room(fs, dir, index_size(index))) {
        free(index->slots);
        free(index->gaps);
        free(index);
        return NULL;
    }
    fs->inode_table.index_bytes += index_size(index);
    dir->index = index;
    return index;
}

/* This directory is too large for an index. */
static bool give_up(struct fs *fs, struct inode *dir)
{
    dirindex_drop(fs, dir);
    dir->no_index = true;
    return false;
}

bool dirindex_extend(struct fs *fs, struct inode *dir, uint32_t gap)
{
    struct dirindex *index = dir->index;
    size_t more = index->gap_room * sizeof(index->gaps[0]);

    if (index->blocks == index->gap_room) {
        uint16_t *gaps;

        if (!make_room(fs, dir, more))
            return give_up(fs, dir);
        gaps = realloc(index->gaps, 2 * more);
        if (gaps == NULL)
            return give_up(fs, dir);
        index->gaps = gaps;
        index->gap_room *= 2;
        fs->inode_table.index_bytes += more;
    }
    index->gaps[index->blocks++] = gap;
    return true;
}

static void put(struct dirindex *index, struct dirindex_slot entry)
{
    uint32_t at = home(index, entry.hash);

    while (index->slots[at].place)
        at = (at + 1) & index->mask;
    index->slots[at] = entry;
}

static bool grow(struct fs *fs, struct inode *dir)
{
    struct dirindex *index = dir->index;
    uint32_t old_slots = index->mask + 1;
    size_t more = old_slots * sizeof(index->slots[0]);
    struct dirindex_slot *old = index->slots;

    /* While it moves, both tables exist. */
    if (!make_room(fs, dir, 2 * more))
        return give_up(fs, dir);
    index->slots = calloc(2 * (size_t)old_slots, sizeof(index->slots[0]));
    if (index->slots == NULL) {
        index->slots = old;
        return give_up(fs, dir);
    }
    index->mask = 2 * old_slots - 1;
    fs->inode_table.index_bytes += more;
    for (uint32_t i = 0; i < old_slots; i++)
        if (old[i].place)
            put(index, old[i]);
    free(old);
    return true;
}

bool dirindex_add(struct fs *fs, struct inode *dir, uint32_t hash, uint32_t offset)
{
    struct dirindex *index = dir->index;

    if (index->names >= index->mask / 4 * 3 && !grow(fs, dir))
        return false;
    put(dir->index, (struct dirindex_slot){hash, offset / 4 + 1});
    dir->index->names++;
    return true;
}

/* Closes the gap that a removed entry left in the chain of probes. */
static void close_hole(struct dirindex *index, uint32_t hole)
{
    uint32_t at = hole;

    for (;;) {
        at = (at + 1) & index->mask;
        if (!index->slots[at].place)
            break;
        /* It may move to the hole if that lies between its home and it. */
        if (((at - home(index, index->slots[at].hash)) & index->mask) >=
            ((at - hole) & index->mask)) {
            index->slots[hole] = index->slots[at];
            hole = at;
        }
    }
    index->slots[hole].place = 0;
}

static void take(struct dirindex *index, uint32_t hash, uint32_t offset)
{
    uint32_t at = home(index, hash);

    for (; index->slots[at].place; at = (at + 1) & index->mask) {
        if (index->slots[at].hash == hash && index->slots[at].place == offset / 4 + 1) {
            close_hole(index, at);
            index->names--;
            return;
        }
    }
}

void dirindex_apply(struct fs *fs, const struct txn_note *note)
{
    uint32_t block = note->offset >> fs->block_shift;
    struct inode *dir = note->dir;

    dir->changes = ++fs->inode_table.changes;
    if (note->kind != NOTE_ADD)
        fs->inode_table.names_lost++;
    if (note->kind == NOTE_REPLACE || dir->index == NULL || block > dir->index->blocks)
        return;
    if (block == dir->index->blocks) {
        /* The next block: a new one at the end, if all others were indexed. If
         * they were not, it is the one that would be read next: it waits. */
        if (note->kind != NOTE_ADD || !note->new_block || !dirindex_extend(fs, dir, note->gap))
            return;
    }
    /* An entry that goes leaves room; it does not take any. */
    if (note->kind == NOTE_ADD || note->gap > dir->index->gaps[block])
        dir->index->gaps[block] = note->gap;
    if (note->kind == NOTE_ADD)
        dirindex_add(fs, dir, note->hash, note->offset);
    else
        take(dir->index, note->hash, note->offset);
}

bool dirindex_next(const struct dirindex *index, uint32_t hash, uint32_t *at, uint32_t *offset)
{
    uint32_t place;

    for (; *at <= index->mask; ++*at) {
        place = (home(index, hash) + *at) & index->mask;
        if (!index->slots[place].place)
            return false;
        if (index->slots[place].hash == hash) {
            *offset = (index->slots[place].place - 1) * 4;
            ++*at;
            return true;
        }
    }
    return false;
}

uint32_t dirindex_room(const struct dirindex *index, uint32_t bytes)
{
    for (uint32_t i = 0; i < index->blocks; i++)
        if (index->gaps[i] >= bytes)
            return i;
    return index->blocks;
}
