/*
 * The journal of the file-system core, part by part: what reaches the disk and when, what
 * a power cut leaves, and that e2fsprogs and the core read each other's logs. Power cuts
 * at every point of whole workloads are the matter of fs_crash.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_disk.h"
#include "user/fs/core/jbd.h"
#include "user/fs/core/volume.h"

static struct disk disk;
static uint8_t *cut; /* what is on the disk when the power fails */

static void make(const char *options, unsigned long kib)
{
    disk_make(&disk, options, kib);
    disk.params.cache_bytes = 1 << 20;
    CHECK(disk_mount(&disk) == 0 && disk.fs->journal != NULL);
    cut = malloc(disk.size);
}

static void finish(void)
{
    disk_finish(&disk);
    free(cut);
}

static void power_cut(void)
{
    memcpy(cut, disk.memory, disk.size);
}

/* The machine comes up again. What the old one had in memory is lost. */
static void power_on(void)
{
    fs_unmount(disk.fs);
    memcpy(disk.memory, cut, disk.size);
    CHECK(disk_mount(&disk) == 0 && !fs_readonly(disk.fs));
}

/* As the last one; but it is e2fsck that replays the log. */
static void power_on_elsewhere(void)
{
    fs_unmount(disk.fs);
    memcpy(disk.memory, cut, disk.size);
    CHECK(run(TOOL "e2fsck -fp %s > /dev/null; test $? -le 1", disk.image) == 0);
    CHECK(disk_check(&disk) == 0);
    CHECK(disk_mount(&disk) == 0 && !fs_readonly(disk.fs));
}

static void (*const recoveries[])(void) = {power_on, power_on_elsewhere};

static bool exists(const char *path)
{
    struct msg_stat stat;

    return fs_stat(disk.fs, ROOT, P(path), true, &stat) == 0;
}

static void make_file(const char *path, size_t len, unsigned salt)
{
    static uint8_t data[3 << 20];
    struct fs_node node;

    pattern(data, 0, len, salt);
    CHECK(file_open(&disk, path, FS_O_RDWR | FS_O_CREAT, &node) == 0);
    CHECK(file_write(&disk, &node, 0, data, len) == (long)len);
    fs_close(disk.fs, node.ino);
}

/* Whether the file has what make_file gave it. */
static bool file_is(const char *path, size_t len, unsigned salt)
{
    static uint8_t data[1 << 20], model[1 << 20];
    struct fs_node node;
    long got;

    if (file_open(&disk, path, FS_O_RDONLY, &node) != 0)
        return false;
    got = file_read(&disk, &node, 0, data, sizeof(data));
    fs_close(disk.fs, node.ino);
    pattern(model, 0, len, salt);
    return got == (long)len && memcmp(data, model, len) == 0;
}

/* Nothing goes to the disk before the commit; that takes few writes however many the
 * operations were, and two flushes; the rest is a matter of checkpoints. */
static void test_group_commit(void)
{
    char path[16];

    CHECK(fs_mkdir(disk.fs, ROOT, P("d"), 0755) == 0 && fs_fsync(disk.fs, ROOT) == 0);
    disk.writes = disk.flushes = 0;
    for (int i = 0; i < 200; i++) {
        sprintf(path, "d/%d", i);
        CHECK(fs_mkdir(disk.fs, ROOT, P(path), 0755) == 0);
        if (i % 2)
            CHECK(fs_unlink(disk.fs, ROOT, P(path), true) == 0);
    }
    CHECK(disk.writes == 0 && disk.flushes == 0 && fs_dirty(disk.fs));
    CHECK(fs_fsync(disk.fs, ROOT) == 0 && !fs_dirty(disk.fs));
    CHECK(disk.flushes == 2 && disk.writes > 1 && disk.writes < 12);
    disk.writes = disk.flushes = 0;
    CHECK(fs_fsync(disk.fs, ROOT) == 0); /* the data of a file may have been written */
    CHECK(disk.flushes == 1 && disk.writes == 0);
}

