/*
 * Mappings of files at their edges: what is written back when a process ends without
 * a word, two files over each other, one file in two places, over code, data and
 * stack, files that are empty or gone, offsets that make no sense.
 *
 * test: points=4
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <test_mem.h>

#define FIRST  "/tmp/mem_mapping.1"
#define SECOND "/tmp/mem_mapping.2"
#define RW     (PROT_READ | PROT_WRITE)

static char page[PAGE];

/* A file of n pages, each full of its own letter, from `letter` on. */
static int make_file(const char *path, unsigned long n, char letter)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0700);

    for (unsigned long i = 0; fd >= 0 && i < n; i++) {
        memset(page, letter + (int)i, PAGE);
        if (pwrite(fd, page, PAGE, (off_t)(i * PAGE)) != (ssize_t)PAGE)
            return -1;
    }
    return fd;
}

static int is_full_of(const char *at, unsigned long n, char letter)
{
    for (unsigned long i = 0; i < n; i++)
        if (at[i] != letter)
            return 0;
    return 1;
}

/* What the disk says of that page, nothing of the file being in memory. */
static int disk_holds(const char *path, unsigned long at, const char *want)
{
    char got[32] = {0};
    int fd, good;

    if (sys_sync() < 0 || sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) < 0)
        return 0;
    fd = open(path, O_RDONLY);
    good = fd >= 0 && pread(fd, got, strlen(want), (off_t)at) == (ssize_t)strlen(want) &&
           strcmp(got, want) == 0;
    close(fd);
    return good;
}

static int touch(void *at)
{
    return *(volatile char *)at & 0;
}

static int dies_at(const void *at, int signal)
{
    int status = ktap_in_child(touch, (void *)at);

    return status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

/* -------------------------------------------------------------- ends without unmap */

enum ending { BY_EXIT, BY_KILL, BY_FAULT, BY_EXEC };

static void store_and_end(enum ending how)
{
    int fd = open(FIRST, O_RDWR);
    char *at = mmap(0, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    char *own = mmap(0, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    static char *const argv[] = {"true", 0}, *const none[] = {0};

    if (at == MAP_FAILED || own == MAP_FAILED)
        _exit(9);
    close(fd);
    memcpy(at + PAGE + 100, "stored", 6);
    memcpy(at + 3 * PAGE - 4, "last", 4);
    memcpy(own, "private", 7);
    if (how == BY_KILL)
        kill(getpid(), SIGKILL);
    if (how == BY_FAULT)
        *(volatile char *)MEM_NOBODY = 1;
    if (how == BY_EXEC)
        execve("/bin/true", argv, none);
    _exit(how == BY_EXIT ? 0 : 8);
}

static int ends_without_unmap(void *how)
{
    enum ending ending = (enum ending)(long)how;
    int fd = make_file(FIRST, 3, 'a'), status;
    pid_t pid;

    CHECK(fd >= 0 && fsync(fd) == 0 && close(fd) == 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        store_and_end(ending);
    CHECK(waitpid(pid, &status, 0) == pid);
    if (ending == BY_KILL || ending == BY_FAULT)
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == (ending == BY_KILL ? SIGKILL : SIGSEGV));
    else
        CHECK(status == 0);
    CHECK(disk_holds(FIRST, PAGE + 100, "stored") && disk_holds(FIRST, 3 * PAGE - 4, "last"));
    CHECK(disk_holds(FIRST, 0, "aaaaaaa") && disk_holds(FIRST, PAGE + 106, "bbb"));
    return 0;
}

/* A mapping that was only read sends nothing. */
static int clean_is_not_sent(void *unused)
{
    struct abi_counters before, after;
    int fd = make_file(FIRST, 8, 'a');
    char *at;

    (void)unused;
    CHECK(fd >= 0 && fsync(fd) == 0 && sys_sync() == 0);
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&before, 0, 0);
    at = mmap(0, 8 * PAGE, RW, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED);
    for (unsigned long i = 0; i < 8; i++)
        CHECK(is_full_of(at + i * PAGE, PAGE, (char)('a' + i)));
    CHECK(munmap(at, 8 * PAGE) == 0 && fsync(fd) == 0);
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&after, 0, 0);
    CHECK(after.page_outs - before.page_outs < 8);
    /* One store, and one page goes. */
    at = mmap(0, 8 * PAGE, RW, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED);
    at[5 * PAGE] = 'X';
    CHECK(munmap(at, 8 * PAGE) == 0 && fsync(fd) == 0);
    sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&before, 0, 0);
    CHECK(before.page_outs > after.page_outs && before.page_outs - after.page_outs < 8);
    CHECK(disk_holds(FIRST, 5 * PAGE, "Xfff"));
    return close(fd);
}

