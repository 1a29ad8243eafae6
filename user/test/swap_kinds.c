/*
 * Memory of every kind goes out and comes back, round after round: heap, stack, data
 * of the program, mappings, private copies of a file's pages, and a fork's copies of
 * all these; and system calls work on buffers that are out.
 *
 * test: points=4 cpus=1,2,4 mem=16M swap=64M..
 * test: points=2 cpus=1,2 mem=32M swap=96M..
 * test: points=2 cpus=1,2 mem=64M swap=192M..
 */
#include "user/test/swap_util.h"
#include <fcntl.h>
#include <unistd.h>

#define NAME        "/tmp/swap_kinds"
#define STACK_PAGES 1500ul /* of the 2048 that the stack may have */
#define DATA_PAGES  512ul
#define FILE_PAGES  256ul
#define ROUNDS      2

static char data[DATA_PAGES * PAGE] __attribute__((aligned(4096)));

struct kind {
    const char *name;
    char *at;
    unsigned long pages;
};

enum { HEAP, MAPPED, DATA, COPIES, STACK, KINDS };

static struct kind kinds[KINDS];

static unsigned long seed_of(int kind, unsigned long round)
{
    return (unsigned long)kind * 1000 + round;
}

static int each_is(unsigned long round)
{
    for (int k = 0; k < KINDS; k++)
        if (!pages_are(kinds[k].at, kinds[k].pages, seed_of(k, round))) {
            dprintf(2, "# in round %lu, kind %s\n", round, kinds[k].name);
            return 0;
        }
    return 1;
}

static void write_each(unsigned long round)
{
    for (int k = 0; k < KINDS; k++)
        pages_write(kinds[k].at, kinds[k].pages, seed_of(k, round));
}

/* A file whose page p is that of round 0 of the copies. */
static char *map_copies(void)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    static char page[PAGE];
    void *at;

    for (unsigned long p = 0; p < FILE_PAGES; p++) {
        page_write(page, p, seed_of(COPIES, 0));
        if (pwrite(fd, page, PAGE, (off_t)(p * PAGE)) != (ssize_t)PAGE)
            return 0;
    }
    at = mmap(0, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    return at == MAP_FAILED ? 0 : at;
}

/* So much of each that together they are one and a half times the memory. */
static int take_each(char *stack)
{
    unsigned long rest = 3 * frames_in_all() / 2 - STACK_PAGES - DATA_PAGES - FILE_PAGES;

    kinds[HEAP] = (struct kind){"heap", sbrk((long)(rest / 2 * PAGE)), rest / 2};
    kinds[MAPPED] = (struct kind){"mapping", take_pages(rest / 2), rest / 2};
    kinds[DATA] = (struct kind){"data", data, DATA_PAGES};
    kinds[COPIES] = (struct kind){"copies of a file", map_copies(), FILE_PAGES};
    kinds[STACK] = (struct kind){"stack", stack, STACK_PAGES};
    CHECK(kinds[HEAP].at != (void *)-1 && kinds[MAPPED].at && kinds[COPIES].at);
    return 0;
}

/* The file must not have what was stored to private copies of its pages. */
static int file_is_as_it_was(void)
{
    static char page[PAGE];
    int fd = open(NAME, O_RDONLY);

    CHECK(fd >= 0);
    for (unsigned long p = 0; p < FILE_PAGES; p++) {
        CHECK_IS(pread(fd, page, PAGE, (off_t)(p * PAGE)), PAGE);
        CHECK(page_is(page, p, seed_of(COPIES, 0)));
    }
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int rounds(void *unused)
{
    char stack[STACK_PAGES * PAGE] __attribute__((aligned(4096)));
    struct abi_counters before = swap_counters();
    unsigned long excess = frames_in_all() / 2;

    (void)unused;
    CHECK_IS(take_each(stack), 0);
    CHECK(pages_are(kinds[COPIES].at, FILE_PAGES, seed_of(COPIES, 0)));
    for (unsigned long round = 1; round <= ROUNDS; round++) {
        write_each(round);
        CHECK(each_is(round));
    }
    CHECK_IS(file_is_as_it_was(), 0);
    return swap_moved(&before, ROUNDS * excess, (2 * ROUNDS - 1) * excess);
}

static int heir(void *unused)
{
    (void)unused;
    CHECK(each_is(1));
    write_each(2);
    CHECK(each_is(2));
    return 0;
}

/* The child has all of it as it was, and what it writes is its own. */
static int forked(void *unused)
{
    char stack[STACK_PAGES * PAGE] __attribute__((aligned(4096)));
    struct abi_counters before = swap_counters();
    unsigned long excess = frames_in_all() / 2;
    pid_t pid;

    (void)unused;
    CHECK_IS(take_each(stack), 0);
    write_each(1);
    pid = spawn(heir, 0);
    CHECK(each_is(1)); /* at the same time */
    CHECK_IS(reap(pid), 0);
    CHECK(each_is(1));
    CHECK_IS(unlink(NAME), 0);
    return swap_moved(&before, 2 * excess, 3 * excess);
}

/* ------------------------------------------------------- system calls on what is out */

#define BUFFER_PAGES 16ul

static char *ballast; /* as much as there is memory, and more */

/* Is some of the region that begins there on the swap disk now? */
static int is_out(const char *at)
{
    static struct abi_region regions[64];
    long n = sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)regions, 64);

    for (long i = 0; i < n && i < 64; i++)
        if (regions[i].start <= (unsigned long)at && (unsigned long)at < regions[i].end)
            return regions[i].swapped > 0;
    return 0;
}

