/*
 * Freeing the blocks of a file, and giving it a new size. These sleep, and set the
 * inode's `truncating` mark meanwhile.
 *
 * Blocks go from the end of the file towards its start, in as many transactions as
 * they take. After each of these the size, on the disk and in the kernel's memory
 * object, is such that no block lies behind it: whatever fails next, and whenever
 * the machine stops, nothing that was cut off can come to light again. Who asks for
 * the size waits for the mark, so that no size in between is seen.
 *
 * With a journal, the end of the last block is cleared when the new size is committed,
 * lest a crash in between takes it from a file that has its old size; and until it is
 * cleared the file is on the list of orphans (orphan.h).
 */
#ifndef USER_FS_CORE_TRUNCATE_H
#define USER_FS_CORE_TRUNCATE_H

#include <stdbool.h>
#include <stdint.h>

struct fs;
struct inode;
struct ext2_inode;

/* Free all blocks of an inode without names, whose mark is not set, what it had reserved,
 * and with the last of the blocks itself. After an error some may be freed; it can be called
 * again for the rest. */
int truncate_free(struct fs *fs, struct inode *inode) __attribute__((warn_unused_result));
/* In a transaction: is so little to be freed that truncate_small can do it? raw is the
 * inode's record. */
bool truncate_is_small(const struct fs *fs, const struct inode *inode,
                       const struct ext2_inode *raw);
/* In a transaction: as truncate_free, of an inode that nothing holds and whose record raw is
 * for change. */
int truncate_small(struct fs *fs, struct inode *inode, struct ext2_inode *raw)
    __attribute__((warn_unused_result));
/* At mount: finish with a regular file that a crash met while it was cut to the size that
 * it has. The caller holds it. */
int truncate_again(struct fs *fs, struct inode *inode) __attribute__((warn_unused_result));
/* Set the size of a regular file, which the caller holds: on the disk, in the
 * kernel's memory object, and in its reservations. After an error the file has its
 * old size, or if it was to become much shorter one in between, at which a page
 * ends; what is left of it is as it was. The request is completed by it, and by opening
 * the file if it opens it. */
int truncate_to(struct fs *fs, struct inode *inode, uint64_t size, bool opens)
    __attribute__((warn_unused_result));

#endif