/* ------------------------------------------------------------- overlapping, twice */

/* The second file over the middle of the first: its place there is the second's, and
 * neither file gets what was stored to the other. */
static int overlap(void *unused)
{
    int one = make_file(FIRST, 4, 'a'), two = make_file(SECOND, 2, 'p');
    char *at = mmap(0, 4 * PAGE, RW, MAP_SHARED, one, 0);

    (void)unused;
    CHECK(one >= 0 && two >= 0 && at != MAP_FAILED);
    at[PAGE] = 'B';                                      /* dirty when it is covered */
    CHECK(mmap(at, PAGE, RW, MAP_SHARED, two, 0) != at); /* a hint covers nothing */
    CHECK(mmap(at + PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, two, 0) == at + PAGE);
    CHECK(at[0] == 'a' && at[PAGE] == 'p' && at[2 * PAGE] == 'q' && at[3 * PAGE] == 'd');
    at[PAGE + 1] = 'P';
    at[3 * PAGE + 1] = 'D';
    CHECK(munmap(at, 4 * PAGE) == 0 && close(one) == 0 && close(two) == 0);
    CHECK(disk_holds(FIRST, PAGE, "Bbb") && disk_holds(FIRST, 3 * PAGE, "dDd"));
    CHECK(disk_holds(SECOND, 0, "pPp"));
    return 0;
}

