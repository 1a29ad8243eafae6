/* Orphans: see orphan.h. */
#include "user/fs/core/orphan.h"
#include "user/fs/core/truncate.h"
#include "user/fs/core/volume.h"

void orphan_add(struct fs *fs, struct inode *inode, struct ext2_inode *raw)
{
    if ((fs->journal == NULL && fs->redo.head == NULL) || !link_alone(&inode->orphan))
        return;
    raw->i_dtime = fs->txn.last_orphan;
    fs->txn.last_orphan = inode->ino;
    fs->txn.orphan_added = inode;
}

int orphan_remove(struct fs *fs, struct inode *inode, struct ext2_inode *raw)
{
    struct ext2_inode *before;
    int err;

    if (link_alone(&inode->orphan))
        return 0;
    if (inode->orphan.prev == &fs->orphan_list) {
        fs->txn.last_orphan = raw->i_dtime;
    } else {
        err = inode_change(fs, LINK_OWNER(inode->orphan.prev, struct inode, orphan)->ino, &before);
        if (err)
            return err;
        before->i_dtime = raw->i_dtime;
    }
    raw->i_dtime = 0;
    fs->txn.orphan_removed = inode;
    return 0;
}

void orphan_apply(struct fs *fs)
{
    struct txn *txn = &fs->txn;

    if (txn->orphan_removed != NULL)
        link_remove(&txn->orphan_removed->orphan);
    if (txn->orphan_added != NULL)
        link_insert(&fs->orphan_list, &txn->orphan_added->orphan);
    if (txn->last_orphan == fs->last_orphan)
        return;
    fs->last_orphan = txn->last_orphan;
    journal_add_super(fs);
}

/* ------------------------------------------------------------------- at mount */

struct load_args {
    struct inode *inode;
    bool named;
    uint32_t next;
    uint64_t key;
};

static int op_load(struct fs *fs, void *arg)
{
    struct load_args *a = arg;
    struct ext2_inode *raw;
    int err = inode_get(fs, a->inode->ino, &raw);

    if (err)
        return err;
    a->named = raw->i_links_count > 0;
    a->next = raw->i_dtime;
    a->key = inode_key(a->inode->ino, raw);
    return 0;
}

/* Takes the next one of the list on the disk into memory. */
static int load(struct fs *fs, uint32_t ino, uint32_t *next)
{
    struct load_args args;
    int err;

    if (ino < fs->first_ino || ino > fs->inodes)
        return fs_corrupt(fs, "the list of orphans has inode", ino);
    args.inode = inode_peek(fs, ino);
    if (args.inode == NULL)
        return -ENOMEM;
    if (!link_alone(&args.inode->orphan))
        return fs_corrupt(fs, "the list of orphans has twice inode", ino);
    inode_hold(fs, args.inode);
    args.inode->unlinked = true; /* else one without names would not be found */
    link_insert(fs->orphan_list.prev, &args.inode->orphan);
    err = txn_run(fs, op_load, &args);
    if (err == -EIO && !fs->error && fs->redo.head != NULL && !fs->redo.fresh)
        return err; /* the next instance can read it, perhaps */
    if (err)
        return fs_corrupt(fs, "the list of orphans has inode", ino);
    args.inode->key = args.key;
    args.inode->unlinked = !args.named;
    fs->orphans += !args.named;
    *next = args.next;
    return 0;
}

int orphan_load(struct fs *fs)
{
    uint32_t ino = fs->last_orphan;
    int err = 0;

    while (ino != 0 && !err)
        err = load(fs, ino, &ino);
    return err;
}

int orphan_finish(struct fs *fs)
{
    struct link *l, *after;
    int err = 0;

    for (l = fs->orphan_list.next; l != &fs->orphan_list; l = after) {
        struct inode *inode = LINK_OWNER(l, struct inode, orphan);
        int cut_err;

        after = l->next; /* this one leaves the list */
        /* One without names is freed, unless somebody has it open. */
        cut_err = 0;
        if (!fs->readonly && (!inode->unlinked || inode->held > 1))
            cut_err = truncate_again(fs, inode);
        inode_put(fs, inode);
        err = err ? err : cut_err;
    }
    return err;
}
