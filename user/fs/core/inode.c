/* Inodes in memory: see inode.h. */
#include <stdlib.h>
#include "user/fs/core/dirindex.h"
#include "user/fs/core/group.h"
#include "user/fs/core/orphan.h"
#include "user/fs/core/truncate.h"
#include "user/fs/core/volume.h"

void inode_table_init(struct fs *fs)
{
    for (unsigned i = 0; i < INODE_HASH; i++)
        link_init(&fs->inode_table.hash[i]);
    link_init(&fs->inode_table.idle);
    link_init(&fs->orphan_list);
}

static struct link *hash_head(struct fs *fs, uint32_t ino)
{
    return &fs->inode_table.hash[ino % INODE_HASH];
}

/* Takes it out of memory. */
static void inode_drop(struct fs *fs, struct inode *inode)
{
    if (!link_alone(&inode->idle))
        fs->inode_table.idle_count--;
    link_remove(&inode->idle);
    link_remove(&inode->hash);
    link_remove(&inode->orphan);
    dirindex_drop(fs, inode);
    reserve_clear(fs, inode);
    free(inode);
}

void inode_table_destroy(struct fs *fs)
{
    for (unsigned i = 0; i < INODE_HASH; i++) {
        struct link *head = &fs->inode_table.hash[i];

        while (!link_alone(head))
            inode_drop(fs, LINK_OWNER(head->next, struct inode, hash));
    }
}

struct inode *inode_find(struct fs *fs, uint32_t ino)
{
    struct link *head = hash_head(fs, ino);

    for (struct link *l = head->next; l != head; l = l->next) {
        struct inode *inode = LINK_OWNER(l, struct inode, hash);

        if (inode->ino == ino)
            return inode;
    }
    return NULL;
}

/* Files an inode that nothing holds with those that may be dropped. */
static void inode_idle(struct fs *fs, struct inode *inode)
{
    struct inode_table *table = &fs->inode_table;

    if (inode->held || inode->unlinked || inode->reservation.run_count ||
        !link_alone(&inode->orphan))
        return;
    if (table->idle.next == &inode->idle)
        return;
    if (link_alone(&inode->idle))
        table->idle_count++;
    link_remove(&inode->idle);
    link_insert(&table->idle, &inode->idle);
    if (table->idle_count > INODES_IDLE)
        inode_drop(fs, LINK_OWNER(table->idle.prev, struct inode, idle));
}

struct inode *inode_peek(struct fs *fs, uint32_t ino)
{
    struct inode *inode = inode_find(fs, ino);

    if (inode == NULL) {
        inode = calloc(1, sizeof(*inode));
        if (inode == NULL)
            return NULL;
        inode->ino = ino;
        inode->changes = fs->inode_table.changes;
        link_init(&inode->idle);
        link_init(&inode->orphan);
        link_insert(hash_head(fs, ino), &inode->hash);
    }
    inode_idle(fs, inode);
    return inode;
}

void inode_hold(struct fs *fs, struct inode *inode)
{
    if (!link_alone(&inode->idle))
        fs->inode_table.idle_count--;
    link_remove(&inode->idle);
    inode->held++;
}

void inode_add_session(struct inode *inode)
{
    inode->sessions++;
    inode->attributes.settled = false; /* it may be written from now on */
}

int inode_await_size(struct fs *fs, uint32_t ino)
{
    const struct inode *inode = inode_find(fs, ino);

    return inode != NULL && inode->truncating ? txn_wait_peer(fs) : 0;
}

/* ------------------------------------------------- files without names */

/* Takes away one use of the block of extended attributes that mke2fs -d may have
 * given the file. */
static int free_attributes(struct fs *fs, struct ext2_inode *raw)
{
    struct ext2_xattr_head *head;
    struct block *block;
    int err;

    if (!group_is_data(fs, raw->i_file_acl))
        return fs_corrupt(fs, "attribute block number out of range", raw->i_file_acl);
    err = block_get(fs, raw->i_file_acl, &block);
    if (!err)
        err = block_change(fs, block, 0, sizeof(*head));
    if (err)
        return err;
    head = (struct ext2_xattr_head *)block->data;
    if (head->h_magic != EXT2_XATTR_MAGIC || head->h_refcount == 0)
        return fs_corrupt(fs, "not an attribute block", raw->i_file_acl);
    if (--head->h_refcount == 0) {
        err = txn_forget(fs, raw->i_file_acl);
        if (!err)
            err = group_free_block(fs, raw->i_file_acl);
        if (err)
            return err;
    }
    raw->i_file_acl = 0;
    inode_add_blocks(fs, raw, -1);
    return 0;
}

