/*
 * Names: directories, links, renames, long names, what is refused.
 *
 * test: points=4
 */
#include "user/test/proc_util.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define DIR_ "/tmp/file_names"

static int fails(long result, int error)
{
    return result == -1 && errno == error;
}

static int create(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CHECK(fd >= 0);
    CHECK_IS(write(fd, text, strlen(text)), strlen(text));
    return close(fd);
}

/* Is that the whole text of the file? */
static int contains(const char *name, const char *text)
{
    char got[100] = {0};
    int fd = open(name, O_RDONLY);
    long n = fd < 0 ? -1 : read(fd, got, sizeof(got));

    if (fd >= 0)
        close(fd);
    return n == (long)strlen(text) && memcmp(got, text, strlen(text)) == 0;
}

static int enter(void)
{
    CHECK(mkdir(DIR_, 0755) == 0 || errno == EEXIST);
    CHECK_IS(chdir(DIR_), 0);
    return 0;
}

static int leave(void)
{
    CHECK_IS(chdir("/"), 0);
    CHECK_IS(rmdir(DIR_), 0);
    return 0;
}

static long links(const char *name)
{
    struct stat st;

    return stat(name, &st) ? -1 : (long)st.st_nlink;
}

static int directories(void *unused)
{
    char path[PATH_MAX];

    (void)unused;
    CHECK_IS(enter(), 0);
    CHECK_IS(links("."), 2);
    CHECK_IS(mkdir("a", 0700), 0);
    CHECK_IS(mkdir("a/b", 0700), 0);
    CHECK_IS(links("."), 3);
    CHECK_IS(links("a"), 3);
    CHECK(fails(mkdir("a", 0700), EEXIST));
    CHECK(fails(mkdir("none/x", 0700), ENOENT));
    CHECK(fails(mkdir("", 0700), ENOENT));
    CHECK(fails(rmdir("a"), ENOTEMPTY));
    CHECK(fails(rmdir("none"), ENOENT));
    CHECK(fails(unlink("a"), EISDIR) || errno == EPERM);
    CHECK(fails(rmdir("a/b/."), EINVAL));
    CHECK(fails(rmdir("a/b/.."), ENOTEMPTY) || errno == EINVAL);
    CHECK(fails(rmdir("/"), EBUSY));
    CHECK_IS(create("f", "x"), 0);
    CHECK(fails(rmdir("f"), ENOTDIR));
    CHECK(fails(mkdir("f/x", 0700), ENOTDIR));
    CHECK(fails(chdir("f"), ENOTDIR));
    CHECK_IS(chdir("a//./b/../b"), 0);
    CHECK(getcwd(path, sizeof(path)) && strcmp(path, DIR_ "/a/b") == 0);
    CHECK(fails(getcwd(path, 5) ? 0 : -1, ERANGE));
    CHECK_IS(rmdir("../b"), 0); /* the one we are in */
    CHECK(fails(open("x", O_WRONLY | O_CREAT, 0600), ENOENT));
    CHECK_IS(chdir("/../.." DIR_), 0);
    CHECK_IS(rmdir("a"), 0);
    CHECK_IS(unlink("f"), 0);
    CHECK_IS(links("."), 2);
    return leave();
}

static int hard_links(void *unused)
{
    struct stat a, b;

    (void)unused;
    CHECK_IS(enter(), 0);
    CHECK_IS(create("one", "text"), 0);
    CHECK_IS(link("one", "two"), 0);
    CHECK_IS(stat("one", &a), 0);
    CHECK_IS(stat("two", &b), 0);
    CHECK(a.st_ino == b.st_ino && a.st_nlink == 2 && b.st_nlink == 2);
    CHECK_IS(create("one", "other"), 0);
    CHECK(contains("two", "other"));
    CHECK(fails(link("one", "two"), EEXIST));
    CHECK(fails(link("none", "three"), ENOENT));
    CHECK(fails(link("one", "none/three"), ENOENT));
    CHECK(fails(link(".", "three"), EPERM));
    CHECK_IS(unlink("one"), 0);
    CHECK_IS(links("two"), 1);
    CHECK(contains("two", "other"));
    CHECK_IS(unlink("two"), 0);
    CHECK(fails(unlink("two"), ENOENT));
    return leave();
}

