/*
 * Which volumes the file-system core mounts, and how: what it does not know it
 * refuses or leaves unwritten, in words; what tools made it reads.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_disk.h"
#include "user/fs/core/ext2.h"

static struct disk disk;

/* A volume with features that must not be written to. */
static void test_readonly(const char *options, const char *after)
{
    struct fs_node node;
    uint8_t *before;

    disk_make(&disk, options, 8192);
    disk.quiet = true;
    if (after)
        CHECK(run(TOOL "debugfs -w -R '%s' %s", after, disk.image) == 0);
    before = malloc(disk.size);
    memcpy(before, disk.memory, disk.size);
    CHECK(disk_mount(&disk) == 0 && fs_readonly(disk.fs) && disk.logged > 0);
    CHECK(file_open(&disk, "/lost+found", FS_O_RDONLY, &node) == 0);
    fs_close(disk.fs, node.ino);
    CHECK(file_open(&disk, "new", FS_O_RDWR | FS_O_CREAT, &node) == -EROFS);
    CHECK(fs_mkdir(disk.fs, ROOT, P("new"), 0755) == -EROFS);
    CHECK(fs_unlink(disk.fs, ROOT, P("lost+found"), true) == -EROFS);
    CHECK(fs_rename(disk.fs, ROOT, P("lost+found"), P("x")) == -EROFS);
    CHECK(fs_chmod(disk.fs, ROOT, P("lost+found"), 0) == -EROFS);
    CHECK(fs_access(disk.fs, ROOT, P("lost+found"), 2) == -EROFS);
    CHECK(fs_sync(disk.fs) == 0 && disk_unmount(&disk) == 0 && disk.writes == 0);
    CHECK(memcmp(before, disk.memory, disk.size) == 0);
    free(before);
    disk_delete(&disk);
}

static void test_refused(const char *options)
{
    disk_make(&disk, options, 8192);
    disk.quiet = true;
    CHECK(disk_mount(&disk) == -EOPNOTSUPP && disk.logged > 0 && disk.writes == 0);
    disk_delete(&disk);
}

static void test_nonsense(void)
{
    disk_make(&disk, "", 8192);
    disk.quiet = true;
    disk.params.sectors = 1000;
    CHECK(disk_mount(&disk) == -EINVAL); /* larger than its device */
    disk.params.sectors = disk.size / FS_SECTOR;
    memset(disk.memory, 0, 4096);
    CHECK(disk_mount(&disk) == -EINVAL);
    memset(disk.memory, 0xff, 4096);
    CHECK(disk_mount(&disk) == -EINVAL && disk.logged >= 3);
    disk_delete(&disk);
}

/* A volume with a file on it. */
static void make_with_file(const char *options)
{
    char path[300];
    FILE *file;

    disk_make(&disk, options, 40000);
    disk.quiet = true;
    snprintf(path, sizeof(path), "%s/small", disk.folder);
    file = fopen(path, "w");
    CHECK(file != NULL);
    fprintf(file, "small file");
    fclose(file);
    CHECK(run(TOOL "debugfs -w -R 'write %s file' %s", path, disk.image) == 0);
}

/* It can be read by a copy of its superblock, and not be written. */
static void check_by_copy(void)
{
    struct fs_node node;
    uint8_t back[64], *before = malloc(disk.size);

    memcpy(before, disk.memory, disk.size);
    CHECK(disk_mount(&disk) == 0 && fs_readonly(disk.fs) && disk.logged >= 2);
    CHECK(file_open(&disk, "file", FS_O_RDONLY, &node) == 0);
    CHECK(file_read(&disk, &node, 0, back, 10) == 10 && memcmp(back, "small file", 10) == 0);
    fs_close(disk.fs, node.ino);
    CHECK(file_open(&disk, "new", FS_O_RDWR | FS_O_CREAT, &node) == -EROFS);
    CHECK(fs_sync(disk.fs) == 0 && disk_unmount(&disk) == 0 && disk.writes == 0);
    CHECK(memcmp(before, disk.memory, disk.size) == 0);
    free(before);
    disk_delete(&disk);
}

/* Its first superblock and descriptors are overwritten from a byte on, and so is the copy in
 * group 1 if it is to be that of group 3. */
