/* Durability: fsync, sync, and the write-back that a timer drives. */
#include "user/fs/core/io.h"
#include "user/fs/core/volume.h"

/* Tries to leave nothing dirty: others may go on changing things meanwhile, and
 * those changes are not ours to wait for. */
#define SYNC_ROUNDS 3

int fs_fsync(struct fs *fs, uint32_t ino)
{
    bool flushed = journal_dirty(fs);
    int err, flush_err = 0;

    if (ino == 0 || ino > fs->inodes)
        return -EINVAL;
    /* One inode's metadata are spread over blocks that it shares with others, so that
     * all that was changed goes. */
    err = fs->journal != NULL ? journal_commit(fs) : cache_write_back(fs);
    if (!flushed)
        flush_err = io_flush(fs);
    return err ? err : flush_err;
}

/* Writes everything to where it belongs. */
static int write_all(struct fs *fs)
{
    int err;

    if (fs->journal == NULL)
        return cache_write_back(fs);
    err = journal_commit(fs);
    return err ? err : journal_checkpoint(fs);
}

int fs_sync(struct fs *fs)
{
    int err = 0;

    inode_reap(fs);
    inode_release_reserved(fs);
    for (int round = 0; round < SYNC_ROUNDS && !err; round++) {
        err = write_all(fs);
        if (fs->cache.dirty == 0)
            break;
    }
    if (!err)
        err = io_flush(fs);
    if (!err)
        err = super_sync(fs);
    return err ? err : io_flush(fs);
}

int fs_write_back(struct fs *fs)
{
    inode_reap(fs);
    inode_release_reserved(fs);
    return fs->journal != NULL ? journal_commit(fs) : cache_write_back(fs);
}

bool fs_dirty(const struct fs *fs)
{
    bool dirty = fs->journal != NULL ? journal_dirty(fs) : fs->cache.dirty > 0;

    return dirty || fs->orphans > 0 || fs->reserved > 0;
}
