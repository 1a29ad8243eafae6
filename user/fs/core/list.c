/* Reading directories: readdir, getcwd. */
#include <string.h>
#include "user/fs/core/volume.h"
#include "user/fs/core/walk.h"

/* A cookie is the byte offset in the directory from which to go on. It may have
 * become the middle of an entry: then the next one counts. */
struct list_args {
    uint32_t ino;
    uint64_t cookie;
    uint8_t *buffer;
    size_t room;
    size_t used;   /* after the run */
    uint64_t next; /* cookie after it */
    bool end;
    bool full;
};

/* What S_IFMT >> 12 says, from a directory entry's own code. */
static uint8_t entry_type(const struct fs *fs, const struct ext2_dirent *entry)
{
    static const uint8_t types[8] = {0, 8, 4, 2, 6, 1, 12, 10};

    return fs->filetype ? types[entry->file_type & 7] : 0;
}

/* Appends a record if it fits. */
static bool emit(const struct fs *fs, struct list_args *a, const struct ext2_dirent *entry,
                 uint64_t next)
{
    size_t length = (offsetof(struct msg_dirent, name) + entry->name_len + 1 + 7) & ~7ul;
    struct msg_dirent out = {
        .ino = entry->inode,
        .cookie = next,
        .length = length,
        .type = entry_type(fs, entry),
        .name_len = entry->name_len,
    };
    uint8_t *place = a->buffer + a->used;

    if (length > a->room - a->used)
        return false;
    memset(place, 0, length);
    memcpy(place, &out, offsetof(struct msg_dirent, name));
    memcpy(place + offsetof(struct msg_dirent, name), entry->name, entry->name_len);
    a->used += length;
    return true;
}

/* The rest of the block that the cookie points into. */
static int op_list(struct fs *fs, void *arg)
{
    struct list_args *a = arg;
    uint64_t base = a->cookie & ~(uint64_t)(fs->block_size - 1);
    struct ext2_dirent *entry;
    struct ext2_inode *raw;
    struct block *block;
    int err = inode_get(fs, a->ino, &raw);

    a->used = 0;
    a->full = a->end = false;
    a->next = a->cookie;
    if (err)
        return err;
    if (!inode_is_dir(raw))
        return -ENOTDIR;
    if (a->cookie >= raw->i_size || raw->i_links_count == 0) {
        a->end = true;
        return 0;
    }
    err = dir_block(fs, raw, base >> fs->block_shift, &block);
    if (err)
        return err;
    for (uint32_t offset = 0; offset < fs->block_size; offset += entry->rec_len) {
        err = dir_entry(fs, block->data, offset, &entry);
        if (err)
            return err;
        if (base + offset < a->cookie)
            continue;
        if (entry->inode && !emit(fs, a, entry, base + offset + entry->rec_len)) {
            a->full = true;
            return 0;
        }
        a->next = base + offset + entry->rec_len;
    }
    a->next = base + fs->block_size;
    return 0;
}

int fs_readdir(struct fs *fs, uint32_t dir, uint64_t *cookie, void *buffer, size_t room)
{
    struct list_args args = {.ino = dir, .cookie = *cookie};
    size_t done = 0;

    for (;;) {
        int err;

        args.buffer = (uint8_t *)buffer + done;
        args.room = room - done;
        err = txn_look(fs, op_list, &args);
        if (err)
            return done ? (int)done : err; /* the error comes again with the next call */
        done += args.used;
        args.cookie = args.next;
        *cookie = args.next;
        if (args.full && done == 0)
            return -EINVAL;
        if (args.full || args.end)
            return done;
    }
}

/* ------------------------------------------------------------------ getcwd */

struct up_args {
    struct inode *dir; /* held */
    struct inode *parent;
    struct dir_slot up, slot;
    char name[EXT2_NAME_MAX];
    unsigned len;
};

static int op_parent(struct fs *fs, void *arg)
{
    struct up_args *a = arg;
    struct ext2_inode *raw;
    int err = inode_get_dir(fs, a->dir->ino, &raw);

    if (!err)
        err = dir_parent(fs, raw, &a->up);
    if (err)
        return err;
    a->parent = inode_peek(fs, a->up.ino);
    return a->parent ? 0 : -ENOMEM;
}

static int op_name(struct fs *fs, void *arg)
{
    struct up_args *a = arg;
    struct ext2_inode *raw;
    int err = inode_get_dir(fs, a->parent->ino, &raw);

    if (err)
        return err;
    return dir_lookup_ino(fs, a->parent, raw, a->dir->ino, a->name, &a->len, &a->slot);
}

/* Puts "/name" of *dir in front of what ends the buffer, and goes to its parent.
 * Holds move along. */
static int go_up(struct fs *fs, struct inode **dir, char *buffer, size_t *at)
{
    struct up_args args = {.dir = *dir};
    int err = txn_look(fs, op_parent, &args);

    if (err)
        return err;
    inode_hold(fs, args.parent);
    err = txn_look(fs, op_name, &args);
    if (!err && *at < args.len + 1)
        err = -ERANGE;
    if (err) {
        inode_put(fs, args.parent);
        return err;
    }
    *at -= args.len;
    memcpy(buffer + *at, args.name, args.len);
    buffer[--*at] = '/';
    inode_put(fs, *dir);
    *dir = args.parent;
    return 0;
}

static int path_of(struct fs *fs, uint32_t dir, char *buffer, size_t room)
{
    struct inode *inode = inode_peek(fs, dir);
    size_t at = room;
    int err = 0;

    if (inode == NULL)
        return -ENOMEM;
    inode_hold(fs, inode);
    while (!err && inode->ino != FS_ROOT_INO)
        err = go_up(fs, &inode, buffer, &at);
    inode_put(fs, inode);
    if (err)
        return err;
    if (at == room && at > 0)
        buffer[--at] = '/';
    memmove(buffer, buffer + at, room - at);
    return room - at ? (int)(room - at) : -ERANGE;
}

int fs_getcwd(struct fs *fs, uint32_t dir, char *buffer, size_t room)
{
    uint32_t renames;
    int result, tries = 0;

    if (room > FS_PATH_MAX)
        room = FS_PATH_MAX;
    /* The way up takes many transactions: a rename in between can make it one
     * that never was. */
    do {
        renames = fs->renames;
        result = path_of(fs, dir, buffer, room);
    } while (result != -EIO && renames != fs->renames && ++tries < 16);
    return result;
}