/* Uses other memory until both are out, wholly or in part. */
static int push_out(const char *one, const char *two)
{
    unsigned long pages = frames_in_all() * 5 / 4;

    for (int passes = 0; passes < 20; passes++) {
        for (unsigned long p = 0; p < pages; p++)
            *(volatile char *)(ballast + p * PAGE) = (char)p;
        if (is_out(one) && is_out(two))
            return 1;
    }
    return 0;
}

static int file_calls(char *one, char *two)
{
    const unsigned long n = BUFFER_PAGES * PAGE;
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0);
    pages_write(one, BUFFER_PAGES, 7);
    memset(two, 1, n);
    CHECK(push_out(one, two));
    CHECK_IS(pwrite(fd, one, n, 0), n); /* out of it */
    CHECK(is_out(two));
    CHECK_IS(pread(fd, two + 100, n - 200, 100), n - 200); /* into it, but for its ends */
    CHECK(two[99] == 1 && two[n - 100] == 1 && memcmp(two + 100, one + 100, n - 200) == 0);
    CHECK_IS(close(fd), 0);
    return unlink(NAME);
}

static int pipe_calls(char *one, char *two)
{
    int fds[2];

    CHECK_IS(pipe(fds), 0);
    pages_write(one, BUFFER_PAGES, 8);
    memset(two, 2, BUFFER_PAGES * PAGE);
    CHECK(push_out(one, two));
    CHECK_IS(write(fds[1], one + 50, 4000), 4000);
    CHECK(is_out(two));
    CHECK_IS(read(fds[0], two + PAGE - 2000, 4000), 4000);
    CHECK(memcmp(two + PAGE - 2000, one + 50, 4000) == 0 && two[PAGE - 2001] == 2 &&
          two[PAGE + 2000] == 2);
    return close(fds[0]) + close(fds[1]);
}

/* Names, arguments and results, and a word that another waits for. */
static int small_calls(char *one, char *two)
{
    volatile unsigned *word = (volatile unsigned *)(two + PAGE);
    char **argv = (char **)(void *)(two + 3 * PAGE);
    int *status = (int *)(void *)(two + 5 * PAGE);
    pid_t pid;

    strcpy(one, "/bin/test");
    strcpy(one + 2 * PAGE, "out");
    argv[0] = one + 2 * PAGE;
    argv[1] = one + 2 * PAGE;
    argv[2] = 0;
    *word = 5;
    *status = 0x77777777;
    CHECK(push_out(one, two));
    CHECK_IS(sys_futex_wait(word, 6, 0), -EAGAIN); /* it is 5 */
    pid = fork();
    if (pid == 0) {
        execve(one, argv, argv + 2);
        _exit(99);
    }
    CHECK_IS(waitpid(pid, status, 0), pid);
    CHECK_IS(*status, 0); /* `test out` is true */
    return 0;
}

static int calls(void *unused)
{
    struct abi_counters before = swap_counters();
    char *one = take_pages(BUFFER_PAGES), *two;

    (void)unused;
    /* A gap, so that the two are listed apart. */
    CHECK(mmap(0, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    two = take_pages(BUFFER_PAGES);
    ballast = take_pages(frames_in_all() * 5 / 4);
    CHECK(one && two && ballast);
    CHECK_IS(file_calls(one, two), 0);
    CHECK_IS(pipe_calls(one, two), 0);
    CHECK_IS(small_calls(one, two), 0);
    return swap_moved(&before, frames_in_all(), frames_in_all());
}

static const struct proc_test tests[] = {
    {rounds, "heap, stack, data, mappings and copies of a file, round after round"},
    {forked, "a fork's copies of all these"},
    {calls, "system calls on buffers that are out"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
