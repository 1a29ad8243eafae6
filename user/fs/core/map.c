/* The block map of a file: see map.h. */
#include "user/fs/core/group.h"
#include "user/fs/core/map.h"
#include "user/fs/core/volume.h"

/* The way to block n: slot[0] in i_block, slot[i] in the indirect block of level
 * depth + 1 - i. Returns depth, or -1 beyond the largest file. */
static int map_path(const struct fs *fs, uint64_t n, uint32_t slot[MAP_LEVELS + 1])
{
    uint32_t mask = (1u << fs->addr_shift) - 1;
    uint64_t span = 1ul << fs->addr_shift;

    if (n < EXT2_NDIR) {
        slot[0] = n;
        return 0;
    }
    n -= EXT2_NDIR;
    for (int depth = 1; depth <= MAP_LEVELS; depth++) {
        if (n < span) {
            slot[0] = EXT2_NDIR + depth - 1;
            for (int i = 1; i <= depth; i++)
                slot[i] = n >> (fs->addr_shift * (depth - i)) & mask;
            return depth;
        }
        n -= span;
        span <<= fs->addr_shift;
    }
    return -1;
}

unsigned map_keys(const struct fs *fs, uint64_t n, uint64_t keys[MAP_LEVELS])
{
    uint32_t slot[MAP_LEVELS + 1];
    int depth = map_path(fs, n, slot);
    uint64_t within = 0;

    for (int i = 0; i < depth; i++) {
        /* Root slot, level and the slots above name the block. */
        keys[i] = (uint64_t)slot[0] << 56 | (uint64_t)i << 48 | within;
        within = within << fs->addr_shift | slot[i + 1];
    }
    return depth < 0 ? 0 : depth;
}

uint64_t map_key_start(const struct fs *fs, uint64_t key)
{
    unsigned depth = (key >> 56) - EXT2_NDIR + 1, level = key >> 48 & 0xff;
    uint64_t within = key & (((uint64_t)1 << 48) - 1), start = EXT2_NDIR;

    for (unsigned i = 1; i < depth; i++)
        start += 1ul << (fs->addr_shift * i);
    return start + (within << (fs->addr_shift * (depth - level)));
}

static int check_number(struct fs *fs, uint32_t no)
{
    return group_is_data(fs, no) ? 0 : fs_corrupt(fs, "a file maps a block out of range", no);
}

/* Goes as far as there are blocks. *level: steps made; equal to depth at the
 * end of the way. */
static int descend(struct fs *fs, const struct ext2_inode *raw, const uint32_t *slot, int depth,
                   uint32_t *no, int *level)
{
    struct block *block;
    int err;

    *no = raw->i_block[slot[0]];
    for (*level = 0; *no != 0; ++*level) {
        err = check_number(fs, *no);
        if (err || *level == depth)
            return err;
        err = block_get(fs, *no, &block);
        if (err)
            return err;
        *no = ((uint32_t *)block->data)[slot[*level + 1]];
    }
    return 0;
}

int map_get(struct fs *fs, const struct ext2_inode *raw, uint64_t n, uint32_t *no)
{
    uint32_t slot[MAP_LEVELS + 1];
    int depth = map_path(fs, n, slot), level;

    *no = 0;
    return depth < 0 ? 0 : descend(fs, raw, slot, depth, no, &level);
}

int map_get_missing(struct fs *fs, const struct ext2_inode *raw, uint64_t n, uint32_t *no,
                    uint64_t keys[MAP_LEVELS], unsigned *key_count)
{
    uint32_t slot[MAP_LEVELS + 1];
    uint64_t all[MAP_LEVELS];
    int depth = map_path(fs, n, slot), level, err;

    *key_count = 0;
    if (depth < 0)
        return -EFBIG;
    err = descend(fs, raw, slot, depth, no, &level);
    if (err || *no)
        return err;
    map_keys(fs, n, all);
    for (int i = level; i < depth; i++)
        keys[(*key_count)++] = all[i];
    return 0;
}

int map_set(struct fs *fs, struct ext2_inode *raw, uint64_t n, uint32_t no, uint32_t goal)
{
    uint32_t slot[MAP_LEVELS + 1], *place, next;
    int depth = map_path(fs, n, slot), err;
    struct block *block;

    if (depth < 0)
        return -EFBIG;
    place = &raw->i_block[slot[0]];
    for (int i = 1; i <= depth; i++) {
        next = *place;
        if (next == 0) {
            err = group_alloc_block(fs, goal, &next);
            if (!err)
                err = block_get_new(fs, next, &block);
            if (err)
                return err;
            *place = next;
            inode_add_blocks(fs, raw, 1);
        } else {
            err = check_number(fs, next);
            if (!err)
                err = block_get(fs, next, &block);
            if (!err)
                err = block_change(fs, block, slot[i] * sizeof(*place), sizeof(*place));
            if (err)
                return err;
        }
        place = (uint32_t *)block->data + slot[i];
    }
    if (*place != 0)
        return fs_corrupt(fs, "a hole has a block", *place);
    *place = no;
    inode_add_blocks(fs, raw, 1);
    return 0;
}
