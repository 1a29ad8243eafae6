/* Block groups: blocks. See group.h. */
#include <stddef.h>
#include "user/fs/core/bits.h"
#include "user/fs/core/group.h"
#include "user/fs/core/io.h"
#include "user/fs/core/volume.h"

static uint32_t group_of(const struct fs *fs, uint32_t no)
{
    return (no - fs->first_block) / fs->blocks_per_group;
}

static uint32_t group_start(const struct fs *fs, uint32_t g)
{
    return fs->first_block + g * fs->blocks_per_group;
}

/* Blocks in group g; the last one may be short. */
static uint32_t group_blocks(const struct fs *fs, uint32_t g)
{
    uint32_t left = fs->blocks - group_start(fs, g);

    return left < fs->blocks_per_group ? left : fs->blocks_per_group;
}

static bool power_of(uint32_t n, uint32_t base)
{
    while (n % base == 0)
        n /= base;
    return n == 1;
}

static bool has_super(const struct fs *fs, uint32_t g)
{
    return !fs->sparse_super || g <= 1 || power_of(g, 3) || power_of(g, 5) || power_of(g, 7);
}

bool group_is_data(const struct fs *fs, uint32_t no)
{
    const struct group *group;
    uint32_t g;

    if (no < fs->first_block || no >= fs->blocks || no == 0)
        return false;
    g = group_of(fs, no);
    group = &fs->group[g];
    if (no == group->block_bitmap || no == group->inode_bitmap ||
        no - group->inode_table < fs->inode_table_blocks)
        return false;
    return !has_super(fs, g) || no - group_start(fs, g) >= 1 + fs->gdt_blocks;
}

uint32_t group_goal(const struct fs *fs, uint32_t ino)
{
    uint32_t g = (ino - 1) / fs->inodes_per_group;

    return fs->group[g].inode_table + fs->inode_table_blocks;
}

static int descriptor(struct fs *fs, uint32_t g, bool change, struct ext2_group **out)
{
    uint32_t per_block = fs->block_size / sizeof(struct ext2_group);
    uint32_t no = fs->gdt_block + g / per_block;
    struct block *block;
    int err = block_get(fs, no, &block);

    if (!err && change)
        err = block_change(fs, block, g % per_block * sizeof(**out), sizeof(**out));
    if (!err)
        *out = (struct ext2_group *)block->data + g % per_block;
    return err;
}

/* A block of bits of which one is about to change. */
static int bitmap_change(struct fs *fs, uint32_t no, uint32_t bit, struct block **out)
{
    int err = block_get(fs, no, out);

    return err ? err : block_change(fs, *out, bit / 8, 1);
}

/* Whether a block that the bitmap shows as free may be given out now. */
static bool usable(struct fs *fs, uint32_t no)
{
    struct txn *txn = &fs->txn;

    if (io_busy(fs, txn->io, no) || cache_writing(fs, no)) {
        txn->skipped = true;
        return false;
    }
    if (journal_holds(fs, no)) {
        txn->held = true;
        return false;
    }
    return txn->io == NULL || !io_names(txn->io, no);
}

/* Looks for a free block of group g at or after bit from; the best place first. */
static uint32_t find_bit(struct fs *fs, const uint8_t *map, uint32_t g, uint32_t from)
{
    uint32_t bits = group_blocks(fs, g), start = group_start(fs, g), bit;

    if (from < bits && !bit_get(map, from) && usable(fs, start + from))
        return from;
    for (bit = bit_find_zero_byte(map, bits, from); bit < bits;
         bit = bit_find_zero_byte(map, bits, bit + 8))
        if (usable(fs, start + bit))
            return bit;
    for (bit = bit_find_zero(map, bits, from); bit < bits; bit = bit_find_zero(map, bits, bit + 1))
        if (usable(fs, start + bit))
            return bit;
    return bits;
}

