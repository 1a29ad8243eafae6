/*
 * fs, blk and tty killed at each of their kill points (user/include/killpoint.h), each time
 * that operations come by there. What was done is done once, and said to be.
 *
 * svc_points [TIMES]: how often at most for each point and operation (default 4)
 *
 * test: points=6
 */
#include "user/test/svc_util.h"
#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>
#include "user/include/killpoint.h"

#define BYTES 9000

static const struct {
    const char *name, *service, *what;
} points[] = {[KILL_NOWHERE] = {"", "", ""},
#define NAMED(name, service, what) [KILL_##name] = {#name, service, what},
              KILL_POINTS(NAMED)};

static unsigned times = 4, killed[KILL_POINT_COUNT];
static char data[BYTES], back[BYTES];

/* -------------------------------------------------------------- operations */

/* Each begins and ends in an empty directory. */

static int make(const char *path, unsigned long seed)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);

    CHECK(fd >= 0);
    pattern_fill(data, BYTES, seed, 0);
    CHECK_IS(write(fd, data, BYTES), BYTES);
    CHECK_IS(close(fd), 0);
    return 0;
}

/* The file has those bytes, on the disk, too. */
static int has(const char *path, unsigned long seed, long size)
{
    int fd = open(path, O_RDWR);

    CHECK(fd >= 0);
    CHECK_IS(fsync(fd), 0);
    sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
    CHECK_IS(lseek(fd, 0, SEEK_END), size);
    CHECK_IS(pread(fd, back, BYTES, 0), size);
    CHECK_IS(pattern_check(back, (unsigned long)size, seed, 0), -1);
    CHECK_IS(close(fd), 0);
    return 0;
}

static int gone(const char *path)
{
    CHECK_IS(unlink(path), 0);
    CHECK_IS(unlink(path), -1);
    CHECK_IS(errno, ENOENT);
    return 0;
}

static int op_create(void)
{
    CHECK_IS(make("a", 1), 0);
    CHECK_IS(open("a", O_RDWR | O_CREAT | O_EXCL, 0644), -1);
    CHECK_IS(errno, EEXIST);
    CHECK_IS(has("a", 1, BYTES), 0);
    return gone("a");
}

