/* Pages of files: in and out. See fs.h. */
#include <string.h>
#include "user/fs/core/group.h"
#include "user/fs/core/io.h"
#include "user/fs/core/map.h"
#include "user/fs/core/page.h"

struct page_args {
    uint64_t key;
    uint64_t first; /* block of the file */
    unsigned count; /* blocks */
    uint64_t size;  /* the file's; op_page_in: on the disk; op_commit: what counts */
    uint64_t cuts;  /* the object's, when it had that size */
    uint64_t limit; /* of the file: what lies behind is sent to the disk as zeros */
    struct inode *inode;
    struct io *io;
};

/* Checks the arguments and holds the inode. */
static int page_begin(struct fs *fs, uint64_t key, uint64_t first, unsigned count,
                      struct page_args *args, struct io *io)
{
    struct inode *inode;
    int err;

    if (count == 0 || count > FS_PAGES_MAX || first > fs->max_size / FS_PAGE)
        return -EINVAL;
    err = page_hold(fs, key, &inode);
    if (err)
        return err;
    *args = (struct page_args){
        .key = key,
        .first = first * page_blocks(fs),
        .count = count * page_blocks(fs),
        .inode = inode,
        .io = io,
    };
    io_begin(fs, io, key, first, first + count - 1);
    return 0;
}

static void page_end(struct fs *fs, struct page_args *args)
{
    io_end(fs, args->io);
    inode_put(fs, args->inode);
}

/* Blocks from i on that lie one behind the other on the disk. */
static unsigned run_length(const struct io *io, unsigned i)
{
    unsigned n = 1;

    while (i + n < io->count && io->block[i + n] == io->block[i] + n)
        n++;
    return n;
}

static int op_page_in(struct fs *fs, void *arg)
{
    struct page_args *a = arg;
    struct ext2_inode *raw;
    int err;

    a->io->count = 0;
    err = page_record(fs, a->key, false, &raw);
    if (err)
        return err;
    a->size = inode_size(raw);
    for (unsigned i = 0; i < a->count && !err; i++)
        err = map_get(fs, raw, a->first + i, &a->io->block[i]);
    if (!err)
        a->io->count = a->count;
    return err;
}

static int read_blocks(struct fs *fs, const struct io *io, uint8_t *buffer)
{
    for (unsigned i = 0, n; i < io->count; i += n) {
        uint8_t *place = buffer + ((size_t)i << fs->block_shift);
        int err = 0;

        n = 1;
        if (io->block[i] == 0) {
            memset(place, 0, fs->block_size);
        } else {
            n = run_length(io, i);
            err = io_read(fs, io->block[i], n, place);
        }
        if (err)
            return err;
    }
    return 0;
}

int fs_page_in(struct fs *fs, uint64_t key, uint64_t first, unsigned count, void *buffer,
               uint64_t *holes)
{
    uint64_t start = first * FS_PAGE, bytes = (uint64_t)count * FS_PAGE, end;
    struct page_args args;
    struct io io;
    int err = page_begin(fs, key, first, count, &args, &io);

    if (err)
        return err;
    err = txn_run(fs, op_page_in, &args);
    if (!err)
        err = read_blocks(fs, &io, buffer);
    if (!err) {
        /* Behind the end of the file there is nothing, whatever the disk says. */
        end = io.cut < args.size ? io.cut : args.size;
        if (end < start)
            end = start;
        if (end - start < bytes) {
            memset((uint8_t *)buffer + (end - start), 0, bytes - (end - start));
            bytes = end - start;
        }
        *holes = 0;
        for (unsigned i = 0; i < io.count; i++)
            if (io.block[i] == 0)
                *holes |= 1ul << i / page_blocks(fs);
    }
    page_end(fs, &args);
    return err ? err : (int)bytes;
}

/* ------------------------------------------------------------------- write */

