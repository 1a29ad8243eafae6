/*
 * grind [-n COUNT] [-s SEED] [-p PROCESSES] [-d DIRECTORY]: system calls at random
 * in several processes, for ever or COUNT operations in each, with all results
 * checked. SEED (1) repeats a run. Status 0 if nothing was wrong.
 *
 * Each process keeps a model of what it did: a copy of its file, of its memory and
 * of what it put into a pipe. What it reads must be that. That memory or the disk is
 * full is no fault, and is counted.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "user/bin/util.h"

#define FILE_MAX   (256 * 1024)
#define MEMORY     (128 * 1024)
#define WORKERS    64
#define PAGE       4096UL
#define FORK_BYTES 8192

static const char usage[] = "[-n COUNT] [-s SEED] [-p PROCESSES] [-d DIRECTORY]";

static struct {
    unsigned long state; /* of the random numbers */
    unsigned worker;
    unsigned long operation, refused;
    const char *doing;
    int fd;
    size_t size;             /* of the file */
    unsigned char *contents; /* what the file must hold, FILE_MAX bytes */
    unsigned char *scratch;  /* as large */
    unsigned char *memory;   /* a mapping that is checked now and then */
    unsigned char fill;      /* the byte that all of it holds */
} my;

static unsigned long any(unsigned long below)
{
    my.state ^= my.state << 13;
    my.state ^= my.state >> 7;
    my.state ^= my.state << 17;
    return (my.state >> 11) % below;
}

static void __attribute__((noreturn, format(printf, 1, 2))) wrong(const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    util_warn("process %u, operation %lu (%s): %s", my.worker, my.operation, my.doing, text);
    exit(1);
}

/* A call failed: for want of room, which is allowed, or it should not have. */
static void refused(const char *what)
{
    if (errno != ENOMEM && errno != ENOSPC && errno != EAGAIN)
        wrong("%s: %s", what, strerror(errno));
    my.refused++;
}

static void check_bytes(const unsigned char *got, const unsigned char *want, size_t count,
                        size_t at)
{
    for (size_t i = 0; i < count; i++)
        if (got[i] != want[i])
            wrong("byte %zu is 0x%02x, not 0x%02x", at + i, got[i], want[i]);
}

static void write_file(void)
{
    size_t at = any(FILE_MAX - 1), count = 1 + any(any(2) ? 64 : FILE_MAX - at);
    ssize_t done;

    if (at + count > FILE_MAX)
        count = FILE_MAX - at;
    for (size_t i = 0; i < count; i++)
        my.scratch[i] = (unsigned char)any(256);
    done = pwrite(my.fd, my.scratch, count, (off_t)at);
    if (done < 0) {
        refused("pwrite");
        return;
    }
    memcpy(my.contents + at, my.scratch, (size_t)done);
    if (at + (size_t)done > my.size)
        my.size = at + (size_t)done;
}

/* A read may end early for want of memory; read on, and the rest comes or is refused. */
static void read_file(void)
{
    size_t at = any(FILE_MAX), count = any(FILE_MAX), done = 0;
    size_t left = at < my.size ? my.size - at : 0, want = count < left ? count : left;
    ssize_t more;

    do {
        more = pread(my.fd, my.scratch + done, count - done, (off_t)(at + done));
        if (more > 0)
            done += (size_t)more;
        if (more > 0 && done < want)
            my.refused++;
    } while (more > 0 && done < want);
    if (more < 0)
        refused("pread");
    else if (done != want)
        wrong("%zu bytes at %zu of %zu, %zu wanted", done, at, my.size, count);
    check_bytes(my.scratch, my.contents + at, done < want ? done : want, at);
}

static void cut_file(void)
{
    size_t size = any(4) ? any(my.size + 1) : any(FILE_MAX);

    if (ftruncate(my.fd, (off_t)size)) {
        refused("ftruncate");
        return;
    }
    if (size < my.size)
        memset(my.contents + size, 0, my.size - size);
    my.size = size;
}