static void test_power_cut(void)
{
    for (unsigned i = 0; i < 2; i++) {
        CHECK(fs_mkdir(disk.fs, ROOT, P("d"), 0755) == 0);
        make_file("d/a", 100000, 1);
        make_file("d/b", 5000, 2);
        CHECK(fs_rename(disk.fs, ROOT, P("d/b"), P("c")) == 0);
        CHECK(fs_fsync(disk.fs, ROOT) == 0);
        CHECK(fs_unlink(disk.fs, ROOT, P("c"), false) == 0 && !exists("c"));
        power_cut();
        recoveries[i]();
        CHECK(file_is("d/a", 100000, 1) && file_is("c", 5000, 2) && !exists("d/b"));
        CHECK(fs_unlink(disk.fs, ROOT, P("d/a"), false) == 0);
        CHECK(fs_unlink(disk.fs, ROOT, P("c"), false) == 0);
        CHECK(fs_unlink(disk.fs, ROOT, P("d"), true) == 0);
    }
}

/* The log goes round many times; its contents count wherever it begins. */
static void test_wrap(void)
{
    char path[16];

    for (int i = 0; i < 1500; i++) {
        sprintf(path, "n%d", i);
        CHECK(fs_mkdir(disk.fs, ROOT, P(path), 0755) == 0);
        if (i > 5) {
            sprintf(path, "n%d", i - 5);
            CHECK(fs_unlink(disk.fs, ROOT, P(path), true) == 0);
        }
        CHECK(fs_fsync(disk.fs, ROOT) == 0);
        if (i % 97 == 0) {
            power_cut();
            recoveries[i & 1]();
            sprintf(path, "n%d", i);
            CHECK(exists(path));
        }
        if (check_failing)
            return;
    }
}

/* Blocks that were a directory's, in the log, and are a file's now: data do not pass
 * through the log, and must not be overwritten by it. */
static void test_revoke(void)
{
    char path[16];

    for (unsigned i = 0; i < 2; i++) {
        for (int d = 0; d < 40; d++) {
            sprintf(path, "d%d", d);
            CHECK(fs_mkdir(disk.fs, ROOT, P(path), 0755) == 0);
        }
        CHECK(fs_fsync(disk.fs, ROOT) == 0);
        for (int d = 0; d < 40; d++) {
            sprintf(path, "d%d", d);
            CHECK(fs_unlink(disk.fs, ROOT, P(path), true) == 0);
        }
        CHECK(fs_fsync(disk.fs, ROOT) == 0);
        make_file("f", 400000, 3);
        CHECK(fs_fsync(disk.fs, ROOT) == 0);
        power_cut();
        recoveries[i]();
        CHECK(file_is("f", 400000, 3));
        CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    }
}

/* A block that begins as those of the log do. */
static void test_escape(void)
{
    char target[200], back[200];

    memset(target, 'x', sizeof(target));
    memcpy(target, "\xc0\x3b\x39\x98", 4);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(fs_symlink(disk.fs, ROOT, target, sizeof(target), P("s")) == 0);
        CHECK(fs_fsync(disk.fs, ROOT) == 0);
        power_cut();
        recoveries[i]();
        CHECK(fs_readlink(disk.fs, ROOT, P("s"), back, sizeof(back)) == sizeof(back));
        CHECK(memcmp(back, target, sizeof(back)) == 0);
        CHECK(fs_unlink(disk.fs, ROOT, P("s"), false) == 0);
    }
}

/* Blocks of a file that was removed are not written by another before that is certain;
 * but a volume is not full because of them. */
static void test_held(void)
{
    struct msg_statfs info;
    size_t most;

    fs_statfs(disk.fs, &info);
    most = info.blocks_free * disk.fs->block_size * 2 / 3;
    most = most < 1 << 20 ? most : 1 << 20;
    for (int n = 0; info.blocks_free * disk.fs->block_size > most + most / 2; n++) {
        char path[16];

        sprintf(path, "fill%d", n);
        make_file(path, most / 2, 9);
        fs_statfs(disk.fs, &info);
    }
    make_file("old", most, 4);
    CHECK(fs_sync(disk.fs) == 0);
    CHECK(fs_unlink(disk.fs, ROOT, P("old"), false) == 0);
    power_cut();
    disk.flushes = 0;
    make_file("new", most / 4, 5); /* there is room elsewhere */
    CHECK(disk.flushes == 0);
    power_cut();
    power_on();
    CHECK(file_is("old", most, 4));
    CHECK(fs_unlink(disk.fs, ROOT, P("old"), false) == 0);
    make_file("new", most, 5);
    CHECK(disk.flushes > 0 && file_is("new", most, 5));
}

