/* Truncation: see truncate.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/group.h"
#include "user/fs/core/io.h"
#include "user/fs/core/map.h"
#include "user/fs/core/orphan.h"
#include "user/fs/core/page.h"
#include "user/fs/core/truncate.h"
#include "user/fs/core/volume.h"

/* What one transaction frees at most, so that it stays small: from there on it
 * stops where a page ends. */
#define STEP_BLOCKS  1024
#define STEP_CHANGES 48

struct free_step {
    uint32_t ino;
    uint64_t keep; /* blocks of the file, from its start */
    /* Of this run: */
    uint32_t freed;
    bool stopped; /* there is more, */
    uint64_t end; /* all of it before this block of the file, where a page ends */
};

static bool step_full(const struct fs *fs, const struct free_step *step)
{
    return step->freed >= STEP_BLOCKS || fs->txn.undo_count >= STEP_CHANGES ||
           fs->txn.forget_count >= STEP_CHANGES;
}

/* Whether to leave a block, or what an indirect one maps, for the next run; end is
 * the block of the file behind it. */
static bool step_stops(const struct fs *fs, struct free_step *step, uint64_t end)
{
    if (!step_full(fs, step) || end % page_blocks(fs))
        return false;
    step->stopped = true;
    step->end = end;
    return true;
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
        if (step_stops(fs, step, first + span))
            return 0;
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
static int free_some(struct fs *fs, struct free_step *step, struct ext2_inode *raw)
{
    bool metadata = inode_type(raw) != EXT2_S_IFREG;
    uint64_t start = EXT2_NDIR, span = 1;
    int err;

    step->freed = 0;
    step->stopped = false;
    for (int level = 1; level <= MAP_LEVELS; level++)
        start += span <<= fs->addr_shift;
    for (int slot = EXT2_NBLOCK - 1; slot >= 0; slot--) {
        int level = slot < EXT2_NDIR ? 0 : slot - EXT2_NDIR + 1;
        uint64_t end = start;
        bool gone = true;

        start -= level ? span : 1;
        if (level)
            span >>= fs->addr_shift;
        if (end <= step->keep)
            break;
        if (raw->i_block[slot] == 0)
            continue;
        if (step_stops(fs, step, end))
            break;
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

/* ------------------------------------------------------- files without names */

struct free_args {
    struct inode *inode;
    struct free_step step;
};

static int free_inode(struct fs *fs, struct free_args *a, struct ext2_inode *raw)
{
    int err = 0;

    a->step.stopped = false;
    if (inode_has_map(fs, raw))
        err = free_some(fs, &a->step, raw);
    return err || a->step.stopped ? err : inode_free_record(fs, a->inode, raw);
}

static int op_free(struct fs *fs, void *arg)
{
    struct free_args *a = arg;
    struct ext2_inode *raw;
    int err = inode_change(fs, a->inode->ino, &raw);

    return err ? err : free_inode(fs, a, raw);
}

int truncate_free(struct fs *fs, struct inode *inode)
{
    struct free_args args = {inode, {.ino = inode->ino}};
    int err;

    lock_mark(fs, inode);
    io_cut(fs, inode->ino, 0);
    reserve_cut(fs, inode, 0);
    inode->goal = 0;
    do {
        err = txn_run(fs, op_free, &args);
    } while (!err && args.step.stopped);
    unlock_mark(fs, inode);
    return err;
}

bool truncate_is_small(const struct fs *fs, const struct inode *inode, const struct ext2_inode *raw)
{
    if (inode->truncating || inode->reservation.run_count > 0 || io_under_way(fs, inode->ino))
        return false;
    for (int slot = EXT2_NDIR; slot < EXT2_NBLOCK && inode_has_map(fs, raw); slot++)
        if (raw->i_block[slot] != 0)
            return false;
    return true;
}

int truncate_small(struct fs *fs, struct inode *inode, struct ext2_inode *raw)
{
    struct free_args args = {inode, {.ino = inode->ino}};

    int err = free_inode(fs, &args, raw);

    assert(!args.step.stopped);
    return err;
}

/* ------------------------------------------ the block that the new end lies in */

/* What lies in it behind the end must be zero on the disk, or it would come to
 * light when the file grows. It is read before anything is changed, since that may
 * fail, and written last, since bytes that are still part of the file would be lost
 * if the rest failed. No other transfer writes it in between: those wait for the
 * inode's mark. */
struct tail {
    struct io io; /* names the block, if there is one */
    uint8_t *data;
    uint32_t used;
};

struct size_args {
    struct inode *inode;
    uint64_t size;
    bool again; /* it has that size, and may have blocks behind it */
    bool opens; /* the request opens the file */
    struct tail tail;
    struct free_step step;
    /* Of this run: */
    uint64_t reached; /* the size that it gave the file */
    bool last_reserved;
    uint32_t lack; /* of the last page, then */
};

static int change_regular(struct fs *fs, const struct size_args *a, struct ext2_inode **raw)
{
    int err = inode_change(fs, a->inode->ino, raw);

    if (err || inode_type(*raw) == EXT2_S_IFREG)
        return err;
    return inode_is_dir(*raw) ? -EISDIR : -EINVAL;
}

/* Finds the block, if the file becomes shorter within one. */
static int op_find_tail(struct fs *fs, void *arg)
{
    struct size_args *a = arg;
    struct ext2_inode *raw;
    uint32_t no = 0;
    int err = inode_get(fs, a->inode->ino, &raw);

    a->tail.io.count = 0;
    if (!err && inode_type(raw) == EXT2_S_IFREG && a->tail.used &&
        (a->again || a->size < inode_size(raw)))
        err = map_get(fs, raw, a->size >> fs->block_shift, &no);
    if (err || no == 0)
        return err;
    if (io_writing(fs, &a->tail.io, no))
        return txn_wait_peer(fs);
    a->tail.io.block[0] = no;
    a->tail.io.claimed[0] = false;
    a->tail.io.count = 1;
    return 0;
}

static int tail_begin(struct fs *fs, struct size_args *args)
{
    struct tail *tail = &args->tail;
    int err;

    tail->data = NULL;
    tail->used = args->size & (fs->block_size - 1);
    io_begin(fs, &tail->io, args->inode->ino, 1, 0);
    err = txn_run(fs, op_find_tail, args);
    if (err || tail->io.count == 0)
        return err;
    tail->data = malloc(fs->block_size);
    return tail->data == NULL ? -ENOMEM : io_read(fs, tail->io.block[0], 1, tail->data);
}

static int op_cut_ended(struct fs *fs, void *arg)
{
    struct size_args *a = arg;
    struct ext2_inode *raw;
    int err = inode_change(fs, a->inode->ino, &raw);

    /* One without names stays on the list until it is freed. */
    return err || raw->i_links_count == 0 ? err : orphan_remove(fs, a->inode, raw);
}

static int tail_clear(struct fs *fs, struct tail *tail)
{
    int err = 0;

    if (fs->journal != NULL)
        err = journal_commit(fs);
    if (err)
        return err;
    memset(tail->data + tail->used, 0, fs->block_size - tail->used);
    tail->io.writing = true;
    err = io_write(fs, tail->io.block[0], 1, tail->data);
    tail->io.writing = false;
    fs_wake(fs);
    if (err)
        fs_write_failed(fs, tail->io.block[0]);
    return err;
}

/* The file has its size: what is left to do. */
static int cut_end(struct fs *fs, struct size_args *args)
{
    int err = args->tail.data != NULL ? tail_clear(fs, &args->tail) : 0;

    if (err || link_alone(&args->inode->orphan))
        return err;
    return txn_run(fs, op_cut_ended, args);
}

static void tail_end(struct fs *fs, struct tail *tail)
{
    io_end(fs, &tail->io);
    free(tail->data);
}

/* -------------------------------------------------------------- a new size */

/* The last page may lack more blocks now than when it was reserved. */
static int count_last(struct fs *fs, struct size_args *a, const struct ext2_inode *raw)
{
    uint64_t page = a->size / FS_PAGE;
    int64_t had, room;
    int err;

    a->last_reserved = a->reached == a->size && a->size % FS_PAGE && reserve_has(a->inode, page);
    if (!a->last_reserved)
        return 0;
    err = page_count_lack(fs, raw, page, &a->lack);
    if (!err)
        err = reserve_make_room(a->inode);
    if (err)
        return err;
    /* What was freed now is to be had; more is missing only if no more was asked
     * for when the page was reserved. */
    had = reserve_lack(a->inode, page);
    room = reserve_available(fs, had);
    if (a->lack > room) {
        fs_log(fs, "no space to keep what was reserved: inode", a->inode->ino);
        a->lack = room > had ? room : had;
    }
    return 0;
}

/* Other programs see a size in between only if the object is longer. */
static int resize_object(struct fs *fs, const struct size_args *a, uint64_t key)
{
    struct fs_object object;
    int err;

    if (a->reached != a->size &&
        (fs->hooks->object_info(fs->context, key, &object) != 0 || object.size <= a->reached))
        return 0;
    err = fs->hooks->object_resize(fs->context, key, a->reached);
    return err == -ENOENT ? 0 : err;
}

/* Brings the size as far towards the new one as one transaction can free blocks. */
static int op_set_size(struct fs *fs, void *arg)
{
    struct size_args *a = arg;
    uint64_t now = fs_now(fs), old;
    struct ext2_inode *raw;
    int err = change_regular(fs, a, &raw);

    if (err)
        return err;
    a->reached = a->size;
    a->step.stopped = false;
    old = inode_size(raw);
    if (a->size < old || a->again) {
        err = free_some(fs, &a->step, raw);
        if (!err && a->step.stopped)
            a->reached =
                a->step.end << fs->block_shift < old ? a->step.end << fs->block_shift : old;
    }
    if (!err)
        err = count_last(fs, a, raw);
    if (!err)
        err = inode_set_size(fs, raw, a->reached);
    if (err)
        return err;
    if (a->tail.data != NULL)
        orphan_add(fs, a->inode, raw);
    if (a->again)
        return 0; /* an object knows better: the file may have grown since */
    inode_set_time(fs, raw, TIME_MODIFY, now);
    inode_set_time(fs, raw, TIME_CHANGE, now);
    if (a->reached == a->size && !a->step.stopped)
        txn_completes(fs, a->opens ? inode_key(a->inode->ino, raw) : 0);
    err = redo_fits(fs);
    if (err)
        return err == -ENOSPC ? txn_wait_redo(fs) : err;
    /* Last, for it cannot be undone. */
    return resize_object(fs, a, inode_key(a->inode->ino, raw));
}

static int set_size_marked(struct fs *fs, struct size_args *args)
{
    struct inode *inode = args->inode;

    inode->goal = 0;
    do {
        int err = txn_run(fs, op_set_size, args);

        if (err)
            return err;
        io_cut(fs, inode->ino, args->reached);
        reserve_cut(fs, inode, (args->reached + FS_PAGE - 1) / FS_PAGE);
        if (args->last_reserved)
            reserve_change_last(fs, inode, args->size / FS_PAGE, args->lack);
    } while (args->reached != args->size || args->step.stopped);
    return 0;
}

static int truncate_marked(struct fs *fs, struct size_args *args)
{
    int err;

    lock_mark(fs, args->inode);
    err = tail_begin(fs, args);
    if (!err)
        err = set_size_marked(fs, args);
    if (!err)
        err = cut_end(fs, args);
    tail_end(fs, &args->tail);
    unlock_mark(fs, args->inode);
    return err;
}

int truncate_to(struct fs *fs, struct inode *inode, uint64_t size, bool opens)
{
    struct size_args args = {
        .inode = inode,
        .size = size,
        .opens = opens,
        .step = {.ino = inode->ino, .keep = (size + fs->block_size - 1) >> fs->block_shift},
    };
    struct fs_node node;
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
    return truncate_marked(fs, &args);
}

int truncate_again(struct fs *fs, struct inode *inode)
{
    struct size_args args = {.inode = inode, .again = true, .step = {.ino = inode->ino}};
    struct fs_node node;
    int err = fs_node(fs, inode->ino, &node);

    if (err)
        return err;
    args.size = node.size;
    args.step.keep = (node.size + fs->block_size - 1) >> fs->block_shift;
    return truncate_marked(fs, &args);
}