static void map_file(void)
{
    size_t pages = (my.size + PAGE - 1) / PAGE, at;
    unsigned char *map;

    if (!my.size)
        return;
    map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, my.fd, 0);
    if (map == MAP_FAILED) {
        refused("mmap");
        return;
    }
    check_bytes(map, my.contents, my.size, 0);
    at = any(my.size);
    map[at] = my.contents[at] = (unsigned char)any(256);
    if (any(2) && msync(map, pages * PAGE, MS_SYNC))
        refused("msync");
    if (munmap(map, pages * PAGE))
        wrong("munmap: %s", strerror(errno));
}

static void rename_file(void)
{
    struct stat info;

    if (rename("file", "other") || link("other", "file")) {
        refused("rename, link");
        rename("other", "file");
        return;
    }
    if (stat("file", &info) || info.st_nlink != 2 || (size_t)info.st_size != my.size)
        wrong("%lu names and %ld bytes, not 2 and %zu", (unsigned long)info.st_nlink,
              (long)info.st_size, my.size);
    if (unlink("other"))
        wrong("unlink: %s", strerror(errno));
    close(my.fd);
    my.fd = open("file", O_RDWR);
    if (my.fd < 0)
        wrong("open: %s", strerror(errno));
}

static void make_folder(void)
{
    if (!rmdir("folder") || errno != ENOENT)
        wrong("rmdir of nothing: %s", strerror(errno));
    if (mkdir("folder", 0755)) {
        refused("mkdir");
        return;
    }
    if (!mkdir("folder", 0755) || errno != EEXIST)
        wrong("a second mkdir: %s", strerror(errno));
    if (chdir("folder") || chdir("..") || rmdir("folder"))
        wrong("chdir, rmdir: %s", strerror(errno));
}

static void change_memory(void)
{
    size_t at = any(MEMORY / PAGE) * PAGE, size = (1 + any(8)) * PAGE;

    for (size_t i = 0; i < MEMORY; i += 512)
        if (my.memory[i] != my.fill)
            wrong("memory at %zu is 0x%02x, not 0x%02x", i, my.memory[i], my.fill);
    if (at + size > MEMORY)
        size = MEMORY - at;
    if (mmap(my.memory + at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0) == MAP_FAILED) {
        refused("mmap");
        return;
    }
    for (size_t i = 0; i < size; i++)
        if (my.memory[at + i])
            wrong("new memory is not zero");
    my.fill = (unsigned char)(1 + any(255));
    memset(my.memory, my.fill, MEMORY);
}

static void use_pipe(void)
{
    size_t count = 1 + any(4000);
    int ends[2];

    if (pipe(ends)) {
        refused("pipe");
        return;
    }
    for (size_t i = 0; i < count; i++)
        my.scratch[i] = (unsigned char)any(256);
    if (write(ends[1], my.scratch, count) != (ssize_t)count)
        wrong("write to a pipe: %s", strerror(errno));
    close(ends[1]);
    if (read(ends[0], my.scratch + count, count + 1) != (ssize_t)count)
        wrong("read from a pipe: %s", strerror(errno));
    check_bytes(my.scratch + count, my.scratch, count, 0);
    if (read(ends[0], my.scratch, 1) != 0)
        wrong("a pipe that nobody writes does not end");
    close(ends[0]);
}

/* What a child does with its copy of everything is not seen here. */
static void fork_child(void)
{
    unsigned char own[FORK_BYTES];
    int status, code = (int)any(256), mode = (int)any(4);
    pid_t pid;

    memset(own, my.fill, sizeof(own));
    pid = fork();
    if (pid == 0) {
        static char yes[] = "true", *words[] = {yes, NULL};

        memset(own, ~my.fill, sizeof(own));
        memset(my.memory, ~my.fill, MEMORY);
        if (mode == 0)
            execv("/bin/true", words);
        if (mode == 1)
            for (;;)
                sleep(1000);
        _exit(mode == 0 ? 99 : code);
    }
    if (pid < 0) {
        refused("fork");
        return;
    }
    if (mode == 1 && kill(pid, SIGKILL))
        wrong("kill: %s", strerror(errno));
    if (waitpid(pid, &status, 0) != pid)
        wrong("wait: %s", strerror(errno));
    if (mode == 1 ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL
                  : !WIFEXITED(status) || WEXITSTATUS(status) != (mode == 0 ? 0 : code))
        wrong("a child ended with 0x%x", (unsigned)status);
    for (size_t i = 0; i < sizeof(own); i++)
        if (own[i] != my.fill)
            wrong("a child changed its parent's memory");
}

