/* Walking a path: see walk.h. */
#include <string.h>
#include "user/fs/core/dirindex.h"
#include "user/fs/core/map.h"
#include "user/fs/core/volume.h"
#include "user/fs/core/walk.h"

static void hold(struct walk *walk)
{
    if (!walk->held)
        inode_hold(walk->fs, walk->dir);
    walk->held = true;
}

/* Goes on to another directory, which is held as the one before was. Sleeps if that was. */
static void move_to(struct walk *walk, struct inode *dir)
{
    struct inode *before = walk->dir;

    if (walk->held)
        inode_hold(walk->fs, dir);
    walk->dir = dir;
    if (walk->held)
        inode_put(walk->fs, before);
}

static int start_at(struct walk *walk, uint32_t ino)
{
    struct inode *inode = inode_peek(walk->fs, ino);

    if (inode == NULL)
        return -ENOMEM;
    move_to(walk, inode);
    return 0;
}

int walk_begin(struct walk *walk, struct fs *fs, uint32_t dir, const char *path, size_t len)
{
    if (len == 0)
        return -ENOENT;
    if (len >= FS_PATH_MAX)
        return -ENAMETOOLONG;
    walk->fs = fs;
    walk->start = path[0] == '/' ? FS_ROOT_INO : dir;
    walk->dir = NULL;
    walk->held = false;
    walk->links = 0;
    walk->path = path;
    walk->len = len;
    walk->at = 0;
    return 0;
}

void walk_end(struct walk *walk)
{
    if (walk->held)
        inode_put(walk->fs, walk->dir);
}

int walk_record(struct fs *fs, uint32_t ino, struct ext2_inode **out)
{
    int err = inode_get(fs, ino, out);

    return err == -ENOENT ? fs_corrupt(fs, "a directory names a free inode", ino) : err;
}

int walk_lookup(struct walk *walk, struct ext2_inode **dir_raw, struct dir_slot *slot)
{
    int err = inode_get_dir(walk->fs, walk->dir->ino, dir_raw);

    if (err) {
        *dir_raw = NULL;
        return err;
    }
    return dir_lookup(walk->fs, walk->dir, *dir_raw, walk->name, walk->name_len, walk->name_hash,
                      slot);
}

void walk_learn(const struct walk *walk, const struct dir_slot *slot, const struct ext2_inode *raw)
{
    namecache_learn(walk->fs, walk->dir, walk->name, walk->name_len, walk->name_hash, slot,
                    inode_type(raw));
}

struct inode *walk_known(const struct walk *walk, unsigned *type)
{
    const struct known_name *known =
        namecache_find(walk->fs, walk->dir, walk->name, walk->name_len, walk->name_hash);

    if (known == NULL || known->type == EXT2_S_IFLNK)
        return NULL;
    *type = known->type;
    return inode_peek(walk->fs, known->ino);
}

int walk_text(struct fs *fs, const struct ext2_inode *raw, char *text)
{
    struct block *block;
    uint32_t no;
    int err;

    if (!inode_has_map(fs, raw)) {
        memcpy(text, raw->i_block, raw->i_size);
        return 0;
    }
    err = map_get(fs, raw, 0, &no);
    if (!err && no == 0)
        err = fs_corrupt(fs, "a symlink has no block, size", raw->i_size);
    if (!err)
        err = block_get(fs, no, &block);
    if (!err)
        memcpy(text, block->data, raw->i_size);
    return err;
}

