/*
 * The file-system core on volumes that run full: whatever was reserved can be
 * stored, want of space is told when it is asked for and changes nothing, and
 * what is removed comes back to the last block.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_kernel.h"

static struct disk disk;

static uint64_t free_blocks(void)
{
    struct msg_statfs info;

    fs_statfs(disk.fs, &info);
    return info.blocks_free;
}

static struct object *make_file(const char *path, struct fs_node *node)
{
    CHECK(file_open(&disk, path, FS_O_RDWR | FS_O_CREAT, node) == 0);
    return object_open(node);
}

/* One file takes everything, all of it dirty in memory before any is stored. */
static void test_fill(void)
{
    static uint8_t data[10000];
    uint64_t before = free_blocks(), offset = 0, stored;
    struct fs_node node;
    struct object *object = make_file("f", &node);
    long got;

    pattern(data, 0, sizeof(data), 3);
    while ((got = object_write(&disk, object, offset, data, sizeof(data))) > 0)
        offset += got;
    CHECK(got == -ENOSPC && offset == object->size);
    CHECK(free_blocks() < FS_PAGE / 1024 + 1);
    stored = free_blocks();
    CHECK(objects_store(&disk) == 0);
    CHECK(free_blocks() >= stored && free_blocks() < FS_PAGE / 1024 + 3);
    CHECK(fs_sync(disk.fs) == 0 && disk_check(&disk) == 0);
    object_drop_pages(object, 0, false);
    for (uint64_t at = 0; at < offset; at += sizeof(data)) {
        static uint8_t back[sizeof(data)];
        size_t n = offset - at < sizeof(data) ? offset - at : sizeof(data);

        CHECK(object_read(&disk, object, at, back, n) == (long)n && !memcmp(data, back, n));
    }
    /* Writing where there are blocks needs no space. */
    CHECK(object_write(&disk, object, 5000, data, 5000) == 5000 && objects_store(&disk) == 0);
    CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    fs_close(disk.fs, node.ino);
    CHECK(free_blocks() == before && objects == NULL);
}

/* Pages strewn over a large range each want indirect blocks. */
static void test_strewn(void)
{
    uint64_t before = free_blocks();
    struct fs_node node;
    struct object *object = make_file("f", &node);
    uint8_t byte = 7;
    unsigned done = 0;
    long got = 1;

    for (uint64_t n = 1; got == 1 && n < 100000; n++) {
        got = object_write(&disk, object, (n * n * 7919 + n) % 30000 * FS_PAGE, &byte, 1);
        done += got == 1;
    }
    CHECK(got == -ENOSPC && done > 50);
    CHECK(objects_store(&disk) == 0 && fs_sync(disk.fs) == 0 && disk_check(&disk) == 0);
    CHECK(fs_truncate(disk.fs, node.ino, "", 0, 1) == 0);
    CHECK(before - free_blocks() <= FS_PAGE / 1024);
    fs_close(disk.fs, node.ino);
    CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0 && free_blocks() == before);
}

/* Reserving is idempotent, and giving up what was reserved gives it back. */
static void test_reserve(void)
{
    uint64_t before = free_blocks();
    struct fs_node node;
    struct object *object = make_file("f", &node);
    uint64_t reserved, block;
    struct msg_statfs info;
    uint8_t page[FS_PAGE] = {1};

    fs_statfs(disk.fs, &info);
    block = info.block_size;
    CHECK(fs_reserve(disk.fs, node.key, 0, 40, 40 * FS_PAGE) == 40);
    reserved = before - free_blocks();
    CHECK(reserved >= 40 && reserved <= 40 * FS_PAGE / block + 1);
    CHECK(fs_reserve(disk.fs, node.key, 0, 40, 40 * FS_PAGE) == 40);
    CHECK(fs_reserve(disk.fs, node.key, 10, 5, 40 * FS_PAGE) == 5);
    CHECK(before - free_blocks() == reserved);
    object->size = 40 * FS_PAGE;
    CHECK(fs_page_out(disk.fs, node.key, 20, 1, object->size, object->cuts, page, FS_PAGE) == 0);
    CHECK(before - free_blocks() == reserved);
    CHECK(fs_truncate(disk.fs, node.ino, "", 0, 5 * FS_PAGE) == 0);
    /* With 1 KiB blocks the first indirect block is there by now, and is needed. */
    CHECK(before - free_blocks() == (block == 1024 ? 21u : 5u * FS_PAGE / block));
    CHECK(fs_reserve(disk.fs, node.key, 0, 100000, 100000 * (uint64_t)FS_PAGE) < 100000);
    CHECK(fs_reserve(disk.fs, node.key, 100000, 1, 1ul << 50) == -EFBIG);
    CHECK(fs_reserve(disk.fs, node.key, 1ul << 60, 1, 1) == -EFBIG);
    CHECK(fs_reserve(disk.fs, node.key, 0, ~0ul, 1) == -EFBIG);
    CHECK(fs_reserve(disk.fs, node.key, 0, 0, 1) == -EINVAL);
    CHECK(fs_reserve(disk.fs, node.key + (1ul << 32), 0, 1, 1) == -ENOENT);
    CHECK(fs_reserve(disk.fs, 0, 0, 1, 1) == -ENOENT);
    CHECK(fs_reserve(disk.fs, ROOT, 0, 1, 1) < 0);
    CHECK(free_blocks() < 5);
    /* What others have reserved is not to be had. */
    CHECK(fs_mkdir(disk.fs, ROOT, P("d"), 0755) == -ENOSPC || free_blocks() < 5);
    CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    fs_close(disk.fs, node.ino);
    fs_unlink(disk.fs, ROOT, P("d"), true);
    CHECK(free_blocks() == before);
}

