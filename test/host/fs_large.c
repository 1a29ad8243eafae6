/*
 * Large things in the file-system core: ten thousand names in a directory, with
 * the cost counted in requests to the block cache; files that need three levels
 * of indirect blocks, and pass 2 and 4 GiB.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_disk.h"

static struct disk disk;
#define NAMES 10000

static uint64_t gets(void)
{
    return fs_stats(disk.fs)->block_gets;
}

static void make_names(void)
{
    struct fs_node node;
    char path[64];

    CHECK(fs_mkdir(disk.fs, ROOT, P("d"), 0755) == 0);
    for (int i = 0; i < NAMES && !check_failing; i++) {
        sprintf(path, "d/file-number-%d", i);
        CHECK(file_open(&disk, path, FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &node) == 0);
        fs_close(disk.fs, node.ino);
    }
}

static void remove_names(void)
{
    char path[64];

    /* In another order than they were made. */
    for (int i = 0; i < NAMES && !check_failing; i++) {
        sprintf(path, "d/file-number-%d", (int)((i * 7919l + 13) % NAMES));
        CHECK(fs_unlink(disk.fs, ROOT, P(path), false) == 0);
    }
    CHECK(fs_unlink(disk.fs, ROOT, P("d"), true) == 0);
}

/* Per name, making, finding, missing and removing it costs so many requests to
 * the cache at most: a constant, which does not grow with the directory. */
static void test_names(const char *options)
{
    uint64_t start;
    struct msg_stat stat;
    char path[64];

    disk_make(&disk, options, 16384);
    CHECK(disk_mount(&disk) == 0);
    start = gets();
    make_names();
    printf("# mke2fs %s: %.1f requests to make a name", options, (double)(gets() - start) / NAMES);
    CHECK(gets() - start < 40ul * NAMES);
    start = gets();
    for (int i = 0; i < NAMES; i++) {
        sprintf(path, "d/file-number-%d", i);
        CHECK(fs_stat(disk.fs, ROOT, P(path), false, &stat) == 0);
        sprintf(path, "d/none-%d", i);
        CHECK(fs_stat(disk.fs, ROOT, P(path), false, &stat) == -ENOENT);
    }
    printf(", %.1f to find one and miss one", (double)(gets() - start) / NAMES);
    CHECK(gets() - start < 40ul * NAMES);
    start = gets();
    remove_names();
    printf(", %.1f to remove one\n", (double)(gets() - start) / NAMES);
    CHECK(gets() - start < 60ul * NAMES);
    disk_finish(&disk);
}

/* Without memory for an index all works, if slowly: here with fewer names. */
static void test_no_index(void)
{
    struct fs_node node;
    struct msg_stat stat;
    char path[300];

    disk_make(&disk, "-b 1024 -N 12000", 16384);
    disk.params.index_bytes = 0;
    disk.params.cache_bytes = 0;
    CHECK(disk_mount(&disk) == 0 && fs_mkdir(disk.fs, ROOT, P("d"), 0755) == 0);
    for (int i = 0; i < 1000; i++) {
        sprintf(path, "d/%d%0200d", i, i);
        CHECK(file_open(&disk, path, FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &node) == 0);
        fs_close(disk.fs, node.ino);
    }
    CHECK(fs_stat(disk.fs, ROOT, P("d"), false, &stat) == 0);
    CHECK(stat.size / 1024 > 96); /* the cache cannot hold all of it */
    for (int i = 0; i < 1000; i += 37) {
        sprintf(path, "d/%d%0200d", i, i);
        CHECK(fs_stat(disk.fs, ROOT, P(path), false, &stat) == 0);
        CHECK(fs_unlink(disk.fs, ROOT, P(path), false) == 0);
        CHECK(fs_stat(disk.fs, ROOT, P(path), false, &stat) == -ENOENT);
    }
    disk_finish(&disk);
}

/* After a remount the index is built from the disk, in one pass. */
static void test_cold(void)
{
    struct msg_stat stat;
    uint64_t reads;

    disk_make(&disk, "-b 1024 -N 12000", 16384);
    CHECK(disk_mount(&disk) == 0);
    make_names();
    CHECK(disk_unmount(&disk) == 0 && disk_mount(&disk) == 0);
    reads = fs_stats(disk.fs)->device_reads;
    CHECK(fs_stat(disk.fs, ROOT, P("d/none"), false, &stat) == -ENOENT);
    CHECK(fs_stat(disk.fs, ROOT, P("d"), false, &stat) == 0);
    printf("# %lu device reads for a directory of %lu blocks\n",
           (unsigned long)(fs_stats(disk.fs)->device_reads - reads),
           (unsigned long)stat.size / 1024);
    CHECK(fs_stats(disk.fs)->device_reads - reads < stat.size / 1024 / 4);
    remove_names();
    disk_finish(&disk);
}

