/*
 * Walking a path. A walk holds the directory it has come to when it sleeps, so that
 * this one cannot be freed between the transactions that the components take; a
 * directory that was removed meanwhile has no entries (-ENOENT). Through directories
 * whose names are known it goes without a hold, for there it does not sleep.
 */
#ifndef USER_FS_CORE_WALK_H
#define USER_FS_CORE_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include "user/fs/core/dir.h"
#include "user/fs/core/fs.h"

struct walk {
    struct fs *fs;
    uint32_t start;    /* the directory to begin at */
    struct inode *dir; /* NULL: not there yet */
    bool held;         /* dir */
    unsigned links;    /* symlinks followed */
    const char *path;  /* the caller's, or spliced */
    unsigned len, at;  /* of path: bytes; where the next component begins */
    /* After walk_to_last, which leaves dir held: */
    const char *name;       /* the last component, in path */
    unsigned name_len;      /* 0: the path names dir itself */
    uint32_t name_hash;     /* dirindex_hash */
    bool slash;             /* slashes follow it: it must be a directory */
    char text[FS_PATH_MAX]; /* room for a symlink's text */
    char spliced[FS_PATH_MAX];
};

/* Begins at directory dir, or at the root. The path stays where it is until walk_end,
 * with which what follows a success must end, whatever happens between. */
int walk_begin(struct walk *walk, struct fs *fs, uint32_t dir, const char *path, size_t len)
    __attribute__((warn_unused_result));
/* Goes on to the directory that the last component is in. Sleeps. */
int walk_to_last(struct walk *walk) __attribute__((warn_unused_result));
/* Puts a symlink's text (of len bytes, in walk->text) in place of the last
 * component; walk_to_last is next. Sleeps. */
int walk_splice(struct walk *walk, unsigned len) __attribute__((warn_unused_result));
void walk_end(struct walk *walk);

/* After walk_to_last, if there is a name: the inode that it is known to name, without a look at
 * the directory, and of what type that is. Not held. NULL: it is not known, or is a symlink. */
struct inode *walk_known(const struct walk *walk, unsigned *type);

/* In a transaction: the directory's record, and the last component's slot in it.
 * *dir_raw is NULL if the directory itself is what is not there. */
int walk_lookup(struct walk *walk, struct ext2_inode **dir_raw, struct dir_slot *slot)
    __attribute__((warn_unused_result));
/* In a transaction: the record that an entry names, which must be there. */
int walk_record(struct fs *fs, uint32_t ino, struct ext2_inode **out)
    __attribute__((warn_unused_result));
/* In a transaction: the last component names that record's inode, as walk_known may tell. */
void walk_learn(const struct walk *walk, const struct dir_slot *slot, const struct ext2_inode *raw);
/* In a transaction: the text of a symlink, at most FS_PATH_MAX - 1 bytes. */
int walk_text(struct fs *fs, const struct ext2_inode *raw, char *text)
    __attribute__((warn_unused_result));

/* The inode that a path names, held for the caller, who must inode_put it.
 * empty_ok: an empty path names dir. Sleeps. */
int walk_resolve(struct fs *fs, uint32_t dir, const char *path, size_t len, bool empty_ok,
                 bool follow, struct inode **out) __attribute__((warn_unused_result));

#endif
