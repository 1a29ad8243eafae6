/*
 * Sparse files: holes, and the far ends that double and triple indirect blocks
 * reach.
 *
 * test: points=3
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define NAME "/tmp/file_sparse"
#define KIB  1024l
#define MIB  (1024 * KIB)
#define GIB  (1024 * MIB)

static unsigned char data[8192], got[65536];

static int all_zero(const unsigned char *p, long n)
{
    for (long i = 0; i < n; i++)
        if (p[i])
            return 0;
    return 1;
}

/* Around the borders of direct, indirect, double and triple indirect blocks of
 * every block size. */
static const long places[] = {
    0,
    5 * KIB,
    12 * KIB,
    48 * KIB - 3,
    268 * KIB - 5,
    4 * MIB + 48 * KIB,
    64 * MIB,
    64 * MIB + 268 * KIB,
    600 * MIB,
    4 * GIB - 7,
    4 * GIB + 4 * MIB + 48 * KIB,
    5 * GIB,
    15 * GIB,
};

#define PLACES (sizeof(places) / sizeof(places[0]))

static int write_places(int fd)
{
    for (unsigned i = 0; i < PLACES; i++) {
        pattern_fill(data, 100, i + 5, 0);
        CHECK_IS(pwrite(fd, data, 100, places[i]), 100);
    }
    return 0;
}

static int check_places(int fd)
{
    for (unsigned i = 0; i < PLACES; i++) {
        CHECK_IS(pread(fd, got, 100, places[i]), 100);
        CHECK_IS(pattern_check(got, 100, i + 5, 0), -1);
        long before = places[i] < 1000 ? 0 : 1000;
        CHECK_IS(pread(fd, got, 900, places[i] - before), 900);
        if (before && !all_zero(got, 900))
            diag("before place %u, at %ld", i, places[i]);
        CHECK(before == 0 || all_zero(got, 900));
    }
    return 0;
}

static int far(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat st;

    (void)unused;
    CHECK(fd >= 0);
    CHECK_IS(write_places(fd), 0);
    CHECK_IS(check_places(fd), 0);
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK_IS(st.st_size, 15 * GIB + 100);
    CHECK(st.st_blocks > 0 && st.st_blocks < 4096); /* of 512 bytes: holes take none */
    CHECK_IS(close(fd), 0);
    CHECK_IS(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0, 1);
    fd = open(NAME, O_RDWR);
    CHECK(fd >= 0);
    CHECK_IS(check_places(fd), 0); /* from the disk */
    /* Cut in steps, from the far end. */
    for (unsigned i = PLACES; i-- > 1;) {
        CHECK_IS(ftruncate(fd, places[i]), 0);
        CHECK_IS(pread(fd, got, 100, places[i] - 1), 1);
        CHECK_IS(pread(fd, got, 100, places[i - 1]), 100);
    }
    CHECK_IS(ftruncate(fd, 0), 0);
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK_IS(st.st_blocks, 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

/* All blocks come back when a sparse file is removed. */
static int freed(void *unused)
{
    struct msg_statfs before, after;
    struct message m = {.w = {MSG_STATFS}};
    struct ipc_ext ext = {.recv_addr = (unsigned long)&before, .recv_cap = sizeof(before)};
    int fd;

    (void)unused;
    sync();
    CHECK_IS(ipc_request(H_ROOT, &m, &ext), 0);
    fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    CHECK_IS(write_places(fd), 0);
    CHECK_IS(fsync(fd), 0);
    m = (struct message){.w = {MSG_STATFS}};
    ext.recv_addr = (unsigned long)&after;
    CHECK_IS(ipc_request(H_ROOT, &m, &ext), 0);
    CHECK(after.blocks_free < before.blocks_free);
    CHECK_IS(after.inodes_free, before.inodes_free - 1);
    CHECK_IS(close(fd), 0);
    CHECK_IS(unlink(NAME), 0);
    sync();
    m = (struct message){.w = {MSG_STATFS}};
    CHECK_IS(ipc_request(H_ROOT, &m, &ext), 0);
    CHECK_IS(after.blocks_free, before.blocks_free);
    CHECK_IS(after.inodes_free, before.inodes_free);
    CHECK_IS(after.blocks, before.blocks);
    return 0;
}

/* Nothing but a hole, read and mapped; then written through the mapping. */
static int hole_only(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat st;
    unsigned char *p;

    (void)unused;
    CHECK(fd >= 0);
    CHECK_IS(ftruncate(fd, 300 * KIB), 0);
    for (long at = 0; at < 300 * KIB; at += 60000) {
        long n = pread(fd, got, 60000, at);
        CHECK(n > 0 && all_zero(got, n));
    }
    p = mmap(0, 300 * KIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    CHECK(all_zero(p, 300 * KIB));
    p[200 * KIB] = 'x';
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK(st.st_blocks > 0 && st.st_blocks <= 64);
    CHECK_IS(munmap(p, 300 * KIB), 0);
    CHECK_IS(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0, 1);
    CHECK_IS(pread(fd, got, 3, 200 * KIB - 1), 3);
    CHECK(got[0] == 0 && got[1] == 'x' && got[2] == 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int too_large(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    static const long sizes[] = {1l << 43, 1l << 50, 1l << 62, (1ul << 63) - 1};
    struct stat st;

    (void)unused;
    CHECK(fd >= 0);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_IS(pwrite(fd, "x", 1, sizes[i]), -1);
        CHECK_IS(errno, EFBIG);
        CHECK_IS(ftruncate(fd, sizes[i]), -1);
        CHECK_IS(errno, EFBIG);
        CHECK_IS(pread(fd, got, 10, sizes[i]), 0);
        CHECK_IS(lseek(fd, sizes[i], SEEK_SET), sizes[i]);
        CHECK_IS(read(fd, got, 10), 0);
    }
    CHECK_IS(fstat(fd, &st), 0);
    CHECK(st.st_size == 0 && st.st_blocks == 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static const struct proc_test tests[] = {
    {far, "data at every level of indirection, holes between"},
    {freed, "a removed sparse file gives back every block"},
    {hole_only, "a hole read, mapped, and stored to"},
    {too_large, "sizes and offsets that are too large"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
