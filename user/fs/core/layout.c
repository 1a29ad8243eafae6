/*
 * What a volume must be like: its superblock, or else a copy of it, and its groups' descriptors
 * (layout.h).
 */
#include <stdlib.h>
#include "user/fs/core/io.h"
#include "user/fs/core/layout.h"
#include "user/fs/core/volume.h"

#define INCOMPAT_KNOWN (EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_RECOVER)
#define RO_COMPAT_KNOWN                                                                            \
    (EXT2_RO_COMPAT_SPARSE_SUPER | EXT2_RO_COMPAT_LARGE_FILE | EXT2_RO_COMPAT_BTREE_DIR)

static int reject(struct fs *fs, const char *why, uint64_t number)
{
    fs_log(fs, why, number);
    return -EINVAL;
}

static int check_features(struct fs *fs)
{
    const struct ext2_super *super = &fs->super;
    uint32_t unknown;

    if (super->s_rev_level == 0)
        return 0;
    unknown = super->s_feature_incompat & ~INCOMPAT_KNOWN;
    if (unknown) {
        fs_log(fs, "cannot mount: unknown incompatible features (bits)", unknown);
        return -EOPNOTSUPP;
    }
    unknown = super->s_feature_ro_compat & ~RO_COMPAT_KNOWN;
    if (unknown) {
        fs_log(fs, "unknown features, mounted read-only (bits)", unknown);
        fs->readonly = true;
    }
    fs->filetype = super->s_feature_incompat & EXT2_INCOMPAT_FILETYPE;
    fs->sparse_super = super->s_feature_ro_compat & EXT2_RO_COMPAT_SPARSE_SUPER;
    return 0;
}

/* Takes the geometry over, as far as it makes sense. */
static int check_geometry(struct fs *fs)
{
    const struct ext2_super *super = &fs->super;
    uint32_t bits;

    if (super->s_log_block_size > 2)
        return reject(fs, "cannot mount: block size 1024 <<", super->s_log_block_size);
    fs->block_shift = 10 + super->s_log_block_size;
    fs->block_size = 1u << fs->block_shift;
    fs->addr_shift = fs->block_shift - 2;
    bits = fs->block_size * 8;
    fs->blocks = super->s_blocks_count;
    fs->first_block = super->s_first_data_block;
    fs->blocks_per_group = super->s_blocks_per_group;
    fs->inodes = super->s_inodes_count;
    fs->inodes_per_group = super->s_inodes_per_group;
    fs->inode_size = fs->rev1 ? super->s_inode_size : EXT2_INODE_SIZE_REV0;
    fs->first_ino = fs->rev1 ? super->s_first_ino : EXT2_FIRST_INO_REV0;
    if (fs->first_block != (fs->block_size == 1024) || fs->blocks <= fs->first_block + 1)
        return reject(fs, "cannot mount: first data block", fs->first_block);
    if (((uint64_t)fs->blocks << fs->block_shift) / FS_SECTOR > fs->params.sectors)
        return reject(fs, "cannot mount: larger than its device, blocks", fs->blocks);
    if (fs->blocks_per_group < 8 || fs->blocks_per_group > bits || fs->blocks_per_group % 8)
        return reject(fs, "cannot mount: blocks per group", fs->blocks_per_group);
    if (fs->inodes_per_group < 8 || fs->inodes_per_group > bits || fs->inodes_per_group % 8)
        return reject(fs, "cannot mount: inodes per group", fs->inodes_per_group);
    if (fs->inode_size < 128 || fs->inode_size > fs->block_size ||
        (fs->inode_size & (fs->inode_size - 1)))
        return reject(fs, "cannot mount: inode size", fs->inode_size);
    fs->groups = (fs->blocks - fs->first_block - 1) / fs->blocks_per_group + 1;
    if (fs->inodes != (uint64_t)fs->groups * fs->inodes_per_group ||
        fs->first_ino < EXT2_FIRST_INO_REV0 || fs->first_ino > fs->inodes_per_group)
        return reject(fs, "cannot mount: inodes", fs->inodes);
    fs->inode_table_blocks =
        ((uint64_t)fs->inodes_per_group * fs->inode_size + fs->block_size - 1) >> fs->block_shift;
    fs->gdt_block = fs->first_block + 1;
    fs->gdt_blocks =
        ((uint64_t)fs->groups * sizeof(struct ext2_group) + fs->block_size - 1) >> fs->block_shift;
    if (fs->gdt_blocks >= fs->blocks_per_group || fs->inode_table_blocks >= fs->blocks_per_group ||
        fs->gdt_block >= fs->blocks)
        return reject(fs, "cannot mount: groups", fs->groups);
    return 0;
}

static bool in_group(const struct fs *fs, uint32_t group, uint32_t no, uint32_t count)
{
    uint64_t start = fs->first_block + (uint64_t)group * fs->blocks_per_group;
    uint64_t end = start + fs->blocks_per_group;

    return no >= start && no >= fs->gdt_block + (group ? 0 : fs->gdt_blocks) &&
           (uint64_t)no + count <= (end < fs->blocks ? end : fs->blocks);
}

