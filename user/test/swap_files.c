/*
 * A file larger than memory, mapped privately and shared at once while other
 * processes write it: private copies keep what was stored to them, all else follows
 * the file, and the file has what was written last.
 *
 * test: points=4 cpus=1,2,4 mem=16M swap=32M.. timeout=600
 * test: points=2 cpus=1,2 mem=32M swap=64M.. timeout=600
 * test: points=2 cpus=1 mem=64M swap=128M.. timeout=600
 */
#include "user/test/swap_util.h"
#include <fcntl.h>
#include <unistd.h>

#define NAME   "/tmp/swap_files"
#define CHUNK  16ul /* pages written by one call */
#define FOLLOW 16   /* each so many pages is left to the file */

static unsigned long pages; /* of the file */
static int file;

/* Seeds: of the file as it was made, of private copies, of the writers' stores. */
enum { MADE = 1, OWN, AGAIN, CALLED, STORED };

static volatile unsigned *stage; /* [0] copies made; [1] writers done */

static int make_file(void)
{
    static char buffer[CHUNK * PAGE];

    pages = frames_in_all() * 5 / 4 / CHUNK * CHUNK;
    file = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    for (unsigned long p = 0; p < pages; p += CHUNK) {
        for (unsigned long i = 0; i < CHUNK; i++)
            page_write(buffer + i * PAGE, p + i, MADE);
        CHECK_IS(write(file, buffer, sizeof(buffer)), sizeof(buffer));
    }
    return 0;
}

static char *map_file(int flags)
{
    void *at = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, flags, file, 0);

    return at == MAP_FAILED ? 0 : at;
}

static void await(unsigned which, unsigned value)
{
    while (stage[which] < value)
        sys_sleep(5 * MS);
}

static void reach(unsigned which)
{
    __atomic_add_fetch(&stage[which], 1, __ATOMIC_SEQ_CST);
}

/* Copies of nearly all pages, held while the file changes below them. */
static int keeper(void *unused)
{
    char *at = map_file(MAP_PRIVATE);

    (void)unused;
    CHECK(at);
    for (unsigned long p = 0; p < pages; p++)
        if (p % FOLLOW)
            page_write(at + p * PAGE, p, OWN);
    reach(0);
    for (unsigned long p = 0; p < pages; p++) /* they have been out, and become dirty again */
        if (p % FOLLOW) {
            CHECK(page_is(at + p * PAGE, p, OWN));
            page_write(at + p * PAGE, p, AGAIN);
        }
    await(1, 2);
    for (unsigned long p = 0; p < pages; p++)
        CHECK(page_is(at + p * PAGE, p, p % FOLLOW ? AGAIN : p % 2 ? CALLED : STORED));
    return 0;
}

/* Odd pages by calls ... */
static int caller(void *unused)
{
    static char page[PAGE];
    char *at = map_file(MAP_PRIVATE); /* to read by; it follows */

    (void)unused;
    CHECK(at);
    await(0, 1);
    for (unsigned long p = 1; p < pages; p += 2) {
        CHECK_IS(pread(file, page, PAGE, (off_t)(p * PAGE)), PAGE);
        CHECK(page_is(page, p, MADE));
        page_write(page, p, CALLED);
        CHECK_IS(pwrite(file, page, PAGE, (off_t)(p * PAGE)), PAGE);
        CHECK(page_is(at + p * PAGE, p, CALLED));
    }
    reach(1);
    return 0;
}

/* ... even ones by stores. */
static int storer(void *unused)
{
    char *at = map_file(MAP_SHARED);

    (void)unused;
    CHECK(at);
    await(0, 1);
    for (unsigned long p = 0; p < pages; p += 2) {
        CHECK(page_is(at + p * PAGE, p, MADE));
        page_write(at + p * PAGE, p, STORED);
    }
    reach(1);
    return 0;
}

/* Every byte as written last, by either way. */
static int file_is_right(void)
{
    static char page[PAGE];
    char *at = map_file(MAP_SHARED);

    CHECK(at);
    for (unsigned long p = 0; p < pages; p++)
        CHECK(page_is(at + p * PAGE, p, p % 2 ? CALLED : STORED));
    CHECK_IS(munmap(at, pages * PAGE), 0);
    CHECK_IS(fsync(file), 0);
    CHECK(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    for (unsigned long p = 0; p < pages; p++) {
        CHECK_IS(pread(file, page, PAGE, (off_t)(p * PAGE)), PAGE);
        CHECK(page_is(page, p, p % 2 ? CALLED : STORED));
    }
    return 0;
}

static int written_by_others(void *unused)
{
    int (*const who[])(void *) = {keeper, caller, storer};
    struct abi_counters before, after;
    unsigned long copies, excess;
    pid_t pids[3];
    int bad = 0;

    (void)unused;
    stage = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(stage != MAP_FAILED);
    CHECK_IS(make_file(), 0);
    before = swap_counters();
    for (int i = 0; i < 3; i++)
        pids[i] = spawn(who[i], 0);
    for (int i = 0; i < 3; i++)
        if (reap(pids[i]) != 0) { /* do not let the others wait for it */
            bad++;
            stage[0] = stage[1] = 9;
        }
    CHECK_IS(bad, 0);
    CHECK_IS(file_is_right(), 0);
    after = swap_counters();
    CHECK_IS(close(file), 0);
    CHECK_IS(unlink(NAME), 0);
    /* The file cannot stay in memory, and neither can the copies. */
    CHECK(after.page_outs - before.page_outs >= pages / 4);
    copies = pages - pages / FOLLOW;
    excess = copies - frames_in_all();
    CHECK(copies > frames_in_all());
    return swap_moved(&before, excess, excess);
}

static const struct proc_test tests[] = {
    {written_by_others, "a file larger than memory, mapped and written at once"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
