/*
 * The on-disk structures of ext2, revisions 0 and 1. Everything on the disk is
 * little-endian, as are the machines that this code runs on, so fields are read
 * where they lie.
 */
#ifndef USER_FS_CORE_EXT2_H
#define USER_FS_CORE_EXT2_H

#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ext2 fields are used as they lie");

#define EXT2_SUPER_SECTOR    2 /* byte 1024, in sectors of 512 */
#define EXT2_SUPER_MAGIC     0xef53
#define EXT2_ROOT_INO        2
#define EXT2_FIRST_INO_REV0  11
#define EXT2_INODE_SIZE_REV0 128
#define EXT2_LINK_MAX        32000
#define EXT2_NAME_MAX        255

#define EXT2_STATE_VALID 1
#define EXT2_STATE_ERROR 2

#define EXT2_COMPAT_HAS_JOURNAL     0x4
#define EXT2_INCOMPAT_FILETYPE      0x2
#define EXT2_INCOMPAT_RECOVER       0x4
#define EXT2_RO_COMPAT_SPARSE_SUPER 0x1
#define EXT2_RO_COMPAT_LARGE_FILE   0x2
#define EXT2_RO_COMPAT_BTREE_DIR    0x4

struct ext2_super {
    uint32_t s_inodes_count;
    uint32_t s_blocks_count;
    uint32_t s_r_blocks_count;
    uint32_t s_free_blocks_count;
    uint32_t s_free_inodes_count;
    uint32_t s_first_data_block;
    uint32_t s_log_block_size;
    uint32_t s_log_frag_size;
    uint32_t s_blocks_per_group;
    uint32_t s_frags_per_group;
    uint32_t s_inodes_per_group;
    uint32_t s_mtime;
    uint32_t s_wtime;
    uint16_t s_mnt_count;
    uint16_t s_max_mnt_count;
    uint16_t s_magic;
    uint16_t s_state;
    uint16_t s_errors;
    uint16_t s_minor_rev_level;
    uint32_t s_lastcheck;
    uint32_t s_checkinterval;
    uint32_t s_creator_os;
    uint32_t s_rev_level;
    uint16_t s_def_resuid;
    uint16_t s_def_resgid;
    /* From here on in revision 1 only. */
    uint32_t s_first_ino;
    uint16_t s_inode_size;
    uint16_t s_block_group_nr;
    uint32_t s_feature_compat;
    uint32_t s_feature_incompat;
    uint32_t s_feature_ro_compat;
    uint8_t s_uuid[16];
    char s_volume_name[16];
    char s_last_mounted[64];
    uint32_t s_algorithm_usage_bitmap;
    uint8_t s_prealloc_blocks;
    uint8_t s_prealloc_dir_blocks;
    uint16_t s_reserved_gdt_blocks;
    uint8_t s_journal_uuid[16];
    uint32_t s_journal_inum;
    uint32_t s_journal_dev;
    uint32_t s_last_orphan;
    uint32_t s_hash_seed[4];
    uint8_t s_def_hash_version;
    uint8_t s_jnl_backup_type;
    uint16_t s_desc_size;
    uint32_t s_default_mount_opts;
    uint32_t s_first_meta_bg;
    uint32_t s_mkfs_time;
    uint32_t s_jnl_blocks[17];
    uint32_t s_blocks_count_hi;
    uint32_t s_r_blocks_count_hi;
    uint32_t s_free_blocks_count_hi;
    uint16_t s_min_extra_isize;
    uint16_t s_want_extra_isize;
    uint32_t s_flags;
    uint8_t s_rest[668];
};
_Static_assert(sizeof(struct ext2_super) == 1024, "the superblock is 1024 bytes");

struct ext2_group {
    uint32_t bg_block_bitmap;
    uint32_t bg_inode_bitmap;
    uint32_t bg_inode_table;
    uint16_t bg_free_blocks_count;
    uint16_t bg_free_inodes_count;
    uint16_t bg_used_dirs_count;
    uint16_t bg_flags;
    uint32_t bg_reserved[3];
};
_Static_assert(sizeof(struct ext2_group) == 32, "a group descriptor is 32 bytes");

#define EXT2_NDIR         12 /* direct blocks; then one each of 1, 2, 3 levels */
#define EXT2_NBLOCK       15
#define EXT2_FAST_SYMLINK 60 /* bytes of i_block */

#define EXT2_FL_INDEX       0x1000
#define EXT2_FL_EXTENTS     0x80000
#define EXT2_FL_INLINE_DATA 0x10000000

struct ext2_inode {
    uint16_t i_mode;
    uint16_t i_uid;
    uint32_t i_size;
    uint32_t i_atime;
    uint32_t i_ctime;
    uint32_t i_mtime;
    uint32_t i_dtime;
    uint16_t i_gid;
    uint16_t i_links_count;
    uint32_t i_blocks; /* of 512 bytes, indirect blocks included */
    uint32_t i_flags;
    uint32_t i_osd1;
    uint32_t i_block[EXT2_NBLOCK];
    uint32_t i_generation;
    uint32_t i_file_acl;
    uint32_t i_size_high; /* regular files; i_dir_acl of directories */
    uint32_t i_faddr;
    uint16_t i_osd2_pad;
    uint16_t i_file_acl_high;
    uint16_t i_uid_high;
    uint16_t i_gid_high;
    uint32_t i_osd2_rest;
    /* From here on only if the inode is larger than 128 bytes, and only as far
     * as i_extra_isize says. */
    uint16_t i_extra_isize;
    uint16_t i_checksum_hi;
    uint32_t i_ctime_extra; /* nanoseconds << 2 | bits 33:32 of the seconds */
    uint32_t i_mtime_extra;
    uint32_t i_atime_extra;
    uint32_t i_crtime;
    uint32_t i_crtime_extra;
};
_Static_assert(sizeof(struct ext2_inode) == 152, "128 bytes and the extra fields");

#define EXT2_S_IFMT   0170000
#define EXT2_S_IFIFO  0010000
#define EXT2_S_IFCHR  0020000
#define EXT2_S_IFDIR  0040000
#define EXT2_S_IFBLK  0060000
#define EXT2_S_IFREG  0100000
#define EXT2_S_IFLNK  0120000
#define EXT2_S_IFSOCK 0140000

struct ext2_dirent {
    uint32_t inode; /* 0: unused */
    uint16_t rec_len;
    uint8_t name_len;
    uint8_t file_type; /* with EXT2_INCOMPAT_FILETYPE; else high byte of name_len */
    char name[];
};
#define EXT2_DIRENT_HEAD 8

struct ext2_xattr_head {
    uint32_t h_magic;
    uint32_t h_refcount;
    uint32_t h_blocks;
    uint32_t h_hash;
};
#define EXT2_XATTR_MAGIC 0xea020000

#endif