static int symlinks(void *unused)
{
    char text[PATH_MAX], longest[4096];
    struct stat st;

    (void)unused;
    CHECK_IS(enter(), 0);
    CHECK_IS(create("file", "inside"), 0);
    CHECK_IS(mkdir("dir", 0755), 0);
    CHECK_IS(symlink("file", "to_file"), 0);
    CHECK_IS(symlink("../file", "dir/up"), 0);
    CHECK_IS(symlink(DIR_ "/dir", "to_dir"), 0);
    CHECK_IS(symlink("nowhere", "broken"), 0);
    CHECK_IS(symlink("loop_b", "loop_a"), 0);
    CHECK_IS(symlink("loop_a", "loop_b"), 0);
    CHECK_IS(symlink("self/x", "self"), 0);
    CHECK(contains("to_file", "inside") && contains("dir/up", "inside"));
    CHECK(contains("to_dir/up", "inside"));
    CHECK_IS(lstat("to_file", &st), 0);
    CHECK(S_ISLNK(st.st_mode) && st.st_size == 4);
    CHECK_IS(stat("to_file", &st), 0);
    CHECK(S_ISREG(st.st_mode));
    CHECK_IS(readlink("to_file", text, sizeof(text)), 4);
    CHECK(memcmp(text, "file", 4) == 0);
    CHECK_IS(readlink("to_dir", text, 3), 3); /* cut to the room */
    CHECK(fails(readlink("file", text, 10), EINVAL));
    CHECK(fails(open("broken", O_RDONLY), ENOENT));
    CHECK(fails(open("broken", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST));
    CHECK(fails(open("loop_a", O_RDONLY), ELOOP));
    CHECK(fails(stat("self", &st), ELOOP));
    CHECK(fails(open("loop_a/x", O_RDONLY | O_CREAT, 0600), ELOOP));
    CHECK_IS(create("broken", "made"), 0); /* through the link */
    CHECK(contains("nowhere", "made"));
    memset(longest, 'l', sizeof(longest)); /* longer than an inode's own room */
    longest[1000] = 0;
    CHECK_IS(symlink(longest, "long"), 0);
    CHECK_IS(readlink("long", text, sizeof(text)), 1000);
    CHECK(memcmp(text, longest, 1000) == 0);
    CHECK(fails(symlink("", "empty"), ENOENT));
    CHECK(fails(symlink("x", "file"), EEXIST));
    static const char *const all[] = {"file",   "to_file", "to_dir",  "broken", "loop_a",
                                      "loop_b", "self",    "nowhere", "long",   "dir/up"};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        CHECK_IS(unlink(all[i]), 0);
    CHECK_IS(rmdir("dir"), 0);
    return leave();
}

static int renames(void *unused)
{
    (void)unused;
    CHECK_IS(enter(), 0);
    CHECK_IS(create("a", "A"), 0);
    CHECK_IS(create("b", "B"), 0);
    CHECK_IS(mkdir("d", 0755), 0);
    CHECK_IS(mkdir("d/e", 0755), 0);
    CHECK_IS(rename("a", "c"), 0);
    CHECK(contains("c", "A") && fails(access("a", F_OK), ENOENT));
    CHECK_IS(rename("c", "b"), 0); /* replaces */
    CHECK(contains("b", "A"));
    CHECK_IS(rename("b", "b"), 0); /* itself */
    CHECK_IS(link("b", "b2"), 0);
    CHECK_IS(rename("b", "b2"), 0); /* two names of one file: nothing is done */
    CHECK(contains("b", "A") && contains("b2", "A"));
    CHECK_IS(unlink("b2"), 0);
    CHECK(fails(rename("none", "x"), ENOENT));
    CHECK(fails(rename("b", "none/x"), ENOENT));
    CHECK(fails(rename("b", "d"), EISDIR));
    CHECK(fails(rename("d", "b"), ENOTDIR));
    CHECK(fails(rename("b", "d/e"), EISDIR));
    CHECK(fails(rename("d", "d/e/f"), EINVAL)); /* into itself */
    CHECK(fails(rename("d/e/.", "x"), EINVAL) || errno == EBUSY);
    CHECK_IS(rename("b", "d/e/b"), 0);
    CHECK(contains("d/e/b", "A"));
    CHECK_IS(mkdir("g", 0755), 0);
    CHECK(fails(rename("g", "d"), ENOTEMPTY) || errno == EEXIST);
    CHECK_IS(rename("d/e", "g"), 0); /* over an empty directory */
    CHECK(contains("g/b", "A"));
    CHECK_IS(links("d"), 2);
    CHECK_IS(links("g"), 2);
    CHECK_IS(links("."), 4);
    CHECK_IS(rename("g", "d/g"), 0); /* its ".." must follow */
    CHECK_IS(links("d"), 3);
    CHECK_IS(chdir("d/g/.."), 0);
    CHECK(contains("g/b", "A"));
    CHECK_IS(chdir(".."), 0);
    CHECK_IS(unlink("d/g/b"), 0);
    CHECK_IS(rmdir("d/g"), 0);
    CHECK_IS(rmdir("d"), 0);
    return leave();
}

static int long_names(void *unused)
{
    char name[NAME_MAX_ABI + 2], path[PATH_MAX_ABI + 2];
    DIR *d;
    struct dirent *e;
    int seen = 0;

    (void)unused;
    CHECK_IS(enter(), 0);
    memset(name, 'n', sizeof(name));
    name[NAME_MAX_ABI + 1] = 0;
    CHECK(fails(open(name, O_WRONLY | O_CREAT, 0600), ENAMETOOLONG));
    CHECK(fails(mkdir(name, 0700), ENAMETOOLONG));
    name[NAME_MAX_ABI] = 0;
    CHECK_IS(create(name, "long"), 0);
    CHECK(contains(name, "long"));
    d = opendir(".");
    CHECK(d != 0);
    while ((e = readdir(d)))
        seen += strcmp(e->d_name, name) == 0;
    CHECK_IS(closedir(d), 0);
    CHECK_IS(seen, 1);
    CHECK_IS(unlink(name), 0);
    memset(path, '/', sizeof(path));
    path[PATH_MAX_ABI + 1] = 0;
    CHECK(fails(open(path, O_RDONLY), ENAMETOOLONG));
    path[PATH_MAX_ABI - 1] = 0;
    CHECK_IS(access(path, F_OK), 0); /* the root, in many words */
    CHECK_IS(create("odd \t\x01\xff name", "odd"), 0);
    CHECK(contains("odd \t\x01\xff name", "odd"));
    CHECK_IS(unlink("odd \t\x01\xff name"), 0);
    return leave();
}

/* A file without a name lives until its last handle is gone. */
static int unlinked_open(void *unused)
{
    char got[32];
    struct stat st;
    int fd;

    (void)unused;
    CHECK_IS(enter(), 0);
    fd = open("gone", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    CHECK_IS(write(fd, "before", 6), 6);
    CHECK_IS(unlink("gone"), 0);
    CHECK(fails(access("gone", F_OK), ENOENT));
    CHECK_IS(write(fd, " after", 6), 6);
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK(st.st_nlink == 0 && st.st_size == 12);
    CHECK_IS(create("gone", "another"), 0); /* of the same name */
    CHECK_IS(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0, 1);
    CHECK_IS(pread(fd, got, 32, 0), 12);
    CHECK(memcmp(got, "before after", 12) == 0);
    CHECK_IS(ftruncate(fd, 3), 0);
    CHECK_IS(pread(fd, got, 32, 0), 3);
    CHECK_IS(close(fd), 0);
    CHECK(contains("gone", "another"));
    CHECK_IS(create("other", "OTHER"), 0);
    fd = open("gone", O_RDONLY);
    CHECK_IS(rename("other", "gone"), 0); /* replaced while open */
    CHECK_IS(read(fd, got, 32), 7);
    CHECK_IS(close(fd), 0);
    CHECK(contains("gone", "OTHER"));
    CHECK_IS(unlink("gone"), 0);
    return leave();
}

static const struct proc_test tests[] = {
    {directories, "directories"},
    {hard_links, "hard links and their count"},
    {symlinks, "symbolic links: followed, read, broken, in a loop"},
    {renames, "renames and what they refuse"},
    {long_names, "the longest names and paths"},
    {unlinked_open, "files that are open and have no name"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
