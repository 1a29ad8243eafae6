/*
 * A file larger than memory is written and read back: clean pages are dropped,
 * dirty ones are sent back first, and every byte is the one written last. What
 * other processes hold meanwhile stays theirs.
 *
 * test: points=4 cpus=1,2 mem=16M swap=0 timeout=600
 * test: points=3 cpus=2 mem=32M swap=0 timeout=600
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <test_mem.h>

#define FILE_PATH "/mem_pressure.tmp"
#define CHUNK     (16 * PAGE)
#define HOLD      (1ul << 20) /* bytes that another process holds */

static unsigned long size; /* of the file: more than there is memory */

/* Every page is told from every other and from itself at another time. */
static unsigned long word_at(unsigned long page, unsigned long version, unsigned long i)
{
    return (page << 32 | version << 16 | i) * 0x9e3779b97f4a7c15ul;
}

static void fill(unsigned long *at, unsigned long page, unsigned long version)
{
    for (unsigned long i = 0; i < PAGE / 8; i += 16)
        at[i] = word_at(page, version, i);
}

static int holds(const unsigned long *at, unsigned long page, unsigned long version)
{
    for (unsigned long i = 0; i < PAGE / 8; i += 16)
        if (at[i] != word_at(page, version, i)) {
            diag("page %lu is not of version %lu at word %lu", page, version, i);
            return 0;
        }
    return 1;
}

static unsigned long buffer[CHUNK / 8];

/* Which pages a second round writes anew. */
static unsigned long version_of(unsigned long page, unsigned long rounds)
{
    if (rounds >= 3 && page % 29 == 3)
        return 3;
    return rounds >= 2 && page % 7 == 5 ? 2 : 1;
}

static int write_all(int fd)
{
    for (unsigned long at = 0; at < size; at += CHUNK) {
        for (unsigned long i = 0; i < CHUNK / PAGE; i++)
            fill(buffer + i * 512, at / PAGE + i, 1);
        CHECK(write(fd, buffer, CHUNK) == (ssize_t)CHUNK);
    }
    return 0;
}

static int read_all(int fd, unsigned long rounds)
{
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    for (unsigned long at = 0; at < size; at += CHUNK) {
        CHECK(read(fd, buffer, CHUNK) == (ssize_t)CHUNK);
        for (unsigned long i = 0; i < CHUNK / PAGE; i++)
            CHECK(holds(buffer + i * 512, at / PAGE + i, version_of(at / PAGE + i, rounds)));
    }
    return 0;
}

static int write_and_read(void *unused)
{
    struct abi_counters before, after;
    int fd = open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC, 0600);

    (void)unused;
    CHECK(fd >= 0);
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&before, 0, 0);
    CHECK(write_all(fd) == 0);
    CHECK(read_all(fd, 1) == 0);
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&after, 0, 0);
    diag("%lu pages of %lu sent, %lu fetched", after.page_outs - before.page_outs, size / PAGE,
         after.page_ins - before.page_ins);
    /* It does not fit: much must have gone out, and come in again. */
    CHECK(after.page_outs - before.page_outs > size / PAGE / 2);
    CHECK(after.page_ins - before.page_ins > size / PAGE / 4);
    return close(fd);
}

static int rewrite_by_calls(void *unused)
{
    int fd = open(FILE_PATH, O_RDWR);

    (void)unused;
    CHECK(fd >= 0);
    for (unsigned long page = 5; page < size / PAGE; page += 7) {
        fill(buffer, page, 2);
        CHECK(pwrite(fd, buffer, PAGE, (off_t)(page * PAGE)) == PAGE);
    }
    CHECK(read_all(fd, 2) == 0);
    return close(fd);
}