/* Finds blocks for the holes among those listed, and claims them. */
static int claim_blocks(struct fs *fs, struct page_args *a)
{
    struct io *io = a->io;
    uint32_t goal = a->inode->goal ? a->inode->goal : group_goal(fs, a->key);

    for (unsigned i = 0; i < io->count;) {
        unsigned want = 0;
        uint32_t first, got;
        int err;

        while (i + want < io->count && io->block[i + want] == 0)
            want++;
        if (want == 0) {
            goal = io->block[i++] + 1;
            continue;
        }
        err = group_find_blocks(fs, goal, want, &first, &got);
        if (err)
            return err;
        for (uint32_t j = 0; j < got; j++, i++) {
            io->block[i] = first + j;
            io->claimed[i] = true;
        }
        goal = first + got;
    }
    return 0;
}

/* Finds where the pages go; changes nothing. */
static int plan(struct fs *fs, struct page_args *a)
{
    struct ext2_inode *raw;
    struct io *io = a->io;
    uint64_t end;
    uint32_t previous = 0;
    int err = page_record(fs, a->key, false, &raw);

    if (err)
        return err;
    if (a->inode->truncating)
        return txn_wait_peer(fs);
    /* Before this transfer was on the list of those that a truncation tells. */
    if (page_overtaken(fs, a->key, a->cuts))
        return -EAGAIN;
    a->limit = a->size;
    end = (a->limit + fs->block_size - 1) >> fs->block_shift;
    for (unsigned i = 0; i < a->count && a->first + i < end; i++) {
        err = map_get(fs, raw, a->first + i, &io->block[i]);
        if (err)
            return err;
        if (io->block[i] && io_writing(fs, io, io->block[i]))
            return txn_wait_peer(fs);
        io->claimed[i] = false;
        io->count = i + 1;
    }
    if (a->first > 0 && io->count > 0 && io->block[0] == 0) {
        err = map_get(fs, raw, a->first - 1, &previous);
        if (err)
            return err;
        if (previous)
            a->inode->goal = previous + 1;
    }
    return claim_blocks(fs, a);
}

static int op_plan(struct fs *fs, void *arg)
{
    struct page_args *a = arg;
    int err;

    a->io->count = 0;
    fs->txn.io = a->io;
    err = plan(fs, a);
    if (err)
        a->io->count = 0; /* gives up what was claimed */
    return err;
}

static int write_blocks(struct fs *fs, const struct io *io, const uint8_t *data)
{
    for (unsigned i = 0, n; i < io->count; i += n) {
        int err;

        n = run_length(io, i);
        err = io_write(fs, io->block[i], n, data + ((size_t)i << fs->block_shift));
        if (err)
            return err;
    }
    return 0;
}

static int commit_block(struct fs *fs, struct page_args *a, struct ext2_inode *raw, unsigned i)
{
    uint32_t no;
    int err = map_get(fs, raw, a->first + i, &no);

    if (err)
        return err;
    if (!a->io->claimed[i])
        return no == a->io->block[i] ? 0 : -EIO;
    if (no != 0)
        return -EIO; /* two writers of one page: not the kernel */
    err = group_take_block(fs, a->io->block[i]);
    if (!err)
        err = map_set(fs, raw, a->first + i, a->io->block[i], a->io->block[i] + 1);
    return err;
}

static void set_written_time(struct fs *fs, struct page_args *a, struct ext2_inode *raw)
{
    struct fs_object object;
    uint64_t when = fs_now(fs);

    if (inode_object(fs, (uint32_t)a->key, raw, &object)) {
        when = inode_modified(fs, raw, &object);
        if (when == inode_time(fs, raw, TIME_MODIFY))
            return;
    }
    inode_set_time(fs, raw, TIME_MODIFY, when);
    inode_set_time(fs, raw, TIME_CHANGE, when);
}

/* Whether the file was cut within one of the blocks. The truncation may not have cleared
 * its end: a new block is not the file's yet, and of an old one more may have been
 * written than the file had. */
