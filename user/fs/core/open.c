/* open and close. */
#include <string.h>
#include "user/fs/core/attributes.h"
#include "user/fs/core/create.h"
#include "user/fs/core/pathcache.h"
#include "user/fs/core/truncate.h"
#include "user/fs/core/volume.h"
#include "user/fs/core/walk.h"

int fs_node(struct fs *fs, uint32_t ino, struct fs_node *out)
{
    const struct attributes *attributes;
    int err = attributes_get(fs, ino, &attributes);

    if (err)
        return err;
    *out = (struct fs_node){
        .ino = ino,
        .mode = attributes->stat.mode,
        .rdev = attributes->stat.rdev,
        .key = attributes->key,
        .size = attributes->stat.size,
    };
    return 0;
}

struct open_args {
    struct walk *walk;
    int flags;
    struct create create;
    struct dir_slot slot;
    /* What was found or made: */
    struct inode *found; /* in the last transaction */
    struct inode *inode; /* held, or NULL */
    unsigned type;
    bool made;
    unsigned text_len; /* a symlink to follow, its text in the walk */
};

static bool makes_anew(const struct open_args *a)
{
    return (a->flags & FS_O_CREAT) && (a->flags & FS_O_EXCL);
}

static int open_found(struct fs *fs, struct open_args *a, uint32_t *ino)
{
    struct ext2_inode *raw;
    int err = walk_record(fs, a->slot.ino, &raw);

    if (err)
        return err;
    if (makes_anew(a))
        return -EEXIST;
    walk_learn(a->walk, &a->slot, raw);
    *ino = a->slot.ino;
    a->type = inode_type(raw);
    if (inode_type(raw) == EXT2_S_IFLNK && (!(a->flags & FS_O_NOFOLLOW) || a->walk->slash)) {
        a->text_len = raw->i_size;
        return walk_text(fs, raw, a->walk->text);
    }
    return 0;
}

/* All that the request changes is done. */
static int completed(struct fs *fs, uint32_t ino)
{
    struct ext2_inode *raw;
    int err = inode_get(fs, ino, &raw);

    if (!err)
        txn_completes(fs, inode_key(ino, raw));
    return err;
}

static int op_open(struct fs *fs, void *arg)
{
    struct open_args *a = arg;
    struct ext2_inode *dir;
    uint32_t ino;
    int err = walk_lookup(a->walk, &dir, &a->slot);

    a->made = false;
    a->text_len = 0;
    if (!err) {
        err = open_found(fs, a, &ino);
    } else if (err == -ENOENT && dir && (a->flags & FS_O_CREAT)) {
        if (a->walk->slash || (a->flags & FS_O_DIRECTORY))
            return -EISDIR; /* only mkdir makes those */
        err = create_node(fs, a->walk, &a->create, &ino);
        a->type = EXT2_S_IFREG;
        a->made = true;
    }
    if (!err && a->made)
        err = completed(fs, ino);
    if (err)
        return err;
    a->found = inode_peek(fs, ino);
    return a->found ? 0 : -ENOMEM;
}

/* What there is to open is known, and need not be made. */
static bool open_known(const struct walk *walk, struct open_args *a)
{
    if (makes_anew(a))
        return false;
    a->inode = walk_known(walk, &a->type);
    if (a->inode != NULL)
        inode_hold(walk->fs, a->inode);
    return a->inode != NULL;
}

/* Finds or makes the node; it is held. */
static int open_path(struct walk *walk, struct open_args *a)
{
    for (;;) {
        int err = walk_to_last(walk);

        if (err)
            return err;
        if (walk->name_len == 0) { /* the root */
            a->inode = walk->dir;
            a->type = EXT2_S_IFDIR;
            inode_hold(walk->fs, a->inode);
            return makes_anew(a) ? -EEXIST : 0;
        }
        if (open_known(walk, a))
            return 0;
        memset(&a->slot, 0, sizeof(a->slot));
        err = txn_run(walk->fs, op_open, a);
        if (err)
            return err;
        if (a->text_len == 0) {
            a->inode = a->found;
            inode_hold(walk->fs, a->inode);
            return 0;
        }
        err = walk_splice(walk, a->text_len);
        if (err)
            return err;
    }
}

