/* Making new nodes: see create.h; and mkdir, mknod, symlink. */
#include <string.h>
#include "user/fs/core/create.h"
#include "user/fs/core/group.h"
#include "user/fs/core/map.h"
#include "user/fs/core/volume.h"
#include "user/fs/core/walk.h"

/* A device number in i_block, in the older form if it fits that. */
static void set_rdev(struct ext2_inode *raw, unsigned rdev)
{
    unsigned major = rdev >> 8, minor = rdev & 0xff;

    if (major < 256)
        raw->i_block[0] = major << 8 | minor;
    else
        raw->i_block[1] = major << 8 | minor;
}

uint32_t create_rdev(const struct ext2_inode *raw)
{
    uint32_t wide = raw->i_block[1];

    if (raw->i_block[0])
        return raw->i_block[0] & 0xffff;
    /* Minor bits 8 to 19 lie in bits 20 to 31; those do not exist here. */
    return wide & 0xfffff;
}

static int set_target(struct fs *fs, struct ext2_inode *raw, uint32_t ino,
                      const struct create *what)
{
    struct block *block;
    uint32_t no;
    int err;

    raw->i_size = what->target_len;
    if (what->target_len < EXT2_FAST_SYMLINK) {
        memcpy(raw->i_block, what->target, what->target_len);
        return 0;
    }
    err = group_alloc_block(fs, group_goal(fs, ino), &no);
    if (!err)
        err = map_set(fs, raw, 0, no, no + 1);
    if (!err)
        err = block_get_new(fs, no, &block);
    if (!err)
        memcpy(block->data, what->target, what->target_len);
    return err;
}

int create_node(struct fs *fs, struct walk *walk, const struct create *what, uint32_t *ino)
{
    uint64_t now = fs_now(fs);
    unsigned type = what->mode & EXT2_S_IFMT;
    struct ext2_inode *dir, *raw;
    int err = fs_writable(fs);

    if (!err)
        err = inode_change(fs, walk->dir->ino, &dir);
    if (err)
        return err;
    if (type == EXT2_S_IFDIR && dir->i_links_count >= EXT2_LINK_MAX)
        return -EMLINK;
    err = inode_make(fs, walk->dir->ino, what->mode, ino, &raw);
    if (err)
        return err;
    if (type == EXT2_S_IFDIR) {
        raw->i_links_count = 2;
        dir->i_links_count++;
        err = dir_make(fs, raw, *ino, walk->dir->ino);
    } else if (type == EXT2_S_IFLNK) {
        err = set_target(fs, raw, *ino, what);
    } else if (type == EXT2_S_IFCHR || type == EXT2_S_IFBLK) {
        set_rdev(raw, what->rdev);
    }
    if (!err)
        err = dir_add(fs, walk->dir, dir, walk->name, walk->name_len, *ino, what->mode);
    inode_set_time(fs, dir, TIME_MODIFY, now);
    inode_set_time(fs, dir, TIME_CHANGE, now);
    return err;
}

struct create_args {
    struct walk *walk;
    const struct create *what;
    struct dir_slot slot;
};

static int op_create(struct fs *fs, void *arg)
{
    struct create_args *a = arg;
    struct ext2_inode *dir;
    uint32_t ino;
    int err = walk_lookup(a->walk, &dir, &a->slot);

    if (err == 0)
        return -EEXIST;
    txn_completes(fs, 0);
    return err == -ENOENT && dir ? create_node(fs, a->walk, a->what, &ino) : err;
}

/* Makes a node where there must be none. */
static int create_at(struct fs *fs, uint32_t dir, const char *path, size_t len,
                     const struct create *what)
{
    struct walk walk;
    struct create_args args = {.walk = &walk, .what = what};
    int err = walk_begin(&walk, fs, dir, path, len);

    if (err)
        return err;
    err = walk_to_last(&walk);
    if (!err && walk.name_len == 0)
        err = -EEXIST;
    if (!err && walk.slash && (what->mode & EXT2_S_IFMT) != EXT2_S_IFDIR)
        err = -ENOENT;
    if (!err)
        err = txn_run(fs, op_create, &args);
    walk_end(&walk);
    return err;
}

int fs_mkdir(struct fs *fs, uint32_t dir, const char *path, size_t len, unsigned mode)
{
    struct create what = {.mode = EXT2_S_IFDIR | (mode & 07777)};

    return create_at(fs, dir, path, len, &what);
}

int fs_mknod(struct fs *fs, uint32_t dir, const char *path, size_t len, unsigned mode,
             unsigned rdev)
{
    struct create what = {.mode = mode & (EXT2_S_IFMT | 07777), .rdev = rdev};

    switch (mode & EXT2_S_IFMT) {
    case EXT2_S_IFCHR:
    case EXT2_S_IFBLK:
        if (rdev > 0xfffff)
            return -EINVAL;
        break;
    case EXT2_S_IFIFO:
    case EXT2_S_IFSOCK:
    case EXT2_S_IFREG:
        break;
    default:
        return -EINVAL;
    }
    return create_at(fs, dir, path, len, &what);
}

int fs_symlink(struct fs *fs, uint32_t dir, const char *target, size_t target_len, const char *path,
               size_t len)
{
    struct create what = {.mode = EXT2_S_IFLNK | 0777, .target = target, .target_len = target_len};

    if (target_len == 0)
        return -ENOENT;
    if (target_len >= FS_PATH_MAX || target_len >= fs->block_size)
        return -ENAMETOOLONG;
    if (memchr(target, 0, target_len) != NULL)
        return -EINVAL;
    return create_at(fs, dir, path, len, &what);
}
