/* Truncation: see truncate.h. */
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/group.h"
#include "user/fs/core/io.h"
#include "user/fs/core/map.h"
#include "user/fs/core/page.h"
#include "user/fs/core/truncate.h"
#include "user/fs/core/volume.h"

/* What one transaction frees at most, so that it stays small. */
#define STEP_BLOCKS  1024
#define STEP_CHANGES 48

struct free_step {
    uint32_t ino;
    uint64_t keep;
    /* Of this run: */
    uint32_t freed;
    bool stopped; /* there is more */
};

static bool step_full(const struct fs *fs, const struct free_step *step)
{
    return step->freed >= STEP_BLOCKS || fs->txn.undo_count >= STEP_CHANGES ||
           fs->txn.forget_count >= STEP_CHANGES;
}

static int free_one(struct fs *fs, struct free_step *step, uint32_t no, bool metadata)
{
    int err = group_free_block(fs, no);

    if (!err && metadata)
        err = txn_forget(fs, no);
    step->freed++;
    return err;
}

/* Frees what the indirect block no of this level maps at or past step->keep, and
 * the block itself if it maps nothing before: then *empty is true. start is the
 * first logical block it is for. */
static int free_tree(struct fs *fs, struct free_step *step, uint32_t no, int level, uint64_t start,
                     bool metadata, bool *empty)
{
    uint64_t span = 1ul << (fs->addr_shift * (level - 1));
    struct block *block;
    uint32_t *addr;
    int err;

    *empty = false;
    if (!group_is_data(fs, no))
        return fs_corrupt(fs, "an indirect block is out of range", no);
    err = block_get_for_change(fs, no, &block);
    if (err)
        return err;
    addr = (uint32_t *)block->data;
    for (int i = (1 << fs->addr_shift) - 1; i >= 0; i--) {
        uint64_t first = start + i * span;
        bool gone = true;

        if (first + span <= step->keep)
            return 0;
        if (addr[i] == 0)
            continue;
        if (step_full(fs, step)) {
            step->stopped = true;
            return 0;
        }
        if (level == 1)
            err = free_one(fs, step, addr[i], metadata);
        else
            err = free_tree(fs, step, addr[i], level - 1, first, metadata, &gone);
        if (err || step->stopped)
            return err;
        if (gone)
            addr[i] = 0;
    }
    if (start < step->keep)
        return 0;
    *empty = true;
    return free_one(fs, step, no, true);
}

/* One transaction's worth, from the end of the file towards its start. */
static int op_free(struct fs *fs, void *arg)
{
    struct free_step *step = arg;
    uint64_t start = EXT2_NDIR, span = 1;
    struct ext2_inode *raw;
    bool metadata;
    int err = inode_change(fs, step->ino, &raw);

    step->freed = 0;
    step->stopped = false;
    if (err || !inode_has_map(fs, raw))
        return err;
    metadata = !(inode_type(raw) == EXT2_S_IFREG);
    for (int level = 1; level <= MAP_LEVELS; level++)
        start += span <<= fs->addr_shift;
    for (int slot = EXT2_NBLOCK - 1; slot >= 0; slot--) {
        int level = slot < EXT2_NDIR ? 0 : slot - EXT2_NDIR + 1;
        bool gone = true;

        start -= level ? span : 1;
        if (level)
            span >>= fs->addr_shift;
        if (start + (level ? span << fs->addr_shift : 1) <= step->keep)
            break;
        if (raw->i_block[slot] == 0)
            continue;
        if (step_full(fs, step)) {
            step->stopped = true;
            break;
        }
        if (level)
            err = free_tree(fs, step, raw->i_block[slot], level, start, metadata, &gone);
        else
            err = free_one(fs, step, raw->i_block[slot], metadata);
        if (err)
            return err;
        if (step->stopped)
            break;
        if (gone)
            raw->i_block[slot] = 0;
    }
    if (raw->i_blocks >> (fs->block_shift - 9) < step->freed)
        return fs_corrupt(fs, "block count of inode", step->ino);
    inode_add_blocks(fs, raw, -(int64_t)step->freed);
    return 0;
}

static void lock_mark(struct fs *fs, struct inode *inode)
{
    while (inode->truncating)
        fs_wait(fs);
    inode->truncating = true;
}

static void unlock_mark(struct fs *fs, struct inode *inode)
{
    inode->truncating = false;
    fs_wake(fs);
}

static int free_marked(struct fs *fs, struct inode *inode, uint64_t keep)
{
    struct free_step step = {.ino = inode->ino, .keep = keep};
    int err;

    inode->goal = 0;
    do {
        err = txn_run(fs, op_free, &step);
    } while (!err && step.stopped);
    return err;
}

