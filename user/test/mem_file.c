/*
 * Files in memory: private and shared mappings, what they show of writes and of
 * each other, the end of the file, truncation, msync, and the copies that the
 * kernel makes between a file and its own mapping.
 *
 * test: points=4
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <test_mem.h>

#define FILE_PATH "/mem_file.tmp"
#define RW        (PROT_READ | PROT_WRITE)

/* A file of that many bytes, each the low bits of its page's number, plus 'a'. */
static int make_file(unsigned long size)
{
    static char page[PAGE];
    int fd = open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC, 0600);

    for (unsigned long at = 0; fd >= 0 && at < size; at += PAGE) {
        unsigned long n = size - at < PAGE ? size - at : PAGE;
        memset(page, 'a' + (int)(at / PAGE % 26), PAGE);
        if (pwrite(fd, page, n, (off_t)at) != (ssize_t)n) {
            close(fd);
            fd = -1;
        }
    }
    return fd;
}

static char *map_file(int fd, unsigned long size, int prot, int flags)
{
    void *at = mmap(0, size, prot, flags, fd, 0);

    return at == MAP_FAILED ? 0 : at;
}

static int file_holds(int fd, unsigned long at, const char *want)
{
    char got[64];
    unsigned long n = strlen(want);

    return pread(fd, got, n, (off_t)at) == (ssize_t)n && memcmp(got, want, n) == 0;
}

static int touch(void *at)
{
    return *(volatile char *)at & 0;
}

static int store(void *at)
{
    *(volatile char *)at = 1;
    return 0;
}

