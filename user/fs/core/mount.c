/*
 * Mounting and unmounting: what is known of a volume from then on (volume.h).
 */
#include <stdlib.h>
#include "user/fs/core/layout.h"
#include "user/fs/core/orphan.h"
#include "user/fs/core/volume.h"

/* After recovery: the superblock and the groups may be others now. */
static int read_layout_again(struct fs *fs)
{
    struct ext2_super old = fs->super;
    int err = layout_read(fs);

    if (!err && (old.s_log_block_size != fs->super.s_log_block_size ||
                 old.s_blocks_count != fs->super.s_blocks_count ||
                 old.s_inodes_count != fs->super.s_inodes_count ||
                 old.s_inode_size != fs->super.s_inode_size)) {
        fs_log(fs, "cannot mount: the journal has another volume's superblock, blocks",
               fs->super.s_blocks_count);
        err = -EINVAL;
    }
    if (fs->readonly)
        journal_destroy(fs);
    /* An error that was found after the last commit is known still. */
    fs->super.s_state |= old.s_state & EXT2_STATE_ERROR;
    return err;
}

/* Opens the journal, if there is one; a volume whose journal cannot be used is not
 * written. */
static int open_journal(struct fs *fs)
{
    bool recover = fs->super.s_feature_incompat & EXT2_INCOMPAT_RECOVER;
    int err;

    if (!fs->rev1 || !(fs->super.s_feature_compat & EXT2_COMPAT_HAS_JOURNAL || recover))
        return 0;
    if (fs->readonly) {
        if (recover)
            fs_log(fs, "the journal is not replayed, for the volume is read-only: journal inode",
                   fs->super.s_journal_inum);
        return 0;
    }
    err = journal_open(fs);
    if (!err)
        return recover ? read_layout_again(fs) : 0;
    /* What the last instance did must not be lost for a reason that passes. */
    if (err == -ENOMEM ||
        (err == -EIO && fs->redo.head != NULL && fs->redo.head->tail != fs->redo.head->head))
        return err;
    fs_log(fs, "the journal cannot be used, mounted read-only: journal inode",
           fs->super.s_journal_inum);
    fs->readonly = true;
    return 0;
}

static int mount_checked(struct fs *fs)
{
    int err = redo_open(fs);

    if (err == -EIO)
        fs_log(fs, "what was done lately is lost, for its record is spoiled: bytes",
               fs->params.state_bytes);
    else if (err)
        return err;
    err = layout_read(fs);
    if (!err)
        err = cache_init(fs, fs->params.cache_bytes);
    if (!err)
        err = open_journal(fs);
    if (err)
        return err;
    fs->frozen = fs->readonly;
    fs->clean = fs->super.s_state & EXT2_STATE_VALID;
    fs->was_valid = fs->clean && !(fs->super.s_state & EXT2_STATE_ERROR);
    if (fs->redo.head != NULL && fs->redo.head->was_valid == 0)
        fs->redo.head->was_valid = 1 + fs->was_valid;
    else if (fs->redo.head != NULL) /* the last instance has marked it unclean */
        fs->was_valid = fs->redo.head->was_valid == 2;
    if (!fs->was_valid)
        fs_log(fs, "the volume was not cleanly unmounted: state", fs->super.s_state);
    if (fs->journal == NULL)
        return 0;
    fs->clean = !(fs->super.s_feature_incompat & EXT2_INCOMPAT_RECOVER);
    fs->last_orphan = fs->super.s_last_orphan;
    return 0;
}

/* Brings the volume to where the last instance left it, or the last crash. */
static int take_up(struct fs *fs)
{
    struct redo_head *head = fs->redo.head;
    int err;

    if (head != NULL && fs->journal == NULL) {
        fs->last_orphan = (uint32_t)head->last_orphan;
        fs->super.s_feature_ro_compat |= (uint32_t)head->ro_compat;
    }
    if (fs->journal != NULL)
        redo_recovered(fs, fs->journal->recovered);
    err = redo_replay(fs);
    if (head != NULL && head->broken)
        fs->error = fs->readonly = true;
    if (err)
        return err;
    err = orphan_load(fs);
    return err == -ENOMEM || (err == -EIO && !fs->error) ? err : 0;
}

int fs_adopt(struct fs *fs, uint32_t ino)
{
    struct inode *inode;

    if (ino == 0 || ino > fs->inodes)
        return -EINVAL;
    inode = inode_peek(fs, ino);
    if (inode == NULL)
        return -ENOMEM;
    inode_hold(fs, inode);
    inode_add_session(inode);
    return 0;
}

int fs_adopted(struct fs *fs)
{
    return orphan_finish(fs) == -ENOMEM ? -ENOMEM : 0;
}

static void fs_free(struct fs *fs)
{
    inode_table_destroy(fs);
    journal_destroy(fs);
    cache_destroy(fs);
    for (uint32_t i = 0; i < fs->txn.old_count; i++)
        free(fs->txn.old[i]);
    free(fs->group);
    free(fs);
}

int fs_mount(const struct fs_hooks *hooks, void *context, const struct fs_params *params,
             struct fs **out)
{
    struct fs *fs = calloc(1, sizeof(*fs));
    int err;

    if (fs == NULL)
        return -ENOMEM;
    fs->hooks = hooks;
    fs->context = context;
    fs->params = *params;
    fs->readonly = params->readonly;
    link_init(&fs->ios);
    inode_table_init(fs);
    err = mount_checked(fs);
    if (!err)
        err = take_up(fs);
    if (!err && params->state == NULL)
        err = fs_adopted(fs);
    /* A volume that was in use stays, though its root be spoiled by now: who uses it gets errors,
     * and the machine goes on. */
    if (!err && (fs->redo.head == NULL || !fs->redo.head->mounted)) {
        struct fs_node node;

        err = fs_node(fs, FS_ROOT_INO, &node);
        if (!err && (node.mode & EXT2_S_IFMT) != EXT2_S_IFDIR)
            err = fs_corrupt(fs, "the root is not a directory: mode", node.mode);
    }
    if (err) {
        fs_free(fs);
        return err;
    }
    if (fs->redo.head != NULL)
        fs->redo.head->mounted = 1;
    *out = fs;
    return 0;
}

int fs_unmount(struct fs *fs)
{
    int err = fs_sync(fs);

    fs_free(fs);
    return err;
}
