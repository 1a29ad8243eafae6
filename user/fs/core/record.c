/* Inodes on the disk: see inode.h. */
#include <stddef.h>
#include <string.h>
#include "user/fs/core/group.h"
#include "user/fs/core/volume.h"

/* Whether the record has the extra field that ends before byte end. */
#define HAS_EXTRA(fs, raw, field)                                                                  \
    ((fs)->inode_size > EXT2_INODE_SIZE_REV0 &&                                                    \
     EXT2_INODE_SIZE_REV0 + (size_t)(raw)->i_extra_isize >=                                        \
         offsetof(struct ext2_inode, field) + sizeof((raw)->field) &&                              \
     (fs)->inode_size >= offsetof(struct ext2_inode, field) + sizeof((raw)->field))

#define EXTRA_ISIZE 32 /* what mke2fs gives too */

static bool fast_symlink(const struct fs *fs, const struct ext2_inode *raw)
{
    uint32_t attributes = raw->i_file_acl ? 1u << (fs->block_shift - 9) : 0;

    return raw->i_size < EXT2_FAST_SYMLINK && raw->i_blocks <= attributes;
}

bool inode_has_map(const struct fs *fs, const struct ext2_inode *raw)
{
    switch (inode_type(raw)) {
    case EXT2_S_IFREG:
    case EXT2_S_IFDIR:
        return true;
    case EXT2_S_IFLNK:
        return !fast_symlink(fs, raw);
    default:
        return false;
    }
}

static int check_record(struct fs *fs, uint32_t ino, const struct ext2_inode *raw)
{
    if (raw->i_flags & (EXT2_FL_EXTENTS | EXT2_FL_INLINE_DATA))
        return fs_corrupt(fs, "data of an unknown form in inode", ino);
    switch (inode_type(raw)) {
    case EXT2_S_IFDIR:
        if (raw->i_size == 0 || raw->i_size % fs->block_size)
            return fs_corrupt(fs, "size of a directory, inode", ino);
        return 0;
    case EXT2_S_IFLNK:
        if (raw->i_size_high || raw->i_size == 0 || raw->i_size >= FS_PATH_MAX ||
            raw->i_size >= fs->block_size)
            return fs_corrupt(fs, "length of a symlink, inode", ino);
        return 0;
    case EXT2_S_IFREG:
        if (inode_size(raw) > INT64_MAX)
            return fs_corrupt(fs, "size of a file, inode", ino);
        return 0;
    case EXT2_S_IFCHR:
    case EXT2_S_IFBLK:
    case EXT2_S_IFIFO:
    case EXT2_S_IFSOCK:
        return 0;
    default:
        return fs_corrupt(fs, "type of inode", ino);
    }
}

static void attributes_forget(struct fs *fs, uint32_t ino)
{
    struct inode *inode = inode_find(fs, ino);

    if (inode != NULL)
        inode->attributes.known = false;
}

/* change: how many bytes of it are about to. */
static int record(struct fs *fs, uint32_t ino, uint32_t change, struct ext2_inode **out)
{
    uint32_t g = (ino - 1) / fs->inodes_per_group;
    uint64_t byte = (uint64_t)((ino - 1) % fs->inodes_per_group) * fs->inode_size;
    struct block *block;
    uint32_t no;
    int err;

    if (ino == 0 || ino > fs->inodes)
        return -ENOENT;
    no = fs->group[g].inode_table + (byte >> fs->block_shift);
    byte &= fs->block_size - 1;
    err = block_get(fs, no, &block);
    if (!err && change) {
        attributes_forget(fs, ino);
        err = block_change(fs, block, byte, change);
    }
    if (!err)
        *out = (struct ext2_inode *)(block->data + byte);
    return err;
}

static int get_checked(struct fs *fs, uint32_t ino, uint32_t change, struct ext2_inode **out)
{
    struct inode *inode;
    int err;

    if (ino < fs->first_ino && ino != FS_ROOT_INO)
        return -ENOENT; /* the volume's own, as the journal's */
    err = record(fs, ino, change, out);
    if (err)
        return err;
    if ((*out)->i_links_count == 0) {
        inode = inode_find(fs, ino);
        if (inode == NULL || !inode->unlinked)
            return -ENOENT;
    }
    return check_record(fs, ino, *out);
}

int inode_get(struct fs *fs, uint32_t ino, struct ext2_inode **out)
{
    return get_checked(fs, ino, 0, out);
}

int inode_change(struct fs *fs, uint32_t ino, struct ext2_inode **out)
{
    uint32_t known = sizeof(struct ext2_inode); /* what comes behind is nothing of ours */

    return get_checked(fs, ino, known < fs->inode_size ? known : fs->inode_size, out);
}

int inode_get_dir(struct fs *fs, uint32_t ino, struct ext2_inode **out)
{
    int err = inode_get(fs, ino, out);

    if (err)
        return err;
    if (!inode_is_dir(*out))
        return -ENOTDIR;
    return (*out)->i_links_count ? 0 : -ENOENT;
}

