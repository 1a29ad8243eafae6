/*
 * The file-system core's truncation, and what may come between: a device that fails
 * at any one point of it, and pages that are on their way to the disk. Whatever
 * happens, e2fsck finds nothing, what is left of the file is what it was, nothing
 * that was cut off is seen again, and no block is lost.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_kernel.h"

#define MIB (1ul << 20)

static struct disk disk;
static uint8_t *good;        /* the volume with the file on it */
static uint64_t empty_space; /* free blocks without the file */

/* Where the file has data: what all kinds of indirect blocks map, more blocks than
 * one transaction frees, and ends within blocks and pages. */
static const struct {
    uint64_t offset;
    size_t len;
} parts[] = {{0, 1700000}, {5 * MIB + 100, 9000}, {70 * MIB, 30000}, {90 * MIB + 4000, 1025}};
#define PARTS     (sizeof(parts) / sizeof(parts[0]))
#define FILE_SIZE (90 * MIB + 4000 + 1025)

static uint64_t free_blocks(void)
{
    struct msg_statfs info;

    fs_statfs(disk.fs, &info);
    return info.blocks_free;
}

/* The bytes that the file should have, were it only size long. */
static void expected(uint8_t *data, uint64_t offset, size_t len, uint64_t size)
{
    memset(data, 0, len);
    for (unsigned i = 0; i < PARTS; i++) {
        uint64_t from = parts[i].offset, end = from + parts[i].len;

        if (from < offset)
            from = offset;
        if (end > offset + len)
            end = offset + len;
        if (end > size)
            end = size;
        if (from < end)
            pattern(data + (from - offset), from, end - from, 9);
    }
}

/* The file is that of the model up to size and zero behind, where it has data, has
 * had any, or ends. */
static void compare(struct object *object, uint64_t size)
{
    static uint8_t data[65536], model[65536];

    for (unsigned i = 0; i < PARTS; i++) {
        uint64_t end = parts[i].offset + parts[i].len + FS_PAGE;

        for (uint64_t at = parts[i].offset / FS_PAGE * FS_PAGE; at < end; at += sizeof(data)) {
            size_t len = end - at < sizeof(data) ? end - at : sizeof(data);
            long got = object_read(&disk, object, at, data, len);

            expected(model, at, len, size);
            CHECK(got >= 0 && memcmp(data, model, got) == 0);
        }
    }
}

