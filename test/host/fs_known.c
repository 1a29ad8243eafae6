/*
 * What the file-system core remembers of paths and attributes: it is what a look would find,
 * whatever happens in between, and saves the look.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_kernel.h"
#include "user/fs/core/volume.h"

static struct disk disk;

static void begin(void)
{
    disk_make(&disk, "-b 1024", 4096);
    kernel_hooks(&disk);
    CHECK(disk_mount(&disk) == 0);
    CHECK(MKDIR("d") == 0 && MKDIR("d/e") == 0);
}

static void end(void)
{
    CHECK(objects_store(&disk) == 0);
    objects_forget();
    disk_finish(&disk);
}

static uint32_t made(const char *path)
{
    struct fs_node node;
    int err = file_open(&disk, path, FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &node);

    CHECK(err == 0);
    fs_close(disk.fs, node.ino);
    return node.ino;
}

/* The inode that stat finds, or an error. */
static long ino_of(const char *path, bool nofollow)
{
    struct msg_stat stat;
    int err = fs_stat(disk.fs, ROOT, P(path), nofollow, &stat);

    return err ? err : (long)stat.ino;
}

/* Twice, so that the second time it is known. */
static bool leads(const char *path, long expected)
{
    return ino_of(path, false) == expected && ino_of(path, false) == expected;
}

static void test_saved(void)
{
    struct fs_node node;
    uint64_t gets;

    begin();
    made("d/e/f");
    CHECK(leads("d/e/f", ino_of("d/e/f", true)));
    gets = disk.fs->stats.block_gets;
    for (unsigned i = 0; i < 10; i++)
        CHECK(ino_of("d/e/f", false) > 0);
    CHECK(disk.fs->stats.block_gets == gets);
    CHECK(file_open(&disk, "d/e/f", FS_O_RDONLY, &node) == 0);
    fs_close(disk.fs, node.ino);
    made("d/other"); /* a name more changes nothing of what was found */
    gets = disk.fs->stats.block_gets;
    CHECK(pathcache_find(disk.fs, ROOT, P("d/e/f"), true) != NULL);
    CHECK(file_open(&disk, "d/e/f", FS_O_RDONLY, &node) == 0);
    CHECK(disk.fs->stats.block_gets == gets);
    fs_close(disk.fs, node.ino);
    end();
    check_end("a path that was walked lately needs no look at the volume");
}

static void test_names_change(void)
{
    uint32_t f, g, h;

    begin();
    f = made("d/e/f");
    g = made("g");
    CHECK(leads("d/e/f", f) && leads("/d/e/f", f) && leads("d/e/../e/f", f));
    CHECK(RENAME("d/e", "e") == 0); /* a directory above, and its ".." */
    CHECK(leads("d/e/f", -ENOENT) && leads("d/e/../e/f", -ENOENT) && leads("e/f", f));
    CHECK(MKDIR("d/e") == 0 && leads("d/e/f", -ENOENT) && leads("e/../d/e", ino_of("d/e", true)));
    h = made("d/e/f");
    CHECK(h != f && leads("d/e/f", h) && leads("e/f", f));
    CHECK(RENAME("g", "d/e/f") == 0 && leads("d/e/f", g) && leads("g", -ENOENT));
    CHECK(UNLINK("d/e/f") == 0 && leads("d/e/f", -ENOENT));
    CHECK(LINK("e/f", "d/e/f") == 0 && leads("d/e/f", f));
    CHECK(UNLINK("d/e/f") == 0 && RMDIR("d/e") == 0 && leads("d/e", -ENOENT));
    end();
    check_end("a name that goes, or names another inode, is not remembered");
}

static void test_symlinks(void)
{
    struct fs_node node;
    uint32_t f, g;
    long link;

    begin();
    f = made("d/f");
    g = made("d/e/g");
    CHECK(SYMLINK("d/f", "s") == 0 && leads("s", f));
    link = ino_of("s", true);
    CHECK(link > 0 && link != f && ino_of("s", true) == link && leads("s", f));
    CHECK(UNLINK("s") == 0 && SYMLINK("d/e/g", "s") == 0 && leads("s", g));
    CHECK(SYMLINK("d", "t") == 0 && leads("t/f", f) && leads("t/e/../f", f));
    CHECK(file_open(&disk, "d/f/", FS_O_RDONLY, &node) == -ENOTDIR);
    CHECK(leads("d/f", f) && leads("d/f/", -ENOTDIR) && leads("d/e/", ino_of("d/e", false)));
    CHECK(fs_stat(disk.fs, ROOT, "d/f\0", 4, false, &(struct msg_stat){0}) == -EINVAL);
    end();
    check_end("symlinks, slashes and bytes that end no path");
}

/* A path of each length up to beyond what is kept, and two that differ in the last byte. */
static void test_lengths(void)
{
    char name[80];

    begin();
    memset(name, 'n', sizeof(name));
    for (unsigned len = 1; len < 60; len++) {
        uint32_t a, b;

        name[len] = 0;
        name[len - 1] = 'a';
        a = made(name);
        name[len - 1] = 'b';
        b = made(name);
        CHECK(leads(name, b));
        name[len - 1] = 'a';
        CHECK(leads(name, a) && ino_of(name, true) == a);
        name[len - 1] = 'n';
    }
    end();
    check_end("paths of all lengths");
}

