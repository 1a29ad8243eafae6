/* Directories: finding entries. See dir.h; dirchange.c has the rest. */
#include <string.h>
#include "user/fs/core/dir.h"
#include "user/fs/core/dirindex.h"
#include "user/fs/core/dirspace.h"
#include "user/fs/core/map.h"
#include "user/fs/core/namecache.h"
#include "user/fs/core/volume.h"

uint32_t dir_blocks(const struct fs *fs, const struct ext2_inode *raw)
{
    return raw->i_size >> fs->block_shift;
}

/* Lists the blocks of a directory from n on that lie one behind the other, as
 * far as that can be told without waiting. Returns how many, at least one. */
static unsigned list_ahead(struct fs *fs, const struct ext2_inode *raw, uint32_t n, uint32_t no,
                           uint32_t list[CACHE_READAHEAD])
{
    uint32_t end = dir_blocks(fs, raw), next;
    unsigned count = 1;

    list[0] = no;
    while (count < CACHE_READAHEAD && n + count < end && map_get(fs, raw, n + count, &next) == 0 &&
           next == no + count)
        list[count++] = next;
    return count;
}

int dir_block(struct fs *fs, const struct ext2_inode *raw, uint32_t n, struct block **out)
{
    uint32_t list[CACHE_READAHEAD], no;
    unsigned count = 1;
    int err = map_get(fs, raw, n, &no);

    if (err)
        return err;
    if (no == 0)
        return fs_corrupt(fs, "a directory has a hole, block", n);
    list[0] = no;
    if (cache_find(fs, no) == NULL)
        count = list_ahead(fs, raw, n, no, list);
    return block_get_ahead(fs, list, count, out);
}

static inline bool entry_sound(const struct fs *fs, const struct ext2_dirent *entry,
                               uint32_t offset)
{
    return offset + DIRENT_MIN <= fs->block_size && entry->rec_len >= DIRENT_MIN &&
           entry->rec_len % 4 == 0 && entry->rec_len <= fs->block_size - offset &&
           EXT2_DIRENT_HEAD + entry->name_len <= entry->rec_len &&
           (entry->inode == 0 || entry->name_len > 0) && entry->inode <= fs->inodes;
}

int dir_entry(struct fs *fs, uint8_t *data, uint32_t offset, struct ext2_dirent **out)
{
    struct ext2_dirent *entry = (struct ext2_dirent *)(data + offset);

    if (!entry_sound(fs, entry, offset))
        return fs_corrupt(fs, "directory entry, at", offset);
    *out = entry;
    return 0;
}

/* len > 0. Names that are as long mostly differ at the end. */
static inline bool same_name(const struct ext2_dirent *entry, const char *name, unsigned len)
{
    return entry->inode && entry->name_len == len && entry->name[len - 1] == name[len - 1] &&
           memcmp(entry->name, name, len) == 0;
}

/* What a search looks for in each block: a name, or what match says 0 of (-ENOENT: go on). */
struct search {
    const char *name; /* NULL: match */
    unsigned len;
    int (*match)(const struct ext2_dirent *entry, void *arg);
    void *arg;
};

static inline bool is_wanted(const struct ext2_dirent *entry, const struct search *search)
{
    if (search->name != NULL)
        return same_name(entry, search->name, search->len);
    return entry->inode && search->match(entry, search->arg) == 0;
}

static int search_block(struct fs *fs, const struct ext2_inode *raw, uint32_t n,
                        const struct search *search, struct dir_slot *slot)
{
    struct ext2_dirent *entry;
    struct block *block;
    int err = dir_block(fs, raw, n, &block);

    if (err)
        return err;
    for (uint32_t offset = 0; offset < fs->block_size; offset += entry->rec_len) {
        entry = (struct ext2_dirent *)(block->data + offset);
        if (!entry_sound(fs, entry, offset))
            return fs_corrupt(fs, "directory entry, in block", block->no);
        if (!is_wanted(entry, search))
            continue;
        slot->ino = entry->inode;
        slot->block = n;
        slot->offset = offset;
        return 0;
    }
    return -ENOENT;
}

/* Searches all blocks, from where an earlier run of the transaction came to. */
static int search_all(struct fs *fs, struct inode *dir, const struct ext2_inode *raw,
                      const struct search *search, struct dir_slot *slot)
{
    uint32_t end = dir_blocks(fs, raw);
    int err = -ENOENT;

    if (slot->changes != dir->changes) {
        slot->changes = dir->changes;
        slot->next = 0;
    }
    for (; slot->next < end; slot->next++) {
        err = search_block(fs, raw, slot->next, search, slot);
        if (err != -ENOENT)
            return err;
        txn_progress(fs);
    }
    return -ENOENT;
}

/* Brings the index up to the directory's size. Leaves dir->index NULL if there
 * can be none. */