/* Files without names, and one being cut, are finished with at the next mount. */
static void test_orphans(void)
{
    struct msg_statfs before, after;
    struct fs_node node[3];
    char path[16];

    for (unsigned i = 0; i < 2; i++) {
        CHECK(fs_sync(disk.fs) == 0);
        fs_statfs(disk.fs, &before);
        for (int n = 0; n < 3; n++) {
            sprintf(path, "o%d", n);
            make_file(path, 30000 + n, n);
            CHECK(file_open(&disk, path, FS_O_RDWR, &node[n]) == 0);
            CHECK(fs_unlink(disk.fs, ROOT, P(path), false) == 0);
        }
        fs_close(disk.fs, node[1].ino); /* from the middle of the list */
        CHECK(disk.fs->orphans == 2 && fs_fsync(disk.fs, ROOT) == 0);
        power_cut();
        recoveries[i]();
        CHECK(disk.fs->orphans == 0 && disk.fs->last_orphan == 0);
        fs_statfs(disk.fs, &after);
        CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    }
}

/* What nothing holds and has few blocks goes with its last name, in one transaction; all else is on
 * the list of orphans in between, which the superblock shows. */
static void test_gone_at_once(void)
{
    static const struct {
        size_t len;
        bool held, at_once;
    } files[] = {{0, false, true}, {3000, false, true}, {900000, false, false}, {0, true, false}};
    struct msg_statfs before, after;
    struct fs_node node;

    for (unsigned i = 0; i < 2 * sizeof(files) / sizeof(files[0]); i++) {
        unsigned f = i / 2;

        fs_statfs(disk.fs, &before);
        make_file("f", files[f].len, i);
        CHECK(file_open(&disk, "f", FS_O_RDONLY, &node) == 0);
        if (!files[f].held)
            fs_close(disk.fs, node.ino);
        if (i % 2)
            make_file("g", 0, 0);
        CHECK(fs_fsync(disk.fs, ROOT) == 0 && !disk.fs->journal->running.super);
        CHECK((i % 2 ? RENAME("g", "f") : UNLINK("f")) == 0);
        CHECK(disk.fs->journal->running.super == !files[f].at_once);
        if (files[f].held)
            fs_close(disk.fs, node.ino);
        CHECK(disk.fs->orphans == 0 && disk.fs->last_orphan == 0);
        CHECK(i % 2 == 0 || UNLINK("f") == 0);
        CHECK(fs_fsync(disk.fs, ROOT) == 0);
        fs_statfs(disk.fs, &after);
        CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    }
}

/* ------------------------------------------- a power cut inside of a truncation */

static unsigned events_left;

static void event(void)
{
    if (events_left > 0 && --events_left == 0)
        power_cut();
}

/* What a cut of several transactions reads between them is the moment at which another thread
 * may commit. */
static int committing_read(void *context, uint64_t sector, unsigned count, void *buffer)
{
    if (events_left > 0)
        CHECK(fs_write_back(disk.fs) == 0);
    return disk_read(context, sector, count, buffer);
}

static int cutting_write(void *context, uint64_t sector, unsigned count, const void *buffer)
{
    event();
    return disk_write(context, sector, count, buffer);
}

static int cutting_flush(void *context)
{
    event();
    return disk_flush(context);
}

/* Cuts a file of `old` bytes to `size`, with the power failing at each event of that. The
 * file has its old contents or its new ones, or some in between if the cut takes several
 * transactions; nothing is left to do; and when the file grows, nothing of what was cut off
 * comes to light. */
