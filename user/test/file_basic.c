/*
 * Files through the file-system server: open, read, write, seek, append,
 * truncate, stat.
 *
 * test: points=4
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/stat.h>

#define NAME "/tmp/file_basic"

static unsigned char data[20000], got[20000];

static int fails(long result, int error)
{
    return result == -1 && errno == error;
}

static int open_flags(void *unused)
{
    int fd;
    struct stat st;

    (void)unused;
    unlink(NAME);
    CHECK(fails(open(NAME, O_RDONLY), ENOENT));
    CHECK(fails(open(NAME, O_RDWR | O_TRUNC), ENOENT));
    fd = open(NAME, O_WRONLY | O_CREAT | O_EXCL, 0640);
    CHECK(fd >= 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK_IS(st.st_mode, S_IFREG | (0640 & ~022));
    CHECK(st.st_size == 0 && st.st_nlink == 1 && st.st_blocks == 0);
    CHECK(fails(open(NAME, O_WRONLY | O_CREAT | O_EXCL, 0640), EEXIST));
    CHECK_IS(write(fd, "0123456789", 10), 10);
    CHECK(fails(read(fd, got, 1), EBADF)); /* write only */
    CHECK_IS(close(fd), 0);
    fd = open(NAME, O_RDONLY | O_CREAT, 0600); /* there: O_CREAT changes nothing */
    CHECK(fd >= 0);
    CHECK_IS(read(fd, got, 100), 10);
    CHECK(memcmp(got, "0123456789", 10) == 0);
    CHECK(fails(write(fd, "x", 1), EBADF));
    CHECK(fails(ftruncate(fd, 3), EINVAL) || fails(ftruncate(fd, 3), EBADF));
    CHECK_IS(close(fd), 0);
    fd = open(NAME, O_RDWR | O_TRUNC);
    CHECK(fd >= 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK(st.st_size == 0 && st.st_mode == (S_IFREG | 0640));
    CHECK_IS(read(fd, got, 100), 0);
    CHECK_IS(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    CHECK_IS(close(fd), 0);
    fd = open(NAME, O_RDONLY | O_CLOEXEC);
    CHECK_IS(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_IS(close(fd), 0);
    CHECK(fails(open(NAME, O_RDONLY | O_DIRECTORY), ENOTDIR));
    CHECK(fails(open("/tmp", O_WRONLY), EISDIR));
    CHECK(fails(open("/tmp", O_RDWR), EISDIR));
    CHECK(fails(open("/tmp", O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST));
    CHECK(fails(open(NAME "/x", O_RDONLY), ENOTDIR));
    CHECK(fails(open("/tmp/none/x", O_RDONLY | O_CREAT, 0600), ENOENT));
    return unlink(NAME);
}

static int offsets(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600), copy;

    (void)unused;
    CHECK(fd >= 0);
    pattern_fill(data, sizeof(data), 1, 0);
    CHECK_IS(write(fd, data, 10000), 10000);
    CHECK_IS(lseek(fd, 0, SEEK_CUR), 10000);
    CHECK_IS(read(fd, got, 10), 0);
    CHECK_IS(lseek(fd, -6000, SEEK_END), 4000);
    CHECK_IS(read(fd, got, 5000), 5000);
    CHECK_IS(pattern_check(got, 5000, 1, 4000), -1);
    CHECK_IS(read(fd, got, 5000), 1000); /* to the end and no further */
    CHECK_IS(lseek(fd, -9999, SEEK_CUR), 1);
    CHECK(fails(lseek(fd, -2, SEEK_CUR), EINVAL));
    CHECK(fails(lseek(fd, -1, SEEK_SET), EINVAL));
    CHECK(fails(lseek(fd, 0, 3), EINVAL));
    CHECK_IS(lseek(fd, 0, SEEK_CUR), 1); /* a failed seek moves nothing */
    CHECK_IS(pread(fd, got, 100, 7777), 100);
    CHECK_IS(pattern_check(got, 100, 1, 7777), -1);
    CHECK_IS(pwrite(fd, "ab", 2, 50), 2);
    CHECK_IS(lseek(fd, 0, SEEK_CUR), 1);
    CHECK(fails(pread(fd, got, 1, -1), EINVAL));
    CHECK(fails(pwrite(fd, got, 1, -1), EINVAL));
    copy = dup(fd); /* a copy shares the offset, another open does not */
    CHECK_IS(read(copy, got, 9), 9);
    CHECK_IS(lseek(fd, 0, SEEK_CUR), 10);
    int other = open(NAME, O_RDONLY);
    CHECK_IS(lseek(other, 0, SEEK_CUR), 0);
    CHECK_IS(read(other, got, 60), 60);
    CHECK(memcmp(got + 50, "ab", 2) == 0);
    CHECK_IS(close(fd) + close(copy) + close(other), 0);
    return unlink(NAME);
}

static int append(void *unused)
{
    int fd = open(NAME, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    int other = open(NAME, O_RDWR);

    (void)unused;
    CHECK(fd >= 0 && other >= 0);
    CHECK_IS(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
    CHECK_IS(write(fd, "one ", 4), 4);
    CHECK_IS(write(other, "ONE two ", 8), 8);
    CHECK_IS(write(fd, "three", 5), 5);
    CHECK_IS(lseek(fd, 0, SEEK_SET), 0);
    CHECK_IS(write(fd, "!", 1), 1);
    CHECK_IS(pread(other, got, 100, 0), 14);
    CHECK(memcmp(got, "ONE two three!", 14) == 0);
    CHECK_IS(fcntl(other, F_SETFL, O_APPEND), 0);
    CHECK_IS(lseek(other, 0, SEEK_SET), 0);
    CHECK_IS(write(other, "?", 1), 1);
    CHECK_IS(pread(other, got, 100, 0), 15);
    CHECK_IS(got[14], '?');
    CHECK_IS(close(fd) + close(other), 0);
    return unlink(NAME);
}

static int all_zero(const unsigned char *p, long n)
{
    for (long i = 0; i < n; i++)
        if (p[i])
            return 0;
    return 1;
}

static int truncation(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat st;

    (void)unused;
    CHECK(fd >= 0);
    pattern_fill(data, sizeof(data), 2, 0);
    CHECK_IS(write(fd, data, 15000), 15000);
    CHECK_IS(ftruncate(fd, 5000), 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK_IS(st.st_size, 5000);
    CHECK_IS(pread(fd, got, sizeof(got), 0), 5000);
    CHECK_IS(pattern_check(got, 5000, 2, 0), -1);
    CHECK_IS(ftruncate(fd, 12000), 0); /* what was cut off is gone for good */
    CHECK_IS(pread(fd, got, sizeof(got), 0), 12000);
    CHECK_IS(pattern_check(got, 5000, 2, 0), -1);
    CHECK(all_zero(got + 5000, 7000));
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(truncate(NAME, 4096), 0);
    CHECK_IS(pread(fd, got, sizeof(got), 0), 4096);
    CHECK_IS(pwrite(fd, "e", 1, 9000), 1); /* and a gap reads as zero */
    CHECK_IS(pread(fd, got, sizeof(got), 0), 9001);
    CHECK(all_zero(got + 4096, 9000 - 4096) && got[9000] == 'e');
    CHECK_IS(truncate(NAME, 0), 0);
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK(st.st_size == 0 && st.st_blocks == 0);
    CHECK(fails(ftruncate(fd, -1), EINVAL));
    CHECK(fails(truncate("/tmp", 0), EISDIR));
    CHECK(fails(truncate("/tmp/none", 0), ENOENT));
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int status(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat st, again;
    long before = sys_clock(ABI_CLOCK_REALTIME) / SECOND;

    (void)unused;
    CHECK(fd >= 0);
    CHECK_IS(write(fd, data, 9000), 9000);
    CHECK_IS(fstat(fd, &st), 0); /* before it is stored as after */
    CHECK_IS(st.st_size, 9000);
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(stat(NAME, &st), 0);
    CHECK_IS(st.st_size, 9000);
    CHECK(st.st_blocks >= 9000 / 512 && st.st_blocks <= 9000 / 512 + 32);
    CHECK(st.st_mtime >= before - 1 && st.st_mtime <= before + 60);
    CHECK(st.st_ctime >= before - 1 && st.st_ctime <= before + 60);
    CHECK(st.st_ino > 0 && st.st_blksize > 0);
    CHECK_IS(chmod(NAME, 0751), 0);
    CHECK_IS(fstat(fd, &again), 0);
    CHECK_IS(again.st_mode, S_IFREG | 0751);
    CHECK_IS(again.st_ino, st.st_ino);
    CHECK_IS(fchmod(fd, 04711), 0);
    CHECK_IS(stat(NAME, &again), 0);
    CHECK_IS(again.st_mode, S_IFREG | 04711);
    struct timespec times[2] = {{1000000, 0}, {2000000, 0}};
    CHECK_IS(futimens(fd, times), 0);
    CHECK_IS(stat(NAME, &again), 0);
    CHECK(again.st_atime == 1000000 && again.st_mtime == 2000000);
    CHECK_IS(stat("/tmp", &st), 0);
    CHECK(S_ISDIR(st.st_mode) && st.st_nlink >= 2);
    CHECK_IS(stat("/", &st), 0);
    CHECK_IS(st.st_ino, 2);
    CHECK_IS(access(NAME, R_OK | W_OK | X_OK), 0);
    CHECK_IS(chmod(NAME, 0600), 0);
    CHECK(fails(access(NAME, X_OK), EACCES));
    CHECK(fails(access("/tmp/none", F_OK), ENOENT));
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int bad_buffers(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

    (void)unused;
    CHECK(fd >= 0);
    CHECK_IS(write(fd, "hello", 5), 5);
    CHECK_IS(sys_pread(fd, (void *)8, 5, 0), -EFAULT);
    CHECK_IS(sys_pread(fd, (void *)-4096l, 5, 0), -EFAULT);
    CHECK_IS(sys_pread(fd, (void *)&bad_buffers, 5, 0), -EFAULT);
    CHECK_IS(sys_pwrite(fd, (void *)8, 5, 0), -EFAULT);
    CHECK_IS(sys_pwrite(fd, (void *)-4096l, 5, 10000), -EFAULT);
    CHECK_IS(sys_write(fd, data, ~0ul), -EINVAL);
    CHECK_IS(lseek(fd, 0, SEEK_END), 5); /* a write of nothing makes nothing longer */
    CHECK_IS(pread(fd, got, 10, 0), 5);
    CHECK(memcmp(got, "hello", 5) == 0);
    CHECK_IS(write(fd, data, 0), 0);
    CHECK_IS(pread(fd, got, 0, 0), 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static const struct proc_test tests[] = {
    {open_flags, "open and its flags"},
    {offsets, "offsets, seek, pread, pwrite"},
    {append, "O_APPEND"},
    {truncation, "truncation, both ways"},
    {status, "stat, modes, times, access"},
    {bad_buffers, "bad buffers"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