static int dies_at(int (*how)(void *), const void *at, int signal)
{
    int status = ktap_in_child(how, (void *)at);

    return status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

/* ------------------------------------------------------------------ contents */

static int shows_the_file(void *flags)
{
    int fd = make_file(5 * PAGE);
    char *at = map_file(fd, 5 * PAGE, PROT_READ, (int)(long)flags);

    CHECK(fd >= 0 && at);
    for (unsigned long i = 0; i < 5; i++)
        CHECK(at[i * PAGE] == 'a' + (char)i && at[i * PAGE + PAGE - 1] == 'a' + (char)i);
    /* An offset, and a handle that is gone. */
    char *part = mmap(0, 2 * PAGE, PROT_READ, (int)(long)flags, fd, 3 * PAGE);
    CHECK(part != MAP_FAILED && close(fd) == 0 && part[0] == 'd' && part[PAGE] == 'e');
    CHECK(dies_at(store, at, SIGSEGV));
    CHECK(munmap(at, 5 * PAGE) == 0 && part[PAGE] == 'e');
    return 0;
}

static int shared_is_the_file(void *unused)
{
    int fd = make_file(3 * PAGE), other = open(FILE_PATH, O_RDWR);
    char *at = map_file(fd, 3 * PAGE, RW, MAP_SHARED);
    char *second = map_file(other, 3 * PAGE, RW, MAP_SHARED);
    int status;

    (void)unused;
    CHECK(fd >= 0 && other >= 0 && at && second && at != second);
    memcpy(at + PAGE + 10, "stored", 6);
    CHECK(file_holds(other, PAGE + 10, "stored") && memcmp(second + PAGE + 10, "stored", 6) == 0);
    CHECK(pwrite(other, "written", 7, 10) == 7);
    CHECK(memcmp(at + 10, "written", 7) == 0 && memcmp(second + 10, "written", 7) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        memcpy(at + 2 * PAGE, "child", 5);
        _exit(memcmp(at + 10, "written", 7) != 0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(memcmp(second + 2 * PAGE, "child", 5) == 0 && file_holds(fd, 2 * PAGE, "child"));
    CHECK(msync(at, 3 * PAGE, MS_SYNC) == 0 && msync(at, PAGE, MS_ASYNC) == 0);
    /* Written back, it is clean: the next store must make it dirty again. */
    memcpy(at + PAGE + 10, "again.", 6);
    CHECK(msync(at, 3 * PAGE, MS_SYNC) == 0 && fsync(fd) == 0);
    CHECK(munmap(at, 3 * PAGE) == 0 && munmap(second, 3 * PAGE) == 0);
    CHECK(close(fd) == 0 && close(other) == 0);
    /* From the disk: no page of it is in memory any more. */
    CHECK(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    fd = open(FILE_PATH, O_RDONLY);
    CHECK(fd >= 0 && file_holds(fd, PAGE + 10, "again.") && file_holds(fd, 10, "written"));
    CHECK(file_holds(fd, 2 * PAGE, "child"));
    return 0;
}

static int private_is_ours(void *unused)
{
    int fd = make_file(3 * PAGE), status;
    char *at = map_file(fd, 3 * PAGE, RW, MAP_PRIVATE);

    (void)unused;
    CHECK(fd >= 0 && at);
    CHECK(at[PAGE] == 'b'); /* read first, then written */
    at[PAGE] = 'X';
    at[0] = 'Y'; /* written at once */
    CHECK(at[1] == 'a' && at[PAGE + 1] == 'b');
    CHECK(file_holds(fd, 0, "aa") && file_holds(fd, PAGE, "bb"));
    /* What is not ours yet still follows the file. */
    CHECK(pwrite(fd, "follow", 6, 2 * PAGE) == 6 && memcmp(at + 2 * PAGE, "follow", 6) == 0);
    CHECK(pwrite(fd, "not me", 6, PAGE) == 6 && at[PAGE] == 'X' && at[PAGE + 1] == 'b');
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        at[PAGE] = 'C';
        at[2 * PAGE] = 'C';
        _exit(at[0] != 'Y');
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(at[PAGE] == 'X' && at[2 * PAGE] == 'f' && file_holds(fd, 2 * PAGE, "follow"));
    CHECK(msync(at, 3 * PAGE, MS_SYNC) == 0 && file_holds(fd, 0, "aa"));
    return 0;
}

static int needs_rights(void *unused)
{
    int fd = make_file(PAGE), reader = open(FILE_PATH, O_RDONLY),
        writer = open(FILE_PATH, O_WRONLY);
    char *at;

    (void)unused;
    CHECK(fd >= 0 && reader >= 0 && writer >= 0);
    CHECK(sys_mmap(0, PAGE, RW, MAP_SHARED, reader, 0) == -EACCES);
    CHECK(sys_mmap(0, PAGE, PROT_READ, MAP_SHARED, writer, 0) == -EACCES);
    CHECK(sys_mmap(0, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == -EACCES);
    CHECK(sys_mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 100) == -EINVAL);
    at = map_file(reader, PAGE, PROT_READ, MAP_SHARED);
    CHECK(at && sys_mprotect(at, PAGE, RW) == -EACCES && at[0] == 'a');
    at = map_file(reader, PAGE, RW, MAP_PRIVATE);
    CHECK(at);
    at[0] = 'z';
    CHECK(file_holds(fd, 0, "aa"));
    int fds[2];
    CHECK(pipe(fds) == 0 && sys_mmap(0, PAGE, PROT_READ, MAP_SHARED, fds[0], 0) == -ENODEV);
    return 0;
}

/* -------------------------------------------------------------- the file's end */

static int past_the_end(void *flags)
{
    int fd = make_file(PAGE + 100);
    char *at = map_file(fd, 4 * PAGE, RW, (int)(long)flags);

    CHECK(fd >= 0 && at);
    CHECK(at[PAGE + 99] == 'b');
    /* The rest of the last page is zero, and no part of the file. */
    for (unsigned long i = PAGE + 100; i < 2 * PAGE; i++)
        CHECK(at[i] == 0);
    CHECK(dies_at(touch, at + 2 * PAGE, SIGBUS) && dies_at(store, at + 2 * PAGE, SIGBUS));
    CHECK(dies_at(touch, at + 3 * PAGE, SIGBUS));
    /* To the kernel's copies it is a bad pointer, or says what it is. */
    int fds[2];
    CHECK(pipe(fds) == 0 && sys_write(fds[1], at + 2 * PAGE, 1) < 0);
    CHECK(sys_write(fds[1], "x", 1) == 1 && sys_read(fds[0], at + 2 * PAGE, 1) < 0);
    at[PAGE + 200] = 'q';
    CHECK(lseek(fd, 0, SEEK_END) == (off_t)PAGE + 100);
    /* The file grows: what was beyond the end is there. */
    CHECK(pwrite(fd, "grown", 5, 2 * PAGE + 50) == 5 &&
          memcmp(at + 2 * PAGE + 50, "grown", 5) == 0);
    CHECK(at[2 * PAGE] == 0 && dies_at(touch, at + 3 * PAGE, SIGBUS));
    if (flags == (void *)MAP_SHARED) {
        CHECK(ftruncate(fd, 4 * PAGE) == 0);
        at[3 * PAGE] = 'h';
        CHECK(file_holds(fd, 3 * PAGE, "h"));
    }
    return 0;
}

static int truncated(void *flags)
{
    int fd = make_file(4 * PAGE);
    char *at = map_file(fd, 4 * PAGE, RW, (int)(long)flags);

    CHECK(fd >= 0 && at);
    CHECK(at[0] == 'a' && at[PAGE] == 'b' && at[2 * PAGE] == 'c' && at[3 * PAGE] == 'd');
    if (flags == (void *)MAP_SHARED)
        at[3 * PAGE] = 'D'; /* dirty when it goes */
    CHECK(ftruncate(fd, PAGE + 10) == 0);
    CHECK(dies_at(touch, at + 2 * PAGE, SIGBUS) && dies_at(store, at + 3 * PAGE, SIGBUS));
    CHECK(at[0] == 'a' && at[PAGE + 9] == 'b' && at[PAGE + 10] == 0 && at[2 * PAGE - 1] == 0);
    /* Grown again it is zero, not what was there. */
    CHECK(ftruncate(fd, 4 * PAGE) == 0);
    for (unsigned long i = PAGE + 10; i < 4 * PAGE; i++)
        CHECK(at[i] == 0);
    CHECK(at[PAGE + 9] == 'b');
    return 0;
}

/* A hole: zero to read, by mapping and by call; a store makes a block of it. */
static int holes(void *unused)
{
    int fd = make_file(PAGE);
    char *at;
    struct stat before, after;

    (void)unused;
    CHECK(fd >= 0 && ftruncate(fd, 64 * PAGE) == 0);
    at = map_file(fd, 64 * PAGE, RW, MAP_SHARED);
    CHECK(at);
    for (unsigned long i = PAGE; i < 64 * PAGE; i += 512)
        CHECK(at[i] == 0);
    CHECK(fsync(fd) == 0 && fstat(fd, &before) == 0);
    memcpy(at + 40 * PAGE + 5, "in a hole", 9);
    CHECK(file_holds(fd, 40 * PAGE + 5, "in a hole"));
    CHECK(msync(at, 64 * PAGE, MS_SYNC) == 0 && fsync(fd) == 0 && fstat(fd, &after) == 0);
    CHECK(after.st_blocks > before.st_blocks && after.st_blocks <= before.st_blocks + 64);
    CHECK(munmap(at, 64 * PAGE) == 0 && close(fd) == 0);
    CHECK(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    fd = open(FILE_PATH, O_RDONLY);
    CHECK(fd >= 0 && file_holds(fd, 40 * PAGE + 5, "in a hole"));
    char zero[512];
    CHECK(pread(fd, zero, 512, 39 * PAGE) == 512 && zero[0] == 0 && zero[511] == 0);
    return 0;
}

/* --------------------------------------------------------- copies to and fro */

/* read and write with the file's own pages as the buffer. */
static int onto_itself(void *unused)
{
    int fd = make_file(4 * PAGE);
    char *at = map_file(fd, 4 * PAGE, RW, MAP_SHARED);

    (void)unused;
    CHECK(fd >= 0 && at);
    CHECK(pwrite(fd, at, PAGE, 0) == PAGE && at[0] == 'a');
    CHECK(pread(fd, at, PAGE, 0) == PAGE && at[0] == 'a');
    CHECK(pwrite(fd, at + PAGE, PAGE, 0) == PAGE && at[0] == 'b' && at[PAGE - 1] == 'b');
    CHECK(pread(fd, at + 100, PAGE, 3 * PAGE) == PAGE && at[100] == 'd' && at[PAGE + 99] == 'd' &&
          at[99] == 'b' && at[PAGE + 100] == 'b');
    return 0;
}

/* read into a private mapping of the file: a copy of ours, the file as it was. */
static int read_into_private(void *unused)
{
    int fd = make_file(3 * PAGE);
    char *at = map_file(fd, 3 * PAGE, RW, MAP_PRIVATE);

    (void)unused;
    CHECK(fd >= 0 && at && at[0] == 'a');
    CHECK(pread(fd, at, PAGE, 2 * PAGE) == PAGE && at[0] == 'c');
    CHECK(pread(fd, at + PAGE + 50, 10, 0) == 10 && at[PAGE + 49] == 'b' && at[PAGE + 50] == 'a');
    CHECK(file_holds(fd, 0, "aaa") && file_holds(fd, PAGE + 50, "bbb"));
    return 0;
}

static int populated(void *flags)
{
    int fd = make_file(8 * PAGE);
    char *at;

    CHECK(fd >= 0);
    at = map_file(fd, 8 * PAGE, PROT_READ, (int)(long)flags | MAP_POPULATE);
    CHECK(at);
    for (unsigned long i = 0; i < 8; i++)
        CHECK(frame_at(getpid(), at + i * PAGE) != 0);
    CHECK(at[7 * PAGE] == 'h');
    return 0;
}

/* The file is gone from its folder and closed: the mapping keeps it. */
static int outlives_its_name(void *unused)
{
    int fd = make_file(3 * PAGE);
    char *at = map_file(fd, 3 * PAGE, RW, MAP_SHARED);

    (void)unused;
    CHECK(fd >= 0 && at && unlink(FILE_PATH) == 0 && close(fd) == 0);
    at[PAGE] = 'U';
    CHECK(sys_sync() == 0 && sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    CHECK(at[PAGE] == 'U' && at[0] == 'a' && at[2 * PAGE] == 'c');
    CHECK(munmap(at, 3 * PAGE) == 0 && open(FILE_PATH, O_RDONLY) < 0);
    return 0;
}

/* Many processes add to one page of a file by mapping, by turns of an atomic. */
static int counted_together(void *unused)
{
    enum { WORKERS = 4, TURNS = 3000 };
    int fd = make_file(PAGE), status, bad = 0;
    unsigned zero = 0, sum = 0;

    (void)unused;
    CHECK(fd >= 0 && pwrite(fd, &zero, sizeof(zero), 0) == sizeof(zero));
    for (int i = 0; i < WORKERS; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            int own = open(FILE_PATH, O_RDWR);
            unsigned *word = (unsigned *)map_file(own, PAGE, RW, MAP_SHARED);
            for (int turn = 0; word && turn < TURNS; turn++) {
                __atomic_add_fetch(word, 1, __ATOMIC_RELAXED);
                if (turn % 1000 == 500) /* clean it under the others' hands */
                    msync(word, PAGE, MS_SYNC);
            }
            _exit(word == 0);
        }
    }
    for (int i = 0; i < WORKERS; i++)
        bad += wait(&status) < 0 || status != 0;
    CHECK(fsync(fd) == 0 && close(fd) == 0);
    CHECK(sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0) >= 0);
    fd = open(FILE_PATH, O_RDONLY);
    CHECK(fd >= 0 && pread(fd, &sum, sizeof(sum), 0) == sizeof(sum) && sum == WORKERS * TURNS);
    return bad;
}

int main(void)
{
    ktap_plan(17);
    ktap_in_child(counted_together, 0);
    ktap_in_child(shared_is_the_file, 0);
    ktap_in_child(holes, 0);
    unlink(FILE_PATH);
    mem_begin();
    ok_child(shows_the_file, (void *)MAP_PRIVATE, "a private mapping shows the file");
    ok_child(shows_the_file, (void *)MAP_SHARED, "a shared mapping shows the file");
    ok_child(shared_is_the_file, 0, "stores to a shared mapping are the file's, on disk too");
    ok_child(private_is_ours, 0, "stores to a private mapping are not");
    ok_child(needs_rights, 0, "a mapping can do no more than the open file");
    ok_child(past_the_end, (void *)MAP_SHARED, "past the file's end, shared");
    ok_child(past_the_end, (void *)MAP_PRIVATE, "past the file's end, private");
    ok_child(truncated, (void *)MAP_SHARED, "a file truncated under a shared mapping");
    ok_child(truncated, (void *)MAP_PRIVATE, "a file truncated under a private mapping");
    ok_child(holes, 0, "holes are zero until they are written");
    ok_child(onto_itself, 0, "read and write from a file onto itself");
    ok_child(read_into_private, 0, "read into a private mapping of the same file");
    ok_child(populated, (void *)MAP_SHARED, "MAP_POPULATE on a shared mapping");
    ok_child(populated, (void *)MAP_PRIVATE, "MAP_POPULATE on a private mapping");
    ok_child(outlives_its_name, 0, "a mapping keeps a file that has no name any more");
    ok_child(counted_together, 0, "stores of many processes and write-back: none is lost");
    unlink(FILE_PATH);
    mem_end_ok("files and mappings are given back");
    return ktap_done();
}
