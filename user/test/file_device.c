/*
 * /dev/null, zero, full and tty.
 *
 * test: points=2 cpus=2
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/stat.h>

static char data[20000], got[20000];

static int null(void *unused)
{
    int fd = open("/dev/null", O_RDWR);
    struct stat st;

    (void)unused;
    CHECK(fd >= 0);
    CHECK_IS(read(fd, got, 100), 0);
    CHECK_IS(write(fd, data, sizeof(data)), sizeof(data));
    CHECK_IS(read(fd, got, 100), 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK_IS(st.st_rdev, makedev(1, 3));
    CHECK_IS(close(fd), 0);
    fd = open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600); /* as a shell does */
    CHECK(fd >= 0);
    CHECK_IS(close(fd), 0);
    fd = open("/dev/null", O_RDONLY);
    CHECK(write(fd, "x", 1) < 0 && errno == EBADF);
    return close(fd);
}

static int zero(void *unused)
{
    int fd = open("/dev/zero", O_RDWR);

    (void)unused;
    CHECK(fd >= 0);
    memset(got, 0x55, sizeof(got));
    CHECK_IS(read(fd, got, sizeof(got)), sizeof(got));
    for (unsigned i = 0; i < sizeof(got); i++)
        CHECK_IS(got[i], 0);
    CHECK_IS(write(fd, data, 1000), 1000);
    CHECK_IS(read(fd, got, 10), 10);
    return close(fd);
}

static int full(void *unused)
{
    int fd = open("/dev/full", O_RDWR);

    (void)unused;
    CHECK(fd >= 0);
    CHECK(write(fd, "x", 1) < 0 && errno == ENOSPC);
    CHECK_IS(read(fd, got, 10), 10);
    CHECK_IS(got[9], 0);
    return close(fd);
}

static int terminal(void *unused)
{
    int fd = open("/dev/tty", O_RDWR);
    struct stat st;

    (void)unused;
    CHECK(fd >= 0);
    CHECK(isatty(fd));
    CHECK_IS(fstat(fd, &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK(lseek(fd, 0, SEEK_SET) < 0 && errno == ESPIPE);
    CHECK_IS(write(fd, "# through /dev/tty\n", 19), 19);
    CHECK_IS(close(fd), 0);
    fd = open("/dev/null", O_RDONLY);
    CHECK(!isatty(fd));
    return close(fd);
}

static int nodes(void *unused)
{
    struct stat st;
    int fd;

    (void)unused;
    CHECK_IS(stat("/dev/zero", &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK_IS(mknod("/tmp/node", S_IFCHR | 0600, makedev(1, 3)), 0);
    fd = open("/tmp/node", O_RDWR);
    CHECK(fd >= 0);
    CHECK_IS(write(fd, "gone", 4), 4);
    CHECK_IS(close(fd), 0);
    CHECK_IS(unlink("/tmp/node"), 0);
    CHECK_IS(mknod("/tmp/node", S_IFCHR | 0600, makedev(77, 77)), 0);
    CHECK(open("/tmp/node", O_RDWR) < 0);
    CHECK(errno == ENXIO || errno == ENODEV);
    CHECK(open("/dev/null/x", O_RDWR) < 0 && errno == ENOTDIR);
    return unlink("/tmp/node");
}

static const struct proc_test tests[] = {
    {null, "/dev/null"},
    {zero, "/dev/zero"},
    {full, "/dev/full"},
    {terminal, "/dev/tty"},
    {nodes, "nodes made and removed; numbers that nobody serves"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
