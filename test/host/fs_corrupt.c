/*
 * The file-system core on volumes that cannot be right, and devices that fail:
 * random bytes of a good volume's metadata are changed, then everything is tried
 * on it. It may answer with errors and go read-only; it must not crash, hang, or
 * touch anything outside of the device (the sanitizers and the hooks see to that).
 * With a device that fails now and then, what was true of the names before an
 * operation or after it is true of them then.
 *
 * host-test: user/fs/core/attr.c user/fs/core/cache.c user/fs/core/checkpoint.c
 * host-test: user/fs/core/commit.c user/fs/core/create.c user/fs/core/dir.c
 * host-test: user/fs/core/dirchange.c user/fs/core/dirindex.c user/fs/core/freed.c
 * host-test: user/fs/core/group.c user/fs/core/inode.c user/fs/core/io.c
 * host-test: user/fs/core/journal.c user/fs/core/link.c user/fs/core/list.c
 * host-test: user/fs/core/map.c user/fs/core/open.c user/fs/core/orphan.c
 * host-test: user/fs/core/page.c user/fs/core/pagereserve.c user/fs/core/record.c
 * host-test: user/fs/core/recover.c user/fs/core/remove.c user/fs/core/rename.c
 * host-test: user/fs/core/reserve.c user/fs/core/super.c user/fs/core/sync.c
 * host-test: user/fs/core/truncate.c user/fs/core/txn.c user/fs/core/walk.c
 */
#include "test/host/fs_disk.h"

#define ROOT  FS_ROOT_INO
#define NAMES 40

static struct disk disk;
static uint8_t *good; /* the volume as it was */
static uint64_t seed;

static unsigned pick(unsigned n)
{
    return check_random(&seed) % n;
}

static void any_path(char *path)
{
    static const char *const dirs[] = {"", "d/", "d/e/", "big/", "d/back/", "s/"};

    sprintf(path, "%s%u", dirs[pick(6)], pick(NAMES));
    if (pick(10) == 0)
        sprintf(path, "%s",
                (const char *[]){"d", "d/e", "big", "large", "s", "long", "."}[pick(7)]);
}