/* Directories, long symlinks and inodes, until there are no more. */
static void test_nodes(void)
{
    char text[900], path[300];
    struct msg_statfs before, after;
    unsigned made = 0, stuck = 0;
    struct fs_node node;

    memset(text, 't', sizeof(text));
    fs_statfs(disk.fs, &before);
    CHECK(fs_mkdir(disk.fs, ROOT, P("in"), 0755) == 0);
    for (unsigned i = 0; stuck < 3; i++) {
        int err;

        sprintf(path, "in/%u-%.*s", i, (int)(i % 200), text);
        err = i % 3 == 0   ? fs_mkdir(disk.fs, ROOT, P(path), 0755)
              : i % 3 == 1 ? fs_symlink(disk.fs, ROOT, text, sizeof(text), P(path))
                           : file_open(&disk, path, FS_O_RDWR | FS_O_CREAT, &node);
        CHECK(err == 0 || err == -ENOSPC);
        if (err == 0 && i % 3 == 2)
            fs_close(disk.fs, node.ino);
        made += err == 0;
        stuck = err == 0 ? 0 : stuck + 1;
    }
    CHECK(made > 20 && fs_sync(disk.fs) == 0 && disk_check(&disk) == 0);
    for (unsigned i = 0; i < made + 300; i++) {
        sprintf(path, "in/%u-%.*s", i, (int)(i % 200), text);
        fs_unlink(disk.fs, ROOT, P(path), i % 3 == 0);
    }
    CHECK(fs_unlink(disk.fs, ROOT, P("in"), true) == 0);
    fs_statfs(disk.fs, &after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
}

/* A full volume whose unlinked file is still open has its space when it closes. */
static void test_unlinked(void)
{
    static uint8_t data[100000];
    uint64_t before = free_blocks(), offset = 0;
    struct fs_node node, other;
    struct object *object = make_file("f", &node), *small = make_file("g", &other);
    long got;

    while ((got = object_write(&disk, object, offset, data, sizeof(data))) > 0)
        offset += got;
    CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    CHECK(object_write(&disk, small, 0, data, 50000) < 50000);
    CHECK(objects_store(&disk) == 0);
    object->mapped = 1; /* a mapping outlives the last session */
    fs_close(disk.fs, node.ino);
    CHECK(object_find(node.key) == object && free_blocks() < before / 2);
    CHECK(fs_dirty(disk.fs) && fs_write_back(disk.fs) == 0 && free_blocks() < before / 2);
    object->mapped = 0;
    CHECK(fs_write_back(disk.fs) == 0 && object_find(node.key) == NULL);
    CHECK(object_write(&disk, small, 0, data, 50000) == 50000 && objects_store(&disk) == 0);
    CHECK(fs_truncate(disk.fs, other.ino, "", 0, 0) == 0 && free_blocks() == before);
    fs_close(disk.fs, other.ino);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        {"one file takes everything", test_fill},
        {"strewn pages", test_strewn},
        {"reserving", test_reserve},
        {"nodes", test_nodes},
        {"an unlinked file", test_unlinked},
    };
    static const struct {
        const char *options;
        unsigned kib;
    } volumes[] = {
        {"-b 1024 -N 200", 2400},        {"-b 2048 -N 200", 2400},    {"-b 4096 -N 200", 2400},
        {"-b 1024 -g 512 -N 256", 2400}, {"-b 1024 -N 200 -j", 3500},
    };
    enum {
        TESTS = sizeof(tests) / sizeof(tests[0]),
        VOLUMES = sizeof(volumes) / sizeof(volumes[0])
    };
    char name[100];

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    check_plan(TESTS * VOLUMES);
    for (unsigned v = 0; v < VOLUMES; v++) {
        for (unsigned t = 0; t < TESTS; t++) {
            disk_make(&disk, volumes[v].options, volumes[v].kib);
            kernel_hooks(&disk);
            CHECK(disk_mount(&disk) == 0);
            tests[t].run();
            disk_finish(&disk);
            objects_forget();
            snprintf(name, sizeof(name), "%s, mke2fs %s", tests[t].name, volumes[v].options);
            check_end(name);
        }
    }
    return check_exit();
}