static void cut_file(uint32_t old, uint32_t size, unsigned lengths[3])
{
    static uint8_t data[1200000], model[1200000];
    struct fs_node node;

    disk.hooks.write = cutting_write;
    disk.hooks.flush = cutting_flush;
    disk.hooks.read = committing_read;
    lengths[0] = lengths[1] = lengths[2] = 0;
    for (unsigned n = 1; !check_failing; n++) {
        make_file("f", old, 6);
        CHECK(disk_unmount(&disk) == 0 && disk_mount(&disk) == 0);
        events_left = n;
        CHECK(fs_truncate(disk.fs, ROOT, P("f"), size) == 0 && fs_write_back(disk.fs) == 0);
        if (events_left > 0)
            break;
        power_on();
        CHECK(file_open(&disk, "f", FS_O_RDWR, &node) == 0);
        lengths[node.size == size ? 0 : node.size == old ? 1 : 2]++;
        CHECK(fs_sync(disk.fs) == 0 && disk.fs->last_orphan == 0 && disk.fs->clean);
        CHECK(fs_truncate(disk.fs, node.ino, "", 0, sizeof(data)) == 0);
        CHECK(file_read(&disk, &node, 0, data, sizeof(data)) == sizeof(data));
        memset(model, 0, sizeof(model));
        pattern(model, 0, node.size < sizeof(model) ? node.size : sizeof(model), 6);
        CHECK(memcmp(data, model, sizeof(data)) == 0);
        fs_close(disk.fs, node.ino);
        CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    }
    events_left = 0;
}

static void test_cut(void)
{
    unsigned lengths[3];

    cut_file(50000, 20100, lengths);
    CHECK(lengths[0] > 0 && lengths[1] > 2 && lengths[2] == 0);
}

static void test_cut_in_steps(void)
{
    unsigned lengths[3];

    if (disk.fs->block_size != 1024)
        return; /* there is no room for so many blocks */
    cut_file(3000000, 100, lengths);
    CHECK(lengths[0] > 0 && lengths[1] > 2 && lengths[2] > 2);
}

/* An orphan as ext3 leaves it: the size is set, and all blocks are still there. */
static void test_foreign_orphan(void)
{
    struct fs_node node;
    struct msg_statfs before, after;

    fs_statfs(disk.fs, &before);
    make_file("f", 100, 6);
    CHECK(fs_unlink(disk.fs, ROOT, P("f"), false) == 0);
    make_file("f", 3000000, 6);
    CHECK(file_open(&disk, "f", FS_O_RDONLY, &node) == 0);
    fs_close(disk.fs, node.ino);
    CHECK(disk_unmount(&disk) == 0);
    CHECK(run(TOOL "debugfs -w -R 'sif <%u> size 100' %s", node.ino, disk.image) == 0);
    CHECK(run(TOOL "debugfs -w -R 'ssv last_orphan %u' %s", node.ino, disk.image) == 0);
    CHECK(disk_mount(&disk) == 0 && disk_unmount(&disk) == 0 && disk_check(&disk) == 0);
    CHECK(disk_mount(&disk) == 0 && file_is("f", 100, 6));
    CHECK(fs_truncate(disk.fs, ROOT, P("f"), 0) == 0);
    fs_statfs(disk.fs, &after);
    CHECK(before.blocks_free == after.blocks_free);
}

/* ------------------------------------------------------------- errors and limits */

/* The log cannot be written: nothing is any more, and the next mount has what was
 * committed before. */
static void test_write_error(void)
{
    CHECK(fs_mkdir(disk.fs, ROOT, P("safe"), 0755) == 0 && fs_fsync(disk.fs, ROOT) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("lost"), 0755) == 0);
    disk.quiet = true;
    disk.fail_writes = 1;
    CHECK(fs_fsync(disk.fs, ROOT) == -EIO && fs_readonly(disk.fs));
    disk.fail_writes = 0;
    disk.writes = 0;
    CHECK(fs_fsync(disk.fs, ROOT) == -EIO && fs_sync(disk.fs) == -EIO && disk.writes == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("more"), 0755) == -EROFS && exists("lost"));
    power_cut();
    power_on();
    CHECK(exists("safe") && !exists("lost"));
}

/* A disk that cannot be written: what is in the log is not replayed. */
static void test_readonly_device(void)
{
    CHECK(fs_mkdir(disk.fs, ROOT, P("d"), 0755) == 0 && fs_fsync(disk.fs, ROOT) == 0);
    power_cut();
    fs_unmount(disk.fs);
    memcpy(disk.memory, cut, disk.size);
    disk.params.readonly = true;
    disk.writes = disk.logged = 0;
    disk.quiet = true;
    CHECK(disk_mount(&disk) == 0 && fs_readonly(disk.fs) && disk.logged > 0);
    CHECK(disk_unmount(&disk) == 0 && disk.writes == 0);
    disk.params.readonly = false;
    CHECK(disk_mount(&disk) == 0 && exists("d"));
}

