/* Directories: changing entries. See dir.h. */
#include <string.h>
#include "user/fs/core/dir.h"
#include "user/fs/core/dirindex.h"
#include "user/fs/core/dirspace.h"
#include "user/fs/core/group.h"
#include "user/fs/core/map.h"
#include "user/fs/core/volume.h"

int dirspace_gap(struct fs *fs, uint8_t *data, uint32_t *gap)
{
    struct ext2_dirent *entry;

    *gap = 0;
    for (uint32_t offset = 0; offset < fs->block_size; offset += entry->rec_len) {
        int err = dir_entry(fs, data, offset, &entry);

        if (err)
            return err;
        if (dirspace_spare(entry) > *gap)
            *gap = dirspace_spare(entry);
    }
    return 0;
}

static uint8_t type_of(const struct fs *fs, unsigned mode)
{
    static const uint8_t types[16] = {
        [EXT2_S_IFREG >> 12] = 1, [EXT2_S_IFDIR >> 12] = 2, [EXT2_S_IFCHR >> 12] = 3,
        [EXT2_S_IFBLK >> 12] = 4, [EXT2_S_IFIFO >> 12] = 5, [EXT2_S_IFSOCK >> 12] = 6,
        [EXT2_S_IFLNK >> 12] = 7,
    };

    return fs->filetype ? types[mode >> 12 & 15] : 0;
}

static void fill_entry(const struct fs *fs, struct ext2_dirent *entry, const char *name,
                       unsigned len, uint32_t ino, unsigned mode)
{
    entry->inode = ino;
    entry->name_len = len;
    entry->file_type = type_of(fs, mode);
    memcpy(entry->name, name, len);
}

/* Notes what changes in the directory's index when this transaction commits. */
static int note_change(struct fs *fs, struct inode *dir, struct txn_note note)
{
    struct txn *txn = &fs->txn;

    if (txn->note_count == TXN_NOTES_MAX)
        return -ENOMEM;
    note.dir = dir;
    txn->notes[txn->note_count++] = note;
    return 0;
}

/* The first place in a block with room for so many bytes: offset, or the block
 * size. *gap: the largest entry that there is room for once they are taken. */
static int find_place(struct fs *fs, uint8_t *data, uint32_t bytes, uint32_t *place, uint32_t *gap)
{
    struct ext2_dirent *entry;

    *place = fs->block_size;
    *gap = 0;
    for (uint32_t offset = 0; offset < fs->block_size; offset += entry->rec_len) {
        int err = dir_entry(fs, data, offset, &entry);
        uint32_t spare;

        if (err)
            return err;
        spare = dirspace_spare(entry);
        if (spare >= bytes && *place == fs->block_size) {
            *place = offset;
            spare -= bytes;
        }
        if (spare > *gap)
            *gap = spare;
    }
    return 0;
}

/* Puts an entry into the block if there is room: 0; else -ENOSPC. */
static int add_to_block(struct fs *fs, struct inode *dir, struct ext2_inode *raw, uint32_t n,
                        const char *name, unsigned len, uint32_t ino, unsigned mode)
{
    uint32_t bytes = dirspace_bytes(len), place, gap, used;
    struct ext2_dirent *entry;
    struct block *block;
    int err = dir_block(fs, raw, n, &block);

    if (!err)
        err = find_place(fs, block->data, bytes, &place, &gap);
    if (err)
        return err;
    if (place == fs->block_size)
        return -ENOSPC;
    entry = (struct ext2_dirent *)(block->data + place);
    used = entry->inode ? dirspace_bytes(entry->name_len) : 0;
    err = block_change(fs, block, place, used + bytes);
    if (err)
        return err;
    if (used) { /* the new entry gets what this one does not need */
        uint32_t spare = dirspace_spare(entry);

        entry->rec_len = used;
        place += used;
        entry = (struct ext2_dirent *)(block->data + place);
        entry->rec_len = spare;
    }
    fill_entry(fs, entry, name, len, ino, mode);
    dir->room_hint = n;
    return note_change(fs, dir,
                       (struct txn_note){.hash = dirindex_hash(name, len),
                                         .offset = (n << fs->block_shift) + place,
                                         .gap = gap,
                                         .kind = NOTE_ADD});
}

/* One more block at the end of a directory. */
static int append_block(struct fs *fs, struct ext2_inode *raw, uint32_t goal, struct block **out)
{
    uint32_t n = dir_blocks(fs, raw), no, last = 0;
    int err = 0;

    if (n >= (uint32_t)INT32_MAX >> fs->block_shift)
        return -ENOSPC;
    if (n > 0)
        err = map_get(fs, raw, n - 1, &last);
    if (!err)
        err = group_alloc_block(fs, last ? last + 1 : goal, &no);
    if (!err)
        err = map_set(fs, raw, n, no, no + 1);
    if (!err)
        err = block_get_new(fs, no, out);
    if (!err)
        raw->i_size += fs->block_size;
    return err;
}

