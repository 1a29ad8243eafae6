/* The cache of names: see namecache.h. */
#include <string.h>
#include "user/fs/core/namecache.h"
#include "user/fs/core/volume.h"

static unsigned place_of(const struct inode *dir, uint32_t hash)
{
    return (hash ^ hash >> 16 ^ dir->ino) % NAMES_KNOWN;
}

const struct known_name *namecache_find(const struct fs *fs, const struct inode *dir,
                                        const char *name, unsigned len, uint32_t hash)
{
    const struct known_name *known = &fs->names[place_of(dir, hash)];

    if (known->dir != dir->ino || known->changes != dir->changes || known->hash != hash ||
        known->len != len || memcmp(known->name, name, len) != 0)
        return NULL;
    return known;
}

void namecache_learn(struct fs *fs, const struct inode *dir, const char *name, unsigned len,
                     uint32_t hash, const struct dir_slot *slot, unsigned type)
{
    struct known_name *known = &fs->names[place_of(dir, hash)];

    if (len > NAME_KNOWN_MAX || fs->txn.undo_count > 0 || dir_is_dots(name, len))
        return;
    *known = (struct known_name){
        .dir = dir->ino,
        .changes = dir->changes,
        .hash = hash,
        .ino = slot->ino,
        .place = slot->block << fs->block_shift | slot->offset,
        .type = type,
        .len = len,
    };
    memcpy(known->name, name, len);
}
