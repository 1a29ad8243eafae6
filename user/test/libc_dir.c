/*
 * Directory streams, patterns, the working directory and relative paths.
 *
 * test: points=3 cpus=1,2
 */
#include "user/test/ipc_util.h"
#include "kernel/messages.h"
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <sys/stat.h>

#define DIR_ "/tmp/libc_dir"

static const char *const files[] = {"a.c", "b.c", ".hid", "c.h", "d1/x.c", "d2/y.c"};

#define FILES (sizeof(files) / sizeof(files[0]))

/* A run that failed may have left it. */
static int made(const char *name)
{
    return mkdir(name, 0755) == 0 || errno == EEXIST;
}

/* DIR_ with d1, d2 and the files, as working directory. */
static int enter(void)
{
    CHECK(made(DIR_));
    CHECK_IS(chdir(DIR_), 0);
    CHECK(made("d1") && made("d2"));
    for (unsigned i = 0; i < FILES; i++) {
        int fd = open(files[i], O_WRONLY | O_CREAT, 0644);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    return 0;
}

static int leave(void)
{
    CHECK_IS(chdir(DIR_), 0);
    for (unsigned i = 0; i < FILES; i++)
        CHECK_IS(unlink(files[i]), 0);
    CHECK(remove("d1") == 0 && remove("d2") == 0);
    CHECK_IS(chdir("/"), 0);
    return rmdir(DIR_);
}

static int listed(void *unused)
{
    struct dirent **list;
    struct stat st;

    (void)unused;
    CHECK_IS(enter(), 0);
    CHECK_IS(scandir(".", &list, 0, alphasort), 8);
    CHECK(strcmp(list[0]->d_name, ".") == 0 && strcmp(list[1]->d_name, "..") == 0);
    CHECK(strcmp(list[2]->d_name, ".hid") == 0 && strcmp(list[7]->d_name, "d2") == 0);
    for (int i = 0; i < 8; i++) {
        CHECK_IS(stat(list[i]->d_name, &st), 0);
        CHECK_IS(list[i]->d_type, S_ISDIR(st.st_mode) ? DT_DIR : DT_REG);
        CHECK_IS(list[i]->d_ino, st.st_ino);
        free(list[i]);
    }
    free(list);
    CHECK(!opendir("a.c") && errno == ENOTDIR);
    CHECK(!opendir("none") && errno == ENOENT);
    CHECK(scandir("none", &list, 0, 0) == -1 && errno == ENOENT);
    return leave();
}

#define MANY 300

/* Names from readdir until the end; -1 after one that is not among ours. */
static int count_names(DIR *dir, char seen[MANY])
{
    struct dirent *entry;
    int n = 0, number;

    memset(seen, 0, MANY);
    errno = 0;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        if (sscanf(entry->d_name, "file%d", &number) != 1 || number >= MANY || seen[number]++)
            return -1;
        n++;
    }
    return errno ? -1 : n;
}

/* More than one reply of the server holds; back to the start, and to a place. */
static int places(void *unused)
{
    static char seen[MANY], name[256];
    struct dirent *entry;
    long place = -1;
    DIR *dir;

    (void)unused;
    CHECK_IS(enter(), 0);
    CHECK(made("many") && chdir("many") == 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "file%d", i);
        CHECK_IS(close(open(name, O_WRONLY | O_CREAT, 0644)), 0);
    }
    dir = opendir(".");
    CHECK(dir && dirfd(dir) >= 0);
    CHECK_IS(count_names(dir, seen), MANY);
    CHECK(!readdir(dir)); /* the end stays the end */
    rewinddir(dir);
    for (int i = 0; i < 101; i++) {
        if (i == 100)
            place = telldir(dir);
        entry = readdir(dir);
        CHECK(entry);
    }
    strcpy(name, entry->d_name);
    CHECK(readdir(dir) && readdir(dir));
    seekdir(dir, place);
    entry = readdir(dir);
    CHECK(entry && strcmp(entry->d_name, name) == 0);
    rewinddir(dir);
    CHECK_IS(count_names(dir, seen), MANY);
    CHECK_IS(closedir(dir), 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "file%d", i);
        CHECK_IS(unlink(name), 0);
    }
    CHECK(chdir("..") == 0 && rmdir("many") == 0);
    return leave();
}

/* Do these paths come out, in this order? The last of them is 0. */
static int globs(const char *pattern, int flags, const char *const *want)
{
    glob_t g = {0};
    int same, err = glob(pattern, flags, 0, &g);

    if (!want[0])
        return err == GLOB_NOMATCH;
    same = err == 0;
    for (size_t i = 0; same && i <= g.gl_pathc; i++)
        same = want[i] ? g.gl_pathv[i] && strcmp(g.gl_pathv[i], want[i]) == 0 : !g.gl_pathv[i];
    globfree(&g);
    return same;
}

