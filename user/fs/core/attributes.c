/* What the records of inodes say: see attributes.h. */
#include "user/fs/core/attributes.h"
#include "user/fs/core/create.h"
#include "user/fs/core/volume.h"

const struct attributes *attributes_known(const struct inode *inode)
{
    return inode->attributes.known && !inode->truncating ? &inode->attributes : NULL;
}

static bool is_device(const struct ext2_inode *raw)
{
    return inode_type(raw) == EXT2_S_IFCHR || inode_type(raw) == EXT2_S_IFBLK;
}

static void fill(const struct fs *fs, uint32_t ino, const struct ext2_inode *raw,
                 struct attributes *out)
{
    *out = (struct attributes){
        .known = true,
        .whole_seconds = !inode_parts_of_seconds(fs, raw),
        .key = inode_key(ino, raw),
        .stat =
            {
                .ino = ino,
                .size = inode_size(raw),
                .blocks = raw->i_blocks,
                .atime_ns = inode_time(fs, raw, TIME_ACCESS),
                .mtime_ns = inode_time(fs, raw, TIME_MODIFY),
                .ctime_ns = inode_time(fs, raw, TIME_CHANGE),
                .mode = raw->i_mode,
                .nlink = raw->i_links_count,
                .uid = (unsigned)raw->i_uid_high << 16 | raw->i_uid,
                .gid = (unsigned)raw->i_gid_high << 16 | raw->i_gid,
                .rdev = is_device(raw) ? create_rdev(raw) : 0,
                .blksize = fs->block_size,
            },
    };
}

struct read_args {
    uint32_t ino;
    struct attributes *out;
};

static int op_read(struct fs *fs, void *arg)
{
    struct read_args *a = arg;
    struct ext2_inode *raw;
    struct inode *inode;
    int err = inode_get(fs, a->ino, &raw);

    if (!err)
        err = inode_await_size(fs, a->ino);
    if (err)
        return err;
    inode = inode_peek(fs, a->ino);
    if (inode == NULL)
        return -ENOMEM;
    a->out = &inode->attributes;
    fill(fs, a->ino, raw, a->out);
    return 0;
}

int attributes_get(struct fs *fs, uint32_t ino, const struct attributes **out)
{
    const struct inode *inode = inode_find(fs, ino);
    struct read_args args = {.ino = ino};
    int err;

    *out = inode != NULL ? attributes_known(inode) : NULL;
    if (*out != NULL)
        return 0;
    err = txn_look(fs, op_read, &args);
    *out = args.out;
    return err;
}

/* Makes what the record says what stat says. Returns whether nobody can change that meanwhile. */
static bool bring_up(struct fs *fs, const struct inode *inode, struct msg_stat *stat)
{
    const struct attributes *of_record = &inode->attributes;
    struct fs_object object = {0};

    if ((stat->mode & EXT2_S_IFMT) != EXT2_S_IFREG)
        return true;
    if (fs->hooks->object_info(fs->context, of_record->key, &object) == 0) {
        stat->size = object.size;
        stat->mtime_ns =
            inode_later(stat->mtime_ns, stat->ctime_ns, of_record->whole_seconds, object.mtime_ns);
        if (stat->mtime_ns != of_record->stat.mtime_ns && stat->ctime_ns < stat->mtime_ns)
            stat->ctime_ns = stat->mtime_ns; /* written since */
    }
    return inode->sessions == 0 && object.mapped == 0;
}

void attributes_now(struct fs *fs, struct inode *inode, struct msg_stat *out)
{
    struct attributes *attributes = &inode->attributes;

    *out = attributes->stat;
    if (attributes->settled) {
        out->size = attributes->size;
        out->mtime_ns = attributes->mtime_ns;
        out->ctime_ns = attributes->ctime_ns;
    } else if (bring_up(fs, inode, out)) {
        attributes->size = out->size;
        attributes->mtime_ns = out->mtime_ns;
        attributes->ctime_ns = out->ctime_ns;
        attributes->settled = true;
    }
}