/* Finds the next component and what follows it. */
static int next_name(struct walk *walk)
{
    const char *at = walk->path + walk->at, *end = walk->path + walk->len;
    uint32_t hash = DIRINDEX_HASH_EMPTY;

    while (at < end && *at == '/')
        at++;
    walk->name = at;
    for (; at < end && *at != '/'; at++) {
        if (*at == '\0')
            return -EINVAL;
        hash = dirindex_hash_next(hash, *at);
    }
    walk->name_len = at - walk->name;
    walk->name_hash = hash;
    walk->slash = at < end;
    while (at < end && *at == '/')
        at++;
    walk->at = at - walk->path;
    return walk->name_len > EXT2_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* A component looked up. */
struct step {
    struct walk *walk;
    bool text_wanted; /* of a symlink */
    struct dir_slot slot;
    uint32_t ino;
    unsigned type, text_len;
    struct inode *child;
};

static int op_step(struct fs *fs, void *arg)
{
    struct step *step = arg;
    struct ext2_inode *dir_raw, *raw;
    int err = walk_lookup(step->walk, &dir_raw, &step->slot);

    if (!err)
        err = walk_record(fs, step->slot.ino, &raw);
    if (err)
        return err;
    walk_learn(step->walk, &step->slot, raw);
    step->type = inode_type(raw);
    step->text_len = 0;
    if (step->text_wanted && inode_type(raw) == EXT2_S_IFLNK) {
        step->text_len = raw->i_size;
        err = walk_text(fs, raw, step->walk->text);
        if (err)
            return err;
    }
    step->child = inode_peek(fs, step->slot.ino);
    return step->child ? 0 : -ENOMEM;
}

int walk_splice(struct walk *walk, unsigned len)
{
    const char *rest = walk->name + walk->name_len;
    unsigned rest_len = walk->path + walk->len - rest;

    if (++walk->links > FS_LINKS_MAX)
        return -ELOOP;
    if (len + rest_len >= FS_PATH_MAX)
        return -ENAMETOOLONG;
    if (memchr(walk->text, 0, len) != NULL)
        return -ENOENT; /* no name has such a byte in it */
    memmove(walk->spliced + len, rest, rest_len);
    memcpy(walk->spliced, walk->text, len);
    walk->path = walk->spliced;
    walk->len = len + rest_len;
    walk->at = 0;
    return walk->path[0] == '/' ? start_at(walk, FS_ROOT_INO) : 0;
}

static int take_step(struct walk *walk, bool text_wanted, struct step *step)
{
    step->text_len = 0;
    step->child = walk_known(walk, &step->type);
    if (step->child)
        return 0;
    hold(walk);
    *step = (struct step){.walk = walk, .text_wanted = text_wanted};
    return txn_look(walk->fs, op_step, step);
}

/* Enters the directory of a component that is not the last. */
static int walk_into(struct walk *walk)
{
    struct step step;
    int err = take_step(walk, true, &step);

    if (err)
        return err;
    if (step.text_len)
        return walk_splice(walk, step.text_len);
    if (step.type != EXT2_S_IFDIR)
        return -ENOTDIR;
    move_to(walk, step.child);
    return 0;
}

/* walk_to_last, but that dir is held only if it has been necessary. */
static int to_last(struct walk *walk)
{
    int err = walk->dir == NULL ? start_at(walk, walk->start) : 0;

    while (!err) {
        err = next_name(walk);
        if (err || walk->at == walk->len)
            return err;
        err = walk_into(walk);
    }
    return err;
}

int walk_to_last(struct walk *walk)
{
    int err = to_last(walk);

    if (!err)
        hold(walk);
    return err;
}

/* Follows the walk to its end. */
static int walk_through(struct walk *walk, bool follow, struct inode **out)
{
    for (;;) {
        int err = to_last(walk);
        struct step step;

        if (err)
            return err;
        if (walk->name_len == 0) {
            *out = walk->dir;
            inode_hold(walk->fs, *out);
            return 0;
        }
        err = take_step(walk, follow || walk->slash, &step);
        if (err)
            return err;
        if (step.text_len == 0) {
            if (walk->slash && step.type != EXT2_S_IFDIR)
                return -ENOTDIR;
            *out = step.child;
            inode_hold(walk->fs, *out);
            return 0;
        }
        err = walk_splice(walk, step.text_len);
        if (err)
            return err;
    }
}

int walk_resolve(struct fs *fs, uint32_t dir, const char *path, size_t len, bool empty_ok,
                 bool follow, struct inode **out)
{
    uint32_t names_lost = fs->inode_table.names_lost;
    struct walk walk;
    int err;

    if (len == 0 && empty_ok) {
        *out = inode_peek(fs, dir);
        if (*out == NULL)
            return -ENOMEM;
        inode_hold(fs, *out);
        return 0;
    }
    *out = pathcache_find(fs, dir, path, len, follow);
    if (*out != NULL) {
        inode_hold(fs, *out);
        return 0;
    }
    err = walk_begin(&walk, fs, dir, path, len);
    if (err)
        return err;
    err = walk_through(&walk, follow, out);
    if (!err)
        pathcache_learn(fs, dir, path, len, follow, names_lost, *out);
    walk_end(&walk);
    return err;
}
