/*
 * mlock, madvise and mincore: what is locked stays in memory whatever others need, the
 * lock has a limit and ends when it should; what is not needed goes at once, and what
 * will be needed comes without being touched.
 *
 * test: points=4 cpus=1,2,4 mem=16M,32M swap=64M.. timeout=300
 */
#include "user/test/swap_util.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define NAME "/tmp/mem_residence"
#define MANY 64ul

static unsigned resident(char *at, unsigned long pages)
{
    static unsigned char in[4096];
    unsigned n = 0;

    if (pages > sizeof(in) || mincore(at, pages * PAGE, in) < 0)
        return ~0u;
    for (unsigned long p = 0; p < pages; p++)
        n += in[p];
    return n;
}

/* Another process takes a quarter more than there is, and gives it back. */
static int pressure(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        unsigned long pages = frames_in_all() * 5 / 4;
        char *at = take_pages(pages);

        if (!at)
            _exit(1);
        for (int round = 0; round < 2; round++)
            pages_write(at, pages, (unsigned long)round);
        _exit(!pages_are(at, pages, 1));
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int locked_stays(void *unused)
{
    char *locked = take_pages(MANY), *free = take_pages(MANY);

    (void)unused;
    CHECK(locked && free);
    pages_write(locked, MANY, 1);
    pages_write(free, MANY, 2);
    CHECK_IS(mlock(locked, MANY * PAGE), 0);
    CHECK(pressure() == 0);
    CHECK_IS(resident(locked, MANY), MANY);
    CHECK(resident(free, MANY) < MANY);
    CHECK(pages_are(locked, MANY, 1) && pages_are(free, MANY, 2));
    CHECK_IS(munlock(locked, MANY * PAGE), 0);
    CHECK(pressure() == 0);
    CHECK(resident(locked, MANY) < MANY);
    CHECK(pages_are(locked, MANY, 1));
    return 0;
}

/* What was in swap, and what was never touched, is in memory when mlock returns. */
static int locking_brings(void *unused)
{
    char *at = take_pages(2 * MANY);

    (void)unused;
    CHECK(at != 0);
    pages_write(at, MANY, 3);
    CHECK(pressure() == 0 && resident(at, MANY) < MANY);
    CHECK_IS(mlock(at + 100, 2 * MANY * PAGE - 200), 0); /* rounded out */
    CHECK_IS(resident(at, 2 * MANY), 2 * MANY);
    CHECK(pages_are(at, MANY, 3));
    CHECK_IS(munmap(at, 2 * MANY * PAGE), 0);
    return 0;
}

/* Rights that come and go, and a cut in the middle, leave the lock as it is. */
static int lock_outlives_changes(void *unused)
{
    char *at = take_pages(MANY);

    (void)unused;
    CHECK(at != 0);
    CHECK_IS(mlock(at, MANY * PAGE), 0);
    pages_write(at, MANY, 4);
    CHECK_IS(mprotect(at, MANY * PAGE, PROT_READ), 0);
    CHECK_IS(mprotect(at, MANY / 2 * PAGE, PROT_READ | PROT_WRITE), 0);
    CHECK_IS(munmap(at + MANY / 4 * PAGE, PAGE), 0);
    CHECK(pressure() == 0);
    CHECK_IS(resident(at, MANY / 4), MANY / 4);
    CHECK_IS(resident(at + (MANY / 4 + 1) * PAGE, MANY - MANY / 4 - 1), MANY - MANY / 4 - 1);
    return 0;
}

/* A child's pages are not locked; the parent's are, though it wrote them since. */
static int child_has_no_lock(void *unused)
{
    char *at = take_pages(MANY);
    int status;

    (void)unused;
    CHECK(at != 0);
    pages_write(at, MANY, 5);
    CHECK_IS(mlock(at, MANY * PAGE), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (pressure() != 0 || resident(at, MANY) == MANY || !pages_are(at, MANY, 5))
            _exit(1);
        _exit(madvise(at, MANY * PAGE, MADV_DONTNEED) != 0);
    }
    pages_write(at, MANY, 6);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_IS(status, 0);
    CHECK_IS(resident(at, MANY), MANY);
    CHECK(pages_are(at, MANY, 6));
    CHECK(madvise(at, MANY * PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
    return 0;
}

static int limit_holds(void *unused)
{
    unsigned long quarter = frames_in_all() / 4;
    char *at = take_pages(quarter + 1);
    int status;

    (void)unused;
    CHECK(at != 0);
    CHECK(mlock(at, (quarter + 1) * PAGE) == -1 && errno == ENOMEM);
    CHECK_IS(madvise(at, (quarter + 1) * PAGE, MADV_DONTNEED), 0); /* nothing is locked */
    pid_t pid = fork();
    if (pid == 0)
        _exit(mlock(at, (quarter - 1) * PAGE) != 0 || mlock(at, quarter * PAGE) != 0 ||
              mlock(at + quarter * PAGE, PAGE) == 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_IS(status, 0);
    /* Its share came back with its end, and comes back with munmap and munlock. */
    CHECK_IS(mlock(at, quarter * PAGE), 0);
    CHECK_IS(munlock(at, quarter / 2 * PAGE), 0);
    CHECK_IS(mlock(at + quarter * PAGE, PAGE), 0);
    CHECK_IS(munmap(at, quarter * PAGE), 0);
    CHECK(at = take_pages(quarter - 1));
    CHECK_IS(mlock(at, (quarter - 1) * PAGE), 0);
    return 0;
}

static unsigned deep(unsigned pages)
{
    volatile unsigned char room[PAGE];
    unsigned sum;

    room[0] = (unsigned char)pages;
    sum = pages > 0 ? deep(pages - 1) : 1;
    return sum + room[0]; /* after the call, so that it is one */
}

/* The part that grows is locked, and counts as long as it is there. */
static int stack_is_locked(void *unused)
{
    unsigned long half = frames_in_all() / 8;
    char *other = take_pages(half), *more = take_pages(half + MANY / 2);
    unsigned char in;
    char *low = (char *)((unsigned long)&in & ~(PAGE - 1));

    (void)unused;
    CHECK(other && more);
    while (mincore(low - PAGE, PAGE, &in) == 0)
        low -= PAGE;
    CHECK_IS(mlock(low, PAGE), 0);
    CHECK(deep(2 * MANY) > 0);
    CHECK(pressure() == 0);
    CHECK_IS(resident(low - MANY * PAGE, MANY), MANY);
    CHECK_IS(mlock(other, half * PAGE), 0);
    CHECK_IS(munlock(low - MANY * PAGE, (MANY + 1) * PAGE), 0);
    CHECK(mlock(more, (half + MANY / 2) * PAGE) == -1 && errno == ENOMEM);
    return 0;
}

/* Both halves are mapped, and one is locked. */
static int file_is_locked(void *unused)
{
    static char page[PAGE];
    unsigned long half = 4 * MANY, all = 2 * half;
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *at;

    (void)unused;
    CHECK(fd >= 0);
    for (unsigned long p = 0; p < all; p++) {
        page_write(page, p, 7);
        CHECK_IS(write(fd, page, PAGE), (long)PAGE);
    }
    CHECK_IS(fsync(fd), 0);
    CHECK((at = mmap(0, (all + 1) * PAGE, PROT_READ, MAP_SHARED, fd, 0)) != MAP_FAILED);
    CHECK(pages_are(at, all, 7));
    CHECK(mlock(at, (all + 1) * PAGE) == -1 && errno == ENOMEM); /* past its end */
    CHECK_IS(mlock(at, half * PAGE), 0);
    CHECK(pressure() == 0);
    CHECK_IS(resident(at, half), half);
    CHECK(resident(at + half * PAGE, half) < half);
    CHECK(pages_are(at, all, 7));
    /* A truncation goes before the lock. */
    CHECK_IS(ftruncate(fd, half / 2 * PAGE), 0);
    CHECK_IS(resident(at, half), half / 2);
    CHECK_IS(unlink(NAME), 0);
    return 0;
}

static unsigned long anonymous_frames(void)
{
    return swap_memory().count[FRAME_ANON];
}

static int not_needed_goes(void *unused)
{
    static char page[PAGE];
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *own = take_pages(MANY), *of_file, *shared;
    unsigned long before;

    (void)unused;
    CHECK(own && fd >= 0);
    page_write(page, 0, 8);
    CHECK_IS(write(fd, page, PAGE), (long)PAGE);
    CHECK((of_file = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)) != MAP_FAILED);
    CHECK((shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) !=
          MAP_FAILED);
    page_write(of_file, 0, 9);
    page_write(shared, 0, 10);
    pages_write(own, MANY, 11);
    before = anonymous_frames();
    CHECK_IS(madvise(own + PAGE, (MANY - 2) * PAGE, MADV_DONTNEED), 0);
    CHECK(anonymous_frames() + MANY / 2 < before);
    CHECK(page_is(own, 0, 11) && page_is(own + (MANY - 1) * PAGE, MANY - 1, 11));
    for (unsigned long i = PAGE; i < (MANY - 1) * PAGE; i++)
        CHECK_IS(own[i], 0);
    CHECK_IS(madvise(of_file, PAGE, MADV_DONTNEED), 0);
    CHECK_IS(madvise(shared, PAGE, MADV_DONTNEED), 0);
    CHECK(page_is(of_file, 0, 8) && page_is(shared, 0, 10));
    page_write(own, 0, 12);
    CHECK_IS(posix_madvise(own, PAGE, POSIX_MADV_DONTNEED), 0); /* which loses nothing */
    CHECK(page_is(own, 0, 12));
    CHECK_IS(unlink(NAME), 0);
    return 0;
}

/* Waits until all pages are in memory, which nobody touches. */
static int all_come(char *at, unsigned long pages)
{
    for (int tries = 0; tries < 1000 && resident(at, pages) < pages; tries++)
        sys_sleep(5 * MS);
    CHECK_IS(resident(at, pages), pages);
    return 0;
}

static int needed_comes(void *unused)
{
    static char page[PAGE];
    char *at = take_pages(MANY);
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

    (void)unused;
    CHECK(at && fd >= 0);
    pages_write(at, MANY, 13);
    CHECK(pressure() == 0 && resident(at, MANY) < MANY);
    CHECK_IS(madvise(at, MANY * PAGE, MADV_WILLNEED), 0);
    CHECK(all_come(at, MANY) == 0 && pages_are(at, MANY, 13));
    for (unsigned long p = 0; p < MANY; p++) {
        page_write(page, p, 14);
        CHECK_IS(write(fd, page, PAGE), (long)PAGE);
    }
    CHECK_IS(fsync(fd), 0);
    CHECK(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    CHECK((at = mmap(0, MANY * PAGE, PROT_READ, MAP_SHARED, fd, 0)) != MAP_FAILED);
    CHECK_IS(resident(at, MANY), 0);
    CHECK_IS(madvise(at, MANY * PAGE, MADV_WILLNEED), 0);
    CHECK(all_come(at, MANY) == 0 && pages_are(at, MANY, 14));
    CHECK_IS(unlink(NAME), 0);
    return 0;
}

static int errors_are_told(void *unused)
{
    char *at = take_pages(4);
    unsigned char in[4];

    (void)unused;
    CHECK(at != 0);
    CHECK_IS(munmap(at + 2 * PAGE, PAGE), 0);
    CHECK(mlock(at, 4 * PAGE) == -1 && errno == ENOMEM);
    CHECK(munlock(at, 4 * PAGE) == -1 && errno == ENOMEM);
    CHECK(madvise(at, 4 * PAGE, MADV_DONTNEED) == -1 && errno == ENOMEM);
    CHECK(madvise(at, 4 * PAGE, MADV_WILLNEED) == -1 && errno == ENOMEM);
    CHECK(mincore(at, 4 * PAGE, in) == -1 && errno == ENOMEM);
    CHECK(madvise(at + 1, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
    CHECK(madvise(at, PAGE, 77) == -1 && errno == EINVAL);
    CHECK(mincore(at + 1, PAGE, in) == -1 && errno == EINVAL);
    CHECK(mincore(at, PAGE, (unsigned char *)16) == -1 && errno == EFAULT);
    CHECK(mlock(at, ~0ul - 5) == -1 && errno == ENOMEM);
    CHECK(mlock((void *)(1ul << 38), PAGE) == -1 && errno == ENOMEM);
    CHECK(mlock(0, PAGE) == -1 && errno == ENOMEM);
    CHECK(mincore((void *)-4096l, PAGE, in) == -1 && errno == ENOMEM);
    CHECK_IS(mprotect(at, PAGE, PROT_NONE), 0);
    CHECK(mlock(at, 2 * PAGE) == -1 && errno == ENOMEM);
    CHECK_IS(madvise(at, 2 * PAGE, MADV_DONTNEED), 0); /* nothing of it is locked */
    CHECK_IS(mlock(at, 0), 0);
    CHECK_IS(madvise(at, 2 * PAGE, MADV_RANDOM), 0);
    return 0;
}

int main(void)
{
    static const struct proc_test tests[] = {
        {locked_stays, "what is locked stays in memory"},
        {locking_brings, "mlock brings what is not there"},
        {lock_outlives_changes, "a lock outlives changes of the mapping"},
        {child_has_no_lock, "a child inherits no lock"},
        {limit_holds, "a quarter of memory can be locked"},
        {stack_is_locked, "a stack that grows stays locked"},
        {file_is_locked, "pages of a file are locked"},
        {not_needed_goes, "what is not needed goes"},
        {needed_comes, "what will be needed comes"},
        {errors_are_told, "errors are told"},
    };

    return RUN_SWAP_TESTS(tests);
}
