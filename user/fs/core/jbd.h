/*
 * The on-disk structures of the ext3 journal ("JBD"), version 2 of its superblock.
 * Everything in the log is big-endian, unlike the volume around it.
 *
 * The log is a file of the volume. Its block 0 is the journal's superblock, the others
 * are written in a circle. A transaction is any number of revoke blocks and of
 * descriptor blocks, each of these followed by the blocks that its tags name, and then
 * one commit block; all carry its sequence number.
 */
#ifndef USER_FS_CORE_JBD_H
#define USER_FS_CORE_JBD_H

#include <stdint.h>

#define JBD_MAGIC 0xc03b3998u

#define JBD_DESCRIPTOR 1
#define JBD_COMMIT     2
#define JBD_SUPER_V1   3
#define JBD_SUPER_V2   4
#define JBD_REVOKE     5

#define JBD_MIN_BLOCKS 1024 /* of a log; mke2fs and e2fsck agree */

#define JBD_INCOMPAT_REVOKE 0x1

struct jbd_header {
    uint32_t h_magic;
    uint32_t h_blocktype;
    uint32_t h_sequence;
};

struct jbd_super {
    struct jbd_header s_header;
    uint32_t s_blocksize;
    uint32_t s_maxlen; /* blocks of the log, this one included */
    uint32_t s_first;  /* the first of those that are written in a circle */
    uint32_t s_sequence;
    uint32_t s_start; /* where the transaction of s_sequence begins; 0: the log is empty */
    uint32_t s_errno;
    /* From here on in version 2 only. */
    uint32_t s_feature_compat;
    uint32_t s_feature_incompat;
    uint32_t s_feature_ro_compat;
    uint8_t s_uuid[16];
    uint8_t s_rest[960];
};
_Static_assert(sizeof(struct jbd_super) == 1024, "the journal's superblock is 1024 bytes");

/* Says which block of the volume one of those behind the descriptor is. The first tag
 * of a block, and each without JBD_SAME_UUID, has 16 bytes of a UUID behind it. */
struct jbd_tag {
    uint32_t t_blocknr;
    uint16_t t_checksum;
    uint16_t t_flags;
};
_Static_assert(sizeof(struct jbd_tag) == 8, "a tag is 8 bytes");

#define JBD_UUID_BYTES 16

#define JBD_ESCAPED   1 /* the block began with JBD_MAGIC, which the log has as 0 */
#define JBD_SAME_UUID 2
#define JBD_LAST_TAG  8

/* Blocks whose copies in this transaction and in older ones must not be replayed. */
struct jbd_revoke {
    struct jbd_header r_header;
    uint32_t r_count; /* bytes in use, this head included */
    uint32_t r_block[];
};

struct jbd_commit {
    struct jbd_header c_header;
    uint8_t c_checksum[36];
    uint64_t c_seconds;
    uint32_t c_nanoseconds;
};

static inline uint32_t be32(uint32_t value)
{
    return __builtin_bswap32(value);
}

static inline uint16_t be16(uint16_t value)
{
    return __builtin_bswap16(value);
}

static inline struct jbd_header jbd_header(uint32_t type, uint32_t sequence)
{
    return (struct jbd_header){be32(JBD_MAGIC), be32(type), be32(sequence)};
}

/* Sequence numbers go round. */
static inline int jbd_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

#endif
