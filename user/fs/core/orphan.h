/*
 * The volume's list of orphans: inodes that a crash would leave in between, so that
 * the next mount finishes with them. They are those without names that something still
 * holds, which are to be freed, and files being cut, the end of whose last block is to
 * be cleared.
 *
 * The superblock has the first one's number, and each has the next one's in i_dtime;
 * in memory they are linked in the same order. A volume without a journal has no list that
 * survives a crash, but one for the next instance of the server (redo.h).
 */
#ifndef USER_FS_CORE_ORPHAN_H
#define USER_FS_CORE_ORPHAN_H

struct fs;
struct inode;
struct ext2_inode;

/* In a transaction: put the inode on the list, or take it off. Nothing happens if it is
 * there, or is not. raw is its record, for change. One of each in a transaction. */
void orphan_add(struct fs *fs, struct inode *inode, struct ext2_inode *raw);
int orphan_remove(struct fs *fs, struct inode *inode, struct ext2_inode *raw)
    __attribute__((warn_unused_result));
/* The transaction succeeded. */
void orphan_apply(struct fs *fs);

/* At mount: take the list that the volume has into memory; those on it are held. Then
 * finish with them, but not with those that someone else holds, too. Each returns 0, or an
 * errno if the list cannot be right or the device fails, and sleeps. */
int orphan_load(struct fs *fs) __attribute__((warn_unused_result));
int orphan_finish(struct fs *fs) __attribute__((warn_unused_result));

#endif
