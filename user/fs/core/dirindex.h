/*
 * The name index of a large directory: where in it a name may be. Entries never
 * move as long as they live, so their byte offset will do. The index is built once, by reading the
 * directory through, and then kept up with every change, so that many names in one directory do not
 * cost time in their square. It lives in memory only and can be dropped at any moment.
 */
#ifndef USER_FS_CORE_DIRINDEX_H
#define USER_FS_CORE_DIRINDEX_H

#include <stdbool.h>
#include <stdint.h>

struct fs;
struct inode;
struct txn_note;

struct dirindex_slot {
    uint32_t hash;
    uint32_t place; /* offset in the directory / 4, + 1; 0: the slot is free */
};

struct dirindex {
    uint32_t blocks; /* indexed so far, from the first on */
    uint32_t names;
    uint32_t mask;               /* slots - 1 */
    struct dirindex_slot *slots; /* open addressing, linear probes */
    uint32_t gap_room;
    uint16_t *gaps; /* per block: bytes of the largest entry it has room for */
};

uint32_t dirindex_hash(const char *name, unsigned len);
/* The same, byte by byte (FNV-1a): of no bytes, and with one more. */
#define DIRINDEX_HASH_EMPTY 2166136261u
static inline uint32_t dirindex_hash_next(uint32_t hash, char c)
{
    return (hash ^ (unsigned char)c) * 16777619u;
}

/* The index, empty if it is new; NULL if there is no room for it. */
struct dirindex *dirindex_open(struct fs *fs, struct inode *dir);
/* Count block n, the next one, in: then add its names. False: no room for more,
 * and the index is gone. */
bool dirindex_extend(struct fs *fs, struct inode *dir, uint32_t gap);
bool dirindex_add(struct fs *fs, struct inode *dir, uint32_t hash, uint32_t offset);
/* Does what a committed transaction noted. */
void dirindex_apply(struct fs *fs, const struct txn_note *note);
void dirindex_drop(struct fs *fs, struct inode *dir);

/* The offsets of the entries whose names have this hash, one after the other: *at
 * is 0 at first. False: no more. */
bool dirindex_next(const struct dirindex *index, uint32_t hash, uint32_t *at, uint32_t *offset);
/* A block that has room for an entry of so many bytes, or the number of blocks
 * if none has. */
uint32_t dirindex_room(const struct dirindex *index, uint32_t bytes);

#endif