/* Bytes at places that each level of the map serves. */
static void test_levels(const char *options, unsigned block)
{
    uint64_t per = block / 4;
    uint64_t places[] = {0,
                         12 * block - 1,
                         12 * block,
                         (12 + per) * block - 1,
                         (12 + per) * block,
                         (12 + per + per * per) * block - 1,
                         (12 + per + per * per) * block,
                         (12 + per + per * per) * block + per * per * block * 3,
                         0x7fffffff,
                         0x80000000,
                         0xffffffff,
                         0x100000000};
    enum { PLACES = sizeof(places) / sizeof(places[0]) };
    uint64_t most = (12 + per + per * per + per * per * per) * block;
    struct msg_statfs before, after;
    struct fs_node node;
    struct msg_stat stat;
    uint8_t back[2];

    disk_make(&disk, options, 4096);
    CHECK(disk_mount(&disk) == 0);
    fs_statfs(disk.fs, &before);
    CHECK(file_open(&disk, "f", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    for (uint8_t i = 0; i < PLACES; i++)
        CHECK(file_write(&disk, &node, places[i], &(uint8_t){i + 1}, 1) == 1);
    for (unsigned i = 0; i < PLACES; i++) {
        CHECK(file_read(&disk, &node, places[i], back, 1) == 1 && back[0] == i + 1);
        if (i > 4)
            CHECK(file_read(&disk, &node, places[i] + 5000, back, 1) <= 1);
    }
    CHECK(fs_sync(disk.fs) == 0 && disk_check(&disk) == 0);
    CHECK(fs_stat(disk.fs, ROOT, P("f"), false, &stat) == 0);
    for (unsigned i = 0; i < PLACES; i++)
        CHECK(places[i] < stat.size);
    CHECK(fs_truncate(disk.fs, ROOT, P("f"), most + 1) == -EFBIG);
    /* Down in steps, so that trees are cut in their middle. */
    for (uint64_t size = stat.size; size > 100; size = size / 3 * 2) {
        CHECK(fs_truncate(disk.fs, ROOT, P("f"), size) == 0);
        for (unsigned i = 0; i < PLACES; i++)
            if (places[i] < size)
                CHECK(file_read(&disk, &node, places[i], back, 1) == 1 && back[0] == i + 1);
    }
    CHECK(fs_sync(disk.fs) == 0 && disk_check(&disk) == 0);
    CHECK(file_write(&disk, &node, places[7], "x", 1) == 1);
    fs_close(disk.fs, node.ino);
    CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    fs_statfs(disk.fs, &after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    disk_finish(&disk);
}

/* A file that takes many transactions to free. */
static void test_big(void)
{
    enum { SIZE = 24 << 20 };
    uint8_t *data = malloc(FS_PAGES_MAX * FS_PAGE);
    struct msg_statfs before, after;
    struct fs_node node;

    disk_make(&disk, "-b 1024", 32768);
    CHECK(disk_mount(&disk) == 0);
    fs_statfs(disk.fs, &before);
    CHECK(file_open(&disk, "f", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    for (uint64_t page = 0; page < SIZE / FS_PAGE; page += FS_PAGES_MAX) {
        pattern(data, page * FS_PAGE, FS_PAGES_MAX * FS_PAGE, 9);
        CHECK(fs_page_out(disk.fs, node.key, page, FS_PAGES_MAX, (page + FS_PAGES_MAX) * FS_PAGE, 0,
                          data, FS_PAGES_MAX * FS_PAGE) == 0);
    }
    for (uint64_t page = 0; page < SIZE / FS_PAGE; page += 97) {
        uint8_t back[FS_PAGE];
        uint64_t holes;

        pattern(data, page * FS_PAGE, FS_PAGE, 9);
        CHECK(fs_page_in(disk.fs, node.key, page, 1, back, &holes) == FS_PAGE);
        CHECK(holes == 0 && memcmp(back, data, FS_PAGE) == 0);
    }
    /* Stored in order, it lies in few pieces: most writes are one run each. */
    printf("# %u device writes for %u MiB\n", disk.writes, SIZE >> 20);
    CHECK(disk.writes < SIZE / FS_PAGE / FS_PAGES_MAX * 2);
    CHECK(fs_sync(disk.fs) == 0 && disk_check(&disk) == 0);
    fs_close(disk.fs, node.ino);
    CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    fs_statfs(disk.fs, &after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    free(data);
    disk_finish(&disk);
}

int main(void)
{
    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    check_plan(8);
    test_names("-b 1024 -I 128 -N 12000");
    check_end("10,000 names, 1 KiB blocks");
    test_names("-b 4096 -I 256 -N 12000");
    check_end("10,000 names, 4 KiB blocks");
    test_no_index();
    check_end("a directory without an index");
    test_cold();
    check_end("an index from the disk");
    test_levels("-b 1024", 1024);
    check_end("levels of the map, 1 KiB blocks");
    test_levels("-b 2048", 2048);
    check_end("levels of the map, 2 KiB blocks");
    test_levels("-b 4096", 4096);
    check_end("levels of the map, 4 KiB blocks");
    test_big();
    check_end("a big file");
    return check_exit();
}
