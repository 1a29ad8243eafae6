/*
 * Pipes: ends, limits, errors, atomicity.
 *
 * test: points=3
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/mman.h>

#define NAME "/tmp/pipe_basic"

static int simple(void *unused)
{
    int fds[2];
    char got[100];

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(write(fds[1], "hello", 5), 5);
    CHECK_IS(write(fds[1], " world", 6), 6);
    CHECK_IS(read(fds[0], got, 3), 3);
    CHECK_IS(read(fds[0], got + 3, sizeof(got)), 8); /* what there is, no waiting for more */
    CHECK(memcmp(got, "hello world", 11) == 0);
    CHECK_IS(read(fds[0], got, 0), 0);
    CHECK_IS(write(fds[1], got, 0), 0);
    CHECK_IS(sys_read(fds[1], got, 1), -EBADF);
    CHECK_IS(sys_write(fds[0], got, 1), -EBADF);
    CHECK_IS(sys_seek(fds[0], 0, 0), -ESPIPE);
    CHECK_IS(sys_pread(fds[0], got, 1, 0), -ESPIPE);
    CHECK_IS(sys_pwrite(fds[1], got, 1, 0), -ESPIPE);
    CHECK_IS(sys_fsync(fds[0]), -EINVAL);
    CHECK_IS(sys_mmap(0, 4096, PROT_READ, MAP_SHARED, fds[0], 0), -ENODEV);
    CHECK_IS(sys_exec(fds[0], 0, 0), -EACCES);
    return 0;
}

static int ends(void *unused)
{
    int fds[2], copy;
    char got[10];

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    copy = dup(fds[1]);
    CHECK_IS(write(fds[1], "abc", 3), 3);
    CHECK_IS(close(fds[1]), 0);
    CHECK_IS(close(copy), 0);
    CHECK_IS(read(fds[0], got, 10), 3); /* what was written comes first, then the end */
    CHECK_IS(read(fds[0], got, 10), 0);
    CHECK_IS(read(fds[0], got, 10), 0);
    CHECK_IS(close(fds[0]), 0);
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(write(fds[1], "lost", 4), 4);
    CHECK_IS(close(fds[0]), 0);
    CHECK_IS(sys_write(fds[1], "x", 1), -EPIPE);
    return 0;
}

static int read_all(void *fds)
{
    char got[4096];
    long n, total = 0;

    close(((int *)fds)[1]);
    while ((n = read(((int *)fds)[0], got, sizeof(got))) > 0)
        total += n;
    return n < 0 ? 255 : (int)(total / 1000);
}

static char big[200000];

/* The other end goes while one waits. */
static int ends_meanwhile(void *unused)
{
    int fds[2];
    pid_t pid;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    pid = spawn(read_all, fds);
    CHECK_IS(close(fds[0]), 0);
    CHECK(await_waiting(pid, "pipe read"));
    CHECK_IS(write(fds[1], big, 5000), 5000);
    CHECK(await_waiting(pid, "pipe read")); /* for more */
    CHECK_IS(close(fds[1]), 0);
    CHECK_IS(reap(pid), 5 << 8);
    CHECK_IS(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        long n;
        close(fds[0]);
        n = sys_write(fds[1], big, sizeof(big)); /* what went in counts */
        CHECK(n > 0 && n < (long)sizeof(big));
        CHECK_IS(sys_write(fds[1], big, 1), -EPIPE);
        _exit(0);
    }
    CHECK(await_waiting(pid, "pipe write"));
    CHECK_IS(close(fds[0]), 0);
    return reap(pid);
}

/* Reads a page's worth into a page that has to come from the disk first: 1 if that
 * was all 'a', 2 if all 'b'. */
static int read_slowly(int from, char *page, int go)
{
    char byte;

    read(go, &byte, 1); /* the end of file is the sign */
    CHECK_IS(read(from, page, 4096), 4096);
    for (int i = 1; i < 4096; i++)
        CHECK_IS(page[i], page[0]);
    return page[0] == 'a' ? 1 : page[0] == 'b' ? 2 : 3;
}

/* Two readers at once, of which each takes long: no byte comes twice. */
static int two_readers(void *unused)
{
    (void)unused;
    for (int round = 0; round < 8; round++) {
        int fds[2], go[2], fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
        pid_t pids[2];
        char *pages;
        CHECK_IS(write(fd, big, 65536), 65536);
        sys_sync();
        sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
        pages = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        CHECK(pages != MAP_FAILED && pipe(fds) == 0 && pipe(go) == 0);
        memset(big, 'a', 4096);
        memset(big + 4096, 'b', 4096);
        CHECK_IS(write(fds[1], big, 8192), 8192);
        for (int i = 0; i < 2; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                close(go[1]);
                _exit(read_slowly(fds[0], pages + 4096L * 8 * i, go[0]));
            }
        }
        CHECK_IS(close(go[1]), 0);
        CHECK_IS(reap(pids[0]) + reap(pids[1]), 3 << 8);
        CHECK_IS(munmap(pages, 65536), 0);
        CHECK(close(go[0]) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0 && close(fd) == 0);
    }
    return unlink(NAME);
}

