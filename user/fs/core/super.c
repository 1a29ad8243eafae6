/*
 * The superblock, its word on whether the volume is clean, and what is said when the
 * volume is not as it should be.
 *
 * The superblock on the disk says "clean" (EXT2_STATE_VALID) from the end of a
 * sync that left nothing dirty until the first metadata write after it, so that
 * after a crash, and only then, e2fsck looks at the volume. The totals in it are
 * brought up to date at each sync; in between, those in struct fs count.
 *
 * With a journal it says in the same way that the log has nothing in it (that is,
 * EXT2_INCOMPAT_RECOVER is not set), and EXT2_STATE_VALID stays as it was. Changes to it
 * that must go with others, as to the list of orphans, pass through the log; fs->super
 * has what was committed.
 */
#include <stdio.h>
#include "user/fs/core/io.h"
#include "user/fs/core/volume.h"

void fs_log(struct fs *fs, const char *what, uint64_t number)
{
    char line[160];

    snprintf(line, sizeof(line), "%s: %lu", what, (unsigned long)number);
    fs->hooks->log(fs->context, line);
}

int fs_corrupt(struct fs *fs, const char *what, uint64_t where)
{
    if (!fs->error)
        fs_log(fs, fs->readonly ? "volume is corrupt" : "volume is corrupt, now read-only", 0);
    fs_log(fs, what, where);
    fs->error = true;
    fs->readonly = true;
    if (fs->redo.head != NULL)
        fs->redo.head->broken = true; /* for the next instance, too */
    return -EIO;
}

void fs_write_failed(struct fs *fs, uint32_t no)
{
    if (!fs->readonly)
        fs_log(fs, "write error, now read-only: block", no);
    fs->readonly = true;
}

bool fs_readonly(const struct fs *fs)
{
    return fs->readonly;
}

const struct fs_stats *fs_stats(const struct fs *fs)
{
    return &fs->stats;
}

/* Brings totals, time and the mark of an error up to date. */
static void super_update(struct fs *fs)
{
    uint64_t now = fs_now(fs) / 1000000000u;

    fs->super.s_free_blocks_count = fs->free_blocks;
    fs->super.s_free_inodes_count = fs->free_inodes;
    if (fs->error)
        fs->super.s_state |= EXT2_STATE_ERROR;
    if (now > fs->super.s_wtime)
        fs->super.s_wtime = now;
}

/* Write the superblock as it should be now. super_busy is ours. */
static int super_write(struct fs *fs, bool clean)
{
    struct ext2_super copy;

    super_update(fs);
    if (fs->journal != NULL) {
        fs->super.s_feature_incompat &= ~EXT2_INCOMPAT_RECOVER;
        if (!clean)
            fs->super.s_feature_incompat |= EXT2_INCOMPAT_RECOVER;
    } else {
        fs->super.s_state &= ~EXT2_STATE_VALID;
        if (clean)
            fs->super.s_state |= EXT2_STATE_VALID;
    }
    copy = fs->super;
    return io_super_write(fs, &copy);
}

/* Whether nothing of what was changed is missing on the disk. */
static bool all_stored(const struct fs *fs)
{
    const struct journal *journal = fs->journal;

    if (fs->orphans > 0 || fs->cache.dirty > 0 || fs->cache.write_busy)
        return false;
    if (journal == NULL)
        return fs->was_valid && !fs->error;
    return journal->empty && !journal->super_busy && !journal->commit_busy && !journal->aborted &&
           !journal_dirty(fs) && link_alone(&fs->orphan_list);
}

int super_unclean(struct fs *fs)
{
    int err;

    while (fs->super_busy)
        fs_wait(fs);
    if (!fs->clean)
        return 0;
    fs->super_busy = true;
    err = super_write(fs, false);
    if (!err)
        fs->clean = false;
    fs->super_busy = false;
    fs_wake(fs);
    return err;
}

int super_sync(struct fs *fs)
{
    bool clean;
    int err;

    while (fs->super_busy)
        fs_wait(fs);
    if (fs->frozen || (fs->clean && !fs->error))
        return 0;
    clean = all_stored(fs);
    fs->super_busy = true;
    fs->clean = clean; /* already now, so that a new change waits and unsets it */
    err = super_write(fs, clean);
    if (err)
        fs->clean = false;
    fs->super_busy = false;
    fs_wake(fs);
    return err;
}

int super_store(struct fs *fs)
{
    int err;

    while (fs->super_busy)
        fs_wait(fs);
    fs->super_busy = true;
    err = super_write(fs, fs->clean);
    fs->super_busy = false;
    fs_wake(fs);
    return err;
}

uint32_t super_block(const struct fs *fs)
{
    return fs->first_block;
}

/* Where the superblock is in its block. */
static size_t super_offset(const struct fs *fs)
{
    return EXT2_SUPER_SECTOR * FS_SECTOR - ((size_t)fs->first_block << fs->block_shift);
}

void super_image(struct fs *fs, uint8_t *image)
{
    struct ext2_super *copy = (struct ext2_super *)(image + super_offset(fs));

    super_update(fs);
    *copy = fs->super;
    copy->s_last_orphan = fs->last_orphan;
}

void super_committed(struct fs *fs, const uint8_t *image)
{
    fs->super.s_last_orphan =
        ((const struct ext2_super *)(image + super_offset(fs)))->s_last_orphan;
}

bool super_allow_large(struct fs *fs)
{
    if (!fs->rev1)
        return false;
    if (!(fs->super.s_feature_ro_compat & EXT2_RO_COMPAT_LARGE_FILE))
        journal_add_super(fs);
    fs->super.s_feature_ro_compat |= EXT2_RO_COMPAT_LARGE_FILE;
    return true;
}