/* A log with something the core does not know is left alone, and so is the volume. */
static void test_unknown(void)
{
    static const struct {
        unsigned offset;
        uint32_t value;
    } changes[] = {
        {0, 1},     {4, JBD_SUPER_V1}, {12, 512}, {16, 5},    {16, 1 << 30}, {20, 0},
        {20, 1000}, {28, 1 << 20},     {36, 1},   {40, 0x11}, {44, 1},
    };
    uint64_t place = (uint64_t)disk.fs->journal->runs[0].home << disk.fs->block_shift;

    CHECK(fs_mkdir(disk.fs, ROOT, P("d"), 0755) == 0 && fs_fsync(disk.fs, ROOT) == 0);
    power_cut();
    disk.quiet = true;
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        fs_unmount(disk.fs);
        memcpy(disk.memory, cut, disk.size);
        memcpy(disk.memory + place + changes[i].offset, &(uint32_t){be32(changes[i].value)}, 4);
        disk.writes = 0;
        CHECK(disk_mount(&disk) == 0 && fs_readonly(disk.fs));
        CHECK(fs_mkdir(disk.fs, ROOT, P("e"), 0755) == -EROFS);
        CHECK(fs_sync(disk.fs) == 0 && disk.writes == 0);
    }
    power_on();
    CHECK(exists("d"));
}

/* A log that e2fsprogs wrote: a block that it has, one that it has and revokes. */
static void test_foreign_log(void)
{
    uint32_t block = disk.fs->block_size, first = disk.fs->blocks - 20;
    uint8_t *data = malloc(block);
    char path[200];
    FILE *file;

    fs_unmount(disk.fs);
    memset(data, 0, block);
    memcpy(data, "\xc0\x3b\x39\x98 from the log", 18);
    snprintf(path, sizeof(path), "%s/data", disk.folder);
    file = fopen(path, "w");
    CHECK(file != NULL && fwrite(data, block, 1, file) == 1 && fclose(file) == 0);
    CHECK(run("printf 'jo\\njw -b %u %s\\njw -b %u %s\\njw -r %u\\njc\\n' | " TOOL
              "debugfs -w -f - %s",
              first, path, first + 1, path, first + 1, disk.image) == 0);
    CHECK(disk_mount(&disk) == 0 && !fs_readonly(disk.fs) && disk.logged > 0);
    CHECK(memcmp(disk.memory + (uint64_t)first * block, data, block) == 0);
    CHECK(memcmp(disk.memory + (uint64_t)(first + 1) * block, data, block) != 0);
    memset(disk.memory + (uint64_t)first * block, 0, block);
    CHECK(unlink(path) == 0);
    free(data);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"group commit", test_group_commit},
    {"power cut", test_power_cut},
    {"wrap", test_wrap},
    {"revoke", test_revoke},
    {"escape", test_escape},
    {"held blocks", test_held},
    {"orphans", test_orphans},
    {"gone at once", test_gone_at_once},
    {"a truncation cut short", test_cut},
    {"one of several steps", test_cut_in_steps},
    {"an orphan by ext3", test_foreign_orphan},
    {"write error", test_write_error},
    {"read-only device", test_readonly_device},
    {"unknown log", test_unknown},
    {"a log by e2fsprogs", test_foreign_log},
};

int main(void)
{
    static const char *const volumes[] = {"-b 1024 -N 200 -j", "-b 4096 -I 256 -N 200 -j"};
    enum {
        TESTS = sizeof(tests) / sizeof(tests[0]),
        VOLUMES = sizeof(volumes) / sizeof(volumes[0])
    };
    char name[100];

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    alarm(300); /* a hang is a failure */
    check_plan(TESTS * VOLUMES);
    for (unsigned v = 0; v < VOLUMES; v++) {
        for (unsigned t = 0; t < TESTS; t++) {
            make(volumes[v], 8192);
            tests[t].run();
            finish();
            snprintf(name, sizeof(name), "%s, mke2fs %s", tests[t].name, volumes[v]);
            check_end(name);
        }
    }
    return check_exit();
}
