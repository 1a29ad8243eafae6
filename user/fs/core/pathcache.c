/* The cache of paths: see pathcache.h. */
#include <string.h>
#include "user/fs/core/pathcache.h"
#include "user/fs/core/volume.h"

/* Multiplicative hashing (Knuth, "The Art of Computer Programming", volume 3, section 6.4): the
 * odd number next to 2^64 divided by the golden ratio. */
#define SCATTER     0x9e3779b97f4a7c15u
#define PLACE_SHIFT 58

_Static_assert(PATHS_KNOWN == 1u << (64 - PLACE_SHIFT), "PLACE_SHIFT");

/* Words of a path; what is behind them is not looked at. */
static unsigned words_of(size_t len)
{
    return (len + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

/* The place of a path, and what must be there for it to be known; NULL: it is too long. */
static struct known_path *place_of(struct fs *fs, uint32_t dir, const char *path, size_t len,
                                   bool follow, struct known_path *key)
{
    uint64_t place;

    if (len == 0 || len > PATH_KNOWN_MAX)
        return NULL;
    key->text[words_of(len) - 1] = 0;
    memcpy(key->text, path, len);
    key->dir = path[0] == '/' ? FS_ROOT_INO : dir;
    key->names_lost = fs->inode_table.names_lost;
    key->len = len;
    key->follow = follow;
    place = key->dir;
    for (unsigned i = 0; i < words_of(len); i++)
        place = (place ^ key->text[i]) * SCATTER;
    return &fs->paths[place >> PLACE_SHIFT];
}

struct inode *pathcache_find(struct fs *fs, uint32_t dir, const char *path, size_t len, bool follow)
{
    struct known_path key, *known = place_of(fs, dir, path, len, follow, &key);
    uint64_t differs = 0;

    if (known == NULL || known->names_lost != key.names_lost || known->dir != key.dir ||
        known->len != key.len || known->follow != key.follow || known->ino == 0)
        return NULL;
    for (unsigned i = 0; i < words_of(len); i++)
        differs |= known->text[i] ^ key.text[i];
    return differs ? NULL : inode_find(fs, known->ino);
}

void pathcache_learn(struct fs *fs, uint32_t dir, const char *path, size_t len, bool follow,
                     uint32_t names_lost, const struct inode *inode)
{
    struct known_path key, *known = place_of(fs, dir, path, len, follow, &key);

    if (known == NULL)
        return;
    memcpy(known->text, key.text, words_of(len) * sizeof(key.text[0]));
    known->dir = key.dir;
    known->names_lost = names_lost;
    known->ino = inode->ino;
    known->len = key.len;
    known->follow = follow;
}