static int check_group(struct fs *fs, uint32_t g, const struct ext2_group *raw)
{
    struct group *group = &fs->group[g];

    if (!in_group(fs, g, raw->bg_block_bitmap, 1) || !in_group(fs, g, raw->bg_inode_bitmap, 1) ||
        !in_group(fs, g, raw->bg_inode_table, fs->inode_table_blocks) ||
        raw->bg_block_bitmap == raw->bg_inode_bitmap ||
        raw->bg_block_bitmap - raw->bg_inode_table < fs->inode_table_blocks ||
        raw->bg_inode_bitmap - raw->bg_inode_table < fs->inode_table_blocks)
        return reject(fs, "cannot mount: descriptor of group", g);
    group->block_bitmap = raw->bg_block_bitmap;
    group->inode_bitmap = raw->bg_inode_bitmap;
    group->inode_table = raw->bg_inode_table;
    fs->free_blocks += raw->bg_free_blocks_count;
    fs->free_inodes += raw->bg_free_inodes_count;
    return 0;
}

/* From the descriptors that begin in that block. */
static int read_groups(struct fs *fs, uint32_t first)
{
    uint32_t per_block = fs->block_size / sizeof(struct ext2_group);
    struct ext2_group *raw = malloc(fs->block_size);
    int err = 0;

    fs->group = calloc(fs->groups, sizeof(struct group));
    if (!raw || !fs->group)
        err = -ENOMEM;
    for (uint32_t g = 0; g < fs->groups && !err; g++) {
        if (g % per_block == 0)
            err = io_read(fs, first + g / per_block, 1, raw);
        if (!err)
            err = check_group(fs, g, &raw[g % per_block]);
    }
    free(raw);
    return err;
}

/* The largest file: what three levels of indirect blocks map, and what i_blocks
 * can count, whichever is less. */
static uint64_t largest_file(const struct fs *fs)
{
    uint64_t addrs = 1u << fs->addr_shift;
    uint64_t mapped = EXT2_NDIR + addrs + addrs * addrs + addrs * addrs * addrs;
    uint64_t counted = (((uint64_t)1 << 32) - 1) >> (fs->block_shift - 9);

    /* The indirect blocks count too: at most one in addrs/2, generously. */
    counted -= counted / (addrs / 2) + 4;
    return (mapped < counted ? mapped : counted) << fs->block_shift;
}

/* Does the superblock that was read there say itself that it is a copy, in that place? */
static bool is_copy(const struct fs *fs, uint64_t sector)
{
    uint64_t group = fs->super.s_block_group_nr;
    uint64_t block = fs->first_block + group * fs->blocks_per_group;

    return fs->rev1 && group > 0 && sector == block << (fs->block_shift - 9);
}

/* Reads what tells how the volume is made up: the superblock at that sector, and the
 * descriptors of the groups behind it. */
static int read_layout_at(struct fs *fs, uint64_t sector)
{
    uint64_t block;
    int err = io_super_read(fs, sector, &fs->super);

    free(fs->group);
    fs->group = NULL;
    fs->free_blocks = fs->free_inodes = 0;
    if (err)
        return err;
    if (fs->super.s_magic != EXT2_SUPER_MAGIC)
        return sector != EXT2_SUPER_SECTOR
                   ? -EINVAL
                   : reject(fs, "cannot mount: no ext2 volume, magic", fs->super.s_magic);
    if (fs->super.s_rev_level > 1)
        return reject(fs, "cannot mount: revision", fs->super.s_rev_level);
    fs->rev1 = fs->super.s_rev_level == 1;
    err = check_features(fs);
    if (!err)
        err = check_geometry(fs);
    if (err)
        return err;
    block = sector >> (fs->block_shift - 9);
    if (sector != EXT2_SUPER_SECTOR && !is_copy(fs, sector))
        return -EINVAL; /* it is that of a volume in a file, say */
    return read_groups(fs, block + 1);
}

/* The superblock is nonsense. Some groups begin with a copy of it, as the volume was when
 * it was made: with groups of usual size, one block of bits full, or a half of it, and so
 * on. What has changed since then is not known, so nothing is written. -EINVAL: there is none that
 * will do. */
static int read_copy(struct fs *fs)
{
    for (unsigned shift = 10; shift <= 12; shift++)
        for (unsigned halved = 0; halved < 4; halved++)
            for (unsigned group = 1; group <= 3; group += 2) {
                uint64_t block = (shift == 10) + group * ((8ull << shift) >> halved);
                uint64_t sector = block << (shift - 9);
                int err = sector + 2 > fs->params.sectors ? -EINVAL : read_layout_at(fs, sector);

                if (err == -EINVAL || err == -EOPNOTSUPP)
                    continue;
                if (err) /* which may pass */
                    return err;
                fs_log(fs, "mounted read-only by the copy of the superblock in block",
                       sector >> (fs->block_shift - 9));
                fs->super.s_state = EXT2_STATE_VALID; /* of which a copy knows nothing */
                fs->readonly = true;
                return 0;
            }
    return -EINVAL;
}

/* Did an instance before this one mount the volume, or is the ring that would tell spoiled? Then
 * features that cannot be mounted are nonsense, too. */
static bool may_be_nonsense(const struct fs *fs)
{
    return fs->redo.head != NULL && (fs->redo.head->mounted || fs->redo.head->broken);
}

int layout_read(struct fs *fs)
{
    int err = read_layout_at(fs, EXT2_SUPER_SECTOR), copy;

    if (err == -EINVAL || (err == -EOPNOTSUPP && may_be_nonsense(fs))) {
        copy = read_copy(fs);
        err = copy == -EINVAL ? err : copy;
    }
    if (!err)
        fs->max_size = largest_file(fs);
    return err;
}
