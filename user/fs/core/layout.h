/*
 * How a volume is made up: what its superblock and its groups' descriptors say, checked.
 */
#ifndef USER_FS_CORE_LAYOUT_H
#define USER_FS_CORE_LAYOUT_H

struct fs;

/*
 * Read the superblock and the descriptors of all groups, and set the geometry of *fs, its
 * superblock, its groups, its largest file and its counts by them. If the superblock is nonsense
 * but a copy of it is not, the copy serves, and the volume becomes read-only: decision 71 says
 * when an unknown feature is nonsense. Sleeps.
 * -EINVAL: no volume that makes sense, which the log says. -EOPNOTSUPP: it needs features that are
 * not known. -ENOMEM, -EIO: this may pass.
 */
int layout_read(struct fs *fs) __attribute__((warn_unused_result));

#endif
