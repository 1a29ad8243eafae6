/*
 * Files seen through read, write and mappings are one; and what is cached is read
 * without a message.
 *
 * test: points=4
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define NAME "/tmp/file_mmap"
#define SIZE 50000ul

static unsigned char data[SIZE], got[SIZE + 100];

static int make_file(void)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0700);

    pattern_fill(data, SIZE, 1, 0);
    return fd >= 0 && write(fd, data, SIZE) == (long)SIZE ? fd : -1;
}

static void drop_caches(void)
{
    sys_sync();
    sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
}

static int coherent(void *unused)
{
    int fd = make_file();
    unsigned char *p, *q;

    (void)unused;
    CHECK(fd >= 0);
    p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    q = mmap(0, SIZE - 8192, PROT_READ, MAP_SHARED, fd, 8192);
    CHECK(p != MAP_FAILED && q != MAP_FAILED);
    CHECK_IS(pattern_check(p, SIZE, 1, 0), -1);
    CHECK_IS(pattern_check(q, SIZE - 8192, 1, 8192), -1);
    CHECK_IS(pwrite(fd, "written", 7, 10000), 7); /* write, then load */
    CHECK(memcmp(p + 10000, "written", 7) == 0 && memcmp(q + 10000 - 8192, "written", 7) == 0);
    memcpy(p + 20000, "stored", 6); /* store, then read */
    CHECK_IS(pread(fd, got, 6, 20000), 6);
    CHECK(memcmp(got, "stored", 6) == 0 && memcmp(q + 20000 - 8192, "stored", 6) == 0);
    pid_t pid = fork(); /* and another process's stores */
    if (pid == 0) {
        int own = open(NAME, O_RDWR);
        unsigned char *mine = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);
        p[30000] = 'i'; /* inherited */
        mine[30001] = 'o';
        _exit(mine[20000] == 's' ? 0 : 1);
    }
    CHECK_IS(reap(pid), 0);
    CHECK(p[30000] == 'i' && p[30001] == 'o');
    CHECK_IS(munmap(p, SIZE), 0);
    CHECK_IS(munmap(q, SIZE - 8192), 0);
    CHECK_IS(close(fd), 0);
    drop_caches();
    fd = open(NAME, O_RDONLY);
    CHECK_IS(pread(fd, got, 6, 20000), 6);
    CHECK(memcmp(got, "stored", 6) == 0);
    CHECK_IS(pread(fd, got, 2, 30000), 2);
    CHECK(memcmp(got, "io", 2) == 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int private(void *unused)
{
    int fd = make_file();
    unsigned char *p;

    (void)unused;
    CHECK(fd >= 0);
    p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED);
    p[5] = 'x';
    CHECK_IS(pread(fd, got, 10, 0), 10);
    CHECK_IS(pattern_check(got, 10, 1, 0), -1);
    CHECK_IS(pwrite(fd, "abcdefgh", 8, 0), 8);
    CHECK_IS(p[5], 'x'); /* a page of our own by now */
    CHECK_IS(munmap(p, SIZE), 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int rights(void *unused)
{
    int fd = make_file(), reader, writer;

    (void)unused;
    CHECK(fd >= 0);
    CHECK_IS(fchmod(fd, 0600), 0);
    reader = open(NAME, O_RDONLY);
    writer = open(NAME, O_WRONLY);
    CHECK(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED);
    CHECK_IS(errno, EACCES);
    CHECK(mmap(0, 4096, PROT_READ, MAP_SHARED, writer, 0) == MAP_FAILED);
    CHECK_IS(errno, EACCES);
    CHECK(mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, reader, 0) == MAP_FAILED);
    CHECK_IS(errno, EACCES); /* no x bit */
    CHECK(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0) != MAP_FAILED);
    void *p = mmap(0, 4096, PROT_READ, MAP_SHARED, reader, 0);
    CHECK(p != MAP_FAILED);
    CHECK_IS(mprotect(p, 4096, PROT_READ | PROT_WRITE), -1);
    CHECK_IS(errno, EACCES);
    CHECK(mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 100) == MAP_FAILED);
    CHECK_IS(errno, EINVAL);
    int dir = open("/tmp", O_RDONLY);
    CHECK(mmap(0, 4096, PROT_READ, MAP_SHARED, dir, 0) == MAP_FAILED);
    CHECK_IS(errno, ENODEV);
    CHECK_IS(close(fd) + close(reader) + close(writer) + close(dir), 0);
    return unlink(NAME);
}

static volatile unsigned char *window;