int truncate_free(struct fs *fs, struct inode *inode, uint64_t keep)
{
    uint64_t pages = ((keep << fs->block_shift) + FS_PAGE - 1) / FS_PAGE;
    int err;

    lock_mark(fs, inode);
    io_cut(fs, inode->ino, keep << fs->block_shift);
    reserve_cut(fs, inode, pages);
    err = free_marked(fs, inode, keep);
    unlock_mark(fs, inode);
    return err;
}

/* -------------------------------------------------------------- a new size */

struct size_args {
    uint32_t ino;
    uint64_t size;
    bool shrinks;
    uint64_t key;
    /* For the last block: */
    struct io *io;
};

static int op_set_size(struct fs *fs, void *arg)
{
    struct size_args *a = arg;
    uint64_t now = fs_now(fs);
    struct ext2_inode *raw;
    int err = inode_change(fs, a->ino, &raw);

    if (err)
        return err;
    if (inode_type(raw) != EXT2_S_IFREG)
        return inode_is_dir(raw) ? -EISDIR : -EINVAL;
    a->key = inode_key(a->ino, raw);
    a->shrinks = a->size < inode_size(raw);
    err = inode_set_size(fs, raw, a->size);
    if (err)
        return err;
    inode_set_time(fs, raw, TIME_MODIFY, now);
    inode_set_time(fs, raw, TIME_CHANGE, now);
    /* Last, for it cannot be undone. */
    err = fs->hooks->object_resize(fs->context, a->key, a->size);
    return err == -ENOENT ? 0 : err;
}

/* Finds the block that the new end of the file lies in, and announces a write. */
static int op_find_last(struct fs *fs, void *arg)
{
    struct size_args *a = arg;
    struct ext2_inode *raw;
    uint32_t no;
    int err = inode_get(fs, a->ino, &raw);

    if (!err)
        err = map_get(fs, raw, a->size >> fs->block_shift, &no);
    if (err)
        return err;
    if (no != 0 && io_writing(fs, a->io, no))
        return txn_wait_peer(fs);
    a->io->block[0] = no;
    a->io->count = no != 0;
    return 0;
}

/* What lies in the last block behind the end must be zero on the disk, or it
 * would come to light when the file grows. */
static int clear_tail(struct fs *fs, struct size_args *args)
{
    uint32_t from = args->size & (fs->block_size - 1);
    uint8_t *data;
    struct io io;
    int err;

    if (from == 0)
        return 0;
    data = malloc(fs->block_size);
    if (data == NULL)
        return -ENOMEM;
    args->io = &io;
    io_begin(fs, &io, args->ino, 1, 0);
    err = txn_run(fs, op_find_last, args);
    if (!err && io.count) {
        io.writing = true;
        io.claimed[0] = false;
        err = io_read(fs, io.block[0], 1, data);
        if (!err) {
            memset(data + from, 0, fs->block_size - from);
            err = io_write(fs, io.block[0], 1, data);
        }
    }
    io_end(fs, &io);
    free(data);
    return err;
}

int truncate_to(struct fs *fs, struct inode *inode, uint64_t size)
{
    uint64_t pages = size / FS_PAGE + (size % FS_PAGE != 0);
    struct size_args args = {.ino = inode->ino, .size = size};
    struct fs_node node;
    bool last_reserved;
    int err;

    if (fs->readonly)
        return -EROFS;
    if (size > fs->max_size)
        return -EFBIG;
    err = fs_node(fs, inode->ino, &node);
    if (!err && (node.mode & EXT2_S_IFMT) == EXT2_S_IFREG)
        err = page_reserve_last(fs, node.key, size);
    if (err)
        return err;
    lock_mark(fs, inode);
    err = txn_run(fs, op_set_size, &args);
    if (err) {
        unlock_mark(fs, inode);
        return err;
    }
    io_cut(fs, inode->ino, size);
    last_reserved = size % FS_PAGE && reserve_has(inode, size / FS_PAGE);
    reserve_cut(fs, inode, last_reserved ? pages - 1 : pages);
    if (args.shrinks) {
        err = free_marked(fs, inode, (size + fs->block_size - 1) >> fs->block_shift);
        if (!err)
            err = clear_tail(fs, &args);
    }
    unlock_mark(fs, inode);
    /* The last page may lack more blocks now than when it was reserved. */
    if (!err && last_reserved && fs_reserve(fs, args.key, size / FS_PAGE, 1, size) < 0)
        fs_log(fs, "no space to keep what was reserved: inode", inode->ino);
    return err;
}
