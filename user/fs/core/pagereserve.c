/* Pages of files: reserving the blocks that they lack. See page.h, fs.h. */
#include "user/fs/core/io.h"
#include "user/fs/core/map.h"
#include "user/fs/core/page.h"

#define RESERVE_STEP 256              /* pages in one transaction */
#define PAGE_KEYS    (4 * MAP_LEVELS) /* of a page's blocks, generously */

int page_record(struct fs *fs, uint64_t key, bool change, struct ext2_inode **raw)
{
    uint32_t ino = key;
    struct inode *inode = inode_find(fs, ino);
    int err;

    if (inode != NULL && inode->deleting)
        return -ENOENT;
    err = change ? inode_change(fs, ino, raw) : inode_get(fs, ino, raw);
    if (err)
        return err;
    if (inode_key(ino, *raw) != key)
        return -ENOENT;
    return inode_type(*raw) == EXT2_S_IFREG ? 0 : -EINVAL;
}

int page_hold(struct fs *fs, uint64_t key, struct inode **out)
{
    uint32_t ino = key;

    if (ino == 0 || ino > fs->inodes)
        return -ENOENT;
    *out = inode_find(fs, ino);
    if (*out != NULL && (*out)->deleting)
        return -ENOENT; /* and must not be held */
    *out = inode_peek(fs, ino);
    if (*out == NULL)
        return -ENOMEM;
    inode_hold(fs, *out);
    return 0;
}

bool page_overtaken(struct fs *fs, uint64_t key, uint64_t cuts)
{
    struct fs_object object;

    return fs->hooks->object_info(fs->context, key, &object) == 0 && object.cuts != cuts;
}

struct reserve_args {
    uint64_t key;
    uint64_t page, end;
    bool storing;  /* for pages that have come: those past the end do not count */
    uint64_t size; /* of the file, then, and how often it had been cut */
    uint64_t cuts;
    struct inode *inode;
};

/* What one page lacks, as far as block end of the file. */
static int count_lack(struct fs *fs, const struct ext2_inode *raw, uint64_t page, uint64_t end,
                      uint32_t *lack, uint64_t *keys, unsigned *key_count)
{
    uint64_t first = page * page_blocks(fs);

    *lack = *key_count = 0;
    if (end > first + page_blocks(fs))
        end = first + page_blocks(fs);
    for (uint64_t block = first; block < end; block++) {
        uint64_t missing[MAP_LEVELS];
        unsigned n;
        uint32_t no;
        int err = map_get_missing(fs, raw, block, &no, missing, &n);

        if (err == -EFBIG)
            return 0; /* the end of what can be mapped lies inside this page */
        if (err)
            return err;
        *lack += no == 0;
        for (unsigned j = 0; j < n; j++) {
            unsigned k = 0;

            while (k < *key_count && keys[k] != missing[j])
                k++;
            if (k == *key_count)
                keys[(*key_count)++] = missing[j];
        }
    }
    return 0;
}

int page_count_lack(struct fs *fs, const struct ext2_inode *raw, uint64_t page, uint32_t *lack)
{
    uint64_t keys[PAGE_KEYS];
    unsigned key_count;

    return count_lack(fs, raw, page, UINT64_MAX, lack, keys, &key_count);
}

/* Some pages. A page that is reserved stays so should this be run again, so that
 * nothing is counted twice. */
static int op_reserve(struct fs *fs, void *arg)
{
    struct reserve_args *a = arg;
    struct ext2_inode *raw;
    uint64_t end_block = UINT64_MAX;
    int err = page_record(fs, a->key, false, &raw);

    if (!err && a->inode->truncating)
        return txn_wait_peer(fs);
    if (!err && a->storing) {
        if (page_overtaken(fs, a->key, a->cuts))
            return -EAGAIN;
        end_block = (a->size + fs->block_size - 1) >> fs->block_shift;
        if (a->end > (a->size + FS_PAGE - 1) / FS_PAGE)
            a->end = (a->size + FS_PAGE - 1) / FS_PAGE;
    }
    for (unsigned n = 0; n < RESERVE_STEP && a->page < a->end && !err; n++) {
        uint64_t keys[PAGE_KEYS];
        unsigned key_count;
        uint32_t lack;

        if (reserve_has(a->inode, a->page)) {
            io_mark_again(fs, a->key, a->page);
        } else {
            err = count_lack(fs, raw, a->page, end_block, &lack, keys, &key_count);
            a->inode->key = a->key;
            if (!err && lack)
                err = reserve_add(fs, a->inode, a->page, lack, keys, key_count);
        }
        if (!err) {
            a->page++;
            txn_progress(fs);
        }
    }
    return err;
}

/* Reserves pages args->page to args->end. */
static int reserve(struct fs *fs, struct reserve_args *args)
{
    int err = page_hold(fs, args->key, &args->inode);

    if (err)
        return err;
    while (args->page < args->end && !err)
        err = txn_run(fs, op_reserve, args);
    inode_put(fs, args->inode);
    return err;
}

int page_reserve_stored(struct fs *fs, uint64_t key, uint64_t first, uint64_t count, uint64_t size,
                        uint64_t cuts)
{
    struct reserve_args args = {.key = key,
                                .page = first,
                                .end = first + count,
                                .storing = true,
                                .size = size,
                                .cuts = cuts};

    return reserve(fs, &args);
}

int page_check_range(const struct fs *fs, uint64_t first, uint64_t count, uint64_t size)
{
    uint64_t last = fs->max_size / FS_PAGE;

    if (count == 0)
        return -EINVAL;
    return size > fs->max_size || first > last || count > last - first + 1 ||
                   (size > INT32_MAX && !fs->rev1)
               ? -EFBIG
               : 0;
}

int page_reserve_last(struct fs *fs, uint64_t key, uint64_t size)
{
    struct reserve_args args = {.key = key};
    struct fs_object object;

    if (fs->block_size == FS_PAGE || fs->hooks->object_info(fs->context, key, &object) != 0 ||
        size <= object.size || object.size % FS_PAGE == 0)
        return 0;
    args.page = object.size / FS_PAGE;
    args.end = args.page + 1;
    return args.end * FS_PAGE > fs->max_size ? 0 : reserve(fs, &args);
}

long fs_reserve(struct fs *fs, uint64_t key, uint64_t first, uint64_t count, uint64_t size)
{
    struct reserve_args args = {.key = key, .page = first, .end = first + count};
    int err = fs_writable(fs);

    if (!err)
        err = page_check_range(fs, first, count, size);
    if (!err)
        err = page_reserve_last(fs, key, size);
    if (!err)
        err = reserve(fs, &args);
    return args.page > first ? (long)(args.page - first) : err;
}