/* The directory that a walk has come from is moved while it sleeps. */
static uint32_t moved_read;

static int read_and_move(void *context, uint64_t sector, unsigned count, void *buffer)
{
    if (moved_read && --moved_read == 0)
        CHECK(RENAME("d", "moved") == 0);
    return disk_read(context, sector, count, buffer);
}

static void test_moved_meanwhile(void)
{
    unsigned found = 0;

    for (uint32_t read = 1; read < 4; read++) {
        long ino;

        begin();
        ino = made("d/e/f");
        disk_unmount(&disk);
        disk.hooks.read = read_and_move;
        CHECK(disk_mount(&disk) == 0);
        CHECK(ino_of("d/none", false) == -ENOENT && ino_of("moved", false) == -ENOENT);
        moved_read = read;
        if (ino_of("d/e/f", false) == ino && moved_read == 0)
            found++; /* it was there when the walk came by */
        moved_read = 0;
        CHECK(ino_of("d/e/f", false) == (ino_of("moved", false) > 0 ? -ENOENT : ino));
        end();
    }
    CHECK(found > 0);
    check_end("a path that was moved while it was walked is not remembered");
}

static struct msg_stat stat_of(const char *path)
{
    struct msg_stat stat = {0};

    CHECK(fs_stat(disk.fs, ROOT, P(path), false, &stat) == 0);
    return stat;
}

static void test_set(void)
{
    begin();
    made("f");
    CHECK(stat_of("f").nlink == 1 && stat_of("f").size == 0);
    CHECK(fs_chmod(disk.fs, ROOT, P("f"), 0640) == 0 && (stat_of("f").mode & 07777) == 0640);
    CHECK(fs_utime(disk.fs, ROOT, P("f"), 5000000000, 6000000000) == 0);
    CHECK(stat_of("f").atime_ns == 5000000000 && stat_of("f").mtime_ns == 6000000000);
    CHECK(LINK("f", "g") == 0 && stat_of("f").nlink == 2 && stat_of("g").nlink == 2);
    CHECK(UNLINK("g") == 0 && stat_of("f").nlink == 1);
    CHECK(fs_truncate(disk.fs, ROOT, P("f"), 3000) == 0 && stat_of("f").size == 3000);
    CHECK(stat_of("d").nlink == 3 && MKDIR("d/x") == 0 && stat_of("d").nlink == 4);
    CHECK(RMDIR("d/x") == 0 && stat_of("d").nlink == 3);
    end();
    check_end("what is set is told");
}

static void test_written(void)
{
    uint8_t data[5000] = {1};
    struct fs_node node;
    struct object *object;
    struct msg_stat before, after;

    begin();
    made("f");
    before = stat_of("f"); /* nobody can write it: remembered */
    CHECK(file_open(&disk, "f", FS_O_RDWR, &node) == 0);
    object = object_open(&node);
    CHECK(stat_of("f").size == 0);
    CHECK(object_write(&disk, object, 0, data, 100) == 100 && stat_of("f").size == 100);
    CHECK(object_write(&disk, object, 100, data, 100) == 100 && stat_of("f").size == 200);
    after = stat_of("f");
    CHECK(after.mtime_ns > before.mtime_ns && after.ctime_ns == after.mtime_ns);
    object->mapped = 1;
    fs_close(disk.fs, node.ino); /* a mapping still writes */
    CHECK(stat_of("f").size == 200);
    object->mtime = disk_now(&disk);
    CHECK(stat_of("f").mtime_ns == object->mtime);
    object->mapped = 0;
    after = stat_of("f");
    CHECK(after.mtime_ns == object->mtime && after.size == 200);
    CHECK(objects_store(&disk) == 0 && stat_of("f").size == 200 && stat_of("f").blocks > 0);
    CHECK(stat_of("f").mtime_ns == after.mtime_ns);
    CHECK(file_open(&disk, "f", FS_O_RDWR, &node) == 0 && node.size == 200);
    CHECK(object_write(&disk, object, 4000, data, 5000) == 5000 && stat_of("f").size == 9000);
    CHECK(stat_of("f").mtime_ns > after.mtime_ns);
    CHECK(fs_truncate(disk.fs, ROOT, P("f"), 10) == 0 && stat_of("f").size == 10);
    fs_close(disk.fs, node.ino);
    CHECK(stat_of("f").size == 10);
    end();
    check_end("what programs write is told, with the file open, mapped and closed");
}

static void test_another_file(void)
{
    uint32_t first;
    struct msg_stat stat;

    begin();
    first = made("f");
    CHECK(fs_chmod(disk.fs, ROOT, P("f"), 0600) == 0 && (stat_of("f").mode & 07777) == 0600);
    CHECK(UNLINK("f") == 0);
    CHECK(made("g") == first); /* the number is used again */
    stat = stat_of("g");
    CHECK((stat.mode & 07777) != 0600 && stat.nlink == 1);
    end();
    check_end("a number that is used again has the new file's attributes");
}

int main(void)
{
    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    check_plan(8);
    test_saved();
    test_names_change();
    test_symlinks();
    test_lengths();
    test_moved_meanwhile();
    test_set();
    test_written();
    test_another_file();
    return check_exit();
}