static void make_file(const char *options)
{
    static uint8_t data[1700000];
    struct fs_node node;

    disk_make(&disk, options, 4096);
    kernel_hooks(&disk);
    disk.params.cache_bytes = 0;
    CHECK(disk_mount(&disk) == 0);
    CHECK(file_open(&disk, "other", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    fs_close(disk.fs, node.ino);
    empty_space = free_blocks();
    CHECK(file_open(&disk, "f", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    for (unsigned i = 0; i < PARTS; i++) {
        pattern(data, parts[i].offset, parts[i].len, 9);
        CHECK(file_write(&disk, &node, parts[i].offset, data, parts[i].len) == (long)parts[i].len);
    }
    fs_close(disk.fs, node.ino);
    CHECK(disk_unmount(&disk) == 0 && disk_check(&disk) == 0);
    good = malloc(disk.size);
    memcpy(good, disk.memory, disk.size);
}

static void put_away(void)
{
    free(good);
    disk_delete(&disk);
}

/* The volume as it was made, nothing of it in memory; the file is open. */
static struct object *begin(struct fs_node *node)
{
    memcpy(disk.memory, good, disk.size);
    CHECK(disk_mount(&disk) == 0);
    CHECK(file_open(&disk, "f", FS_O_RDWR, node) == 0);
    return object_open(node);
}

/* The file goes, and with it its last block. */
static void end(const struct fs_node *node)
{
    disk.quiet = false;
    disk.fail_read_at = 0;
    CHECK(!fs_readonly(disk.fs));
    CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    fs_close(disk.fs, node->ino);
    CHECK(objects == NULL && free_blocks() == empty_space);
    CHECK(disk_unmount(&disk) == 0);
}

/* Truncates to size with read number n failing. Whether it did fail. */
static bool cut_with_error(uint64_t size, unsigned n)
{
    struct fs_node node;
    struct object *object = begin(&node);
    int err;

    disk.fail_read_at = n;
    err = fs_truncate(disk.fs, node.ino, "", 0, size);
    CHECK(err == 0 || err == -EIO);
    CHECK((err == -EIO) == (disk.fail_read_at == 0));
    disk.fail_read_at = 0;
    if (err == 0)
        CHECK(object->size == size);
    else
        CHECK(object->size == FILE_SIZE || (object->size > size && object->size % FS_PAGE == 0));
    CHECK(object->size == file_size(&disk, node.ino));
    CHECK(fs_sync(disk.fs) == 0 && disk_check(&disk) == 0);

    uint64_t left = object->size;

    compare(object, left);
    object_drop_pages(object, 0, false);
    CHECK(fs_truncate(disk.fs, node.ino, "", 0, FILE_SIZE + FS_PAGE) == 0);
    compare(object, left);
    end(&node);
    return err != 0;
}

/* Every single read of a truncation fails once. */
static void test_cut(const char *options)
{
    static const uint64_t sizes[] = {0,      1,       5000,     12 * 4096,
                                     300001, 1699999, 70 * MIB, FILE_SIZE - 1};
    unsigned failed = 0;

    make_file(options);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (unsigned n = 1; cut_with_error(sizes[i], n) && !check_failing; n++)
            failed++;
    CHECK(failed > 12);
    put_away();
}

/* Every read of an unlink fails once: the name is there or it is not, and if not
 * the blocks come back as soon as they can be read. */
static void test_unlink(const char *options)
{
    bool failed = true;

    make_file(options);
    for (unsigned n = 1; failed && !check_failing; n++) {
        struct msg_stat stat;
        int err;

        memcpy(disk.memory, good, disk.size);
        CHECK(disk_mount(&disk) == 0);
        disk.quiet = true;
        disk.fail_read_at = n;
        err = fs_unlink(disk.fs, ROOT, P("f"), false);
        failed = disk.fail_read_at == 0;
        disk.fail_read_at = 0;
        CHECK(err == 0 || (err == -EIO && failed));
        CHECK(fs_stat(disk.fs, ROOT, P("f"), false, &stat) == (err ? 0 : -ENOENT));
        if (err)
            CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
        CHECK(fs_write_back(disk.fs) == 0 && free_blocks() == empty_space);
        CHECK(!fs_readonly(disk.fs) && disk_unmount(&disk) == 0 && disk_check(&disk) == 0);
    }
    put_away();
}

/* Another file takes what space is left, and symlinks what is less than a page. */
static void fill(struct fs_node *node)
{
    static uint8_t data[20000];
    struct object *object;
    uint64_t offset = 0;
    long got;

    memset(data, 'x', sizeof(data));
    CHECK(file_open(&disk, "other", FS_O_RDWR, node) == 0);
    object = object_open(node);
    while ((got = object_write(&disk, object, offset, data, sizeof(data))) > 0)
        offset += got;
    CHECK(got == -ENOSPC && offset > 0 && object_store(&disk, object, 0, UINT64_MAX) == 0);
    for (char name[2] = "a"; free_blocks() > 0 && name[0] <= 'z'; name[0]++)
        CHECK(fs_symlink(disk.fs, ROOT, (char *)data, 100, P(name)) == 0);
}

static void clear(const struct fs_node *node)
{
    CHECK(fs_truncate(disk.fs, node->ino, "", 0, 0) == 0);
    fs_close(disk.fs, node->ino);
    object_forget(node->key);
    for (char name[2] = "a"; fs_unlink(disk.fs, ROOT, P(name), false) == 0; name[0]++)
        ;
}

/* A page that lacks two blocks is dirty, and a third one is cut off. It may still
 * become whole again, whoever else wants space, and whatever could not be read. */
static void test_promise(void)
{
    static const uint8_t bytes[FS_PAGE] = {1};
    const uint64_t at = parts[2].offset + parts[2].len / FS_PAGE * FS_PAGE;
    bool failed = true;

    make_file("-b 1024");
    for (unsigned n = 1; failed && !check_failing; n++) {
        struct fs_node node, other;
        struct object *object = begin(&node);

        CHECK(object_write(&disk, object, at, bytes, 1) == 1);
        CHECK(object_write(&disk, object, FILE_SIZE + 8, bytes, 1) == 1);
        disk.fail_read_at = n;
        failed = fs_truncate(disk.fs, node.ino, "", 0, at + 1) == -EIO;
        CHECK(failed == (disk.fail_read_at == 0));
        disk.fail_read_at = 0;
        fill(&other);
        CHECK(object_write(&disk, object, at, bytes, FS_PAGE) == FS_PAGE);
        CHECK(object_store(&disk, object, 0, UINT64_MAX) == 0);
        clear(&other);
        CHECK(fs_sync(disk.fs) == 0 && disk_check(&disk) == 0);
        end(&node);
    }
    put_away();
}

/* ------------------------------------------- pages on their way to the disk */

static uint64_t cut_to; /* what the file is cut to at the next write; UINT64_MAX: not */
static uint32_t cut_ino;

static int cutting_write(void *context, uint64_t sector, unsigned count, const void *buffer)
{
    uint64_t size = cut_to;
    int err = disk_write(context, sector, count, buffer);

    cut_to = UINT64_MAX;
    if (size != UINT64_MAX)
        CHECK(fs_truncate(disk.fs, cut_ino, "", 0, size) == 0);
    return err;
}

/* A block is on its way to the disk when the file is cut within it. The file had had
 * the first `before` bytes of it. */
static void test_overtaken(size_t before)
{
    static const uint64_t sizes[] = {0, 1, 1000, 1024, 4096, 5000, 9999};
    static uint8_t data[10000], back[20000];

    make_file("-b 2048");
    disk.hooks.write = cutting_write;
    memset(data, 0x55, sizeof(data));
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t size = sizes[i];
        struct fs_node node, unused;
        struct object *object;
        unsigned wrong = 0;

        if (size > 0 && size < before) /* that truncation waits for the write */
            continue;
        cut_to = UINT64_MAX;
        begin(&unused);
        CHECK(file_open(&disk, "other", FS_O_RDWR, &node) == 0);
        object = object_open(&node);
        CHECK(object_write(&disk, object, 0, data, before) == (long)before);
        CHECK(object_store(&disk, object, 0, UINT64_MAX) == 0);
        CHECK(object_write(&disk, object, 0, data, sizeof(data)) == sizeof(data));
        cut_to = size;
        cut_ino = node.ino;
        CHECK(object_store(&disk, object, 0, UINT64_MAX) == 0 && cut_to == UINT64_MAX);
        CHECK(object->size == size);
        object_drop_pages(object, 0, true);
        CHECK(fs_truncate(disk.fs, node.ino, "", 0, sizeof(back)) == 0);
        CHECK(object_read(&disk, object, 0, back, sizeof(back)) == sizeof(back));
        for (uint64_t at = 0; at < sizeof(back); at++)
            wrong += back[at] != (at < size ? 0x55 : 0);
        CHECK(wrong == 0);
        fs_close(disk.fs, node.ino);
        CHECK(fs_truncate(disk.fs, ROOT, P("other"), 0) == 0);
        object_forget(node.key);
        end(&unused);
    }
    put_away();
}

/* Pages were taken to be stored, and the file is cut and grows before that begins. */
static void test_taken_before(void)
{
    static const uint64_t sizes[] = {0, 1000, 4096, 5000, 9999};
    static uint8_t data[3 * FS_PAGE], back[20000];

    make_file("-b 1024");
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct fs_node node, unused;
        struct object *object;
        unsigned wrong = 0;

        begin(&unused);
        CHECK(file_open(&disk, "other", FS_O_RDWR, &node) == 0);
        object = object_open(&node);
        memset(data, 0x55, 10000);
        memset(data + 10000, 0, sizeof(data) - 10000);
        CHECK(object_write(&disk, object, 0, data, 10000) == 10000);

        uint64_t cuts = object->cuts;

        CHECK(fs_truncate(disk.fs, node.ino, "", 0, sizes[i]) == 0);
        CHECK(fs_truncate(disk.fs, node.ino, "", 0, sizeof(back)) == 0);
        CHECK(fs_page_out(disk.fs, object->key, 0, 3, 10000, cuts, data, 10000) == -EAGAIN);
        CHECK(object_store(&disk, object, 0, UINT64_MAX) == 0);
        object_drop_pages(object, 0, true);
        CHECK(object_read(&disk, object, 0, back, sizeof(back)) == sizeof(back));
        for (uint64_t at = 0; at < sizeof(back); at++)
            wrong += back[at] != (at < sizes[i] ? 0x55 : 0);
        CHECK(wrong == 0);
        CHECK(fs_truncate(disk.fs, node.ino, "", 0, 0) == 0);
        fs_close(disk.fs, node.ino);
        object_forget(node.key);
        end(&unused);
    }
    put_away();
}

/* The end cannot be cleared on the disk: then nothing may be added behind it. */
static void test_write_error(void)
{
    struct fs_node node;
    struct object *object;

    make_file("-b 1024");
    object = begin(&node);
    disk.quiet = true;
    disk.fail_writes = 1;
    CHECK(fs_truncate(disk.fs, node.ino, "", 0, 5000) == -EIO);
    disk.fail_writes = 0;
    CHECK(object->size >= 5000 && fs_readonly(disk.fs));
    CHECK(fs_truncate(disk.fs, node.ino, "", 0, 6000) == -EROFS);
    fs_close(disk.fs, node.ino);
    disk_unmount(&disk);
    objects_forget();
    put_away();
}

int main(void)
{
    static const char *const volumes[] = {"-b 1024 -N 64", "-b 4096 -N 64", "-b 1024 -N 64 -j",
                                          "-b 1024 -g 512 -N 256"};
    enum { VOLUMES = sizeof(volumes) / sizeof(volumes[0]) };
    char name[100];

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    alarm(500); /* a hang is a failure */
    check_plan(2 * VOLUMES + 3);
    for (unsigned v = 0; v < VOLUMES; v++) {
        test_cut(volumes[v]);
        snprintf(name, sizeof(name), "a truncation that cannot read, mke2fs %s", volumes[v]);
        check_end(name);
        test_unlink(volumes[v]);
        snprintf(name, sizeof(name), "an unlink that cannot read, mke2fs %s", volumes[v]);
        check_end(name);
    }
    test_promise();
    check_end("what is reserved for the last page stays so");
    test_overtaken(0);
    test_overtaken(100);
    test_taken_before();
    check_end("cut while pages are on their way");
    test_write_error();
    check_end("an end that cannot be cleared");
    return check_exit();
}
