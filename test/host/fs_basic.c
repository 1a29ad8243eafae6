/*
 * The file-system core, operation by operation: what each does and which errors
 * it gives, on volumes of every block size, inode size and revision; after each
 * test e2fsck finds nothing to mend, and debugfs reads what was written.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_disk.h"
#include "user/fs/core/ext2.h"

static struct disk disk;

static int made(const char *path)
{
    struct fs_node node;
    int err = file_open(&disk, path, FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &node);

    if (!err)
        fs_close(disk.fs, node.ino);
    return err;
}

static int stat_of(const char *path, struct msg_stat *stat)
{
    return fs_stat(disk.fs, ROOT, P(path), true, stat);
}

static unsigned links_of(const char *path)
{
    struct msg_stat stat;

    return stat_of(path, &stat) == 0 ? stat.nlink : 0;
}

/* Puts text into a file, made if it is not there. */
static long put(const char *path, uint64_t offset, const void *data, size_t len)
{
    struct fs_node node;
    long done = file_open(&disk, path, FS_O_RDWR | FS_O_CREAT, &node);

    if (done == 0) {
        done = file_write(&disk, &node, offset, data, len);
        fs_close(disk.fs, node.ino);
    }
    return done;
}

static long get(const char *path, uint64_t offset, void *data, size_t len)
{
    struct fs_node node;
    long done = file_open(&disk, path, FS_O_RDONLY, &node);

    if (done == 0) {
        done = file_read(&disk, &node, offset, data, len);
        fs_close(disk.fs, node.ino);
    }
    return done;
}