static int rewrite_by_mapping(void *unused)
{
    int fd = open(FILE_PATH, O_RDWR);
    unsigned long *at;

    (void)unused;
    CHECK(fd >= 0);
    at = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED);
    for (unsigned long page = 3; page < size / PAGE; page += 29)
        fill(at + page * 512, page, 3);
    /* All of it through the mapping, more than can be mapped at a time. */
    for (unsigned long page = 0; page < size / PAGE; page++)
        CHECK(holds(at + page * 512, page, version_of(page, 3)));
    CHECK(msync(at, size, MS_SYNC) == 0 && munmap(at, size) == 0);
    CHECK(sys_sync() == 0 && sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    CHECK(read_all(fd, 3) == 0);
    return close(fd);
}

/* A private mapping of all of it, some pages of which become ours. */
static int private_mapping(void *unused)
{
    int fd = open(FILE_PATH, O_RDONLY);
    unsigned long *at;

    (void)unused;
    CHECK(fd >= 0);
    at = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(at != MAP_FAILED);
    for (unsigned long page = 0; page < size / PAGE; page += 101)
        fill(at + page * 512, page, 9);
    for (unsigned long page = 0; page < size / PAGE; page++)
        CHECK(holds(at + page * 512, page, page % 101 ? version_of(page, 3) : 9));
    return close(fd);
}

/* Two write their own halves of a file at the same time. */
static int two_writers(void *unused)
{
    int status, bad = 0;
    unsigned long half = size / 2 / CHUNK * CHUNK;

    (void)unused;
    for (unsigned long me = 0; me < 2; me++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            int fd = open(FILE_PATH, O_RDWR);
            for (unsigned long at = me * half; fd >= 0 && at < (me + 1) * half; at += CHUNK) {
                for (unsigned long i = 0; i < CHUNK / PAGE; i++)
                    fill(buffer + i * 512, at / PAGE + i, 4 + me);
                if (pwrite(fd, buffer, CHUNK, (off_t)at) != (ssize_t)CHUNK)
                    _exit(2);
            }
            _exit(fd < 0);
        }
    }
    for (int i = 0; i < 2; i++)
        bad += wait(&status) < 0 || status != 0;
    CHECK(!bad);
    int fd = open(FILE_PATH, O_RDONLY);
    CHECK(fd >= 0);
    for (unsigned long at = 0; at < 2 * half; at += PAGE) {
        CHECK(pread(fd, buffer, PAGE, (off_t)at) == PAGE);
        CHECK(holds(buffer, at / PAGE, at < half ? 4 : 5));
    }
    return close(fd);
}

/* Memory of another process, looked at all the while. */
static volatile unsigned *stage;

static int hold(void)
{
    unsigned long *at = (unsigned long *)map_private(HOLD);

    CHECK(at);
    for (unsigned long page = 0; page < HOLD / PAGE; page++)
        fill(at + page * 512, page, 77);
    stage_reach(&stage[1], 1);
    while (!stage[0]) {
        for (unsigned long page = 0; page < HOLD / PAGE; page++)
            CHECK(holds(at + page * 512, page, 77));
        sys_sleep(100 * MEM_MILLI);
    }
    return 0;
}

int main(void)
{
    struct abi_memory memory;
    int status;

    ktap_plan(7);
    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0);
    size = (memory.total * PAGE * 5 / 4 + CHUNK) / CHUNK * CHUNK;
    stage = (volatile unsigned *)map_shared(PAGE);
    memset((void *)stage, 0, PAGE);
    pid_t holder = fork();
    if (holder == 0)
        _exit(hold());
    stage_await(&stage[1], 1);
    ok_child(write_and_read, 0, "a file larger than memory reads back as written");
    ok_child(rewrite_by_calls, 0, "pages written anew in between are the new ones");
    ok_child(rewrite_by_mapping, 0, "so by a mapping of all of it");
    ok_child(private_mapping, 0, "a private mapping of all of it has its own pages and the file's");
    ok_child(two_writers, 0, "two writers at a time");
    stage_reach(&stage[0], 1);
    ok(waitpid(holder, &status, 0) == holder && status == 0,
       "memory that another held all the while is as it was");
    ok(unlink(FILE_PATH) == 0, "the file goes");
    return ktap_done();
}
