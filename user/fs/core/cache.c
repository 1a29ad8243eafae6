/* The block cache: see cache.h. */
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/io.h"
#include "user/fs/core/log.h"
#include "user/fs/core/touch.h"
#include "user/fs/core/volume.h"

static struct block **hash_slot(struct cache *cache, uint32_t no)
{
    return &cache->hash[(no * 2654435761u >> 8) & cache->hash_mask];
}

int cache_init(struct fs *fs, size_t bytes)
{
    struct cache *cache = &fs->cache;
    uint32_t slots = 64;

    cache->count = bytes >> fs->block_shift;
    if (cache->count < CACHE_MIN_BLOCKS)
        cache->count = CACHE_MIN_BLOCKS;
    while (slots < cache->count)
        slots *= 2;
    cache->hash_mask = slots - 1;
    cache->hash = calloc(slots, sizeof(struct block *));
    cache->blocks = calloc(cache->count, sizeof(struct block));
    cache->memory = malloc((size_t)cache->count << fs->block_shift);
    cache->write_list = malloc(cache->count * sizeof(uint32_t));
    cache->write_buffer = malloc(CACHE_RUN_BYTES);
    cache->fill_buffer = malloc(CACHE_RUN_BYTES);
    if (!cache->hash || !cache->blocks || !cache->memory || !cache->write_list ||
        !cache->write_buffer || !cache->fill_buffer)
        return -ENOMEM;
    /* Touched now, so that none of it has to be found when memory is short. */
    touch(cache->memory, (size_t)cache->count << fs->block_shift);
    touch(cache->write_list, cache->count * sizeof(uint32_t));
    touch(cache->write_buffer, CACHE_RUN_BYTES);
    touch(cache->fill_buffer, CACHE_RUN_BYTES);
    link_init(&cache->lru);
    for (uint32_t i = 0; i < cache->count; i++) {
        struct block *block = &cache->blocks[i];

        block->data = cache->memory + ((size_t)i << fs->block_shift);
        link_insert(&cache->lru, &block->lru);
    }
    return 0;
}

void cache_destroy(struct fs *fs)
{
    free(fs->cache.hash);
    free(fs->cache.blocks);
    free(fs->cache.memory);
    free(fs->cache.write_list);
    free(fs->cache.write_buffer);
    free(fs->cache.fill_buffer);
}

/* The block, without any effect on which one goes first. */
static struct block *cache_peek(struct fs *fs, uint32_t no)
{
    struct block *block = *hash_slot(&fs->cache, no);

    while (block != NULL && block->no != no)
        block = block->hash_next;
    return block;
}

struct block *cache_find(struct fs *fs, uint32_t no)
{
    struct block *block = cache_peek(fs, no);

    if (block != NULL && fs->cache.lru.next != &block->lru) {
        link_remove(&block->lru);
        link_insert(&fs->cache.lru, &block->lru);
    }
    return block;
}

bool cache_writing(const struct fs *fs, uint32_t no)
{
    return no - fs->cache.write_no < fs->cache.write_count;
}

static void unhash(struct cache *cache, struct block *block)
{
    struct block **at = hash_slot(cache, block->no);

    while (*at != block)
        at = &(*at)->hash_next;
    *at = block->hash_next;
    block->no = 0;
}

struct block *cache_claim(struct fs *fs, uint32_t no)
{
    struct cache *cache = &fs->cache;

    for (struct link *l = cache->lru.prev; l != &cache->lru; l = l->prev) {
        struct block *block = LINK_OWNER(l, struct block, lru);
        struct block **slot = hash_slot(cache, no);

        if (block->dirty || block->filling || (block->no && cache_writing(fs, block->no)) ||
            (block->no && fs->txn.open && block->txn == fs->txn.id))
            continue;
        if (block->no)
            unhash(cache, block);
        block->no = no;
        block->txn = 0;
        block->running = block->committing = block->pending = block->logged = false;
        block->hash_next = *slot;
        *slot = block;
        link_remove(&block->lru);
        link_insert(&cache->lru, &block->lru);
        return block;
    }
    return NULL;
}

void cache_drop(struct fs *fs, struct block *block)
{
    if (block->dirty)
        fs->cache.dirty--;
    block->dirty = block->filling = false;
    block->running = block->committing = block->pending = block->logged = false;
    unhash(&fs->cache, block);
    link_remove(&block->lru);
    link_insert(fs->cache.lru.prev, &block->lru);
}

void cache_set_dirty(struct fs *fs, struct block *block)
{
    if (!block->dirty)
        fs->cache.dirty++;
    block->dirty = true;
}

/* Claims buffers for the first of the wanted blocks and as many of those that
 * follow it as are adjacent, absent, and fit. */