static int find_in_group(struct fs *fs, uint32_t g, uint32_t from, uint32_t want, uint32_t *first,
                         uint32_t *count)
{
    uint32_t bits = group_blocks(fs, g), bit;
    struct ext2_group *raw;
    struct block *map;
    int err = descriptor(fs, g, false, &raw);

    if (err)
        return err;
    if (raw->bg_free_blocks_count == 0)
        return -ENOSPC;
    err = block_get(fs, fs->group[g].block_bitmap, &map);
    if (err)
        return err;
    bit = find_bit(fs, map->data, g, from);
    if (bit == bits && from > 0)
        bit = find_bit(fs, map->data, g, 0);
    if (bit == bits)
        return -ENOSPC;
    *first = group_start(fs, g) + bit;
    *count = 1;
    if (!group_is_data(fs, *first))
        return fs_corrupt(fs, "bitmap shows a block of the volume's own as free", *first);
    while (*count < want && bit + *count < bits && !bit_get(map->data, bit + *count) &&
           usable(fs, *first + *count) && group_is_data(fs, *first + *count))
        ++*count;
    return 0;
}

int group_find_blocks(struct fs *fs, uint32_t goal, uint32_t want, uint32_t *first, uint32_t *count)
{
    uint32_t g0, from;
    int err;

    if (goal < fs->first_block || goal >= fs->blocks)
        goal = fs->first_block;
    g0 = group_of(fs, goal);
    from = goal - group_start(fs, g0);
    for (uint32_t i = 0; i < fs->groups; i++) {
        err = find_in_group(fs, (g0 + i) % fs->groups, i ? 0 : from, want, first, count);
        if (err != -ENOSPC)
            return err;
    }
    /* Blocks freed while a transfer still names them become usable at its end. */
    if (fs->txn.skipped)
        return txn_wait_peer(fs);
    return fs->txn.held ? txn_wait_commit(fs) : -ENOSPC;
}

int group_take_block(struct fs *fs, uint32_t no)
{
    uint32_t g = group_of(fs, no), bit = no - group_start(fs, g);
    struct ext2_group *raw;
    struct block *map;
    int err = bitmap_change(fs, fs->group[g].block_bitmap, bit, &map);

    if (err)
        return err;
    err = descriptor(fs, g, true, &raw);
    if (err)
        return err;
    if (bit_get(map->data, bit) || raw->bg_free_blocks_count == 0)
        return fs_corrupt(fs, "bitmap and free count disagree in group", g);
    bit_set(map->data, bit);
    raw->bg_free_blocks_count--;
    fs->txn.blocks_freed--;
    return 0;
}

int group_alloc_block(struct fs *fs, uint32_t goal, uint32_t *no)
{
    uint32_t count;
    int err;

    if (reserve_available(fs, fs->txn.own_reserved) < 1)
        return -ENOSPC;
    err = group_find_blocks(fs, goal, 1, no, &count);
    return err ? err : group_take_block(fs, *no);
}

int group_free_block(struct fs *fs, uint32_t no)
{
    struct ext2_group *raw;
    struct block *map;
    uint32_t g, bit;
    int err;

    if (!group_is_data(fs, no))
        return fs_corrupt(fs, "a file claims a block that cannot be a file's", no);
    g = group_of(fs, no);
    bit = no - group_start(fs, g);
    err = bitmap_change(fs, fs->group[g].block_bitmap, bit, &map);
    if (err)
        return err;
    err = descriptor(fs, g, true, &raw);
    if (err)
        return err;
    if (!bit_get(map->data, bit) || raw->bg_free_blocks_count >= group_blocks(fs, g))
        return fs_corrupt(fs, "freeing a block that is free", no);
    err = txn_free(fs, no);
    if (err)
        return err;
    bit_clear(map->data, bit);
    raw->bg_free_blocks_count++;
    fs->txn.blocks_freed++;
    return 0;
}

static int op_count(struct fs *fs, void *arg)
{
    struct ext2_group *raw;

    (void)arg;
    fs->free_blocks = fs->free_inodes = 0;
    for (uint32_t g = 0; g < fs->groups; g++) {
        int err = descriptor(fs, g, false, &raw);

        if (err)
            return err;
        fs->free_blocks += raw->bg_free_blocks_count;
        fs->free_inodes += raw->bg_free_inodes_count;
    }
    return 0;
}