int inode_make(struct fs *fs, uint32_t dir, unsigned mode, uint32_t *ino, struct ext2_inode **out)
{
    uint64_t now = fs_now(fs);
    struct ext2_inode *raw;
    uint32_t generation;
    int err = group_alloc_inode(fs, dir, (mode & EXT2_S_IFMT) == EXT2_S_IFDIR, ino);

    if (!err)
        err = record(fs, *ino, fs->inode_size, &raw);
    if (err)
        return err;
    /* Each life of an inode number has a generation of its own, so that the key
     * of an old object never fits the new file. */
    generation = raw->i_generation + 1;
    memset(raw, 0, fs->inode_size);
    raw->i_generation = generation;
    raw->i_mode = mode;
    raw->i_links_count = 1;
    if (fs->inode_size >= EXT2_INODE_SIZE_REV0 + EXTRA_ISIZE) {
        raw->i_extra_isize = EXTRA_ISIZE;
        raw->i_crtime = now / 1000000000u;
        raw->i_crtime_extra = (now % 1000000000u) << 2;
    }
    inode_set_time(fs, raw, TIME_ACCESS, now);
    inode_set_time(fs, raw, TIME_MODIFY, now);
    inode_set_time(fs, raw, TIME_CHANGE, now);
    *out = raw;
    return 0;
}

uint64_t inode_size(const struct ext2_inode *raw)
{
    if (inode_type(raw) != EXT2_S_IFREG)
        return raw->i_size;
    return (uint64_t)raw->i_size_high << 32 | raw->i_size;
}

int inode_set_size(struct fs *fs, struct ext2_inode *raw, uint64_t size)
{
    if (size > fs->max_size || (size > INT32_MAX && !super_allow_large(fs)))
        return -EFBIG;
    raw->i_size = size;
    raw->i_size_high = size >> 32;
    return 0;
}

uint64_t inode_key(uint32_t ino, const struct ext2_inode *raw)
{
    return (uint64_t)raw->i_generation << 32 | ino;
}

void inode_add_blocks(const struct fs *fs, struct ext2_inode *raw, int64_t blocks)
{
    raw->i_blocks += (uint32_t)blocks << (fs->block_shift - 9);
}

/* ------------------------------------------------------------------- times */

static uint64_t join_time(uint32_t seconds, uint32_t extra)
{
    int64_t s = (int32_t)seconds + ((int64_t)(extra & 3) << 32);
    uint32_t ns = extra >> 2;

    if (s < 0)
        return 0; /* before 1970: nothing here can say so */
    return (uint64_t)s * 1000000000u + (ns < 1000000000u ? ns : 0);
}

static uint32_t extra_of(uint64_t ns)
{
    int64_t s = ns / 1000000000u;
    uint32_t epoch = (s - (int32_t)s) >> 32 & 3;

    return (uint32_t)(ns % 1000000000u) << 2 | epoch;
}

uint64_t inode_time(const struct fs *fs, const struct ext2_inode *raw, enum inode_time which)
{
    switch (which) {
    case TIME_ACCESS:
        return join_time(raw->i_atime, HAS_EXTRA(fs, raw, i_atime_extra) ? raw->i_atime_extra : 0);
    case TIME_CHANGE:
        return join_time(raw->i_ctime, HAS_EXTRA(fs, raw, i_ctime_extra) ? raw->i_ctime_extra : 0);
    default:
        return join_time(raw->i_mtime, HAS_EXTRA(fs, raw, i_mtime_extra) ? raw->i_mtime_extra : 0);
    }
}

void inode_set_time(const struct fs *fs, struct ext2_inode *raw, enum inode_time which, uint64_t ns)
{
    uint32_t seconds = ns / 1000000000u;

    switch (which) {
    case TIME_ACCESS:
        raw->i_atime = seconds;
        if (HAS_EXTRA(fs, raw, i_atime_extra))
            raw->i_atime_extra = extra_of(ns);
        break;
    case TIME_CHANGE:
        raw->i_ctime = seconds;
        if (HAS_EXTRA(fs, raw, i_ctime_extra))
            raw->i_ctime_extra = extra_of(ns);
        break;
    case TIME_MODIFY:
        raw->i_mtime = seconds;
        if (HAS_EXTRA(fs, raw, i_mtime_extra))
            raw->i_mtime_extra = extra_of(ns);
        break;
    }
}

bool inode_object(struct fs *fs, uint32_t ino, const struct ext2_inode *raw,
                  struct fs_object *object)
{
    return inode_type(raw) == EXT2_S_IFREG &&
           fs->hooks->object_info(fs->context, inode_key(ino, raw), object) == 0;
}

bool inode_parts_of_seconds(const struct fs *fs, const struct ext2_inode *raw)
{
    return HAS_EXTRA(fs, raw, i_ctime_extra);
}

uint64_t inode_later(uint64_t modified, uint64_t changed, bool whole_seconds, uint64_t written)
{
    uint64_t since = whole_seconds ? written - written % 1000000000u : written;

    /* Whatever set a time since that write has set the change time too, and has
     * taken account of the write then. */
    return since > changed ? written : modified;
}

uint64_t inode_modified(const struct fs *fs, const struct ext2_inode *raw,
                        const struct fs_object *object)
{
    return inode_later(inode_time(fs, raw, TIME_MODIFY), inode_time(fs, raw, TIME_CHANGE),
                       !inode_parts_of_seconds(fs, raw), object->mtime_ns);
}

void inode_touch(struct fs *fs, uint32_t ino, struct ext2_inode *raw)
{
    struct fs_object object;
    uint64_t modified;

    if (inode_object(fs, ino, raw, &object)) {
        modified = inode_modified(fs, raw, &object);
        if (modified != inode_time(fs, raw, TIME_MODIFY))
            inode_set_time(fs, raw, TIME_MODIFY, modified);
    }
    inode_set_time(fs, raw, TIME_CHANGE, fs_now(fs));
}