static unsigned claim_run(struct fs *fs, const uint32_t *want, unsigned count, struct block **run)
{
    unsigned most = CACHE_RUN_BYTES >> fs->block_shift, n = 0;

    if (count > CACHE_READAHEAD)
        count = CACHE_READAHEAD;
    if (fs->cache.fill_busy)
        most = 1;
    while (n < count && n < most && want[n] == want[0] + n && !cache_peek(fs, want[n])) {
        run[n] = cache_claim(fs, want[n]);
        if (run[n] == NULL)
            break;
        run[n++]->filling = true;
    }
    return n;
}

int cache_fetch(struct fs *fs, const uint32_t *want, unsigned count)
{
    struct cache *cache = &fs->cache;
    struct block *run[CACHE_READAHEAD], *there = cache_peek(fs, want[0]);
    unsigned n;
    int err;

    if (there != NULL) {
        if (there->filling)
            fs_wait(fs);
        return 0;
    }
    n = claim_run(fs, want, count, run);
    if (n == 0)
        return cache_reclaim(fs);
    if (n == 1) {
        err = io_read(fs, want[0], 1, run[0]->data);
    } else {
        cache->fill_busy = true;
        err = io_read(fs, want[0], n, cache->fill_buffer);
        for (unsigned i = 0; i < n && !err; i++)
            memcpy(run[i]->data, cache->fill_buffer + ((size_t)i << fs->block_shift),
                   fs->block_size);
        cache->fill_busy = false;
    }
    for (unsigned i = 0; i < n; i++) {
        run[i]->filling = false;
        if (err)
            cache_drop(fs, run[i]);
    }
    fs_wake(fs);
    return err;
}

int cache_reclaim(struct fs *fs)
{
    int err = 0;

    if (fs->cache.dirty) {
        if (fs->journal != NULL)
            err = journal_commit(fs);
        return err ? err : cache_write_back(fs);
    }
    fs_wait(fs); /* all buffers are being read or written: any of them will do */
    return 0;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* The numbers of all blocks that may be written, in order. */
static uint32_t list_dirty(struct fs *fs)
{
    struct cache *cache = &fs->cache;
    uint32_t n = 0;

    for (uint32_t i = 0; i < cache->count; i++)
        if (cache->blocks[i].dirty && journal_lets_home(fs, &cache->blocks[i]))
            cache->write_list[n++] = cache->blocks[i].no;
    qsort(cache->write_list, n, sizeof(uint32_t), compare_numbers);
    return n;
}

/* Stages the blocks of list that are adjacent, from the first on, as far as they
 * may be written still. */
static uint32_t stage_run(struct fs *fs, const uint32_t *list, uint32_t count)
{
    struct cache *cache = &fs->cache;
    uint32_t most = CACHE_RUN_BYTES >> fs->block_shift, n;

    for (n = 0; n < count && n < most && list[n] == list[0] + n; n++) {
        struct block *block = cache_peek(fs, list[n]);

        if (block == NULL || !block->dirty || !journal_lets_home(fs, block))
            break;
        memcpy(cache->write_buffer + ((size_t)n << fs->block_shift), block->data, fs->block_size);
        block->dirty = block->logged = false;
        cache->dirty--;
    }
    return n;
}

static int write_run(struct fs *fs, uint32_t no, uint32_t count)
{
    struct cache *cache = &fs->cache;
    int err;

    cache->write_no = no;
    cache->write_count = count;
    err = io_write(fs, no, count, cache->write_buffer);
    cache->write_count = 0;
    if (!err)
        return 0;
    /* They stay dirty, for a later try; a volume that cannot be written is left
     * alone otherwise. With a journal, the next mount finds them in the log. */
    for (uint32_t i = 0; i < count; i++) {
        struct block *block = cache_peek(fs, no + i);

        if (block != NULL && !block->filling)
            cache_set_dirty(fs, block);
    }
    log_abort(fs, no);
    return err;
}

static bool is_aborted(const struct fs *fs)
{
    return fs->journal != NULL && fs->journal->aborted;
}

int cache_write_back(struct fs *fs)
{
    struct cache *cache = &fs->cache;
    uint32_t count, done = 0;
    uint64_t records;
    uint32_t orphan;
    int err = 0;

    while (cache->write_busy)
        fs_wait(fs);
    if (is_aborted(fs))
        return -EIO;
    count = list_dirty(fs);
    records = redo_position(fs);
    orphan = fs->last_orphan;
    cache->write_busy = true;
    err = count > 0 ? super_unclean(fs) : 0;
    while (done < count && !err) {
        uint32_t n = stage_run(fs, cache->write_list + done, count - done);

        if (is_aborted(fs))
            err = -EIO;
        else if (n)
            err = write_run(fs, cache->write_list[done], n);
        done += n ? n : 1;
    }
    /* With a journal it is the commit that makes them durable. */
    if (!err && fs->journal == NULL)
        redo_trim(fs, records, orphan);
    cache->write_busy = false;
    fs_wake(fs);
    return err;
}