int inode_free_record(struct fs *fs, struct inode *inode, struct ext2_inode *raw)
{
    int err = raw->i_file_acl ? free_attributes(fs, raw) : 0;

    if (!err)
        err = orphan_remove(fs, inode, raw);
    if (err)
        return err;
    raw->i_dtime = fs_now(fs) / 1000000000u;
    if (raw->i_dtime == 0)
        raw->i_dtime = 1; /* without a clock: still not "in use" */
    raw->i_size = 0;
    if (!inode_is_dir(raw))
        raw->i_size_high = 0;
    return group_free_inode(fs, inode->ino, inode_is_dir(raw));
}

bool inode_goes_now(struct fs *fs, const struct inode *inode, const struct ext2_inode *raw)
{
    struct fs_object object;

    return inode->held == 0 && truncate_is_small(fs, inode, raw) &&
           fs->hooks->object_info(fs->context, inode->key, &object) != 0;
}

/* Frees an inode that has no name and that nothing holds, unless a mapping still
 * shows its pages. */
static void inode_free(struct fs *fs, struct inode *inode)
{
    struct fs_object object;
    int err;

    if (fs->readonly)
        return;
    if (fs->hooks->object_info(fs->context, inode->key, &object) == 0) {
        if (object.mapped > 0)
            return;
        fs->hooks->object_discard(fs->context, inode->key);
    }
    inode->deleting = true;
    inode->held++;
    err = truncate_free(fs, inode);
    inode->held--;
    inode->deleting = false;
    if (err) {
        fs_log(fs, "cannot free inode", inode->ino);
        return; /* inode_reap tries again */
    }
    fs->orphans--;
    inode_drop(fs, inode);
}

void inode_put(struct fs *fs, struct inode *inode)
{
    if (--inode->held > 0)
        return;
    if (inode->unlinked)
        inode_free(fs, inode);
    else
        inode_idle(fs, inode);
}

void inode_unlinked(struct fs *fs, struct inode *inode, bool freed)
{
    if (freed) {
        inode_drop(fs, inode);
        return;
    }
    inode_hold(fs, inode);
    inode->unlinked = true;
    fs->orphans++;
    inode_put(fs, inode);
}

/* An unlinked inode that nothing holds and that this round has not tried. */
static struct inode *next_orphan(struct fs *fs, uint32_t round)
{
    for (unsigned i = 0; i < INODE_HASH; i++) {
        struct link *head = &fs->inode_table.hash[i];

        for (struct link *l = head->next; l != head; l = l->next) {
            struct inode *inode = LINK_OWNER(l, struct inode, hash);

            if (inode->unlinked && !inode->held && inode->reap_round != round)
                return inode;
        }
    }
    return NULL;
}

void inode_reap(struct fs *fs)
{
    uint32_t round = ++fs->inode_table.reap_round;
    struct inode *inode;

    while (fs->orphans > 0 && (inode = next_orphan(fs, round)) != NULL) {
        inode->reap_round = round;
        inode_free(fs, inode);
    }
}

/* Whether pages of the file may be dirty, or become so without a request. */
static bool may_be_dirty(struct fs *fs, const struct inode *inode)
{
    struct fs_object object;

    return inode->held ||
           (fs->hooks->object_info(fs->context, inode->key, &object) == 0 && object.resident > 0);
}

void inode_release_reserved(struct fs *fs)
{
    for (unsigned i = 0; i < INODE_HASH && fs->reserved > 0; i++) {
        struct link *head = &fs->inode_table.hash[i], *l = head->next;

        while (l != head) {
            struct inode *inode = LINK_OWNER(l, struct inode, hash);

            l = l->next;
            if (inode->reservation.run_count == 0 || inode->unlinked || may_be_dirty(fs, inode))
                continue;
            reserve_clear(fs, inode);
            inode_idle(fs, inode); /* may drop it, or one that is idle for longer */
            l = head->next;
        }
    }
}