static int op_truncating_open(void)
{
    int fd;

    CHECK_IS(make("a", 2), 0);
    fd = open("a", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK_IS(write(fd, "new", 3), 3);
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(pread(fd, back, BYTES, 0), 3);
    CHECK_IS(close(fd), 0);
    return gone("a");
}

static int op_append(void)
{
    int fd = open("a", O_RDWR | O_CREAT | O_APPEND, 0644);

    CHECK(fd >= 0);
    pattern_fill(data, BYTES, 3, 0);
    for (int i = 0; i < BYTES; i += 1000) {
        CHECK_IS(write(fd, data + i, 1000), 1000);
        if (i % 3000 == 0)
            CHECK_IS(fsync(fd), 0);
    }
    CHECK_IS(close(fd), 0);
    CHECK_IS(has("a", 3, BYTES), 0);
    return gone("a");
}

static int op_rename(void)
{
    CHECK_IS(make("a", 4), 0);
    CHECK_IS(rename("a", "b"), 0);
    CHECK_IS(rename("a", "b"), -1);
    CHECK_IS(errno, ENOENT);
    CHECK_IS(make("a", 5), 0);
    CHECK_IS(rename("a", "b"), 0); /* over it */
    CHECK_IS(has("b", 5, BYTES), 0);
    return gone("b");
}

static int op_links(void)
{
    struct stat st;

    CHECK_IS(make("a", 6), 0);
    CHECK_IS(link("a", "b"), 0);
    CHECK_IS(stat("a", &st) + (int)st.st_nlink, 2);
    CHECK_IS(symlink("b", "c"), 0);
    CHECK_IS(readlink("c", back, sizeof(back)), 1);
    CHECK_IS(gone("a"), 0);
    CHECK_IS(has("c", 6, BYTES), 0);
    CHECK_IS(gone("c"), 0);
    return gone("b");
}

static int op_directories(void)
{
    struct dirent *entry;
    int count = 0;
    DIR *dir;

    CHECK_IS(mkdir("d", 0755), 0);
    CHECK_IS(mkdir("d", 0755), -1);
    CHECK_IS(errno, EEXIST);
    CHECK_IS(mkdir("d/e", 0755), 0);
    CHECK_IS(rename("d/e", "e"), 0);
    dir = opendir(".");
    CHECK(dir);
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    CHECK_IS(closedir(dir), 0);
    CHECK_IS(count, 2);
    CHECK_IS(rmdir("d"), 0);
    CHECK_IS(rmdir("e"), 0);
    CHECK_IS(rmdir("e"), -1);
    CHECK_IS(errno, ENOENT);
    return 0;
}

static int op_truncate(void)
{
    int fd;

    CHECK_IS(make("a", 7), 0);
    CHECK_IS(truncate("a", 5000), 0);
    CHECK_IS(has("a", 7, 5000), 0);
    fd = open("a", O_RDWR);
    CHECK(fd >= 0);
    CHECK_IS(ftruncate(fd, 100), 0);
    CHECK_IS(ftruncate(fd, 3000), 0);
    CHECK_IS(pread(fd, back, BYTES, 0), 3000);
    for (int i = 100; i < 3000; i++)
        CHECK_IS(back[i], 0);
    CHECK_IS(close(fd), 0);
    return gone("a");
}

static int op_attributes(void)
{
    struct timespec when[2] = {{1000, 0}, {2000, 0}};
    struct stat st;

    CHECK_IS(make("a", 8), 0);
    CHECK_IS(chmod("a", 0640), 0);
    CHECK_IS(utimensat(AT_FDCWD, "a", when, 0), 0);
    CHECK_IS(stat("a", &st), 0);
    CHECK(st.st_mtime == 2000 && (st.st_mode & 0777) == 0640);
    return gone("a");
}

static int op_nameless(void)
{
    int fd, null = open("/dev/null", O_RDWR);
    struct stat st;

    CHECK_IS(write(null, "x", 1), 1);
    CHECK_IS(close(null), 0);
    CHECK_IS(make("a", 9), 0);
    fd = open("a", O_RDWR);
    CHECK(fd >= 0);
    CHECK_IS(gone("a"), 0);
    sync();
    CHECK_IS(pread(fd, back, BYTES, 0), BYTES);
    CHECK_IS(pattern_check(back, BYTES, 9, 0), -1);
    CHECK_IS(fstat(fd, &st) + (int)st.st_nlink, 0);
    return close(fd);
}

static int op_terminal(void)
{
    static const char line[] = "# a line for the terminal\n";
    struct message m = {.w = {MSG_TTY_GETSIZE}};
    struct stat st;
    int fd = open("/dev/tty", O_RDWR);

    CHECK(fd >= 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK_IS(ipc_request(H_TTY, &m, 0), 0);
    CHECK(m.w[1] > 0 && m.w[2] > 0);
    CHECK_IS(write(fd, line, sizeof(line) - 1), sizeof(line) - 1);
    CHECK_IS(fsync(fd), 0);
    return close(fd);
}

static const struct {
    const char *name;
    int (*run)(void);
} operations[] = {
    {"create", op_create},
    {"open and truncate", op_truncating_open},
    {"append", op_append},
    {"rename", op_rename},
    {"links", op_links},
    {"directories", op_directories},
    {"truncate", op_truncate},
    {"attributes", op_attributes},
    {"a file without a name", op_nameless},
    {"the terminal", op_terminal},
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* ------------------------------------------------------------------- kills */

/* Whether the switch is off by now: it has killed. */
static bool has_killed(unsigned long *reached)
{
    struct message m = {.w = {MSG_SVC_POINTS}};
    struct ipc_ext ext = {.recv_addr = (unsigned long)reached,
                          .recv_cap = KILL_POINT_COUNT * sizeof(*reached)};

    return ipc_request(svc_session(), &m, &ext) == 0 && m.w[1] == KILL_NOWHERE;
}

/* Runs an operation with a kill at the time-th passing of a point. 0, and *more is false
 * if it does not come by so often. */
static int try_point(unsigned operation, unsigned point, unsigned time, bool *more)
{
    unsigned long reached[KILL_POINT_COUNT];
    struct msg_service now;
    int err;

    CHECK_IS(svc_do(points[point].service, SVC_KILL_AT, point | (unsigned long)time << 16), 0);
    err = operations[operation].run();
    if (err)
        diag("%s, killed at %s (%s), time %u", operations[operation].name, points[point].name,
             points[point].what, time);
    *more = has_killed(reached);
    killed[point] += *more;
    CHECK_IS(svc_do(points[point].service, SVC_KILL_AT, 0), 0);
    do {
        CHECK_IS(service(points[point].service, &now), 0);
    } while (now.state != SERVICE_RUNNING && sys_sleep(MS / 4) == 0);
    return err;
}

static int each_point(void *unused)
{
    (void)unused;
    CHECK_IS(mkdir("/tmp/svc_points", 0755), 0);
    CHECK_IS(chdir("/tmp/svc_points"), 0);
    for (unsigned operation = 0; operation < OPERATIONS; operation++)
        for (unsigned point = 1; point < KILL_POINT_COUNT; point++) {
            bool more = true;
            for (unsigned time = 1; more && time <= times; time++)
                CHECK_IS(try_point(operation, point, time, &more), 0);
        }
    CHECK_IS(chdir("/"), 0);
    CHECK_IS(rmdir("/tmp/svc_points"), 0); /* nothing is left in it */
    for (unsigned point = 1; point < KILL_POINT_COUNT; point++) {
        diag("%-14s %4u kills", points[point].name, killed[point]);
        CHECK(killed[point] > 0);
    }
    return 0;
}

static int refusals(void *unused)
{
    (void)unused;
    CHECK_IS(svc_do("fs", SVC_KILL_AT, KILL_POINT_COUNT | 1 << 16), -EINVAL);
    CHECK_IS(svc_do("fs", SVC_KILL_AT, KILL_FS_REPLY), -EINVAL);
    CHECK_IS(svc_do("fs", SVC_KILL_AT, KILL_FS_REPLY | KILL_ACTIONS << 8 | 1 << 16), -EINVAL);
    CHECK_IS(svc_do("fs", SVC_KILL_AT, KILL_BLK_REPLY | 1 << 16), -EINVAL);
    CHECK_IS(svc_do("tty", SVC_KILL_AT, KILL_FS_REPLY | 1 << 16), -EINVAL);
    CHECK_IS(svc_do("fs", SVC_KILL_AT, KILL_TTY_REPLY | 1 << 16), -EINVAL);
    CHECK_IS(svc_do("blk", SVC_KILL_AT, KILL_BLK_REPLY | KILL_IGNORE << 8 | 1 << 16), -EINVAL);
    CHECK_IS(svc_do("nobody", SVC_KILL_WITH, 1), -ENOENT);
    CHECK_IS(svc_do("nobody", SVC_KILL_AT, KILL_FS_REPLY | 1 << 16), -ENOENT);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        times = (unsigned)strtoul(argv[1], 0, 10);
    ktap_plan(3);
    ok_child(refusals, 0, "switches that make no sense are refused");
    CHECK_IS(svc_start_anew(), 0);
    touch_program();
    ledger_begin();
    ok_child(each_point, 0, "killed at each point, and everything is done once");
    CHECK_IS(svc_start_anew(), 0);
    ledger_end_ok("all frames are back");
    return ktap_done();
}