#define GLOBS(pattern, flags, ...) globs(pattern, flags, (const char *const[]){__VA_ARGS__})

static int globbing(void *unused)
{
    glob_t g = {.gl_offs = 2};

    (void)unused;
    CHECK_IS(enter(), 0);
    CHECK(GLOBS("*.c", 0, "a.c", "b.c", 0));
    CHECK(GLOBS(DIR_ "/*.c", 0, DIR_ "/a.c", DIR_ "/b.c", 0));
    CHECK(GLOBS("*/*.c", 0, "d1/x.c", "d2/y.c", 0));
    CHECK(GLOBS("[!a].?", 0, "b.c", "c.h", 0));
    CHECK(GLOBS(".h*", 0, ".hid", 0) && GLOBS("*hid", 0, 0));
    CHECK(GLOBS("*.zz", 0, 0) && GLOBS("*.zz", GLOB_NOCHECK, "*.zz", 0));
    CHECK(GLOBS("d*", GLOB_MARK, "d1/", "d2/", 0) && GLOBS("a.c", GLOB_MARK, "a.c", 0));
    CHECK(GLOBS("none", 0, 0) && GLOBS("none/*", 0, 0) && GLOBS("a.c/*", 0, 0));
    CHECK(GLOBS("\\a.c", 0, "a.c", 0) && GLOBS("\\*", 0, 0));
    CHECK_IS(glob("[ab].c", GLOB_DOOFFS, 0, &g), 0);
    CHECK_IS(glob("c.*", GLOB_DOOFFS | GLOB_APPEND, 0, &g), 0);
    CHECK(g.gl_pathc == 3 && !g.gl_pathv[0] && !g.gl_pathv[1] && !g.gl_pathv[5]);
    CHECK(strcmp(g.gl_pathv[2], "a.c") == 0 && strcmp(g.gl_pathv[4], "c.h") == 0);
    globfree(&g);
    return leave();
}

static int matching(void *unused)
{
    (void)unused;
    CHECK_IS(fnmatch("*.c", "a.c", 0), 0);
    CHECK_IS(fnmatch("*.c", "a.h", 0), FNM_NOMATCH);
    CHECK_IS(fnmatch("a*b*c", "aXXbYYbZc", 0), 0);
    CHECK_IS(fnmatch("?", "", 0), FNM_NOMATCH);
    CHECK(fnmatch("[a-c]", "b", 0) == 0 && fnmatch("[a-c]", "d", 0) &&
          fnmatch("[!a-c]", "d", 0) == 0);
    CHECK(fnmatch("*", ".x", 0) == 0 && fnmatch("*", ".x", FNM_PERIOD) &&
          fnmatch(".*", ".x", FNM_PERIOD) == 0);
    CHECK(fnmatch("*", "a/b", 0) == 0 && fnmatch("*", "a/b", FNM_PATHNAME));
    CHECK(fnmatch("*/b", "a/b", FNM_PATHNAME) == 0);
    CHECK(fnmatch("\\*", "*", 0) == 0 && fnmatch("\\*", "x", 0) &&
          fnmatch("\\*", "\\x", FNM_NOESCAPE) == 0);
    return 0;
}

/* getcwd, chdir, and paths from wherever one is. */
static int working_directory(void *unused)
{
    char b[PATH_MAX], *text;
    int back;

    (void)unused;
    CHECK_IS(enter(), 0);
    CHECK(getcwd(b, sizeof(b)) == b && strcmp(b, DIR_) == 0);
    CHECK(!getcwd(b, sizeof(DIR_) - 1) && errno == ERANGE);
    CHECK(getcwd(b, sizeof(DIR_)) == b);
    CHECK(!getcwd(b, 0) && errno == EINVAL);
    text = getcwd(0, 0);
    CHECK(text && strcmp(text, DIR_) == 0);
    free(text);
    back = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(back >= 0 && chdir("d1") == 0 && access("x.c", F_OK) == 0);
    CHECK(getcwd(b, sizeof(b)) && strcmp(b, DIR_ "/d1") == 0);
    CHECK(access("../a.c", F_OK) == 0 && access("../d2/./y.c", R_OK | W_OK) == 0);
    CHECK(chdir("x.c") == -1 && errno == ENOTDIR);
    CHECK(chdir("none") == -1 && errno == ENOENT && chdir("") == -1 && errno == ENOENT);
    CHECK(access("x.c", F_OK) == 0); /* still there */
    CHECK(chdir("../..") == 0 && getcwd(b, sizeof(b)) && strcmp(b, "/tmp") == 0);
    CHECK(fchdir(back) == 0 && getcwd(b, sizeof(b)) && strcmp(b, DIR_) == 0);
    CHECK(chdir("/..") == 0 && getcwd(b, sizeof(b)) && strcmp(b, "/") == 0);
    CHECK(close(back) == 0 && fchdir(back) == -1 && errno == EBADF);
    return leave();
}