/* The path was walked lately, to a node of which all is known. */
static bool open_again(struct fs *fs, uint32_t dir, const char *path, size_t len,
                       struct open_args *a)
{
    struct inode *inode = pathcache_find(fs, dir, path, len, !(a->flags & FS_O_NOFOLLOW));
    const struct attributes *attributes = inode != NULL ? attributes_known(inode) : NULL;

    if (attributes == NULL || makes_anew(a))
        return false;
    a->type = attributes->stat.mode & EXT2_S_IFMT;
    a->inode = inode;
    inode_hold(fs, inode);
    return true;
}

/* Finds or makes the node that the path names; it is held. *slash: the path asks for a directory,
 * and nobody has looked whether it is one. */
static int find_or_make(struct fs *fs, uint32_t dir, const char *path, size_t len,
                        struct open_args *a, bool *slash)
{
    uint32_t names_lost = fs->inode_table.names_lost;
    struct walk walk;
    int err;

    *slash = false;
    if (open_again(fs, dir, path, len, a))
        return 0;
    a->walk = &walk;
    err = walk_begin(&walk, fs, dir, path, len);
    if (err)
        return err;
    err = open_path(&walk, a);
    if (!err)
        *slash = walk.slash && walk.name_len;
    if (!err && !*slash)
        pathcache_learn(fs, dir, path, len, !(a->flags & FS_O_NOFOLLOW), names_lost, a->inode);
    walk_end(&walk);
    return err;
}

/* May the node be opened so? */
static int check_access(struct fs *fs, const struct open_args *a, bool slash)
{
    unsigned type = a->type;
    bool writes = (a->flags & FS_O_ACCMODE) != FS_O_RDONLY;

    if ((a->flags & FS_O_ACCMODE) == FS_O_ACCMODE)
        return -EINVAL;
    if (type == EXT2_S_IFLNK)
        return -ELOOP;
    if (type != EXT2_S_IFDIR && (slash || (a->flags & FS_O_DIRECTORY)))
        return -ENOTDIR;
    if (type == EXT2_S_IFDIR && (writes || (a->flags & (FS_O_CREAT | FS_O_TRUNC))))
        return -EISDIR;
    if (type == EXT2_S_IFREG && writes)
        return fs_writable(fs);
    return 0;
}

static int open_held(struct fs *fs, const struct open_args *a, bool slash, struct fs_node *out)
{
    int err = check_access(fs, a, slash);

    if (!err && (a->flags & FS_O_TRUNC) && (a->flags & FS_O_ACCMODE) != FS_O_RDONLY &&
        a->type == EXT2_S_IFREG && !a->made)
        err = truncate_to(fs, a->inode, 0, true);
    return err ? err : fs_node(fs, a->inode->ino, out);
}

int fs_open(struct fs *fs, uint32_t dir, const char *path, size_t len, int flags, unsigned mode,
            struct fs_node *out)
{
    struct open_args args = {.flags = flags, .create = {.mode = EXT2_S_IFREG | (mode & 07777)}};
    bool slash;
    int err = find_or_make(fs, dir, path, len, &args, &slash);

    if (args.inode == NULL)
        return err;
    if (!err)
        err = open_held(fs, &args, slash, out);
    if (!err)
        inode_add_session(args.inode); /* the hold goes with it */
    else
        inode_put(fs, args.inode);
    return err;
}

int fs_reopen(struct fs *fs, uint64_t number, uint64_t key, int flags, struct fs_node *out)
{
    struct open_args args = {.flags = flags & ~(FS_O_CREAT | FS_O_EXCL | FS_O_TRUNC)};
    int err = redo_let_go(fs, number) ? 0 : fs_adopt(fs, (uint32_t)key);

    if (err)
        return err;
    err = fs_node(fs, (uint32_t)key, out);
    if (!err && out->key != key)
        err = -ENOENT;
    if (!err) {
        args.type = out->mode & EXT2_S_IFMT;
        err = check_access(fs, &args, false);
    }
    if (err)
        fs_close(fs, (uint32_t)key);
    return err;
}

void fs_close(struct fs *fs, uint32_t ino)
{
    struct inode *inode = inode_find(fs, ino);

    /* The sessions that the file system did not make are not counted. */
    if (inode == NULL || inode->sessions == 0)
        return;
    inode->sessions--;
    inode_put(fs, inode);
}