/* The pages of one file at two places, in another order, and one place goes. */
static int twice(void *unused)
{
    int fd = make_file(FIRST, 3, 'a');
    char *at = mmap(0, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    char *swapped = mmap(0, 3 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE);

    (void)unused;
    CHECK(fd >= 0 && at != MAP_FAILED && swapped != MAP_FAILED);
    CHECK(mmap(swapped + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, PAGE) == swapped + PAGE);
    CHECK(mmap(swapped + 2 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) == swapped + 2 * PAGE);
    CHECK(swapped[0] == 'c' && swapped[PAGE] == 'b' && swapped[2 * PAGE] == 'a');
    swapped[0] = 'C';
    at[0] = 'A';
    CHECK(at[2 * PAGE] == 'C' && swapped[2 * PAGE] == 'A');
    CHECK(munmap(at, 3 * PAGE) == 0 && dies_at(at, SIGSEGV));
    swapped[1] = '2';
    CHECK(swapped[PAGE] == 'b' && munmap(swapped, 3 * PAGE) == 0 && close(fd) == 0);
    CHECK(disk_holds(FIRST, 2 * PAGE, "C2c") && disk_holds(FIRST, 0, "Aa"));
    return 0;
}

/* A shared mapping goes in its middle, and in the parent but not in the child. */
static int in_part(void *unused)
{
    int fd = make_file(FIRST, 3, 'a'), status;
    char *at = mmap(0, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    pid_t pid;

    (void)unused;
    CHECK(fd >= 0 && at != MAP_FAILED && close(fd) == 0);
    at[PAGE] = 'B';
    CHECK(munmap(at + PAGE, PAGE) == 0 && dies_at(at + PAGE, SIGSEGV));
    CHECK(at[0] == 'a' && at[2 * PAGE] == 'c');
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        at[2 * PAGE + 1] = 'K';
        _exit(munmap(at, PAGE) != 0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    at[0] = 'A'; /* the child's munmap is the child's */
    CHECK(munmap(at, 3 * PAGE) == 0);
    CHECK(disk_holds(FIRST, 0, "Aa") && disk_holds(FIRST, PAGE, "Bb"));
    CHECK(disk_holds(FIRST, 2 * PAGE, "cKc"));
    return 0;
}

/* ------------------------------------------------------- over code, data and stack */

static char covered[4 * PAGE] __attribute__((aligned(4096))) = {1};

/* A hint there is not taken; and what was there is as it was. */
static int hints_into_the_program(void *unused)
{
    volatile char local = 7;
    char *places[] = {(char *)touch, covered, sbrk(0), (char *)&local,
                      (char *)(ABI_USER_END - ABI_STACK_MAX)};
    int fd = make_file(FIRST, 2, 'a');

    (void)unused;
    CHECK(fd >= 0);
    covered[PAGE] = 5;
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *want = (char *)((unsigned long)places[i] & ~(PAGE - 1));
        char *at = mmap(want, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
        CHECK(at != MAP_FAILED);
        CHECK(i == 2 || i == 4 || at != want); /* these two may be free */
        memset(at, 'z', 2 * PAGE);
        CHECK(munmap(at, 2 * PAGE) == 0);
    }
    CHECK(touch(covered) == 0 && covered[PAGE] == 5 && local == 7);
    return close(fd);
}

/* Asked for in earnest it replaces the pages, and no other. */
static int over_data(void *unused)
{
    int fd = make_file(FIRST, 2, 'a');

    (void)unused;
    memset(covered, 3, sizeof(covered));
    CHECK(fd >= 0);
    CHECK(mmap(covered + PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) == covered + PAGE);
    CHECK(is_full_of(covered, PAGE, 3) && is_full_of(covered + PAGE, PAGE, 'a'));
    CHECK(is_full_of(covered + 2 * PAGE, PAGE, 'b') && is_full_of(covered + 3 * PAGE, PAGE, 3));
    covered[PAGE] = 'A';
    CHECK(close(fd) == 0);
    return !disk_holds(FIRST, 0, "Aaa");
}

static int over_stack(void *unused)
{
    volatile char local = 7;
    char *low = (char *)(((unsigned long)&local & ~(PAGE - 1)) - 64 * PAGE);
    int fd = make_file(FIRST, 2, 'a');

    (void)unused;
    CHECK(fd >= 0);
    *(volatile char *)low = 9; /* the stack comes down to it, and stays above */
    CHECK(mmap(low, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == low);
    CHECK(is_full_of(low, PAGE, 'a') && is_full_of(low + PAGE, PAGE, 'b'));
    CHECK(local == 7 && low[2 * PAGE] == 0);
    return close(fd);
}

/* Code that another file's page takes the place of: the next call runs that. */
int covered_code(void); /* alone in its page */
__asm__(".section .text.covered_code, \"ax\", @progbits\n"
        ".p2align 12\n"
        ".globl covered_code\n"
        "covered_code: li a0, 41\n"
        "ret\n"
        ".p2align 12\n"
        ".text\n");

static int over_code(void *unused)
{
    static const unsigned other[] = {0x02a00513, 0x00008067}; /* li a0, 42; ret */
    int (*volatile code)(void) = covered_code;
    int fd = make_file(FIRST, 1, 'a'), status;
    pid_t pid;

    (void)unused;
    CHECK(fd >= 0 && pwrite(fd, other, sizeof(other), 0) == (ssize_t)sizeof(other));
    CHECK(code() == 41);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        void *at = mmap((void *)(unsigned long)code, PAGE, PROT_READ | PROT_EXEC,
                        MAP_PRIVATE | MAP_FIXED, fd, 0);
        __asm__ volatile("fence.i" ::: "memory");
        _exit(at == (void *)(unsigned long)code ? code() : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK(code() == 41);
    return close(fd);
}

/* ---------------------------------------------------------------- nothing behind it */

static int empty_and_beyond(void *unused)
{
    int fd = make_file(FIRST, 0, 'a');
    char *at = mmap(0, PAGE, RW, MAP_SHARED, fd, 0);

    (void)unused;
    CHECK(fd >= 0 && at != MAP_FAILED && dies_at(at, SIGBUS));
    CHECK(pwrite(fd, "now", 3, 0) == 3 && memcmp(at, "now", 4) == 0);
    CHECK(munmap(at, PAGE) == 0);
    at = mmap(0, PAGE, RW, MAP_SHARED, fd, 16 * PAGE); /* far behind the end */
    CHECK(at != MAP_FAILED && dies_at(at, SIGBUS));
    CHECK(ftruncate(fd, 16 * PAGE + 5) == 0 && at[4] == 0);
    at[4] = 'e';
    CHECK(munmap(at, PAGE) == 0);
    return !disk_holds(FIRST, 16 * PAGE + 4, "e");
}

static int bad_requests(void *unused)
{
    int fd = make_file(FIRST, 2, 'a');
    char *at = mmap(0, 2 * PAGE, RW, MAP_SHARED, fd, 0);
    const int fixed = MAP_SHARED | MAP_FIXED;

    (void)unused;
    CHECK(fd >= 0 && at != MAP_FAILED);
    CHECK(sys_mmap(0, 0, RW, MAP_SHARED, fd, 0) == -EINVAL);
    CHECK(sys_mmap(0, PAGE, RW, MAP_SHARED, fd, 1) == -EINVAL);
    CHECK(sys_mmap(0, PAGE, RW, MAP_SHARED, fd, PAGE - 1) == -EINVAL);
    CHECK(sys_mmap(0, PAGE, RW, MAP_SHARED, fd, -1ul) == -EINVAL);
    CHECK(sys_mmap(0, 2 * PAGE, RW, MAP_SHARED, fd, -PAGE) < 0); /* the end wraps */
    CHECK(sys_mmap(at + 1, PAGE, RW, fixed, fd, 0) == -EINVAL);
    CHECK(sys_mmap(0, PAGE, RW, fixed, fd, 0) == -EINVAL);
    CHECK(sys_mmap((void *)MEM_DIRECT, PAGE, RW, fixed, fd, 0) == -EINVAL);
    CHECK(sys_mmap((void *)MEM_IMAGE, PAGE, RW, fixed, fd, 0) == -EINVAL);
    CHECK(sys_mmap((void *)(ABI_USER_END - PAGE), 2 * PAGE, RW, fixed, fd, 0) == -EINVAL);
    CHECK(sys_mmap(at, -PAGE, RW, fixed, fd, 0) == -EINVAL);
    CHECK(at[0] == 'a' && at[PAGE] == 'b');
    CHECK(close(fd) == 0 && sys_mmap(0, PAGE, RW, MAP_SHARED, fd, 0) == -EBADF);
    return 0;
}

/* Removed, and another file of the same name made: the mapping is of the old one. */
static int removed(void *unused)
{
    int fd = make_file(FIRST, 2, 'a'), other;
    char *at = mmap(0, 2 * PAGE, RW, MAP_SHARED, fd, 0);

    (void)unused;
    CHECK(fd >= 0 && at != MAP_FAILED && unlink(FIRST) == 0 && close(fd) == 0);
    other = make_file(FIRST, 2, 'p');
    CHECK(other >= 0);
    at[0] = 'A';
    CHECK(fsync(other) == 0 && at[0] == 'A' && at[1] == 'a' && at[PAGE] == 'b');
    CHECK(disk_holds(FIRST, 0, "pp") && at[1] == 'a' && msync(at, 2 * PAGE, MS_SYNC) == 0);
    CHECK(munmap(at, 2 * PAGE) == 0 && disk_holds(FIRST, 0, "pp"));
    return close(other);
}

int main(void)
{
    ktap_plan(16);
    ktap_in_child(ends_without_unmap, (void *)BY_EXIT);
    ktap_in_child(overlap, 0);
    unlink(FIRST);
    unlink(SECOND);
    mem_begin();
    ok_child(ends_without_unmap, (void *)BY_EXIT, "exit writes back what was mapped");
    ok_child(ends_without_unmap, (void *)BY_KILL, "so does the end by a signal");
    ok_child(ends_without_unmap, (void *)BY_FAULT, "so does the end by a fault");
    ok_child(ends_without_unmap, (void *)BY_EXEC, "so does exec");
    ok_child(clean_is_not_sent, 0, "only what was stored to is written back");
    ok_child(overlap, 0, "one file's mapping over another's");
    ok_child(twice, 0, "one file at two places");
    ok_child(in_part, 0, "a mapping that goes in part, or in one process");
    ok_child(hints_into_the_program, 0, "hints to places in use harm nothing");
    ok_child(over_data, 0, "a file over data");
    ok_child(over_stack, 0, "a file over a part of the stack");
    ok_child(over_code, 0, "a file over code");
    ok_child(empty_and_beyond, 0, "an empty file, and offsets behind the end");
    ok_child(bad_requests, 0, "bad addresses, lengths and offsets are refused");
    ok_child(removed, 0, "a file that is removed while it is mapped");
    unlink(FIRST);
    unlink(SECOND);
    mem_end_ok("files and mappings are given back");
    return ktap_done();
}