static void test_open(void)
{
    struct fs_node node, again;
    struct msg_stat stat;

    CHECK(file_open(&disk, "f", FS_O_RDONLY, &node) == -ENOENT);
    CHECK(file_open(&disk, "f", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    CHECK((node.mode & 0170000) == 0100000 && (node.mode & 07777) == 0644 && node.size == 0);
    CHECK((uint32_t)node.key == node.ino);
    CHECK(file_open(&disk, "f", FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &again) == -EEXIST);
    CHECK(file_open(&disk, "f", FS_O_RDWR | FS_O_CREAT, &again) == 0 && again.key == node.key);
    fs_close(disk.fs, again.ino);
    CHECK(file_write(&disk, &node, 0, "hello", 5) == 5);
    CHECK(file_open(&disk, "f", FS_O_RDONLY | FS_O_TRUNC, &again) == 0 && again.size == 5);
    fs_close(disk.fs, again.ino);
    CHECK(file_open(&disk, "f", FS_O_WRONLY | FS_O_TRUNC, &again) == 0 && again.size == 0);
    fs_close(disk.fs, again.ino);
    CHECK(stat_of("f", &stat) == 0 && stat.size == 0 && stat.blocks == 0 && stat.nlink == 1);
    CHECK(file_open(&disk, "f/", FS_O_RDONLY, &again) == -ENOTDIR);
    CHECK(file_open(&disk, "f/x", FS_O_RDONLY, &again) == -ENOTDIR);
    CHECK(file_open(&disk, "f", FS_O_RDONLY | FS_O_DIRECTORY, &again) == -ENOTDIR);
    CHECK(file_open(&disk, "new/", FS_O_RDWR | FS_O_CREAT, &again) == -EISDIR);
    CHECK(file_open(&disk, "no/new", FS_O_RDWR | FS_O_CREAT, &again) == -ENOENT);
    CHECK(file_open(&disk, "f", 3, &again) == -EINVAL);
    CHECK(file_open(&disk, "", FS_O_RDONLY, &again) == -ENOENT);
    CHECK(file_open(&disk, "/", FS_O_RDONLY | FS_O_DIRECTORY, &again) == 0 && again.ino == ROOT);
    fs_close(disk.fs, again.ino);
    CHECK(file_open(&disk, "/", FS_O_RDWR, &again) == -EISDIR);
    CHECK(file_open(&disk, "//.//../", FS_O_RDONLY, &again) == 0 && again.ino == ROOT);
    fs_close(disk.fs, again.ino);
    CHECK(fs_open(disk.fs, ROOT, "a\0b", 3, FS_O_RDONLY, 0, &again) == -EINVAL);
    CHECK(fs_open(disk.fs, 4000000, P("f"), FS_O_RDONLY, 0, &again) == -ENOENT);
    CHECK(fs_open(disk.fs, node.ino, P("f"), FS_O_RDONLY, 0, &again) == -ENOTDIR);
    CHECK(fs_open(disk.fs, node.ino, P("/f"), FS_O_RDONLY, 0, &again) == 0);
    fs_close(disk.fs, again.ino);
    fs_close(disk.fs, node.ino);
    fs_close(disk.fs, node.ino); /* once too often: nothing happens */
}

static void test_names(void)
{
    char name[FS_PATH_MAX + 10];
    struct msg_stat stat;

    memset(name, 'n', sizeof(name));
    CHECK(fs_mkdir(disk.fs, ROOT, name, 255, 0755) == 0);
    CHECK(fs_stat(disk.fs, ROOT, name, 255, true, &stat) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, name, 256, 0755) == -ENAMETOOLONG);
    CHECK(fs_stat(disk.fs, ROOT, name, 256, true, &stat) == -ENAMETOOLONG);
    CHECK(fs_stat(disk.fs, ROOT, name, FS_PATH_MAX, true, &stat) == -ENAMETOOLONG);
    memset(name, '/', sizeof(name));
    CHECK(fs_stat(disk.fs, ROOT, name, FS_PATH_MAX - 1, true, &stat) == 0 && stat.ino == ROOT);
    CHECK(MKDIR("d") == 0 && MKDIR("d") == -EEXIST && MKDIR("d/") == -EEXIST);
    CHECK(MKDIR("/") == -EEXIST && MKDIR(".") == -EEXIST && MKDIR("d/..") == -EEXIST);
    CHECK(MKDIR("e/") == 0 && MKDIR("x/y") == -ENOENT);
    CHECK(links_of("/") == 6); /* ., .., lost+found, nnn..., d, e */
    CHECK(links_of("d") == 2 && MKDIR("d/sub") == 0 && links_of("d") == 3);
    CHECK(made("d/file") == 0 && links_of("d/file") == 1);
    CHECK(MKDIR("d/file/x") == -ENOTDIR);
    CHECK(UNLINK("d") == -EISDIR && RMDIR("d/file") == -ENOTDIR && RMDIR("d") == -ENOTEMPTY);
    CHECK(RMDIR("/") == -EBUSY && RMDIR("d/.") == -EINVAL && RMDIR("d/sub/..") == -ENOTEMPTY);
    CHECK(UNLINK("d/none") == -ENOENT && UNLINK("d/file/") == -ENOTDIR);
    CHECK(UNLINK("d/file") == 0 && UNLINK("d/file") == -ENOENT);
    CHECK(RMDIR("d/sub/") == 0 && RMDIR("d") == 0 && RMDIR("d") == -ENOENT);
    CHECK(stat_of("d", &stat) == -ENOENT && links_of("/") == 5);
}

static void test_links(void)
{
    struct msg_stat a, b;

    CHECK(put("a", 0, "text", 4) == 4);
    CHECK(LINK("a", "b") == 0 && LINK("a", "b") == -EEXIST && LINK("none", "c") == -ENOENT);
    CHECK(MKDIR("dir") == 0 && LINK("dir", "c") == -EPERM && LINK("a", "dir/c") == 0);
    CHECK(LINK("a", "none/c") == -ENOENT && LINK("a", "c/") == -ENOENT);
    CHECK(LINK("a", "/") == -EEXIST && LINK("", "c") == -ENOENT);
    CHECK(stat_of("a", &a) == 0 && stat_of("dir/c", &b) == 0);
    CHECK(a.ino == b.ino && a.nlink == 3 && b.size == 4);
    CHECK(UNLINK("a") == 0 && UNLINK("b") == 0 && links_of("dir/c") == 1);
    CHECK(UNLINK("dir/c") == 0 && RMDIR("dir") == 0);
}

static void test_symlinks(void)
{
    char text[FS_PATH_MAX], target[FS_PATH_MAX];
    struct fs_node node;
    struct msg_stat stat;
    unsigned longest;

    CHECK(MKDIR("d") == 0 && put("d/f", 0, "inside", 6) == 6);
    CHECK(SYMLINK("d", "s") == 0 && SYMLINK("d", "s") == -EEXIST && SYMLINK("", "t") == -ENOENT);
    CHECK(stat_of("s", &stat) == 0 && (stat.mode & 0170000) == 0120000 && stat.size == 1);
    CHECK(fs_stat(disk.fs, ROOT, P("s"), false, &stat) == 0 && (stat.mode & 0170000) == 0040000);
    CHECK(stat_of("s/", &stat) == 0 && (stat.mode & 0170000) == 0040000);
    CHECK(stat_of("s/f", &stat) == 0 && stat.size == 6);
    CHECK(SYMLINK("/d/f", "abs") == 0 && get("abs", 0, text, 10) == 6 &&
          !memcmp(text, "inside", 6));
    CHECK(SYMLINK("../s/../abs", "d/back") == 0 && get("s/back", 0, text, 10) == 6);
    CHECK(file_open(&disk, "s", FS_O_RDONLY | FS_O_NOFOLLOW, &node) == -ELOOP);
    CHECK(SYMLINK("loop", "loop") == 0 && stat_of("loop/x", &stat) == -ELOOP);
    CHECK(file_open(&disk, "loop", FS_O_RDONLY, &node) == -ELOOP);
    CHECK(SYMLINK("d/made", "dangling") == 0);
    CHECK(file_open(&disk, "dangling", FS_O_RDONLY, &node) == -ENOENT);
    CHECK(file_open(&disk, "dangling", FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &node) == -EEXIST);
    CHECK(file_open(&disk, "dangling", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    fs_close(disk.fs, node.ino);
    CHECK(stat_of("d/made", &stat) == 0);
    CHECK(UNLINK("s/") == -EISDIR || stat_of("s", &stat) == 0);
    CHECK(LINK("s", "s2") == 0 && links_of("s") == 2); /* of the link itself */
    memset(target, 'x', sizeof(target));
    longest = fs_stat(disk.fs, ROOT, P("/"), false, &stat) == 0 ? stat.blksize - 1 : 0;
    for (unsigned len = 1; len <= longest; len = len < 58 || len > 62 ? len * 2 + 3 : len + 1) {
        CHECK(fs_symlink(disk.fs, ROOT, target, len, P("long")) == 0);
        CHECK(fs_readlink(disk.fs, ROOT, P("long"), text, sizeof(text)) == (int)len);
        CHECK(memcmp(text, target, len) == 0);
        CHECK(stat_of("long", &stat) == 0 && stat.size == len && !stat.blocks == (len < 60));
        CHECK(UNLINK("long") == 0);
    }
    CHECK(fs_symlink(disk.fs, ROOT, target, longest, P("long")) == 0);
    CHECK(fs_symlink(disk.fs, ROOT, target, longest + 1, P("longer")) == -ENAMETOOLONG);
    CHECK(fs_readlink(disk.fs, ROOT, P("long"), text, 5) == 5);
    CHECK(fs_readlink(disk.fs, ROOT, P("d"), text, 5) == -EINVAL);
    CHECK(fs_readlink(disk.fs, ROOT, P("none"), text, 5) == -ENOENT);
    /* 39 links in a row are followed, 41 are not. */
    CHECK(put("c0", 0, "end", 3) == 3);
    for (int i = 1; i <= 41; i++) {
        snprintf(text, sizeof(text), "c%d", i - 1);
        snprintf(target, sizeof(target), "c%d", i);
        CHECK(SYMLINK(text, target) == 0);
    }
    CHECK(get("c39", 0, text, 3) == 3 && get("c41", 0, text, 3) == -ELOOP);
}

static void test_rename(void)
{
    struct msg_stat stat, was;
    char text[8];

    CHECK(put("a", 0, "aa", 2) == 2 && put("b", 0, "bbb", 3) == 3);
    CHECK(stat_of("a", &was) == 0);
    CHECK(RENAME("a", "c") == 0 && stat_of("a", &stat) == -ENOENT);
    CHECK(stat_of("c", &stat) == 0 && stat.ino == was.ino && stat.nlink == 1);
    CHECK(RENAME("c", "b") == 0 && get("b", 0, text, 8) == 2);                   /* over another */
    CHECK(LINK("b", "b2") == 0 && RENAME("b", "b2") == 0 && links_of("b") == 2); /* the same */
    CHECK(RENAME("b", "b") == 0 && RENAME("none", "x") == -ENOENT);
    CHECK(MKDIR("d") == 0 && MKDIR("d/e") == 0 && MKDIR("d/e/f") == 0 && MKDIR("g") == 0);
    CHECK(RENAME("d", "d/e/x") == -EINVAL && RENAME("d", "d/x") == -EINVAL);
    CHECK(RENAME("b", "d") == -EISDIR && RENAME("d", "b") == -ENOTDIR);
    CHECK(RENAME("g", "d") == -ENOTEMPTY && RENAME("d/e", "d") == -ENOTEMPTY);
    CHECK(RENAME("d/.", "x") == -EINVAL && RENAME("d", "g/..") == -EINVAL);
    CHECK(RENAME("/", "x") == -EBUSY && RENAME("d", "/") == -EBUSY);
    CHECK(RENAME("b", "x/") == -ENOTDIR && RENAME("b/", "x") == -ENOTDIR);
    CHECK(links_of("d") == 3 && links_of("g") == 2);
    CHECK(RENAME("d/e", "g/e") == 0 && links_of("d") == 2 && links_of("g") == 3);
    CHECK(fs_stat(disk.fs, ROOT, P("g/e/.."), true, &stat) == 0);
    CHECK(stat_of("g", &was) == 0 && stat.ino == was.ino);
    CHECK(RENAME("g/e", "d/") == 0 && links_of("g") == 2 &&
          links_of("d") == 3); /* over an empty one */
    CHECK(stat_of("d/f/../..", &stat) == 0 && stat.ino == ROOT);
    CHECK(RENAME("d/f", "d/h") == 0 && links_of("d") == 3);
    CHECK(MKDIR("d/i") == 0 && RENAME("d/h", "d/i") == 0 && links_of("d") == 3);
    CHECK(SYMLINK("b", "s") == 0 && RENAME("s", "d/s") == 0 && stat_of("b", &stat) == 0);
    CHECK(RENAME("b2", "d/s") == 0 && links_of("b") == 2);
}

static void test_unlinked(void)
{
    struct fs_node file, dir, other;
    struct msg_statfs before, after;
    struct msg_stat stat;
    uint8_t data[9000], back[9000];

    CHECK(fs_sync(disk.fs) == 0);
    fs_statfs(disk.fs, &before);
    pattern(data, 0, sizeof(data), 1);
    CHECK(file_open(&disk, "f", FS_O_RDWR | FS_O_CREAT, &file) == 0);
    CHECK(file_write(&disk, &file, 0, data, sizeof(data)) == sizeof(data));
    CHECK(UNLINK("f") == 0 && file_open(&disk, "f", FS_O_RDONLY, &other) == -ENOENT);
    CHECK(fs_stat(disk.fs, file.ino, "", 0, false, &stat) == 0 && stat.nlink == 0);
    CHECK(file_read(&disk, &file, 0, back, sizeof(back)) == sizeof(back));
    CHECK(memcmp(data, back, sizeof(data)) == 0);
    CHECK(file_write(&disk, &file, 20000, data, 5000) == 5000);
    CHECK(fs_truncate(disk.fs, file.ino, "", 0, 100) == 0);
    CHECK(fs_dirty(disk.fs));
    fs_close(disk.fs, file.ino);
    CHECK(fs_stat(disk.fs, file.ino, "", 0, false, &stat) == -ENOENT);
    CHECK(fs_page_out(disk.fs, file.key, 0, 1, 100, 0, data, 100) == -ENOENT);
    CHECK(fs_reserve(disk.fs, file.key, 0, 1, 100) == -ENOENT);
    /* The inode number again, but not the key. */
    CHECK(file_open(&disk, "g", FS_O_RDWR | FS_O_CREAT, &other) == 0);
    CHECK(other.ino == file.ino && other.key != file.key);
    CHECK(fs_page_out(disk.fs, file.key, 0, 1, 100, 0, data, 100) == -ENOENT);
    CHECK(UNLINK("g") == 0);
    fs_close(disk.fs, other.ino);
    /* A directory that is someone's working directory. */
    CHECK(MKDIR("d") == 0 && file_open(&disk, "d", FS_O_RDONLY, &dir) == 0 && RMDIR("d") == 0);
    CHECK(fs_open(disk.fs, dir.ino, P("x"), FS_O_RDWR | FS_O_CREAT, 0644, &other) == -ENOENT);
    CHECK(fs_stat(disk.fs, dir.ino, P(".."), false, &stat) == -ENOENT);
    CHECK(fs_getcwd(disk.fs, dir.ino, (char *)back, 100) == -ENOENT);
    fs_close(disk.fs, dir.ino);
    CHECK(fs_sync(disk.fs) == 0);
    fs_statfs(disk.fs, &after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
}

static void test_data(void)
{
    enum { SIZE = 600000 };
    uint8_t *data = malloc(SIZE), *back = malloc(SIZE);
    struct fs_node node;
    struct msg_stat stat;
    char command[300];

    pattern(data, 0, SIZE, 5);
    CHECK(put("big", 0, data, SIZE) == SIZE);
    CHECK(get("big", 0, back, SIZE) == SIZE && memcmp(data, back, SIZE) == 0);
    CHECK(get("big", SIZE - 10, back, 100) == 10 && get("big", SIZE, back, 100) == 0);
    /* Cut in the middle of a block; what was behind must read as zero after growing. */
    CHECK(fs_truncate(disk.fs, ROOT, P("big"), 50001) == 0);
    CHECK(fs_truncate(disk.fs, ROOT, P("big"), 70000) == 0);
    CHECK(get("big", 0, back, SIZE) == 70000 && memcmp(data, back, 50001) == 0);
    for (unsigned i = 50001; i < 70000; i++)
        if (back[i]) {
            CHECK(!"zeros behind the old end");
            break;
        }
    /* Holes. */
    CHECK(file_open(&disk, "sparse", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    CHECK(file_write(&disk, &node, 300000, data, 10) == 10);
    CHECK(file_read(&disk, &node, 0, back, SIZE) == 300010);
    for (unsigned i = 0; i < 300000; i++)
        if (back[i]) {
            CHECK(!"zeros in the hole");
            break;
        }
    CHECK(memcmp(back + 300000, data, 10) == 0);
    CHECK(stat_of("sparse", &stat) == 0 && stat.blocks < 40);
    CHECK(fs_truncate(disk.fs, ROOT, P("sparse"), 0) == 0);
    CHECK(stat_of("sparse", &stat) == 0 && stat.blocks == 0 && stat.size == 0);
    fs_close(disk.fs, node.ino);
    CHECK(fs_truncate(disk.fs, ROOT, P("/"), 0) == -EISDIR);
    CHECK(fs_truncate(disk.fs, ROOT, P("none"), 0) == -ENOENT);
    CHECK(fs_truncate(disk.fs, ROOT, P("big"), (uint64_t)1 << 63) == -EINVAL);
    CHECK(fs_truncate(disk.fs, ROOT, P("big"), (uint64_t)1 << 62) == -EFBIG);
    CHECK(put("checked", 0, data, SIZE) == SIZE && fs_sync(disk.fs) == 0);
    snprintf(command, sizeof(command), "%s/expected", disk.folder);
    FILE *file = fopen(command, "w");
    CHECK(file && fwrite(data, 1, SIZE, file) == SIZE);
    fclose(file);
    CHECK(run(TOOL "debugfs -R 'dump /checked %s/dumped' %s", disk.folder, disk.image) == 0);
    CHECK(run("cmp %s/dumped %s/expected", disk.folder, disk.folder) == 0);
    free(data);
    free(back);
}

static void test_attributes(void)
{
    uint64_t now = disk.now;
    struct msg_stat stat;
    struct fs_node node;

    CHECK(made("f") == 0 && stat_of("f", &stat) == 0);
    CHECK(stat.mtime_ns / 1000000000u == now / 1000000000u && stat.uid == 0 && stat.gid == 0);
    CHECK(fs_chmod(disk.fs, ROOT, P("f"), 0100755) == 0 && stat_of("f", &stat) == 0);
    CHECK(stat.mode == 0100755 && fs_chmod(disk.fs, ROOT, P("none"), 0) == -ENOENT);
    CHECK(fs_utime(disk.fs, ROOT, P("f"), 5000000000u, 7000000000u) == 0);
    CHECK(stat_of("f", &stat) == 0 && stat.atime_ns == 5000000000u);
    CHECK(stat.mtime_ns == 7000000000u);
    CHECK(fs_utime(disk.fs, ROOT, P("f"), FS_TIME_LEAVE, FS_TIME_NOW) == 0);
    CHECK(stat_of("f", &stat) == 0 && stat.atime_ns == 5000000000u &&
          stat.mtime_ns >= now - 1000000000u);
    CHECK(fs_access(disk.fs, ROOT, P("f"), 7) == 0 &&
          fs_access(disk.fs, ROOT, P("x"), 0) == -ENOENT);
    CHECK(fs_chmod(disk.fs, ROOT, P("f"), 0) == 0);
    CHECK(fs_access(disk.fs, ROOT, P("f"), 6) == 0 &&
          fs_access(disk.fs, ROOT, P("f"), 1) == -EACCES);
    CHECK(fs_access(disk.fs, ROOT, P("/"), 1) == 0 &&
          fs_access(disk.fs, ROOT, P("f"), 9) == -EINVAL);
    CHECK(fs_mknod(disk.fs, ROOT, P("null"), 0020666, 1 << 8 | 3) == 0);
    CHECK(fs_mknod(disk.fs, ROOT, P("odd"), 0040755, 0) == -EINVAL);
    CHECK(fs_mknod(disk.fs, ROOT, P("null"), 0020666, 0) == -EEXIST);
    CHECK(file_open(&disk, "null", FS_O_RDWR, &node) == 0 && node.rdev == (1 << 8 | 3));
    fs_close(disk.fs, node.ino);
    CHECK(fs_mknod(disk.fs, ROOT, P("far"), 0020666, 300 << 8 | 3) == 0);
    CHECK(stat_of("far", &stat) == 0 && stat.rdev == (300 << 8 | 3) && stat.size == 0);
    CHECK(fs_sync(disk.fs) == 0);
    CHECK(run(TOOL "debugfs -R 'stat /far' %s | grep -q 'number: 300:03'", disk.image) == 0);
}

static void test_readdir(void)
{
    enum { COUNT = 500 };
    static uint8_t buffer[65536];
    uint64_t cookie = 0;
    unsigned seen = 0, bytes, rounds = 0;
    bool found[COUNT] = {false};
    char name[64];

    CHECK(MKDIR("d") == 0);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "d/entry-%d-%.*s", i, i % 20, "xxxxxxxxxxxxxxxxxxxx");
        CHECK((i % 3 ? made(name) : MKDIR(name)) == 0);
    }
    struct msg_stat stat;
    CHECK(stat_of("d", &stat) == 0);
    while ((int)(bytes = fs_readdir(disk.fs, stat.ino, &cookie, buffer, rounds % 2 ? 300 : 5000)) >
           0) {
        rounds++;
        for (unsigned at = 0; at < bytes;) {
            struct msg_dirent *entry = (struct msg_dirent *)(buffer + at);
            int i;

            CHECK(entry->length % 8 == 0 && entry->length <= bytes - at);
            CHECK(strlen(entry->name) == entry->name_len);
            if (sscanf(entry->name, "entry-%d-", &i) == 1 && i >= 0 && i < COUNT) {
                CHECK(!found[i]);
                found[i] = true;
                CHECK(entry->type == 0 || entry->type == (i % 3 ? 8 : 4));
            } else {
                CHECK(!strcmp(entry->name, ".") || !strcmp(entry->name, ".."));
            }
            seen++;
            at += entry->length;
        }
        /* Removing what was listed does not disturb the rest. */
        if (rounds == 3)
            CHECK(fs_unlink(disk.fs, ROOT, P("d/entry-1-x"), false) == 0);
    }
    CHECK(bytes == 0 && seen == COUNT + 2);
    cookie = 0;
    CHECK(fs_readdir(disk.fs, stat.ino, &cookie, buffer, 10) == -EINVAL);
    cookie = 1ul << 40;
    CHECK(fs_readdir(disk.fs, stat.ino, &cookie, buffer, 1000) == 0);
    cookie = 7; /* the middle of an entry */
    CHECK(fs_readdir(disk.fs, stat.ino, &cookie, buffer, 1000) > 0);
    snprintf(name, sizeof(name), "d/entry-2-xx");
    CHECK(stat_of(name, &stat) == 0);
    CHECK(fs_readdir(disk.fs, stat.ino, &cookie, buffer, 1000) == -ENOTDIR);
}

static void test_getcwd(void)
{
    char path[300], back[FS_PATH_MAX];
    struct msg_stat stat;

    CHECK(fs_getcwd(disk.fs, ROOT, back, sizeof(back)) == 1 && back[0] == '/');
    CHECK(MKDIR("/one") == 0 && MKDIR("/one/two") == 0 && MKDIR("/one/two/three") == 0);
    CHECK(stat_of("/one/two/three", &stat) == 0);
    CHECK(fs_getcwd(disk.fs, stat.ino, back, sizeof(back)) == 14);
    CHECK(memcmp(back, "/one/two/three", 14) == 0);
    CHECK(fs_getcwd(disk.fs, stat.ino, back, 13) == -ERANGE);
    CHECK(RENAME("/one/two", "/deux") == 0);
    CHECK(fs_getcwd(disk.fs, stat.ino, back, sizeof(back)) == 11);
    CHECK(memcmp(back, "/deux/three", 11) == 0);
    CHECK(made("/f") == 0 && stat_of("/f", &stat) == 0);
    CHECK(fs_getcwd(disk.fs, stat.ino, back, sizeof(back)) == -ENOTDIR);
    /* A long way up. */
    strcpy(path, "/d");
    for (int depth = 0; depth < 120; depth++) {
        CHECK(MKDIR(path) == 0);
        strcat(path, "/d");
    }
    path[strlen(path) - 2] = 0;
    CHECK(stat_of(path, &stat) == 0);
    CHECK(fs_getcwd(disk.fs, stat.ino, back, sizeof(back)) == (int)strlen(path));
    CHECK(memcmp(back, path, strlen(path)) == 0);
}

/* What the superblock on the disk says. */
static bool says_clean(void)
{
    const struct ext2_super *super = (struct ext2_super *)(disk.memory + 1024);

    return super->s_state == EXT2_STATE_VALID &&
           !(super->s_feature_incompat & EXT2_INCOMPAT_RECOVER);
}

/* The disk says "clean" when, and only when, it is. */
static void test_state(void)
{
    CHECK(says_clean());
    CHECK(made("f") == 0 && says_clean()); /* still in memory only */
    CHECK(fs_write_back(disk.fs) == 0 && !says_clean());
    CHECK(!fs_dirty(disk.fs));
    CHECK(fs_sync(disk.fs) == 0 && says_clean() && disk_check(&disk) == 0);
    struct fs_node node;
    CHECK(file_open(&disk, "f", FS_O_RDWR, &node) == 0 && UNLINK("f") == 0);
    CHECK(fs_sync(disk.fs) == 0 && !says_clean()); /* a file without a name */
    fs_close(disk.fs, node.ino);
    CHECK(fs_sync(disk.fs) == 0 && says_clean() && disk_check(&disk) == 0);
    CHECK(fs_fsync(disk.fs, ROOT) == 0 && says_clean());
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"open", test_open},         {"names", test_names},           {"links", test_links},
    {"symlinks", test_symlinks}, {"rename", test_rename},         {"unlinked", test_unlinked},
    {"data", test_data},         {"attributes", test_attributes}, {"readdir", test_readdir},
    {"getcwd", test_getcwd},     {"state", test_state},
};

static const char *const volumes[] = {
    "-b 1024 -I 128",
    "-b 2048 -I 256",
    "-b 4096 -I 256",
    "-b 4096 -I 128 -r 0",
    "-b 1024 -g 1024 -I 256 -O dir_index,ext_attr",
    "-b 1024 -I 128 -j",
    "-b 2048 -I 256 -j",
    "-b 4096 -I 256 -j",
};

#define TESTS   (sizeof(tests) / sizeof(tests[0]))
#define VOLUMES (sizeof(volumes) / sizeof(volumes[0]))

int main(void)
{
    char name[100];

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    check_plan(TESTS * VOLUMES);
    for (unsigned v = 0; v < VOLUMES; v++) {
        for (unsigned t = 0; t < TESTS; t++) {
            disk_make(&disk, volumes[v], 8192);
            CHECK(disk_mount(&disk) == 0);
            tests[t].run();
            disk_finish(&disk);
            snprintf(name, sizeof(name), "%s, mke2fs %s", tests[t].name, volumes[v]);
            check_end(name);
        }
    }
    return check_exit();
}
