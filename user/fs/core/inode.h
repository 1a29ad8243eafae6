/*
 * Inodes: the record on the disk (struct ext2_inode, in a cached block), and
 * what is known in memory of some of them (struct inode).
 *
 * A struct inode exists for every inode with sessions or reservations, for those
 * that an operation holds, and for some that were used lately. Transactions read the
 * record where it lies; of what it says some is kept for stat (attributes.h).
 *
 * `truncating` is set while one thread frees blocks of the file, which takes
 * several transactions. Operations that would give the file blocks, count those it
 * lacks, or tell its size wait for it to clear.
 */
#ifndef USER_FS_CORE_INODE_H
#define USER_FS_CORE_INODE_H

#include <stdbool.h>
#include <stdint.h>
#include "user/fs/core/attributes.h"
#include "user/fs/core/ext2.h"
#include "user/fs/core/fs.h"
#include "user/fs/core/link.h"
#include "user/fs/core/reserve.h"

#define INODE_HASH  128
#define INODES_IDLE 64 /* kept in memory though nothing uses them */

struct fs;
struct dirindex;

struct inode {
    struct link hash, idle; /* idle: in the list only if held == 0 */
    struct link orphan;     /* orphan.h */
    uint32_t ino;
    uint32_t held;       /* operations and sessions */
    uint32_t sessions;   /* of held */
    bool unlinked;       /* no names left: free it when held falls to 0 */
    bool deleting;       /* being freed: as good as gone */
    bool truncating;     /* see above */
    bool no_index;       /* the directory is too large to be indexed */
    uint64_t key;        /* of its object; known once it is unlinked or has reservations */
    uint32_t goal;       /* block behind the one allocated last, or 0 */
    uint32_t changes;    /* inode_table.changes when the directory last changed */
    uint32_t reap_round; /* of inode_reap, when it last tried */
    uint32_t room_hint;  /* directory block to try first for a new name */
    struct dirindex *index;
    struct reservation reservation;
    struct attributes attributes;
};

struct inode_table {
    struct link hash[INODE_HASH];
    struct link idle; /* next: used last */
    uint32_t idle_count;
    uint32_t reap_round;
    uint32_t changes;    /* to directories, counted */
    uint32_t names_lost; /* of them, those by which a name went, or got another inode */
    size_t index_bytes;  /* in all directory indices */
};

void inode_table_init(struct fs *fs);
void inode_table_destroy(struct fs *fs);

/* In memory: these do not sleep and may be used in transactions. */

/* The struct inode, made if it is not there; not held, so it lasts until the
 * next sleep at least. NULL: no memory. */
struct inode *inode_peek(struct fs *fs, uint32_t ino);
/* Only if it is there. */
struct inode *inode_find(struct fs *fs, uint32_t ino);
void inode_hold(struct fs *fs, struct inode *inode);
/* One hold becomes that of another session. */
void inode_add_session(struct inode *inode);

/* In a transaction that tells the size of the file: 0 if no truncation is under way,
 * else FS_AGAIN. */
int inode_await_size(struct fs *fs, uint32_t ino) __attribute__((warn_unused_result));

/* Sleeps if that was the last hold on an inode without names, which it frees. */
void inode_put(struct fs *fs, struct inode *inode);
/* A transaction has taken the last name of the inode. Sleeps as inode_put does, unless the
 * same transaction has freed it. */
void inode_unlinked(struct fs *fs, struct inode *inode, bool freed);
/* Frees unlinked files that only mappings kept, if these have ended. Sleeps. */
void inode_reap(struct fs *fs);
/* Gives up reservations of files that nobody has open and that have no pages in
 * memory: a page that comes in anew is known to lack blocks. */
void inode_release_reserved(struct fs *fs);

/* On the disk: in transactions. */

/* The record, checked for sense. Free inodes are -ENOENT. */
int inode_get(struct fs *fs, uint32_t ino, struct ext2_inode **out)
    __attribute__((warn_unused_result));
int inode_change(struct fs *fs, uint32_t ino, struct ext2_inode **out)
    __attribute__((warn_unused_result));
/* As inode_get, of a directory that still has a name: -ENOTDIR, -ENOENT. */
int inode_get_dir(struct fs *fs, uint32_t ino, struct ext2_inode **out)
    __attribute__((warn_unused_result));
/* The last name of the inode goes: can the same transaction free it, since nothing holds it, it has
 * no pages in memory and few blocks? raw is its record. */
bool inode_goes_now(struct fs *fs, const struct inode *inode, const struct ext2_inode *raw);
/* Frees the record, which is for change, of an inode without names and blocks. */
int inode_free_record(struct fs *fs, struct inode *inode, struct ext2_inode *raw)
    __attribute__((warn_unused_result));
/* A zeroed record for a new inode of this mode near the directory. */
int inode_make(struct fs *fs, uint32_t dir, unsigned mode, uint32_t *ino, struct ext2_inode **out)
    __attribute__((warn_unused_result));

uint64_t inode_size(const struct ext2_inode *raw);
/* 0, or -EFBIG. */
int inode_set_size(struct fs *fs, struct ext2_inode *raw, uint64_t size)
    __attribute__((warn_unused_result));
/* Whether i_block holds block numbers, and not a short symlink or a device. */
bool inode_has_map(const struct fs *fs, const struct ext2_inode *raw);
uint64_t inode_key(uint32_t ino, const struct ext2_inode *raw);
void inode_add_blocks(const struct fs *fs, struct ext2_inode *raw, int64_t blocks);

enum inode_time { TIME_ACCESS, TIME_CHANGE, TIME_MODIFY };
uint64_t inode_time(const struct fs *fs, const struct ext2_inode *raw, enum inode_time which);
void inode_set_time(const struct fs *fs, struct ext2_inode *raw, enum inode_time which,
                    uint64_t ns);
/* The kernel's memory object of a regular file: false if there is none. */
bool inode_object(struct fs *fs, uint32_t ino, const struct ext2_inode *raw,
                  struct fs_object *object);
/* Whether its change time can tell parts of a second. */
bool inode_parts_of_seconds(const struct fs *fs, const struct ext2_inode *raw);
/* The time of modification of a file that its record says was modified and changed then, the
 * latter to the second or better, and that programs last wrote at the third time. */
uint64_t inode_later(uint64_t modified, uint64_t changed, bool whole_seconds, uint64_t written);
/* The same by the record, with pages that the kernel has not sent back included. */
uint64_t inode_modified(const struct fs *fs, const struct ext2_inode *raw,
                        const struct fs_object *object);
/* Change time now; keeps what inode_modified would have said. */
void inode_touch(struct fs *fs, uint32_t ino, struct ext2_inode *raw);

static inline unsigned inode_type(const struct ext2_inode *raw)
{
    return raw->i_mode & EXT2_S_IFMT;
}

static inline bool inode_is_dir(const struct ext2_inode *raw)
{
    return inode_type(raw) == EXT2_S_IFDIR;
}

#endif
