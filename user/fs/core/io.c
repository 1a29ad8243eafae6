/* The device and the list of data transfers: see io.h. */
#include <assert.h>
#include "user/fs/core/io.h"
#include "user/fs/core/volume.h"

static uint64_t sector_of(const struct fs *fs, uint32_t no)
{
    return (uint64_t)no << (fs->block_shift - 9);
}

static int device_read(struct fs *fs, uint64_t sector, unsigned count, void *buffer)
{
    int err;

    assert(!fs->txn.open);
    fs->stats.device_reads++;
    fs->hooks->unlock(fs->context);
    err = fs->hooks->read(fs->context, sector, count, buffer);
    fs->hooks->lock(fs->context);
    return err ? -EIO : 0;
}

static int device_write(struct fs *fs, uint64_t sector, unsigned count, const void *buffer)
{
    int err;

    assert(!fs->txn.open);
    fs->stats.device_writes++;
    fs->hooks->unlock(fs->context);
    err = fs->hooks->write(fs->context, sector, count, buffer);
    fs->hooks->lock(fs->context);
    return err ? -EIO : 0;
}

int io_read(struct fs *fs, uint32_t no, uint32_t count, void *buffer)
{
    return device_read(fs, sector_of(fs, no), count << (fs->block_shift - 9), buffer);
}

int io_write(struct fs *fs, uint32_t no, uint32_t count, const void *buffer)
{
    return device_write(fs, sector_of(fs, no), count << (fs->block_shift - 9), buffer);
}

int io_super_read(struct fs *fs, uint64_t sector, void *buffer)
{
    return device_read(fs, sector, 2, buffer);
}

int io_super_write(struct fs *fs, const void *buffer)
{
    return device_write(fs, EXT2_SUPER_SECTOR, 2, buffer);
}

int io_flush(struct fs *fs)
{
    int err;

    assert(!fs->txn.open);
    fs->hooks->unlock(fs->context);
    err = fs->hooks->flush(fs->context);
    fs->hooks->lock(fs->context);
    return err ? -EIO : 0;
}

void io_begin(struct fs *fs, struct io *io, uint32_t ino, uint64_t first, uint64_t last)
{
    io->ino = ino;
    io->first = first;
    io->last = last;
    io->again = false;
    io->writing = false;
    io->cut = UINT64_MAX;
    io->count = 0;
    link_insert(&fs->ios, &io->link);
}

void io_end(struct fs *fs, struct io *io)
{
    link_remove(&io->link);
    fs_wake(fs);
}

bool io_names(const struct io *io, uint32_t no)
{
    for (uint32_t i = 0; i < io->count; i++)
        if (io->block[i] == no)
            return true;
    return false;
}

bool io_busy(const struct fs *fs, const struct io *io, uint32_t no)
{
    for (const struct link *l = fs->ios.next; l != &fs->ios; l = l->next) {
        const struct io *other = LINK_OWNER(l, struct io, link);

        if (other != io && io_names(other, no))
            return true;
    }
    return false;
}

bool io_writing(const struct fs *fs, const struct io *io, uint32_t no)
{
    for (const struct link *l = fs->ios.next; l != &fs->ios; l = l->next) {
        const struct io *other = LINK_OWNER(l, struct io, link);

        if (other != io && other->writing && io_names(other, no))
            return true;
    }
    return false;
}

bool io_under_way(const struct fs *fs, uint32_t ino)
{
    for (const struct link *l = fs->ios.next; l != &fs->ios; l = l->next)
        if (LINK_OWNER(l, struct io, link)->ino == ino)
            return true;
    return false;
}

void io_cut(struct fs *fs, uint32_t ino, uint64_t size)
{
    for (struct link *l = fs->ios.next; l != &fs->ios; l = l->next) {
        struct io *io = LINK_OWNER(l, struct io, link);

        if (io->ino == ino && io->cut > size)
            io->cut = size;
    }
}

void io_mark_again(struct fs *fs, uint32_t ino, uint64_t page)
{
    for (struct link *l = fs->ios.next; l != &fs->ios; l = l->next) {
        struct io *io = LINK_OWNER(l, struct io, link);

        if (io->ino == ino && io->first <= page && page <= io->last)
            io->again = true;
    }
}
