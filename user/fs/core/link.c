/* Hard links. */
#include "user/fs/core/volume.h"
#include "user/fs/core/walk.h"

struct link_args {
    struct walk *walk; /* to the new name */
    uint32_t ino;
    struct dir_slot slot;
};

static int op_link(struct fs *fs, void *arg)
{
    struct link_args *a = arg;
    uint64_t now = fs_now(fs);
    struct ext2_inode *dir, *raw;
    int err = walk_lookup(a->walk, &dir, &a->slot);

    if (err == 0)
        return -EEXIST;
    if (err != -ENOENT || dir == NULL)
        return err;
    err = fs_writable(fs);
    if (!err)
        err = inode_change(fs, a->ino, &raw);
    if (err)
        return err;
    if (inode_is_dir(raw))
        return -EPERM;
    if (raw->i_links_count == 0)
        return -ENOENT; /* its last name was removed meanwhile */
    if (raw->i_links_count >= EXT2_LINK_MAX)
        return -EMLINK;
    inode_touch(fs, a->ino, raw);
    raw->i_links_count++;
    err = inode_change(fs, a->walk->dir->ino, &dir);
    if (err)
        return err;
    inode_set_time(fs, dir, TIME_MODIFY, now);
    inode_set_time(fs, dir, TIME_CHANGE, now);
    txn_completes(fs, 0);
    return dir_add(fs, a->walk->dir, dir, a->walk->name, a->walk->name_len, a->ino, raw->i_mode);
}

int fs_link(struct fs *fs, uint32_t dir, const char *from, size_t from_len, const char *to,
            size_t to_len)
{
    struct inode *inode, *start = inode_peek(fs, dir);
    struct walk walk;
    struct link_args args = {.walk = &walk};
    int err;

    if (start == NULL)
        return -ENOMEM;
    inode_hold(fs, start); /* the second walk begins after the first has slept */
    err = walk_resolve(fs, dir, from, from_len, false, false, &inode);
    if (err) {
        inode_put(fs, start);
        return err;
    }
    args.ino = inode->ino;
    err = walk_begin(&walk, fs, dir, to, to_len);
    if (!err) {
        err = walk_to_last(&walk);
        if (!err && walk.name_len == 0)
            err = -EEXIST;
        if (!err && walk.slash)
            err = -ENOENT;
        if (!err)
            err = txn_run(fs, op_link, &args);
        walk_end(&walk);
    }
    inode_put(fs, inode);
    inode_put(fs, start);
    return err;
}