/* A volume with something of everything. */
static void populate(void)
{
    static uint8_t data[300000];
    struct fs_node node;
    char path[300];

    pattern(data, 0, sizeof(data), 1);
    CHECK(fs_mkdir(disk.fs, ROOT, P("d"), 0755) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("d/e"), 0755) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("big"), 0755) == 0);
    CHECK(fs_symlink(disk.fs, ROOT, P("../d/e"), P("d/back")) == 0);
    CHECK(fs_symlink(disk.fs, ROOT, P("d"), P("s")) == 0);
    CHECK(fs_symlink(disk.fs, ROOT, (char *)memset(path, 'l', 200), 200, P("long")) == 0);
    CHECK(file_open(&disk, "large", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    CHECK(file_write(&disk, &node, 0, data, sizeof(data)) == sizeof(data));
    CHECK(file_write(&disk, &node, 70 << 20, data, 9) == 9);
    fs_close(disk.fs, node.ino);
    for (int i = 0; i < 150; i++) {
        sprintf(path, "big/%d%0*d", i % NAMES, i < NAMES ? 0 : 3 + i % 90, i);
        if (file_open(&disk, path, FS_O_RDWR | FS_O_CREAT, &node) == 0) {
            file_write(&disk, &node, 0, data, 1 + i * 50);
            fs_close(disk.fs, node.ino);
        }
    }
}

static void try_file(const char *path)
{
    static uint8_t pages[FS_PAGES_MAX * FS_PAGE];
    struct fs_node node;
    uint64_t holes, page = pick(2) ? pick(80) : pick(20000);
    unsigned count = 1 + pick(FS_PAGES_MAX);

    if (file_open(&disk, path, FS_O_RDWR | (pick(2) ? FS_O_CREAT : 0), &node) != 0)
        return;
    fs_page_in(disk.fs, node.key, page, count, pages, &holes);
    if (pick(2)) {
        uint64_t size = (page + count) * FS_PAGE - pick(FS_PAGE);

        if (fs_reserve(disk.fs, node.key, page, count, size) == (long)count)
            fs_page_out(disk.fs, node.key, page, count, size, 0, pages, size - page * FS_PAGE);
    }
    if (pick(3) == 0)
        fs_truncate(disk.fs, node.ino, "", 0, pick(2) ? pick(400000) : 0);
    if (pick(3) == 0)
        fs_unlink(disk.fs, ROOT, P(path), false);
    fs_close(disk.fs, node.ino);
}

static void try_dir(const char *path)
{
    static uint8_t buffer[8192];
    struct msg_stat stat;
    uint64_t cookie = 0;

    if (fs_stat(disk.fs, ROOT, P(path), false, &stat) != 0)
        return;
    fs_getcwd(disk.fs, stat.ino, (char *)buffer, sizeof(buffer));
    for (unsigned i = 0; i < 200; i++)
        if (fs_readdir(disk.fs, stat.ino, &cookie, buffer, sizeof(buffer)) <= 0)
            break;
}

static void try_something(void)
{
    char path[300], other[300], text[300];

    any_path(path);
    any_path(other);
    switch (pick(9)) {
    case 0:
        fs_mkdir(disk.fs, ROOT, P(path), 0755);
        break;
    case 1:
        fs_unlink(disk.fs, ROOT, P(path), pick(2));
        break;
    case 2:
        fs_rename(disk.fs, ROOT, P(path), P(other));
        break;
    case 3:
        fs_link(disk.fs, ROOT, P(path), P(other));
        break;
    case 4:
        fs_symlink(disk.fs, ROOT, P("x"), P(path));
        fs_readlink(disk.fs, ROOT, P(other), text, sizeof(text));
        break;
    case 5:
        fs_chmod(disk.fs, ROOT, P(path), 0700);
        if (pick(10) == 0)
            fs_sync(disk.fs);
        break;
    case 6:
        try_dir(path);
        break;
    default:
        try_file(path);
    }
}

/* The blocks whose bytes are worth changing: those that are not file data. */
static uint32_t metadata[4096], metadata_count;

static void find_metadata(unsigned block)
{
    uint8_t *flat = calloc(1, block);

    metadata_count = 0;
    for (uint64_t no = 0; no < disk.size / block && metadata_count < 4096; no++) {
        const uint8_t *data = good + no * block;
        uint8_t expected[64];

        /* File data hold a pattern that goes up by 131 from byte to byte. */
        for (unsigned i = 0; i < sizeof(expected); i++)
            expected[i] = data[0] + 131 * i;
        if (memcmp(data, flat, block) && memcmp(data, expected, sizeof(expected)))
            metadata[metadata_count++] = no;
    }
    free(flat);
}

/* A place in a block, rather where there is something. */
static unsigned any_place(const uint8_t *data, unsigned block)
{
    unsigned place = pick(block), tries = 30;

    while (tries-- && !data[place])
        place = pick(block);
    return place;
}

/* The record of one of the first inodes. */
static uint8_t *any_inode(unsigned block)
{
    uint32_t table = *(uint32_t *)(disk.memory + (block == 1024 ? 2048 : block) + 8);
    uint16_t size = *(uint16_t *)(disk.memory + 1024 + 88);

    return disk.memory + (uint64_t)table * block + (pick(2) ? 10 + pick(8) : pick(60)) * size;
}

static void corrupt(unsigned block)
{
    static const uint32_t words[] = {0, 1, 2, 0xffffffff, 0x80000000, 0x7fffffff, 11, 12, 100};
    unsigned changes = 1 + pick(pick(3) ? 4 : 60);

    if (pick(2)) /* what an inode maps */
        memcpy(any_inode(block) + 40 + pick(15) * 4,
               &(uint32_t){pick(3) ? pick(400) : words[pick(9)]}, 4);
    if (pick(8) == 0) /* any of its fields */
        memcpy(any_inode(block) + pick(32) * 4, &(uint32_t){words[pick(9)]}, 4);

    for (unsigned i = 0; i < changes; i++) {
        uint8_t *place = disk.memory + (uint64_t)metadata[pick(metadata_count)] * block;
        uint32_t word = pick(2) ? words[pick(9)] : pick(2) ? pick(5000) : check_random(&seed);

        switch (pick(3)) {
        case 0:
            place[any_place(place, block)] ^= 1 << pick(8);
            break;
        case 1:
            place[any_place(place, block)] = check_random(&seed);
            break;
        default: /* a whole field */
            memcpy(place + any_place(place, block) / 4 * 4, &word, 4);
        }
    }
    if (pick(20) == 0) /* the superblock, a field of it */
        memcpy(disk.memory + 1024 + pick(30) * 4, &(uint32_t){words[pick(9)]}, 4);
}

/* Mounted? */
static unsigned try_volume(unsigned block)
{
    memcpy(disk.memory, good, disk.size);
    corrupt(block);
    if (disk_mount(&disk) != 0)
        return 0;
    for (unsigned i = 0; i < 150; i++)
        try_something();
    disk_unmount(&disk);
    return 1;
}

static void make_good(const char *options, unsigned kib)
{
    disk_make(&disk, options, kib);
    CHECK(disk_mount(&disk) == 0);
    populate();
    CHECK(disk_unmount(&disk) == 0 && disk_check(&disk) == 0);
    good = malloc(disk.size);
    memcpy(good, disk.memory, disk.size);
}

/* As it is when the power fails: much of what was changed is in the log only. */
static void leave_log(void)
{
    struct fs_node node;

    CHECK(disk_mount(&disk) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("logged"), 0755) == 0);
    CHECK(fs_rename(disk.fs, ROOT, P("d"), P("logged/d")) == 0);
    CHECK(fs_write_back(disk.fs) == 0);
    CHECK(fs_truncate(disk.fs, ROOT, P("large"), 100000) == 0);
    CHECK(fs_unlink(disk.fs, ROOT, P("long"), false) == 0);
    CHECK(file_open(&disk, "open", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    CHECK(fs_unlink(disk.fs, ROOT, P("open"), false) == 0);
    CHECK(fs_write_back(disk.fs) == 0);
    memcpy(good, disk.memory, disk.size);
    fs_close(disk.fs, node.ino);
    CHECK(disk_unmount(&disk) == 0);
}

static void test_corrupt(const char *options, unsigned kib, unsigned block, unsigned rounds)
{
    unsigned mounted = 0, noticed = 0;

    make_good(options, kib);
    if (strstr(options, "-j"))
        leave_log();
    find_metadata(block);
    CHECK(metadata_count > 20);
    disk.quiet = true;
    disk.params.cache_bytes = 0;
    for (unsigned i = 0; i < rounds; i++) {
        unsigned before = disk.logged;

        mounted += try_volume(block);
        noticed += disk.logged != before;
    }
    printf("# %u volumes, %u mounted, in %u something was noticed\n", rounds, mounted, noticed);
    if (rounds >= 100) /* fewer may happen to be sound */
        CHECK(mounted > rounds / 2 && noticed > rounds / 8);
    free(good);
    disk_delete(&disk);
}

/* Reads fail now and then; nothing else is wrong, so nothing may be broken. */
static void test_read_errors(void)
{
    make_good("-b 1024", 1200);
    free(good);
    disk.params.cache_bytes = 0;
    disk.quiet = true;
    CHECK(disk_mount(&disk) == 0);
    for (unsigned i = 0; i < 3000; i++) {
        disk.fail_reads = pick(2) ? 5 : 0;
        try_something();
    }
    disk.fail_reads = 0;
    CHECK(!fs_readonly(disk.fs));
    disk_finish(&disk);
}

/* Writes fail: the volume becomes read-only and says so; and with a journal, nothing of
 * what was written before is broken. */
static void test_write_errors(const char *options, unsigned kib)
{
    struct fs_node node;
    int err = 0;

    make_good(options, kib);
    free(good);
    disk.params.cache_bytes = 0;
    disk.quiet = true;
    for (unsigned round = 0; round < 20; round++) {
        CHECK(disk_mount(&disk) == 0);
        disk.fail_writes = 2 + round;
        for (unsigned i = 0; i < 200; i++) {
            try_something();
            if (pick(20) == 0)
                err = fs_write_back(disk.fs);
            CHECK(err == 0 || err == -EIO);
        }
        if (fs_readonly(disk.fs))
            CHECK(file_open(&disk, "new", FS_O_RDWR | FS_O_CREAT, &node) == -EROFS);
        disk.fail_writes = 0;
        disk_unmount(&disk);
        /* e2fsck mends what half-written metadata there are: status 1, or 0. If there
         * is a journal it has nothing to ask. */
        char command[200];
        snprintf(command, sizeof(command), TOOL "e2fsck %s %s >/dev/null 2>&1",
                 strstr(options, "-j") ? "-fp" : "-fy", disk.image);
        int status = system(command);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    }
    disk_delete(&disk);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 2 ? atoi(argv[2]) : 250;

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 4711;
    alarm(500); /* a hang is a failure */
    check_plan(8);
    printf("# seed %lu\n", (unsigned long)seed);
    test_corrupt("-b 1024 -N 256", 1200, 1024, rounds);
    check_end("corrupt volumes, 1 KiB blocks");
    test_corrupt("-b 4096 -N 256", 1200, 4096, rounds);
    check_end("corrupt volumes, 4 KiB blocks");
    test_corrupt("-b 1024 -g 512 -N 256 -I 128", 1200, 1024, rounds);
    check_end("corrupt volumes, several groups");
    test_corrupt("-b 1024 -N 256 -j", 2300, 1024, rounds);
    check_end("corrupt volumes and journals, 1 KiB blocks");
    test_corrupt("-b 4096 -N 256 -j", 8192, 4096, rounds);
    check_end("corrupt volumes and journals, 4 KiB blocks");
    test_read_errors();
    check_end("read errors");
    test_write_errors("-b 1024", 1200);
    check_end("write errors");
    test_write_errors("-b 1024 -j", 2300);
    check_end("write errors, with a journal");
    return check_exit();
}