static int touch(void *offset)
{
    return window[(unsigned long)offset] & 0;
}

/* Past the end: zeros in the last page, SIGBUS beyond; also when the file shrinks
 * and grows under a mapping. */
static int the_end(void *unused)
{
    int fd = make_file();

    (void)unused;
    CHECK(fd >= 0);
    window = mmap(0, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(window != MAP_FAILED);
    for (unsigned long i = SIZE; i < 13 * 4096; i++)
        CHECK_IS(window[i], 0);
    CHECK_IS(ktap_in_child(touch, (void *)(13 * 4096l)), ABI_SIGBUS);
    CHECK_IS(ftruncate(fd, 5000), 0);
    CHECK_IS(window[4999], pattern_byte(1, 4999));
    CHECK_IS(window[5000], 0);
    CHECK_IS(ktap_in_child(touch, (void *)8192l), ABI_SIGBUS);
    CHECK_IS(ftruncate(fd, 20000), 0);
    CHECK_IS(window[15000], 0);
    CHECK_IS(ktap_in_child(touch, (void *)20000l), 0);
    CHECK_IS(pwrite(fd, "grown", 5, 60000), 5);
    CHECK(memcmp((void *)(window + 60000), "grown", 5) == 0);
    CHECK_IS(munmap((void *)window, 2 * SIZE), 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int counters(struct abi_counters *c)
{
    return (int)sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)c, 0, 0);
}

/* Thousands of reads, writes and seeks of what is cached: no message for them. A
 * handful may be sent meanwhile by others (a timer's write-back). */
static int no_messages(void *unused)
{
    struct abi_counters before, after;
    int fd = make_file();

    (void)unused;
    CHECK(fd >= 0);
    CHECK_IS(fsync(fd), 0);
    CHECK_IS(pread(fd, got, SIZE, 0), SIZE);
    CHECK_IS(counters(&before), 0);
    for (unsigned i = 0; i < 2000; i++) {
        CHECK_IS(pread(fd, got, 700, i * 23 % 49000), 700);
        CHECK_IS(got[3], pattern_byte(1, i * 23 % 49000 + 3));
        CHECK_IS(lseek(fd, i, SEEK_SET), i);
        CHECK_IS(pwrite(fd, got, 10, i * 23 % 49000), 10);
    }
    CHECK_IS(counters(&after), 0);
    CHECK(after.messages - before.messages < 60);
    CHECK(after.calls - before.calls < 60);
    drop_caches(); /* whereas what is not cached needs some: the count does count */
    CHECK_IS(counters(&before), 0);
    CHECK_IS(pread(fd, got, SIZE, 0), SIZE);
    CHECK_IS(counters(&after), 0);
    CHECK(after.messages > before.messages);
    CHECK_IS(after.page_ins - before.page_ins, 13);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

/* Buffers of read and write that lie in mappings of files, the same file's too. */
static int through_itself(void *unused)
{
    int fd = make_file(), other = open(NAME ".2", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unsigned char *p;

    (void)unused;
    CHECK(fd >= 0 && other >= 0);
    CHECK_IS(ftruncate(other, SIZE), 0);
    CHECK_IS(fsync(fd), 0);
    drop_caches();
    p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    CHECK_IS(pwrite(other, p, SIZE, 0), SIZE); /* from pages not there yet */
    CHECK_IS(pread(other, got, SIZE, 0), SIZE);
    CHECK_IS(pattern_check(got, SIZE, 1, 0), -1);
    CHECK_IS(pwrite(fd, p + 100, 20000, 25000), 20000); /* the file into itself */
    CHECK_IS(pattern_check(p + 25000, 20000, 1, 100), -1);
    CHECK_IS(pread(fd, p, 4096, 8192), 4096);
    CHECK_IS(pattern_check(p, 4096, 1, 8192), -1);
    CHECK_IS(pwrite(fd, p + 4096, 4096, 4096), 4096); /* a page onto itself */
    CHECK_IS(pattern_check(p + 4096, 4096, 1, 4096), -1);
    CHECK_IS(munmap(p, SIZE), 0);
    CHECK_IS(close(fd) + close(other), 0);
    return unlink(NAME) + unlink(NAME ".2");
}

static const struct proc_test tests[] = {
    {coherent, "read, write, loads and stores see the same bytes"},
    {private, "private mappings keep their own"},
    {rights, "what a handle's rights let one map"},
    {the_end, "the end of the file under a mapping"},
    {no_messages, "what is cached is read and written without a message"},
    {through_itself, "buffers in mapped files"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