int group_count(struct fs *fs)
{
    return txn_run(fs, op_count, NULL);
}

/* ------------------------------------------------------------------ inodes */

/* Takes a free inode of group g. */
static int take_inode(struct fs *fs, uint32_t g, bool directory, uint32_t *ino)
{
    struct ext2_group *raw;
    struct block *map;
    uint32_t bit;
    int err = block_get(fs, fs->group[g].inode_bitmap, &map);

    if (err)
        return err;
    err = descriptor(fs, g, true, &raw);
    if (err)
        return err;
    bit = bit_find_zero(map->data, fs->inodes_per_group, g == 0 ? fs->first_ino - 1 : 0);
    if (bit == fs->inodes_per_group)
        return fs_corrupt(fs, "inode bitmap and free count disagree in group", g);
    err = block_change(fs, map, bit / 8, 1);
    if (err)
        return err;
    bit_set(map->data, bit);
    raw->bg_free_inodes_count--;
    if (directory)
        raw->bg_used_dirs_count++;
    fs->txn.inodes_freed--;
    *ino = g * fs->inodes_per_group + bit + 1;
    return 0;
}

/* The group for a new directory: of those that have their share of free inodes,
 * the one with most free blocks; the parent's if it is as good. */
static int choose_for_directory(struct fs *fs, uint32_t parent, uint32_t *out)
{
    uint64_t share = fs->free_inodes / fs->groups, best = 0;
    bool found = false;

    for (uint32_t i = 0; i < fs->groups; i++) {
        uint32_t g = (parent + i) % fs->groups;
        struct ext2_group *raw;
        int err = descriptor(fs, g, false, &raw);

        if (err)
            return err;
        if (raw->bg_free_inodes_count == 0 || raw->bg_free_inodes_count < share)
            continue;
        if (!found || raw->bg_free_blocks_count > best) {
            found = true;
            best = raw->bg_free_blocks_count;
            *out = g;
        }
    }
    return found ? 0 : -ENOSPC;
}

/* The group for a file: the directory's, else the next one with inodes, first
 * among those that have blocks too. */
static int choose_for_file(struct fs *fs, uint32_t parent, uint32_t *out)
{
    for (int with_blocks = 1; with_blocks >= 0; with_blocks--) {
        for (uint32_t i = 0; i < fs->groups; i++) {
            uint32_t g = (parent + i) % fs->groups;
            struct ext2_group *raw;
            int err = descriptor(fs, g, false, &raw);

            if (err)
                return err;
            if (raw->bg_free_inodes_count > 0 && (raw->bg_free_blocks_count > 0 || !with_blocks)) {
                *out = g;
                return 0;
            }
        }
    }
    return -ENOSPC;
}

int group_alloc_inode(struct fs *fs, uint32_t dir, bool directory, uint32_t *ino)
{
    uint32_t parent = (dir - 1) / fs->inodes_per_group, g = 0;
    int err = -ENOSPC;

    if (directory)
        err = choose_for_directory(fs, parent, &g);
    if (err == -ENOSPC)
        err = choose_for_file(fs, parent, &g);
    return err ? err : take_inode(fs, g, directory, ino);
}

int group_free_inode(struct fs *fs, uint32_t ino, bool directory)
{
    uint32_t g = (ino - 1) / fs->inodes_per_group, bit = (ino - 1) % fs->inodes_per_group;
    struct ext2_group *raw;
    struct block *map;
    int err = bitmap_change(fs, fs->group[g].inode_bitmap, bit, &map);

    if (err)
        return err;
    err = descriptor(fs, g, true, &raw);
    if (err)
        return err;
    if (!bit_get(map->data, bit) || raw->bg_free_inodes_count >= fs->inodes_per_group)
        return fs_corrupt(fs, "freeing an inode that is free", ino);
    bit_clear(map->data, bit);
    raw->bg_free_inodes_count++;
    if (directory && raw->bg_used_dirs_count > 0)
        raw->bg_used_dirs_count--;
    fs->txn.inodes_freed++;
    return 0;
}