static bool cut_within(const struct fs *fs, const struct page_args *a, uint64_t limit)
{
    uint64_t i = (limit >> fs->block_shift) - a->first;

    return limit < a->limit && limit & (fs->block_size - 1) && i < a->io->count;
}

/* The data are on the disk: now the file may show them. 1: they must be written
 * again, the file having become shorter. */
static int op_commit(struct fs *fs, void *arg)
{
    struct page_args *a = arg;
    uint64_t limit = a->io->cut < a->size ? a->io->cut : a->size;
    struct ext2_inode *raw;
    int err;

    if (a->inode->truncating)
        return txn_wait_peer(fs);
    if (cut_within(fs, a, limit)) {
        a->limit = limit;
        return 1;
    }
    err = page_record(fs, a->key, true, &raw);
    if (err)
        return err;
    fs->txn.io = a->io;
    fs->txn.own_reserved = a->inode->reservation.total;
    for (unsigned i = 0; i < a->io->count; i++) {
        if ((a->first + i) << fs->block_shift >= limit)
            break;
        err = commit_block(fs, a, raw, i);
        if (err)
            return err;
    }
    set_written_time(fs, a, raw);
    a->size = limit;
    return limit > inode_size(raw) ? inode_set_size(fs, raw, limit) : 0;
}

/* What was reserved for the pages that are stored now is not needed any more. */
static void settle(struct fs *fs, const struct page_args *a)
{
    const struct io *io = a->io;

    for (unsigned i = 0; i < io->count; i++) {
        uint64_t n = a->first + i, keys[MAP_LEVELS];
        unsigned count;

        if (n << fs->block_shift >= a->size)
            break;
        a->inode->goal = io->block[i] + 1;
        if (i % page_blocks(fs) == 0)
            reserve_remove(fs, a->inode, n / page_blocks(fs), n / page_blocks(fs));
        if (!io->claimed[i])
            continue;
        count = map_keys(fs, n, keys);
        while (count > 0)
            reserve_remove_key(fs, a->inode, keys[--count]);
    }
}

/* Sets to zero what lies behind the end of the file in its last block. */
static void clear_behind(const struct fs *fs, const struct page_args *a, uint8_t *data)
{
    uint64_t start = a->first << fs->block_shift;
    uint64_t bytes = (uint64_t)a->count << fs->block_shift;
    uint64_t used = a->limit > start ? a->limit - start : 0;

    if (used < bytes)
        memset(data + used, 0, bytes - used);
}

static int store(struct fs *fs, struct page_args *args, uint8_t *data)
{
    int err = txn_run(fs, op_plan, args);

    if (err)
        return err;
    do {
        clear_behind(fs, args, data);
        args->io->writing = true;
        err = write_blocks(fs, args->io, data);
        args->io->writing = false;
        fs_wake(fs);
        if (err)
            return err;
        err = txn_run(fs, op_commit, args);
    } while (err > 0);
    if (!err)
        settle(fs, args);
    return err;
}

int fs_page_out(struct fs *fs, uint64_t key, uint64_t first, unsigned count, uint64_t size,
                uint64_t cuts, void *data, size_t len)
{
    struct page_args args;
    struct io io;
    int err = fs_writable(fs);

    if (!err && (count > FS_PAGES_MAX || len > (size_t)count * FS_PAGE))
        err = -EINVAL;
    if (!err)
        err = page_check_range(fs, first, count, size);
    /* What was not reserved, as after a restart, is so now or fails now. */
    if (!err)
        err = page_reserve_stored(fs, key, first, count, size, cuts);
    if (!err)
        err = page_begin(fs, key, first, count, &args, &io);
    if (err)
        return err;
    args.size = size;
    args.cuts = cuts;
    memset((uint8_t *)data + len, 0, (size_t)count * FS_PAGE - len);
    err = store(fs, &args, data);
    io_end(fs, &io);
    if (!err && io.again && fs_reserve(fs, key, first, count, size) < (long)count)
        fs_log(fs, "no space to keep what was reserved: inode", args.inode->ino);
    inode_put(fs, args.inode);
    return err;
}