static int bad_memory(void *unused)
{
    int fds[2];
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char got[4096];
    long n;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(munmap(page + 4096, 4096), 0);
    CHECK_IS(sys_write(fds[1], (void *)-4096l, 10), -EFAULT);
    CHECK_IS(sys_write(fds[1], (void *)8, 10), -EFAULT);
    CHECK_IS(sys_write(fds[1], page, ~0ul), -EINVAL);
    CHECK_IS(sys_write(fds[1], "good", 4), 4);
    CHECK_IS(sys_read(fds[0], (void *)8, 4), -EFAULT);
    CHECK_IS(sys_read(fds[0], (void *)&bad_memory, 4), -EFAULT);
    CHECK_IS(sys_read(fds[0], got, 4), 4); /* nothing was lost */
    CHECK(memcmp(got, "good", 4) == 0);
    memset(page, 'p', 4096);
    n = sys_write(fds[1], page + 4000, 200); /* half of it is there */
    CHECK(n == -EFAULT || n == 96);
    if (n > 0)
        CHECK_IS(sys_read(fds[0], got, sizeof(got)), n);
    CHECK_IS(sys_write(fds[1], page, 100), 100);
    n = sys_read(fds[0], page + 4050, 100);
    CHECK(n == -EFAULT || n == 46);
    return 0;
}

/* ------------------------------------------------------------- atomic writes */

#define WRITERS 5
#define RECORDS 60

static const unsigned lengths[] = {1, 100, 512, 1000, 4095, 4096};

/* Records: length, letter, letters. Up to 4096 bytes none is torn. */
static int write_records(void *arg)
{
    int fd = (int)((long)arg & 0xff), letter = 'A' + (int)((long)arg >> 8);
    char record[4096];

    for (unsigned i = 0; i < RECORDS; i++) {
        unsigned n = lengths[(i + (unsigned)letter) % 6];
        n = n < 3 ? 3 : n;
        memset(record, letter, n);
        record[0] = (char)(n & 0xff);
        record[1] = (char)(n >> 8);
        CHECK_IS(write(fd, record, n), n);
    }
    return 0;
}

static int get_exactly(int fd, char *to, unsigned n)
{
    for (unsigned done = 0; done < n;) {
        long got = read(fd, to + done, n - done);
        if (got <= 0)
            return (int)got;
        done += (unsigned)got;
    }
    return 1;
}

static int atomic(void *unused)
{
    int fds[2], seen[WRITERS] = {0}, rc;
    pid_t pids[WRITERS];
    char record[4096];

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    for (long i = 0; i < WRITERS; i++)
        pids[i] = spawn(write_records, (void *)(i << 8 | fds[1]));
    CHECK_IS(close(fds[1]), 0);
    while ((rc = get_exactly(fds[0], record, 2)) == 1) {
        unsigned n = (unsigned char)record[0] | (unsigned)(unsigned char)record[1] << 8;
        CHECK(n >= 3 && n <= 4096);
        CHECK_IS(get_exactly(fds[0], record + 2, n - 2), 1);
        CHECK(record[2] >= 'A' && record[2] < 'A' + WRITERS);
        for (unsigned i = 3; i < n; i++)
            CHECK(record[i] == record[2]);
        seen[record[2] - 'A']++;
    }
    CHECK_IS(rc, 0);
    for (int i = 0; i < WRITERS; i++) {
        CHECK_IS(seen[i], RECORDS);
        CHECK_IS(reap(pids[i]), 0);
    }
    return 0;
}

/* A small write that does not fit waits whole, and goes in whole. */
static int write_pieces(void *fds)
{
    for (;;)
        CHECK_IS(write(((int *)fds)[1], big, 3000), 3000);
    return 0;
}

static int waits_whole(void *unused)
{
    int fds[2];
    struct abi_handle_info info;
    pid_t pid;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    pid = spawn(write_pieces, fds);
    for (int i = 0; i < 20; i++) {
        CHECK(await_waiting(pid, "pipe write"));
        CHECK_IS(sys_handle_info(fds[0], &info), 0);
        CHECK_IS((info.size + (unsigned)i * 700) % 3000, 0);
        CHECK_IS(read(fds[0], big, 700), 700);
    }
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    return 0;
}

static const struct proc_test tests[] = {
    {simple, "bytes in order; what a pipe does not do"},
    {ends, "end of file, EPIPE"},
    {ends_meanwhile, "an end that goes while the other waits"},
    {two_readers, "two readers at once, each byte to one"},
    {bad_memory, "bad buffers lose nothing"},
    {atomic, "writes of up to 4096 bytes are not torn"},
    {waits_whole, "a small write without room waits whole"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