static void test_copy(const char *options, unsigned long from, unsigned long byte_of_copy)
{
    make_with_file(options);
    memset(disk.memory + from, 0xaa, 4096);
    if (byte_of_copy)
        memset(disk.memory + byte_of_copy, 0, 1024);
    check_by_copy();
}

/* A feature that nobody knows: the volume is refused, unless it was in use before; the ring that
 * would tell so may be spoiled as well. */
static void test_feature(bool spoil_ring)
{
    uint8_t *state = calloc(1, 1 << 20);
    struct ext2_super *super;

    make_with_file("-b 4096 -g 4096 -j");
    super = (struct ext2_super *)(disk.memory + 1024);
    disk.params.state = state;
    disk.params.state_bytes = 1 << 20;
    super->s_feature_incompat |= 1u << 20;
    CHECK(disk_mount(&disk) == -EOPNOTSUPP && disk.writes == 0);
    super->s_feature_incompat &= ~(1u << 20);
    CHECK(disk_mount(&disk) == 0 && fs_adopted(disk.fs) == 0 && disk_unmount(&disk) == 0);
    super->s_feature_incompat |= 1u << 20;
    if (spoil_ring)
        memset(state, 0xaa, 4096);
    disk.writes = 0;
    check_by_copy();
    free(state);
}

static void test_copies(void)
{
    test_copy("-b 1024", 0, 0);
    test_copy("-b 1024 -j", 0, 0);
    test_copy("-b 1024", 0, 8193 * 1024);
    test_copy("-b 1024 -g 2048", 2048, 0); /* descriptors only */
    test_copy("-b 2048 -g 8192", 0, 0);
    test_copy("-b 4096 -g 4096", 0, 0);
    test_copy("-b 4096 -g 4096 -j", 4096, 0);
    check_end("a superblock that is nonsense, and copies of it");

    test_feature(false);
    test_feature(true);
    check_end("a feature that came while the volume was in use");

    /* A copy that lies elsewhere is not one: a volume within a file, say. */
    disk_make(&disk, "-b 1024", 40000);
    disk.quiet = true;
    memmove(disk.memory + 4097 * 1024, disk.memory + 8193 * 1024, 1 << 20);
    memset(disk.memory, 0, 4096);
    memset(disk.memory + 8193 * 1024, 0, 1024);
    memset(disk.memory + (3 * 8192 + 1) * 1024, 0, 1024);
    CHECK(disk_mount(&disk) == -EINVAL && disk.writes == 0);
    disk_delete(&disk);
    check_end("what is no copy");
}

/* A root that is no directory any more: no volume to begin with, but one to go on with. */
static void test_spoiled_root(void)
{
    uint8_t *state = calloc(1, 1 << 20);
    uint32_t table;
    struct msg_stat stat;

    disk_make(&disk, "-b 4096 -I 256", 8192);
    disk.quiet = true;
    disk.params.state = state;
    disk.params.state_bytes = 1 << 20;
    CHECK(disk_mount(&disk) == 0 && fs_adopted(disk.fs) == 0 && disk_unmount(&disk) == 0);
    memcpy(&table, disk.memory + 4096 + 8, sizeof(table));
    *(uint16_t *)(disk.memory + table * 4096ul + 256) = 0100644;
    CHECK(disk_mount(&disk) == 0 && fs_adopted(disk.fs) == 0);
    CHECK(fs_stat(disk.fs, ROOT, P("lost+found"), false, &stat) < 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("new"), 0755) < 0);
    CHECK(disk_unmount(&disk) == 0);
    memset(state, 0, 1 << 20);
    CHECK(disk_mount(&disk) < 0);
    CHECK(disk_mount(&disk) < 0); /* nobody has used it yet */
    disk_delete(&disk);
    free(state);
    check_end("a root that is spoiled");
}