/* The working directory of a child is its own. */
static int inherited(void *unused)
{
    char b[PATH_MAX];
    pid_t pid;

    (void)unused;
    CHECK_IS(enter(), 0);
    pid = fork();
    if (pid == 0)
        _exit(access("a.c", F_OK) == 0 && chdir("d1") == 0 && access("x.c", F_OK) == 0 ? 0 : 1);
    CHECK_IS(reap(pid), 0);
    CHECK(getcwd(b, sizeof(b)) && strcmp(b, DIR_) == 0);
    return leave();
}

/* openat and its kin; names across two directories. */
static int at_directories(void *unused)
{
    struct stat st;
    int d1, d2, fd;

    (void)unused;
    CHECK_IS(enter(), 0);
    d1 = open("d1", O_RDONLY | O_DIRECTORY);
    d2 = open("d2", O_RDONLY | O_DIRECTORY);
    CHECK(d1 >= 0 && d2 >= 0 && chdir("/") == 0);
    fd = openat(d1, "new", O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && close(fd) == 0 && fstatat(d1, "new", &st, 0) == 0 && S_ISREG(st.st_mode));
    CHECK_IS(renameat(d1, "new", d2, "moved"), 0);
    CHECK(access(DIR_ "/d2/moved", F_OK) == 0 && faccessat(d1, "new", F_OK, 0) == -1);
    CHECK_IS(linkat(d2, "moved", d1, "again", 0), 0);
    CHECK(fstatat(d1, "again", &st, 0) == 0 && st.st_nlink == 2);
    CHECK(unlinkat(d1, "again", 0) == 0 && unlinkat(d2, "moved", 0) == 0);
    CHECK(mkdirat(d1, "sub", 0755) == 0 && unlinkat(d1, "sub", 0) == -1);
    CHECK_IS(unlinkat(d1, "sub", AT_REMOVEDIR), 0);
    CHECK(openat(d1, "x.c/y", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(close(d1) == 0 && close(d2) == 0 && openat(d1, "x.c", O_RDONLY) == -1 && errno == EBADF);
    return leave();
}

/* A server whose directory has one name, again and again. */
static int circle_server(void *unused)
{
    static unsigned long record[(sizeof(struct msg_dirent) + 8) / sizeof(unsigned long)];
    struct msg_dirent *entry = (struct msg_dirent *)record;
    static struct msg_stat st = {.mode = S_IFDIR | 0755, .nlink = 2};
    struct message m;

    (void)unused;
    *entry = (struct msg_dirent){1, 8, sizeof(record), S_IFREG >> 12, 1};
    strcpy(entry->name, "x");
    while (ipc_receive(port, &m, 0) >= 0) {
        int lists = m.w[0] == MSG_READDIR;
        struct message reply = {.w = {lists ? sizeof(record) : 0, 8}};
        struct ipc_ext ext = {.send_addr = (unsigned long)record, .send_len = sizeof(record)};
        if (m.w[0] == MSG_STAT)
            memcpy(reply.w, &st, sizeof(st));
        if (m.id && ipc_reply(port, m.id, &reply, lists ? &ext : 0))
            return 1;
    }
    return 1;
}

static int circle(void *unused)
{
    pid_t server;
    DIR *dir;

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = spawn(circle_server, 0);
    dir = fdopendir(session);
    CHECK(dir);
    CHECK(readdir(dir));
    errno = 0;
    CHECK(!readdir(dir));
    CHECK_IS(errno, EIO);
    CHECK_IS(closedir(dir), 0);
    CHECK_IS(sys_kill(H_NONE, server, ABI_SIGKILL), 0);
    CHECK_IS(reap(server), ABI_SIGKILL);
    return 0;
}

static const struct proc_test tests[] = {
    {listed, "scandir, types, what is no directory"},
    {places, "readdir, rewinddir, telldir and seekdir over many names"},
    {globbing, "glob"},
    {matching, "fnmatch"},
    {working_directory, "getcwd, chdir, fchdir, relative paths"},
    {circle, "a directory that leads back has an end, with EIO"},
    {inherited, "a child's working directory is its own"},
    {at_directories, "openat and its kin"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