static const struct operation {
    const char *name;
    void (*run)(void);
    unsigned share; /* of all, in parts of the sum */
} operations[] = {
    {"write", write_file, 8}, {"read", read_file, 8},       {"truncate", cut_file, 3},
    {"mmap", map_file, 2},    {"rename", rename_file, 2},   {"mkdir", make_folder, 2},
    {"pipe", use_pipe, 4},    {"memory", change_memory, 4}, {"fork", fork_child, 1},
};

static void run_one(void)
{
    unsigned long ticket = 0;
    const struct operation *choice = operations;

    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        ticket += operations[i].share;
    for (ticket = any(ticket); ticket >= choice->share; choice++)
        ticket -= choice->share;
    my.doing = choice->name;
    choice->run();
}

static void __attribute__((noreturn)) work(unsigned worker, unsigned long seed, unsigned long count)
{
    char folder[64];

    my.worker = worker;
    my.state = (seed * WORKERS + worker + 1) * 0x9e3779b97f4a7c15UL;
    my.doing = "start";
    snprintf(folder, sizeof(folder), "grind.%ld", (long)getpid());
    if (mkdir(folder, 0755) || chdir(folder))
        wrong("%s: %s", folder, strerror(errno));
    my.fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    my.contents = calloc(2, FILE_MAX);
    my.scratch = my.contents + FILE_MAX;
    my.memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (my.fd < 0 || !my.contents || my.memory == MAP_FAILED)
        wrong("%s", strerror(errno));
    for (; !count || my.operation < count; my.operation++)
        run_one();
    if (unlink("file") || chdir("..") || rmdir(folder))
        wrong("%s: %s", folder, strerror(errno));
    if (my.refused)
        printf("grind: process %u: %lu operations were refused for want of room\n", worker,
               my.refused);
    exit(fflush(stdout) ? 1 : 0);
}

static unsigned long number(const char *text, unsigned long least, unsigned long most)
{
    unsigned long value;

    if (!util_number(text, &value) || value < least || value > most)
        util_usage(usage);
    return value;
}

int main(int argc, char **argv)
{
    unsigned long count = 0, seed = 1, processes = 4;
    int option, status;

    util_begin(argv);
    while ((option = getopt(argc, argv, "n:s:p:d:")) != -1) {
        if (option == 'n')
            count = number(optarg, 1, -1UL);
        else if (option == 's')
            seed = number(optarg, 0, -1UL);
        else if (option == 'p')
            processes = number(optarg, 1, WORKERS);
        else if (option != 'd')
            util_usage(usage);
        else if (chdir(optarg)) {
            util_error(optarg);
            return 1;
        }
    }
    if (optind < argc)
        util_usage(usage);
    printf("grind: seed %lu, %lu processes\n", seed, processes);
    fflush(stdout);
    for (unsigned i = 0; i < processes; i++) {
        pid_t pid = fork();

        if (pid == 0)
            work(i, seed, count);
        if (pid < 0)
            util_error("fork");
    }
    while (wait(&status) > 0) {
        if (WIFSIGNALED(status))
            util_warn("a process was killed by signal %d", WTERMSIG(status));
        else if (WEXITSTATUS(status))
            util_status = 1;
    }
    if (!util_status)
        printf("grind: %lu operations, nothing was wrong\n", count * processes);
    return util_finish();
}