/* A volume that was not cleanly unmounted is never called clean by us. */
static void test_unclean(void)
{
    struct fs_node node;

    disk_make(&disk, "", 8192);
    disk.quiet = true;
    *(uint16_t *)(disk.memory + 1024 + 58) = 0;
    CHECK(disk_mount(&disk) == 0 && !fs_readonly(disk.fs));
    CHECK(file_open(&disk, "f", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    fs_close(disk.fs, node.ino);
    CHECK(disk_unmount(&disk) == 0 && *(uint16_t *)(disk.memory + 1024 + 58) == 0);
    CHECK(run(TOOL "e2fsck -p %s; test $? -le 1", disk.image) == 0);
    CHECK(*(uint16_t *)(disk.memory + 1024 + 58) == 1);
    CHECK(disk_mount(&disk) == 0);
    CHECK(file_open(&disk, "f", FS_O_RDONLY, &node) == 0);
    fs_close(disk.fs, node.ino);
    disk_finish(&disk);
}

/* A journal that has nothing to recover does no harm; hashed directories, sparse
 * and not so sparse superblocks neither; files that debugfs wrote can be read,
 * changed and removed, extended attributes and all. */
static void test_foreign(const char *options)
{
    struct msg_stat stat;
    struct fs_node node;
    uint8_t back[64];
    char path[300], commands[160];
    FILE *file;

    disk_make(&disk, options, 8192);
    snprintf(path, sizeof(path), "%s/small", disk.folder);
    snprintf(commands, sizeof(commands), "%s/commands", disk.folder);
    file = fopen(path, "w");
    CHECK(file != NULL);
    fprintf(file, "small file");
    fclose(file);
    file = fopen(commands, "w");
    CHECK(file != NULL);
    fprintf(file, "mkdir dir\n");
    for (int i = 0; i < 400; i++)
        fprintf(file, "write %s dir/name-that-is-rather-long-%d\n", path, i);
    fprintf(file, "symlink link dir/name-that-is-rather-long-7\n");
    fprintf(file, "mknod null c 1 3\n");
    fprintf(file, "ea_set dir/name-that-is-rather-long-7 user.note %0200d\n", 5);
    fclose(file);
    CHECK(run(TOOL "debugfs -w -f %s %s >/dev/null", commands, disk.image) == 0);
    CHECK(run(TOOL "e2fsck -fyD %s >/dev/null 2>&1; test $? -le 1", disk.image) == 0);
    CHECK(disk_mount(&disk) == 0 && !fs_readonly(disk.fs));
    CHECK(file_open(&disk, "link", FS_O_RDWR, &node) == 0);
    CHECK(file_read(&disk, &node, 0, back, 10) == 10 && memcmp(back, "small file", 10) == 0);
    CHECK(file_write(&disk, &node, 100000, "x", 1) == 1);
    fs_close(disk.fs, node.ino);
    CHECK(fs_stat(disk.fs, ROOT, P("null"), false, &stat) == 0 && stat.rdev == (1 << 8 | 3));
    for (int i = 0; i < 400; i++) {
        sprintf(path, "dir/name-that-is-rather-long-%d", i);
        CHECK(fs_stat(disk.fs, ROOT, P(path), false, &stat) == 0);
        if (i % 2)
            CHECK(fs_unlink(disk.fs, ROOT, P(path), false) == 0);
        sprintf(path, "dir/another-name-%d", i);
        CHECK(file_open(&disk, path, FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &node) == 0);
        fs_close(disk.fs, node.ino);
    }
    disk_finish(&disk);
}

int main(void)
{
    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    check_plan(17);
    test_readonly("", "feature needs_recovery");
    check_end("recovery needed, but no journal");
    test_readonly("-O quota", NULL);
    check_end("features that forbid writing");
    test_readonly("-O metadata_csum", NULL);
    check_end("checksums");
    test_refused("-O extent");
    check_end("extents");
    test_refused("-O 64bit,extent");
    check_end("64-bit");
    test_refused("-O meta_bg,^resize_inode");
    check_end("meta block groups");
    test_refused("-O flex_bg");
    check_end("flexible block groups");
    test_nonsense();
    check_end("nonsense");
    test_copies();
    test_spoiled_root();
    test_unclean();
    check_end("not cleanly unmounted");
    test_foreign("-j -b 1024 -O dir_index,ext_attr");
    check_end("a clean journal, hashed directories, 1 KiB blocks");
    test_foreign("-b 4096 -I 128 -O dir_index,ext_attr");
    check_end("attribute blocks, 4 KiB blocks");
    test_foreign("-b 1024 -g 1024 -O ^sparse_super,^resize_inode");
    check_end("all superblocks");
    test_foreign("-b 1024 -I 256 -O ^filetype,ext_attr");
    check_end("no file types in directories");
    return check_exit();
}
