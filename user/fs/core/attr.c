/* What is known about a node, and setting it: stat, chmod, utime, truncate,
 * access, readlink, statfs. */
#include <string.h>
#include "user/fs/core/attributes.h"
#include "user/fs/core/pathcache.h"
#include "user/fs/core/truncate.h"
#include "user/fs/core/volume.h"
#include "user/fs/core/walk.h"

int fs_stat(struct fs *fs, uint32_t dir, const char *path, size_t len, bool nofollow,
            struct msg_stat *out)
{
    struct inode *inode = pathcache_find(fs, dir, path, len, !nofollow);
    const struct attributes *attributes;
    int err;

    if (inode != NULL && attributes_known(inode) != NULL) {
        attributes_now(fs, inode, out);
        return 0;
    }
    err = walk_resolve(fs, dir, path, len, true, !nofollow, &inode);
    if (err)
        return err;
    err = attributes_get(fs, inode->ino, &attributes);
    if (!err)
        attributes_now(fs, inode, out);
    inode_put(fs, inode);
    return err;
}

struct set_args {
    uint32_t ino;
    bool set_mode;
    unsigned mode;
    uint64_t atime, mtime;
};

static void set_one_time(struct fs *fs, struct ext2_inode *raw, enum inode_time which, uint64_t ns)
{
    if (ns != FS_TIME_LEAVE)
        inode_set_time(fs, raw, which, ns == FS_TIME_NOW ? fs_now(fs) : ns);
}

static int op_set(struct fs *fs, void *arg)
{
    struct set_args *a = arg;
    struct ext2_inode *raw;
    int err = inode_change(fs, a->ino, &raw);

    if (err)
        return err;
    inode_touch(fs, a->ino, raw);
    if (a->set_mode) {
        raw->i_mode = inode_type(raw) | (a->mode & 07777);
    } else {
        set_one_time(fs, raw, TIME_ACCESS, a->atime);
        set_one_time(fs, raw, TIME_MODIFY, a->mtime);
    }
    txn_completes(fs, 0);
    return 0;
}

static int set_attributes(struct fs *fs, uint32_t dir, const char *path, size_t len,
                          struct set_args *args)
{
    struct inode *inode;
    int err = walk_resolve(fs, dir, path, len, true, true, &inode);

    if (err)
        return err;
    args->ino = inode->ino;
    err = fs_writable(fs);
    if (!err)
        err = txn_run(fs, op_set, args);
    inode_put(fs, inode);
    return err;
}

int fs_chmod(struct fs *fs, uint32_t dir, const char *path, size_t len, unsigned mode)
{
    struct set_args args = {.set_mode = true, .mode = mode};

    return set_attributes(fs, dir, path, len, &args);
}

int fs_utime(struct fs *fs, uint32_t dir, const char *path, size_t len, uint64_t atime_ns,
             uint64_t mtime_ns)
{
    struct set_args args = {.atime = atime_ns, .mtime = mtime_ns};

    return set_attributes(fs, dir, path, len, &args);
}

int fs_truncate(struct fs *fs, uint32_t dir, const char *path, size_t len, uint64_t size)
{
    struct inode *inode;
    int err;

    if (size > INT64_MAX)
        return -EINVAL;
    err = walk_resolve(fs, dir, path, len, true, true, &inode);
    if (err)
        return err;
    err = truncate_to(fs, inode, size, false);
    inode_put(fs, inode);
    return err;
}

int fs_access(struct fs *fs, uint32_t dir, const char *path, size_t len, unsigned access)
{
    struct inode *inode;
    struct fs_node node;
    int err;

    if (access > 7)
        return -EINVAL;
    err = walk_resolve(fs, dir, path, len, true, true, &inode);
    if (err)
        return err;
    err = fs_node(fs, inode->ino, &node);
    inode_put(fs, inode);
    if (err)
        return err;
    /* Everything may read and write; what bears no x bit is not a program. */
    if ((access & 1) && (node.mode & EXT2_S_IFMT) != EXT2_S_IFDIR && !(node.mode & 0111))
        return -EACCES;
    if ((access & 2) &&
        ((node.mode & EXT2_S_IFMT) == EXT2_S_IFREG || (node.mode & EXT2_S_IFMT) == EXT2_S_IFDIR))
        return fs_writable(fs);
    return 0;
}

struct readlink_args {
    uint32_t ino;
    unsigned len;
    char text[FS_PATH_MAX];
};

static int op_readlink(struct fs *fs, void *arg)
{
    struct readlink_args *a = arg;
    struct ext2_inode *raw;
    int err = inode_get(fs, a->ino, &raw);

    if (err)
        return err;
    if (inode_type(raw) != EXT2_S_IFLNK)
        return -EINVAL;
    a->len = raw->i_size;
    return walk_text(fs, raw, a->text);
}

int fs_readlink(struct fs *fs, uint32_t dir, const char *path, size_t len, char *buffer,
                size_t room)
{
    struct readlink_args args;
    struct inode *inode;
    int err = walk_resolve(fs, dir, path, len, false, false, &inode);

    if (err)
        return err;
    args.ino = inode->ino;
    err = txn_look(fs, op_readlink, &args);
    inode_put(fs, inode);
    if (err)
        return err;
    if (args.len < room)
        room = args.len;
    memcpy(buffer, args.text, room);
    return room;
}

void fs_statfs(struct fs *fs, struct msg_statfs *out)
{
    int64_t free_blocks = fs->free_blocks - fs->reserved;

    *out = (struct msg_statfs){
        .block_size = fs->block_size,
        .blocks = fs->blocks - fs->first_block,
        .blocks_free = free_blocks > 0 ? free_blocks : 0,
        .inodes = fs->inodes,
        .inodes_free = fs->free_inodes,
    };
}
