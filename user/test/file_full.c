/*
 * A full disk: write says so, what is there stays, and all of it can be removed.
 *
 * test: points=3 cpus=2 mem=64M.. timeout=600
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define NAME  "/tmp/file_full"
#define CHUNK (64 << 10)

static unsigned char data[CHUNK], got[CHUNK];

static unsigned long free_blocks(void)
{
    struct statvfs fs;

    return statvfs("/", &fs) ? 0 : fs.f_bfree;
}

/* Writes until there is no room; the number of bytes that went in. */
static long fill(int fd)
{
    long total = 0, n;

    for (;;) {
        pattern_fill(data, 4096, 1, (unsigned long)total);
        n = write(fd, data, CHUNK);
        if (n < 0)
            return errno == ENOSPC ? total : -errno;
        total += n;
        if (n < CHUNK)
            continue; /* the next one says why */
    }
}

static int small_file(void)
{
    int fd = open(NAME ".small", O_RDWR | O_CREAT | O_TRUNC, 0600);
    long n;

    if (fd < 0) /* no inode's directory entry, or block, any more */
        return errno == ENOSPC ? 0 : 1;
    n = write(fd, data, 100000);
    CHECK(n < 100000 && (n >= 0 || errno == ENOSPC));
    CHECK_IS(close(fd), 0);
    return 0;
}

static int full(void)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat st;
    long total;

    CHECK(fd >= 0);
    total = fill(fd);
    diag("%ld KiB went in", total >> 10);
    CHECK(total > 1 << 20);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK_IS(st.st_size, total);
    CHECK_IS(small_file(), 0);
    CHECK_IS(fsync(fd), 0); /* all that write took finds a block */
    for (long at = 0; at + CHUNK <= total; at += total / 16 / CHUNK * CHUNK) {
        CHECK_IS(pread(fd, got, 4096, at), 4096);
        CHECK_IS(pattern_check(got, 4096, 1, (unsigned long)at), -1);
    }
    CHECK_IS(pwrite(fd, data, 4096, 8192), 4096); /* blocks that are there need none */
    CHECK_IS(close(fd), 0);
    return 0;
}

/* A store to a hole of a mapped file, with no block to be had. */
static int store(void *unused)
{
    int fd = open(NAME ".hole", O_RDWR);
    volatile char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    (void)unused;
    if (fd < 0 || p == MAP_FAILED)
        return 1;
    p[0] = 1;
    return 0;
}

int main(void)
{
    unsigned long before;
    int fd, hole;

    ktap_plan(8);
    ledger_begin();
    hole = open(NAME ".hole", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ok(hole >= 0 && ftruncate(hole, 1 << 20) == 0, "a file of nothing but a hole");
    sync();
    before = free_blocks();
    ok(full() == 0, "write says ENOSPC; what went in can be read");
    ok(ktap_in_child(store, 0) == ABI_SIGBUS, "a store to a hole is SIGBUS");
    ok(mkdir(NAME ".dir", 0700) < 0 ? errno == ENOSPC : rmdir(NAME ".dir") == 0,
       "mkdir says ENOSPC, or finds a place that was left");
    ok(unlink(NAME) == 0 && (unlink(NAME ".small") == 0 || errno == ENOENT),
       "everything can be removed");
    sync();
    if (!ok(free_blocks() == before, "all blocks are free again"))
        diag("%lu free before, %lu after", before, free_blocks());
    fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ok(fd >= 0 && write(fd, data, CHUNK) == CHUNK && fsync(fd) == 0 && close(fd) == 0 &&
           unlink(NAME) == 0 && close(hole) == 0 && unlink(NAME ".hole") == 0,
       "and there is room to write");
    ledger_end_ok("all frames are back");
    return ktap_done();
}
