/* Reservations: see reserve.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/map.h"
#include "user/fs/core/volume.h"

int64_t reserve_available(const struct fs *fs, int64_t own)
{
    return fs->free_blocks + fs->txn.blocks_freed - (fs->reserved - own);
}

/* The first run that ends behind page. */
static uint32_t run_at(const struct reservation *r, uint32_t page)
{
    uint32_t low = 0, high = r->run_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (r->runs[mid].page + (uint64_t)r->runs[mid].count <= page)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool reserve_has(const struct inode *inode, uint32_t page)
{
    const struct reservation *r = &inode->reservation;
    uint32_t i = run_at(r, page);

    return i < r->run_count && r->runs[i].page <= page;
}

/* The first key that is not less. */
static uint32_t key_at(const struct reservation *r, uint64_t key)
{
    uint32_t low = 0, high = r->key_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (r->keys[mid] < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool has_key(const struct reservation *r, uint64_t key)
{
    uint32_t i = key_at(r, key);

    return i < r->key_count && r->keys[i] == key;
}

static int make_room(void **array, uint32_t *room, uint32_t needed, size_t size)
{
    uint32_t more = *room ? *room * 2 : 8;
    void *bigger;

    if (needed <= *room)
        return 0;
    if (more < needed)
        more = needed;
    bigger = realloc(*array, more * size);
    if (bigger == NULL)
        return -ENOMEM;
    *array = bigger;
    *room = more;
    return 0;
}

static void account(struct fs *fs, struct reservation *r, int64_t blocks)
{
    r->total += blocks;
    fs->reserved += blocks;
}

static void insert_page(struct reservation *r, uint32_t page, uint32_t lack)
{
    uint32_t i = run_at(r, page);
    struct reserve_run *before = i > 0 ? &r->runs[i - 1] : NULL;
    struct reserve_run *after = i < r->run_count ? &r->runs[i] : NULL;

    if (before && (before->page + before->count != page || before->lack != lack))
        before = NULL;
    if (after && (after->page != page + 1 || after->lack != lack))
        after = NULL;
    if (before && after) {
        before->count += 1 + after->count;
        r->run_count--;
        memmove(after, after + 1, (r->run_count - i) * sizeof(*after));
    } else if (before) {
        before->count++;
    } else if (after) {
        after->page--;
        after->count++;
    } else {
        memmove(&r->runs[i + 1], &r->runs[i], (r->run_count - i) * sizeof(r->runs[0]));
        r->runs[i] = (struct reserve_run){page, 1, lack};
        r->run_count++;
    }
}

int reserve_add(struct fs *fs, struct inode *inode, uint32_t page, uint32_t lack,
                const uint64_t *keys, unsigned key_count)
{
    struct reservation *r = &inode->reservation;
    unsigned fresh = 0;
    int err;

    for (unsigned i = 0; i < key_count; i++)
        fresh += !has_key(r, keys[i]);
    if (reserve_available(fs, 0) < (int64_t)lack + fresh)
        return -ENOSPC;
    err = make_room((void **)&r->runs, &r->run_room, r->run_count + 1, sizeof(r->runs[0]));
    if (!err)
        err = make_room((void **)&r->keys, &r->key_room, r->key_count + key_count,
                        sizeof(r->keys[0]));
    if (err)
        return err;
    insert_page(r, page, lack);
    account(fs, r, lack);
    for (unsigned i = 0; i < key_count; i++) {
        uint32_t at = key_at(r, keys[i]);

        if (at < r->key_count && r->keys[at] == keys[i])
            continue;
        memmove(&r->keys[at + 1], &r->keys[at], (r->key_count - at) * sizeof(r->keys[0]));
        r->keys[at] = keys[i];
        r->key_count++;
        account(fs, r, 1);
    }
    return 0;
}

uint32_t reserve_lack(const struct inode *inode, uint32_t page)
{
    const struct reservation *r = &inode->reservation;

    return reserve_has(inode, page) ? r->runs[run_at(r, page)].lack : 0;
}

int reserve_make_room(struct inode *inode)
{
    struct reservation *r = &inode->reservation;

    return make_room((void **)&r->runs, &r->run_room, r->run_count + 1, sizeof(r->runs[0]));
}

void reserve_change_last(struct fs *fs, struct inode *inode, uint32_t page, uint32_t lack)
{
    struct reservation *r = &inode->reservation;
    struct reserve_run *run = &r->runs[r->run_count - 1];

    assert(r->run_count > 0 && run->page + run->count - 1 == page);
    account(fs, r, (int64_t)lack - run->lack);
    if (run->count == 1) {
        run->lack = lack;
    } else {
        assert(r->run_count < r->run_room);
        run->count--;
        r->runs[r->run_count++] = (struct reserve_run){page, 1, lack};
    }
}

/* Cuts run i in two at page, which lies inside it; there is room. */
static void split_run(struct reservation *r, uint32_t i, uint32_t page)
{
    struct reserve_run *run = &r->runs[i];

    memmove(run + 1, run, (r->run_count - i) * sizeof(*run));
    r->run_count++;
    run[1].count -= page - run[0].page;
    run[1].page = page;
    run[0].count = page - run[0].page;
}

void reserve_remove(struct fs *fs, struct inode *inode, uint32_t first, uint32_t last)
{
    struct reservation *r = &inode->reservation;
    uint32_t i = run_at(r, first);

    while (i < r->run_count && r->runs[i].page <= last) {
        struct reserve_run *run = &r->runs[i];
        uint32_t from = run->page > first ? run->page : first;
        uint32_t end = run->page + run->count - 1, to = end < last ? end : last;

        if (run->page < from && end > to) { /* a hole in its middle */
            if (make_room((void **)&r->runs, &r->run_room, r->run_count + 1, sizeof(*run)))
                return; /* no memory: it stays reserved, which is safe */
            split_run(r, i, from);
            run = &r->runs[++i];
        } else if (run->page < from) {
            account(fs, r, -(int64_t)run->lack * (to - from + 1));
            run->count = from - run->page;
            i++;
            continue;
        }
        account(fs, r, -(int64_t)run->lack * (to - from + 1));
        run->page += to - from + 1;
        run->count -= to - from + 1;
        if (run->count == 0) {
            r->run_count--;
            memmove(run, run + 1, (r->run_count - i) * sizeof(*run));
        } else {
            i++;
        }
    }
    if (r->run_count == 0) { /* no page that could need an indirect block */
        account(fs, r, -(int64_t)r->key_count);
        r->key_count = 0;
    }
}

void reserve_cut(struct fs *fs, struct inode *inode, uint32_t first)
{
    struct reservation *r = &inode->reservation;
    uint64_t block = (uint64_t)first * (FS_PAGE >> fs->block_shift);
    uint32_t kept = 0;

    reserve_remove(fs, inode, first, UINT32_MAX);
    for (uint32_t i = 0; i < r->key_count; i++)
        if (map_key_start(fs, r->keys[i]) < block)
            r->keys[kept++] = r->keys[i];
    account(fs, r, (int64_t)kept - r->key_count);
    r->key_count = kept;
}

void reserve_remove_key(struct fs *fs, struct inode *inode, uint64_t key)
{
    struct reservation *r = &inode->reservation;
    uint32_t i = key_at(r, key);

    if (i == r->key_count || r->keys[i] != key)
        return;
    r->key_count--;
    memmove(&r->keys[i], &r->keys[i + 1], (r->key_count - i) * sizeof(r->keys[0]));
    account(fs, r, -1);
}

void reserve_clear(struct fs *fs, struct inode *inode)
{
    struct reservation *r = &inode->reservation;

    account(fs, r, -r->total);
    free(r->runs);
    free(r->keys);
    memset(r, 0, sizeof(*r));
}