static int build_index(struct fs *fs, struct inode *dir, const struct ext2_inode *raw)
{
    struct dirindex *index = dirindex_open(fs, dir);
    uint32_t end = dir_blocks(fs, raw);

    if (index == NULL)
        dir->no_index = true;
    while (dir->index != NULL && dir->index->blocks < end) {
        struct ext2_dirent *entry;
        struct block *block;
        uint32_t gap, n = dir->index->blocks;
        int err = dir_block(fs, raw, n, &block);

        if (!err)
            err = dirspace_gap(fs, block->data, &gap); /* also checks all entries */
        if (err)
            return err;
        if (!dirindex_extend(fs, dir, gap))
            return 0;
        for (uint32_t offset = 0; offset < fs->block_size; offset += entry->rec_len) {
            entry = (struct ext2_dirent *)(block->data + offset);
            if (entry->inode && !dirindex_add(fs, dir, dirindex_hash(entry->name, entry->name_len),
                                              (n << fs->block_shift) + offset))
                return 0;
        }
        txn_progress(fs);
    }
    return 0;
}

/* Looks at one entry: has it the name? */
static int try_place(struct fs *fs, const struct ext2_inode *raw, uint32_t place,
                     const struct search *search, struct dir_slot *slot)
{
    struct ext2_dirent *entry;
    struct block *block;
    int err;

    slot->block = place >> fs->block_shift;
    slot->offset = place & (fs->block_size - 1);
    err = dir_block(fs, raw, slot->block, &block);
    if (!err)
        err = dir_entry(fs, block->data, slot->offset, &entry);
    if (err)
        return err;
    slot->ino = entry->inode;
    return same_name(entry, search->name, search->len) ? 0 : -ENOENT;
}

int dir_lookup(struct fs *fs, struct inode *dir, const struct ext2_inode *raw, const char *name,
               unsigned len, uint32_t hash, struct dir_slot *slot)
{
    const struct known_name *known = namecache_find(fs, dir, name, len, hash);
    const struct search search = {.name = name, .len = len};
    uint32_t at = 0, place;
    int err;

    if (known != NULL) { /* the entry is looked at all the same */
        err = try_place(fs, raw, known->place, &search, slot);
        if (err != -ENOENT)
            return err;
    }
    if (dir_blocks(fs, raw) > DIR_SCAN_BLOCKS && !dir->no_index && fs->txn.undo_count == 0) {
        err = build_index(fs, dir, raw);
        if (err)
            return err;
    }
    if (dir->index == NULL || dir->index->blocks != dir_blocks(fs, raw))
        return search_all(fs, dir, raw, &search, slot);
    while (dirindex_next(dir->index, hash, &at, &place)) {
        err = try_place(fs, raw, place, &search, slot);
        if (err != -ENOENT)
            return err;
    }
    return -ENOENT;
}

struct ino_arg {
    uint32_t ino;
    char *name;
    unsigned *len;
};

static int match_ino(const struct ext2_dirent *entry, void *arg)
{
    const struct ino_arg *a = arg;

    if (entry->inode != a->ino || dir_is_dots(entry->name, entry->name_len))
        return -ENOENT;
    memcpy(a->name, entry->name, entry->name_len);
    *a->len = entry->name_len;
    return 0;
}

int dir_lookup_ino(struct fs *fs, struct inode *dir, const struct ext2_inode *raw, uint32_t ino,
                   char name[EXT2_NAME_MAX], unsigned *len, struct dir_slot *slot)
{
    struct ino_arg arg = {ino, name, len};
    const struct search search = {.match = match_ino, .arg = &arg};

    return search_all(fs, dir, raw, &search, slot);
}

static int match_any(const struct ext2_dirent *entry, void *arg)
{
    (void)arg;
    return dir_is_dots(entry->name, entry->name_len) ? -ENOENT : 0;
}

int dir_check_empty(struct fs *fs, struct inode *dir, const struct ext2_inode *raw,
                    struct dir_slot *slot)
{
    const struct search search = {.match = match_any};
    int err = search_all(fs, dir, raw, &search, slot);

    return err == -ENOENT ? 0 : err ? err : -ENOTEMPTY;
}

int dir_parent(struct fs *fs, const struct ext2_inode *raw, struct dir_slot *slot)
{
    struct ext2_dirent *dot, *dotdot;
    struct block *block;
    int err = dir_block(fs, raw, 0, &block);

    if (!err)
        err = dir_entry(fs, block->data, 0, &dot);
    if (!err)
        err = dir_entry(fs, block->data, dot->rec_len, &dotdot);
    if (err)
        return err;
    if (!same_name(dot, ".", 1) || !same_name(dotdot, "..", 2))
        return fs_corrupt(fs, "a directory does not begin with . and .., block", block->no);
    slot->ino = dotdot->inode;
    slot->block = 0;
    slot->offset = dot->rec_len;
    return 0;
}
