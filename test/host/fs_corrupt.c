/*
 * The file-system core on volumes that cannot be right, and devices that fail:
 * random bytes of a good volume's metadata are changed, then everything is tried
 * on it. It may answer with errors and go read-only; it must not crash, hang, or
 * touch anything outside of the device (the sanitizers and the hooks see to that).
 * With a device that fails now and then, what was true of the names before an
 * operation or after it is true of them then.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_tries.h"

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
