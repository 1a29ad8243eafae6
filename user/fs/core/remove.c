/* Removing names: unlink and rmdir. */
#include "user/fs/core/orphan.h"
#include "user/fs/core/remove.h"
#include "user/fs/core/truncate.h"
#include "user/fs/core/volume.h"
#include "user/fs/core/walk.h"

int remove_check_dir(struct fs *fs, uint32_t ino, const struct ext2_inode *raw,
                     struct dir_slot *slot)
{
    struct inode *inode = inode_peek(fs, ino);

    return inode == NULL ? -ENOMEM : dir_check_empty(fs, inode, raw, slot);
}

int remove_link(struct fs *fs, uint32_t ino, struct removed *removed)
{
    struct ext2_inode *raw;
    struct inode *inode;
    int err = inode_change(fs, ino, &raw);

    *removed = (struct removed){NULL, false};
    if (err)
        return err;
    if (raw->i_links_count == 0)
        return fs_corrupt(fs, "a name of an inode without links", ino);
    if (inode_is_dir(raw))
        raw->i_links_count = 0;
    else
        raw->i_links_count--;
    if (raw->i_links_count > 0) {
        inode_touch(fs, ino, raw);
        return 0;
    }
    inode = inode_peek(fs, ino);
    if (inode == NULL)
        return -ENOMEM;
    inode->key = inode_key(ino, raw);
    removed->inode = inode;
    removed->freed = inode_goes_now(fs, inode, raw);
    if (removed->freed)
        return truncate_small(fs, inode, raw);
    orphan_add(fs, inode, raw);
    return 0;
}

struct remove_args {
    struct walk *walk;
    bool directory;
    struct dir_slot slot, inside;
    struct removed removed;
};

static int check_removable(struct fs *fs, struct remove_args *a)
{
    struct ext2_inode *raw;
    int err = walk_record(fs, a->slot.ino, &raw);

    if (err)
        return err;
    if (!a->directory)
        return inode_is_dir(raw) ? -EISDIR : a->walk->slash ? -ENOTDIR : 0;
    if (!inode_is_dir(raw))
        return -ENOTDIR;
    if (a->slot.ino == FS_ROOT_INO)
        return -EBUSY;
    return remove_check_dir(fs, a->slot.ino, raw, &a->inside);
}

static int op_remove(struct fs *fs, void *arg)
{
    struct remove_args *a = arg;
    uint64_t now = fs_now(fs);
    struct ext2_inode *dir;
    int err = walk_lookup(a->walk, &dir, &a->slot);

    if (!err)
        err = check_removable(fs, a);
    if (!err)
        err = fs_writable(fs);
    if (!err)
        err = inode_change(fs, a->walk->dir->ino, &dir);
    if (!err)
        err = dir_remove(fs, a->walk->dir, dir, a->walk->name, a->walk->name_len, &a->slot);
    if (err)
        return err;
    inode_set_time(fs, dir, TIME_MODIFY, now);
    inode_set_time(fs, dir, TIME_CHANGE, now);
    if (a->directory) {
        if (dir->i_links_count <= 2)
            return fs_corrupt(fs, "link count of directory", a->walk->dir->ino);
        dir->i_links_count--;
    }
    txn_completes(fs, 0);
    return remove_link(fs, a->slot.ino, &a->removed);
}

/* "." and ".." are not for removing. */
static int check_name(const struct walk *walk, bool directory)
{
    if (walk->name_len == 0)
        return directory ? -EBUSY : -EISDIR;
    if (walk->name_len == 1 && walk->name[0] == '.')
        return directory ? -EINVAL : -EISDIR;
    if (walk->name_len == 2 && walk->name[0] == '.' && walk->name[1] == '.')
        return directory ? -ENOTEMPTY : -EISDIR;
    return 0;
}

int fs_unlink(struct fs *fs, uint32_t dir, const char *path, size_t len, bool directory)
{
    struct walk walk;
    struct remove_args args = {.walk = &walk, .directory = directory};
    int err = walk_begin(&walk, fs, dir, path, len);

    if (err)
        return err;
    err = walk_to_last(&walk);
    if (!err)
        err = check_name(&walk, directory);
    if (!err)
        err = txn_run(fs, op_remove, &args);
    if (!err && args.removed.inode != NULL)
        inode_unlinked(fs, args.removed.inode, args.removed.freed);
    walk_end(&walk);
    return err;
}