static int add_at_end(struct fs *fs, struct inode *dir, struct ext2_inode *raw, const char *name,
                      unsigned len, uint32_t ino, unsigned mode)
{
    uint32_t n = dir_blocks(fs, raw);
    struct ext2_dirent *entry;
    struct block *block;
    int err = append_block(fs, raw, 0, &block);

    if (err)
        return err;
    entry = (struct ext2_dirent *)block->data;
    entry->rec_len = fs->block_size;
    fill_entry(fs, entry, name, len, ino, mode);
    dir->room_hint = n;
    return note_change(fs, dir,
                       (struct txn_note){.hash = dirindex_hash(name, len),
                                         .offset = n << fs->block_shift,
                                         .gap = fs->block_size - dirspace_bytes(len),
                                         .new_block = true,
                                         .kind = NOTE_ADD});
}

int dir_add(struct fs *fs, struct inode *dir, struct ext2_inode *raw, const char *name,
            unsigned len, uint32_t ino, unsigned mode)
{
    uint32_t blocks = dir_blocks(fs, raw), first = 0, end = blocks;
    int err;

    raw->i_flags &= ~EXT2_FL_INDEX; /* a hashed tree, if there was one, is stale now */
    if (dir->index != NULL && dir->index->blocks == blocks) {
        first = dirindex_room(dir->index, dirspace_bytes(len));
        end = first < blocks ? first + 1 : blocks;
    } else if (blocks > DIR_SCAN_BLOCKS) {
        /* Too large to look everywhere: where there was room last, or at the end. */
        first = dir->room_hint < blocks ? dir->room_hint : blocks - 1;
        end = first + 1;
    }
    for (uint32_t n = first; n < end; n++) {
        err = add_to_block(fs, dir, raw, n, name, len, ino, mode);
        if (err != -ENOSPC)
            return err;
    }
    return add_at_end(fs, dir, raw, name, len, ino, mode);
}

int dir_remove(struct fs *fs, struct inode *dir, struct ext2_inode *raw, const char *name,
               unsigned len, const struct dir_slot *slot)
{
    struct ext2_dirent *entry = NULL, *before = NULL;
    uint32_t from = slot->offset;
    struct block *block;
    int err = dir_block(fs, raw, slot->block, &block);

    if (err)
        return err;
    raw->i_flags &= ~EXT2_FL_INDEX;
    for (uint32_t offset = 0; offset <= slot->offset; offset += entry->rec_len) {
        before = entry;
        err = dir_entry(fs, block->data, offset, &entry);
        if (err)
            return err;
    }
    if (entry == NULL || entry->inode != slot->ino)
        return fs_corrupt(fs, "a directory entry moved, block", block->no);
    if (before != NULL)
        from = (uint32_t)((uint8_t *)before - block->data);
    err = block_change(fs, block, from, slot->offset - from + EXT2_DIRENT_HEAD);
    if (err)
        return err;
    entry->inode = 0;
    if (before != NULL)
        before->rec_len += entry->rec_len;
    return note_change(fs, dir,
                       (struct txn_note){.hash = dirindex_hash(name, len),
                                         .offset = (slot->block << fs->block_shift) + slot->offset,
                                         .gap = dirspace_spare(before ? before : entry),
                                         .kind = NOTE_REMOVE});
}

/* Has an entry name another inode. */
static int set_entry(struct fs *fs, struct ext2_inode *raw, const struct dir_slot *slot,
                     uint32_t ino, unsigned mode)
{
    struct ext2_dirent *entry;
    struct block *block;
    int err = dir_block(fs, raw, slot->block, &block);

    if (!err)
        err = dir_entry(fs, block->data, slot->offset, &entry);
    if (!err)
        err = block_change(fs, block, slot->offset, EXT2_DIRENT_HEAD);
    if (err)
        return err;
    if (entry->inode != slot->ino)
        return fs_corrupt(fs, "a directory entry moved, block", block->no);
    entry->inode = ino;
    entry->file_type = type_of(fs, mode);
    return 0;
}

int dir_replace(struct fs *fs, struct inode *dir, struct ext2_inode *raw,
                const struct dir_slot *slot, uint32_t ino, unsigned mode)
{
    int err = set_entry(fs, raw, slot, ino, mode);

    return err ? err : note_change(fs, dir, (struct txn_note){.kind = NOTE_REPLACE});
}

int dir_set_parent(struct fs *fs, struct ext2_inode *raw, const struct dir_slot *slot,
                   uint32_t parent)
{
    return set_entry(fs, raw, slot, parent, EXT2_S_IFDIR);
}

int dir_make(struct fs *fs, struct ext2_inode *raw, uint32_t ino, uint32_t parent)
{
    struct ext2_dirent *entry;
    struct block *block;
    int err = append_block(fs, raw, group_goal(fs, ino), &block);

    if (err)
        return err;
    entry = (struct ext2_dirent *)block->data;
    entry->rec_len = DIRENT_MIN;
    fill_entry(fs, entry, ".", 1, ino, EXT2_S_IFDIR);
    entry = (struct ext2_dirent *)(block->data + DIRENT_MIN);
    entry->rec_len = fs->block_size - DIRENT_MIN;
    fill_entry(fs, entry, "..", 2, parent, EXT2_S_IFDIR);
    return 0;
}
