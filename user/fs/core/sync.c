/* Durability: fsync, sync, and the write-back that a timer drives. */
#include "user/fs/core/io.h"
#include "user/fs/core/volume.h"

/* Tries to leave nothing dirty: others may go on changing things meanwhile, and
 * those changes are not ours to wait for. */
#define SYNC_ROUNDS 3

int fs_fsync(struct fs *fs, uint32_t ino)
{
    int err, flush_err;

    if (ino == 0 || ino > fs->inodes)
        return -EINVAL;
    /* One inode's metadata are spread over blocks that it shares with others;
     * the cache is small, so all of it goes. */
    err = cache_write_back(fs);
    flush_err = io_flush(fs);
    return err ? err : flush_err;
}

int fs_sync(struct fs *fs)
{
    int err = 0;

    inode_reap(fs);
    inode_release_reserved(fs);
    for (int round = 0; round < SYNC_ROUNDS && !err; round++) {
        err = cache_write_back(fs);
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
    return cache_write_back(fs);
}

bool fs_dirty(const struct fs *fs)
{
    return fs->cache.dirty > 0 || fs->orphans > 0 || fs->reserved > 0;
}
