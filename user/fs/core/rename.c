/*
 * rename. One transaction does all of it; the two walks before it only find the
 * two directories. Everything is looked up and checked before the first change.
 */
#include "user/fs/core/remove.h"
#include "user/fs/core/volume.h"
#include "user/fs/core/walk.h"

struct rename_args {
    struct walk *from, *to;
    struct dir_slot from_slot, to_slot, parent_slot, inside;
    bool exists;    /* the new name */
    bool directory; /* what is renamed */
    unsigned mode;
    struct removed removed; /* what the new name named, if that was its last */
};

/* Goes up from a directory: -EINVAL if it is ino or lies within it. */
static int check_outside(struct fs *fs, uint32_t from, uint32_t ino)
{
    struct ext2_inode *raw;
    struct dir_slot up;

    /* In a tree there are fewer steps to the root than inodes. */
    for (uint32_t steps = 0; steps < fs->inodes; steps++) {
        int err;

        if (from == ino)
            return -EINVAL;
        if (from == FS_ROOT_INO)
            return 0;
        err = inode_get_dir(fs, from, &raw);
        if (!err)
            err = dir_parent(fs, raw, &up);
        if (err)
            return err;
        from = up.ino;
    }
    return fs_corrupt(fs, "directories form a ring, inode", ino);
}

/* The node under the new name must give way. */
static int check_target(struct fs *fs, struct rename_args *a)
{
    struct ext2_inode *raw;
    int err = walk_record(fs, a->to_slot.ino, &raw);

    if (err)
        return err;
    if (!inode_is_dir(raw))
        return a->directory || a->to->slash ? -ENOTDIR : 0;
    if (!a->directory)
        return -EISDIR;
    if (a->to_slot.ino == FS_ROOT_INO)
        return -EBUSY;
    return remove_check_dir(fs, a->to_slot.ino, raw, &a->inside);
}

/* Looks up both names. 1: they are one node, and there is nothing to do. */
static int look_up(struct fs *fs, struct rename_args *a)
{
    struct ext2_inode *from_dir, *to_dir, *raw;
    int err = walk_lookup(a->from, &from_dir, &a->from_slot);

    if (!err)
        err = walk_record(fs, a->from_slot.ino, &raw);
    if (err)
        return err;
    a->mode = raw->i_mode;
    a->directory = inode_is_dir(raw);
    if (!a->directory && (a->from->slash || a->to->slash))
        return -ENOTDIR;
    if (a->from_slot.ino == FS_ROOT_INO)
        return -EBUSY;
    if (a->directory)
        err = dir_parent(fs, raw, &a->parent_slot);
    if (err)
        return err;
    err = walk_lookup(a->to, &to_dir, &a->to_slot);
    a->exists = err == 0;
    if (err && (err != -ENOENT || to_dir == NULL))
        return err;
    if (a->exists && a->to_slot.ino == a->from_slot.ino)
        return 1;
    if (a->directory && a->from->dir != a->to->dir) {
        err = check_outside(fs, a->to->dir->ino, a->from_slot.ino);
        if (err)
            return err;
        if (!a->exists && to_dir->i_links_count >= EXT2_LINK_MAX)
            return -EMLINK;
    }
    return a->exists ? check_target(fs, a) : 0;
}

/* Makes the new name name what the old one does. */
static int set_new_name(struct fs *fs, struct rename_args *a, struct ext2_inode *to_dir)
{
    int err;

    a->removed.inode = NULL;
    if (!a->exists)
        return dir_add(fs, a->to->dir, to_dir, a->to->name, a->to->name_len, a->from_slot.ino,
                       a->mode);
    err = remove_link(fs, a->to_slot.ino, &a->removed);
    if (err)
        return err;
    if (a->directory)
        to_dir->i_links_count--; /* the ".." of the one that goes */
    return dir_replace(fs, a->to->dir, to_dir, &a->to_slot, a->from_slot.ino, a->mode);
}

static int op_rename(struct fs *fs, void *arg)
{
    struct rename_args *a = arg;
    uint64_t now = fs_now(fs);
    struct ext2_inode *from_dir, *to_dir, *raw;
    int err = look_up(fs, a);

    if (err)
        return err;
    err = fs_writable(fs);
    if (!err)
        err = inode_change(fs, a->from->dir->ino, &from_dir);
    if (!err)
        err = inode_change(fs, a->to->dir->ino, &to_dir);
    if (!err)
        err = inode_change(fs, a->from_slot.ino, &raw);
    if (!err)
        err = set_new_name(fs, a, to_dir);
    if (!err)
        err =
            dir_remove(fs, a->from->dir, from_dir, a->from->name, a->from->name_len, &a->from_slot);
    if (!err && a->directory && a->from->dir != a->to->dir) {
        err = dir_set_parent(fs, raw, &a->parent_slot, a->to->dir->ino);
        from_dir->i_links_count--;
        to_dir->i_links_count++;
    }
    if (err)
        return err;
    inode_touch(fs, a->from_slot.ino, raw);
    inode_set_time(fs, from_dir, TIME_MODIFY, now);
    inode_set_time(fs, from_dir, TIME_CHANGE, now);
    inode_set_time(fs, to_dir, TIME_MODIFY, now);
    inode_set_time(fs, to_dir, TIME_CHANGE, now);
    txn_completes(fs, 0);
    return 0;
}

/* "." and ".." cannot be renamed, nor be a new name, nor can the root. */
static int check_name(const struct walk *walk)
{
    if (walk->name_len == 0)
        return -EBUSY;
    return dir_is_dots(walk->name, walk->name_len) ? -EINVAL : 0;
}

static int to_last(struct walk *walk)
{
    int err = walk_to_last(walk);

    return err ? err : check_name(walk);
}

static int rename_walked(struct fs *fs, struct walk *from, struct walk *to)
{
    struct rename_args args = {.from = from, .to = to};
    int err = to_last(from);

    if (!err)
        err = to_last(to);
    if (!err)
        err = txn_run(fs, op_rename, &args);
    if (err < 0)
        return err;
    if (err == 0)
        fs->renames++;
    if (err == 0 && args.removed.inode != NULL)
        inode_unlinked(fs, args.removed.inode, args.removed.freed);
    return 0;
}

int fs_rename(struct fs *fs, uint32_t dir, const char *from, size_t from_len, const char *to,
              size_t to_len)
{
    struct inode *start = inode_peek(fs, dir);
    struct walk from_walk, to_walk;
    int err;

    if (start == NULL)
        return -ENOMEM;
    inode_hold(fs, start); /* the second walk begins after the first has slept */
    err = walk_begin(&from_walk, fs, dir, from, from_len);
    if (!err) {
        err = walk_begin(&to_walk, fs, dir, to, to_len);
        if (!err) {
            err = rename_walked(fs, &from_walk, &to_walk);
            walk_end(&to_walk);
        }
        walk_end(&from_walk);
    }
    inode_put(fs, start);
    return err;
}
