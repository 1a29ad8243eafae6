/*
 * vm/kmalloc.c: every size, blocks that never overlap, slabs given back, and
 * random sequences in which each block must keep its bytes.
 */
/* host-test: vm/kmalloc.c vm/frame.c kernel/lib/lock.c -DDEBUG -DHOST_WRAP */
/* host-test: -Wl,--wrap=frame_alloc,--wrap=frame_alloc_zeroed,--wrap=kmalloc,--wrap=kzalloc */
#include "test/host/vm_host.h"
#include "vm/kmalloc.h"

#define BLOCKS_MAX 600

static uint64_t seed = 0x2545f4914f6cdd1dul;

static struct block {
    unsigned char *bytes;
    size_t size;
    unsigned char fill;
} blocks[BLOCKS_MAX];
static unsigned block_count;

static bool filled_with(const unsigned char *bytes, size_t n, unsigned char fill)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != fill)
            return false;
    return true;
}

/* Takes a block and fills it: an overlap destroys the bytes of another. */
static bool block_take(size_t size)
{
    bool zeroed = check_random(&seed) % 2;
    unsigned char *bytes = zeroed ? kzalloc(size) : kmalloc(size);
    if (!bytes)
        return false;
    CHECK((uint64_t)bytes % 16 == 0 && direct_map(direct_unmap(bytes)) == bytes);
    CHECK(!zeroed || filled_with(bytes, size, 0));
    unsigned char fill = (unsigned char)check_random(&seed);
    memset(bytes, fill, size);
    blocks[block_count++] = (struct block){bytes, size, fill};
    return true;
}

static void block_drop(unsigned i)
{
    CHECK(filled_with(blocks[i].bytes, blocks[i].size, blocks[i].fill));
    kfree(blocks[i].bytes);
    blocks[i] = blocks[--block_count];
}

static void drop_all(void)
{
    while (block_count)
        block_drop(check_random(&seed) % block_count);
    CHECK(kmalloc_bytes() == 0);
    kmalloc_trim();
    CHECK(host_class_count(FRAME_KMALLOC) == 0 && host_ledger_balanced());
    CHECK(host_free_frames_untouched());
}

static bool overlap(const struct block *a, const struct block *b)
{
    return a->bytes < b->bytes + b->size && b->bytes < a->bytes + a->size;
}

/* Each size from 0 to two pages, then the powers of two: several at a time. */
static void test_sizes(void)
{
    for (size_t size = 0; size <= PAGE_SIZE << FRAME_MAX_ORDER;
         size = size < 2 * PAGE_SIZE + 2 ? size + 1 : size * 2 - size % 4096) {
        unsigned n = size <= PAGE_SIZE ? 5 : 1;
        for (unsigned i = 0; i < n; i++)
            CHECK(block_take(size));
        CHECK(kmalloc_bytes() >= n * size);
        for (unsigned i = 0; i < n; i++)
            for (unsigned j = i + 1; j < n; j++)
                CHECK(!overlap(&blocks[i], &blocks[j]));
        while (block_count)
            block_drop(0);
        CHECK(kmalloc_bytes() == 0);
    }
    CHECK(!kmalloc((PAGE_SIZE << FRAME_MAX_ORDER) + 1) && !kmalloc(~0ul) && !kzalloc(~0ul / 2));
    kfree(NULL);
    drop_all();
}

/* Blocks do not pile up: little waste, and all but one slab of a class go back
 * as soon as they are empty. */
static void test_give_back(void)
{
    for (size_t size = 16; size <= 2048; size *= 2) {
        uint64_t frames_before = host_class_count(FRAME_KMALLOC);
        for (unsigned i = 0; i < 500; i++)
            CHECK(block_take(size));
        uint64_t used = host_class_count(FRAME_KMALLOC) - frames_before;
        CHECK(used * PAGE_SIZE >= 500 * size && used <= 500 * size / PAGE_SIZE + 1);
        /* Places that come free are used again before new frames are. */
        for (unsigned i = 0; i < 300; i++)
            block_drop(check_random(&seed) % block_count);
        for (unsigned i = 0; i < 300; i++)
            CHECK(block_take(size));
        CHECK(host_class_count(FRAME_KMALLOC) <= frames_before + used);
        while (block_count)
            block_drop(check_random(&seed) % block_count);
        CHECK(host_class_count(FRAME_KMALLOC) <= frames_before + 1);
        /* In a loop the one that stays serves. */
        uint64_t allocations = host_allocations;
        for (unsigned i = 0; i < 50; i++)
            kfree(kmalloc(size));
        CHECK(host_allocations == allocations + 50);
    }
    drop_all();
}

static void test_random(void)
{
    for (unsigned step = 0; step < 60000 && !check_failing; step++) {
        uint64_t r = check_random(&seed);
        host_run_on(r / 8 % 3);
        host_refuse_one_in = r / 32 % 4 ? 0 : 3;
        bool filling = step / 3000 % 2 == 0;
        if (r % 8 < (filling ? 6 : 2) && block_count < BLOCKS_MAX) {
            size_t size = check_random(&seed) >> (r / 1024 % 16 ? 52 + r / 1024 % 12 : 47);
            unsigned before = block_count;
            uint64_t bytes = kmalloc_bytes();
            if (!block_take(size))
                CHECK(block_count == before && kmalloc_bytes() == bytes);
        } else if (block_count) {
            block_drop(check_random(&seed) % block_count);
        }
        host_refuse_one_in = 0;
        if (step % 2000 == 0)
            CHECK(host_ledger_balanced() && host_free_frames_untouched());
    }
    CHECK(host_refusals > 100);
    drop_all();
}

static void test_wrong_free(void)
{
    struct frame *f = frame_alloc(FRAME_ANON, 0, FRAME_NORMAL);
    CHECK_PANICS(kfree(frame_address(f)), "not from kmalloc");
    frame_unref(f);
    void *p = kmalloc(3 * PAGE_SIZE);
    kfree(p);
    CHECK_PANICS(kfree(p), "not from kmalloc");
    CHECK(host_ledger_balanced());
}

int main(void)
{
    check_plan(4);
    host_boot(3);
    kmalloc_init();
    test_sizes();
    check_end("all sizes are served, aligned and apart");
    test_give_back();
    check_end("slabs are full of blocks and are given back");
    test_random();
    check_end("random blocks keep their bytes");
    test_wrong_free();
    check_end("freeing what is not kmalloc's panics");
    host_halt();
    return check_exit();
}
