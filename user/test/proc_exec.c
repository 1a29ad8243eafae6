/*
 * exec: what a program gets and keeps, and what is not taken for a program.
 *
 * test: points=5
 */
#include "user/test/proc_util.h"
#include "kernel/lib/elf.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SELF "/test/proc_exec"
#define NAME "/tmp/proc_exec"

static char *const no_environment[] = {0};
static char *const *volatile nowhere = (char *const *)8;

/* This program again, as `argv[1]` says; the exit status, or 1000 + errno. */
static int run_self(char *const argv[], char *const envp[])
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execve(SELF, argv, envp);
        _exit(126);
    }
    status = reap(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* ------------------------------------------------------- the program run again */

static int check_arguments(int argc, char **argv)
{
    CHECK_IS(argc, 5);
    CHECK(strcmp(argv[2], "") == 0 && strcmp(argv[3], "two words") == 0);
    CHECK_IS(strlen(argv[4]), 50000);
    CHECK(argv[4][0] == 'a' && argv[4][49999] == 'a');
    CHECK(argv[5] == 0);
    CHECK(getenv("A") && strcmp(getenv("A"), "1") == 0);
    CHECK(getenv("B") && strcmp(getenv("B"), "") == 0);
    CHECK(environ[0] && environ[1] && !environ[2]);
    return 0;
}

/* argv[2..]: pid, group, parent, an open handle, a closed one. */
static int check_kept(char **argv)
{
    struct abi_handle_info info;
    static const int fixed[] = {H_ROOT, H_CWD, H_SYSTEM, H_TTY};

    CHECK_IS(getpid(), atoi(argv[2]));
    CHECK_IS(getpgid(0), atoi(argv[3]));
    CHECK_IS(getppid(), atoi(argv[4]));
    CHECK_IS(write(atoi(argv[5]), "kept", 4), 4);
    CHECK_IS(sys_close(atoi(argv[6])), -EBADF);
    for (unsigned i = 0; i < 4; i++)
        CHECK_IS(sys_handle_info(fixed[i], &info), 0);
    return 0;
}

static int again(int argc, char **argv)
{
    if (strcmp(argv[1], "arguments") == 0)
        return check_arguments(argc, argv);
    if (strcmp(argv[1], "kept") == 0)
        return check_kept(argv);
    if (strcmp(argv[1], "sleep") == 0)
        return sleep_long(0);
    return 42;
}

/* --------------------------------------------------------------------- tests */

static int arguments(void *unused)
{
    static char longest[50001];
    char *const argv[] = {"x", "arguments", "", "two words", longest, 0};
    char *const envp[] = {"A=1", "B=", 0};

    (void)unused;
    memset(longest, 'a', 50000);
    CHECK_IS(run_self(argv, envp), 0);
    return 0;
}

static int kept(void *unused)
{
    int fds[2], out[2];
    char pid[12], group[12], parent[12], open_[12], closed[12], got[8];
    char *const argv[] = {"x", "kept", pid, group, parent, open_, closed, 0};
    pid_t child;

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(sys_pipe(out, HANDLE_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        snprintf(pid, sizeof(pid), "%d", getpid());
        snprintf(group, sizeof(group), "%d", getpgid(0));
        snprintf(parent, sizeof(parent), "%d", getppid());
        snprintf(open_, sizeof(open_), "%d", fds[1]);
        snprintf(closed, sizeof(closed), "%d", out[1]);
        execve(SELF, argv, no_environment);
        _exit(126);
    }
    CHECK_IS(reap(child), 0);
    CHECK_IS(read(fds[0], got, 8), 4);
    CHECK_IS(close(out[1]), 0);
    CHECK_IS(read(out[0], got, 8), 0); /* the program had no copy left */
    return 0;
}

static int too_much(void *unused)
{
    static char big[ARG_MAX_ABI + 10];
    static char *many[5000];
    char *argv[] = {"x", big, 0};
    int fd = open(SELF, O_RDONLY);

    (void)unused;
    memset(big, 'b', sizeof(big) - 1);
    CHECK_IS(sys_exec(fd, argv, no_environment), -E2BIG);
    CHECK_IS(sys_exec(fd, no_environment, argv), -E2BIG);
    for (int i = 0; i < 4999; i++)
        many[i] = "y";
    CHECK_IS(sys_exec(fd, many, no_environment), -E2BIG);
    big[100000] = 0; /* together they are too much, one by one not */
    many[0] = many[1] = big;
    many[2] = 0;
    CHECK_IS(sys_exec(fd, many, no_environment), -E2BIG);
    CHECK_IS(sys_exec(fd, (char *const *)-4096l, no_environment), -EFAULT);
    CHECK_IS(sys_exec(fd, nowhere, no_environment), -EFAULT);
    argv[1] = (char *)-5l;
    CHECK_IS(sys_exec(fd, argv, no_environment), -EFAULT);
    return close(fd);
}

static int not_executable(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600), dir = open("/tmp", O_RDONLY);
    char *argv[] = {"x", 0};

    (void)unused;
    CHECK(fd >= 0 && dir >= 0);
    CHECK_IS(write(fd, "not a program", 13), 13);
    CHECK_IS(execve(NAME, argv, argv + 1), -1);
    CHECK_IS(errno, EACCES); /* no x bit */
    CHECK_IS(execve("/tmp", argv, argv + 1), -1);
    CHECK(errno == EACCES || errno == EISDIR);
    CHECK(sys_exec(dir, argv, argv + 1) < 0);
    CHECK_IS(execve("/none", argv, argv + 1), -1);
    CHECK_IS(errno, ENOENT);
    CHECK_IS(chmod(NAME, 0700), 0);
    CHECK_IS(execve(NAME, argv, argv + 1), -1);
    CHECK_IS(errno, ENOEXEC);
    CHECK_IS(ftruncate(fd, 0), 0);
    CHECK_IS(execve(NAME, argv, argv + 1), -1);
    CHECK_IS(errno, ENOEXEC);
    CHECK_IS(close(fd) + close(dir), 0);
    return unlink(NAME);
}

/* ---------------------------------------------------------------- bad programs */

/* A file of this size with one segment of text, which exits with 77 at once. */
struct image {
    struct elf_header header;
    struct elf_segment segments[3];
    unsigned code[40];
};

static struct image good(void)
{
    struct image im = {
        .header = {.ident = {0x7f, 'E', 'L', 'F', ELF_CLASS_64, ELF_DATA_LITTLE, 1},
                   .type = ELF_TYPE_EXEC,
                   .machine = ELF_MACHINE_RISCV,
                   .segment_count = 1,
                   .segment_size = sizeof(struct elf_segment),
                   .segments_offset = sizeof(struct elf_header)},
        .code = {0x04d00513 /* li a0, 77 */, 0x00500893 /* li a7, SYS_exit */, 0x00000073},
    };
    struct elf_segment text = {.type = ELF_SEGMENT_LOAD,
                               .flags = ELF_SEGMENT_R | ELF_SEGMENT_X,
                               .address = 0x10000,
                               .file_size = sizeof(im),
                               .memory_size = sizeof(im)};

    im.header.entry = 0x10000 + __builtin_offsetof(struct image, code);
    im.segments[0] = text;
    im.segments[1] = text;
    im.segments[2] = text;
    return im;
}

/* The status of exec of that image: what it died of, or -errno of exec. */
static int run_image(const struct image *im, unsigned long n)
{
    char *argv[] = {"image", 0};
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0700), status, why[2], error = 0;
    pid_t pid;

    if (write(fd, im, n) != (long)n || sys_pipe(why, HANDLE_CLOEXEC))
        return -999;
    close(fd);
    fd = open(NAME, O_RDONLY);
    pid = fork();
    if (pid == 0) {
        error = (int)sys_exec(fd, argv, argv + 1);
        write(why[1], &error, sizeof(error));
        _exit(1);
    }
    close(why[1]);
    status = reap(pid);
    if (read(why[0], &error, sizeof(error)) == sizeof(error))
        status = error;
    close(why[0]);
    close(fd);
    return status;
}

/* Each of these is one thing that is wrong. */
static void spoil(struct image *im, int what)
{
    struct elf_segment *s = &im->segments[0];

    switch (what) {
    case 0:
        im->header.ident[0] = 0x7e;
        break;
    case 1:
        im->header.ident[4] = 1;
        break;
    case 2:
        im->header.ident[5] = 2;
        break;
    case 3:
        im->header.machine = 62;
        break;
    case 4:
        im->header.type = 3;
        break;
    case 5:
        im->header.segment_count = 0;
        break;
    case 6:
        im->header.segment_count = 60000;
        break;
    case 7:
        im->header.segment_size = 8;
        break;
    case 8:
        im->header.segments_offset = 1ul << 40;
        break;
    case 9:
        im->header.segments_offset = ~0ul - 20;
        break;
    case 10:
        im->header.entry = 0x20000;
        break;
    case 11:
        im->header.entry++;
        break;
    case 12:
        im->header.entry = 0xffffffff80000000ul;
        break;
    case 13:
        s->flags |= ELF_SEGMENT_W;
        break;
    case 14:
        s->flags = ELF_SEGMENT_R;
        break; /* entry in no text */
    case 15:
        s->address = 0;
        break;
    case 16:
        s->address = 0xffffffc000000000ul;
        break;
    case 17:
        s->address = 0x3ffffff000ul;
        break;
    case 18:
        s->address += 8;
        break; /* not where the file has it */
    case 19:
        s->memory_size = 1ul << 40;
        break;
    case 20:
        s->memory_size = ~0ul;
        break;
    case 21:
        s->file_size = ~0ul;
        break;
    case 22:
        s->file_size = s->memory_size + 1;
        break;
    case 23:
        s->offset = ~0ul & ~4095ul;
        break;
    case 24:
        im->header.segment_count = 2;
        break; /* one on the other */
    case 25:
        im->header.segment_count = 2;
        im->segments[1].address = 0xffffffe000000000ul;
        break;
    case 26:
        s->type = 2;
        break; /* nothing to load */
    default:
        s->memory_size = s->file_size = 0;
    }
}

static int bad_programs(void *unused)
{
    struct image im = good();

    (void)unused;
    CHECK_IS(run_image(&im, sizeof(im)), 77 << 8);
    for (int i = 0; i <= 27; i++) {
        int got;
        im = good();
        spoil(&im, i);
        got = run_image(&im, sizeof(im));
        if (got != -ENOEXEC) {
            diag("defect %d: %d", i, got);
            CHECK(got < 0); /* another error is one, too, but no program */
            CHECK(got == -ENOMEM || got == -EINVAL);
        }
    }
    for (unsigned long n = 0; n < sizeof(im); n += 9) { /* cut short */
        int got;
        im = good();
        got = run_image(&im, n);
        CHECK_IS(got, -ENOEXEC);
    }
    return unlink(NAME);
}

/* All registers but sp are 0 at a program's start: it learns nothing of the one before it. */
static int registers(void *unused)
{
    struct image im = good();
    unsigned n = 0;

    (void)unused;
    for (unsigned r = 1; r < 32; r++) /* or a0, a0, r: all of them into a0 */
        if (r != 2 && r != 10)
            im.code[n++] = 0x00056533 | r << 20;
    im.code[n++] = 0x00a03533; /* snez a0, a0 */
    im.code[n++] = 0x04d50513; /* addi a0, a0, 77 */
    im.code[n++] = 0x00500893; /* li a7, SYS_exit */
    im.code[n++] = 0x00000073; /* ecall */
    CHECK(n <= sizeof(im.code) / sizeof(im.code[0]));
    CHECK_IS(run_image(&im, sizeof(im)), 77 << 8);
    return unlink(NAME);
}

/* Bytes turned at random: an error, or a program that dies or runs; never more. */
static int random_programs(void *unused)
{
    unsigned long random = 20240601;

    (void)unused;
    for (int i = 0; i < 150; i++) {
        struct image im = good();
        unsigned char *bytes = (unsigned char *)&im;
        for (unsigned long n = random_next(&random) % 4 + 1; n > 0; n--)
            bytes[random_next(&random) % (sizeof(im) - sizeof(im.code))] =
                (unsigned char)random_next(&random);
        CHECK(run_image(&im, sizeof(im)) != -999);
    }
    return unlink(NAME);
}

/* ------------------------------------------------------------------- the file */

static int copy_self(void)
{
    int from = open(SELF, O_RDONLY), to = open(NAME, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    static char data[16384];
    long n;

    CHECK(from >= 0 && to >= 0);
    while ((n = read(from, data, sizeof(data))) > 0)
        CHECK_IS(write(to, data, (unsigned long)n), n);
    return close(from) + close(to);
}

/* A program that runs can be run again, renamed and removed. */
static int while_it_runs(void *unused)
{
    char *const sleeper[] = {"x", "sleep", 0}, *const other[] = {"x", "other", 0};
    pid_t pid, second;

    (void)unused;
    CHECK_IS(copy_self(), 0);
    pid = fork();
    if (pid == 0) {
        execve(NAME, sleeper, no_environment);
        _exit(126);
    }
    CHECK(await_waiting(pid, "sleep"));
    second = fork();
    if (second == 0) {
        execve(NAME, other, no_environment);
        _exit(126);
    }
    CHECK_IS(reap(second), 42 << 8);
    CHECK_IS(rename(NAME, NAME ".moved"), 0);
    CHECK_IS(unlink(NAME ".moved"), 0);
    sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
    CHECK(is_waiting(pid, "sleep"));
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    return 0;
}

/* -------------------------------------------------------------------- threads */

static void *spinner(void *unused)
{
    (void)unused;
    for (volatile int i = 0;; i++)
        ;
    return 0;
}

static void *sleeper_thread(void *unused)
{
    sleep_long(unused);
    return 0;
}

static void *execer(void *unused)
{
    char *const argv[] = {"x", "other", 0};

    (void)unused;
    execve(SELF, argv, no_environment);
    return 0;
}

/* exec leaves one thread, that which called it, whatever the others do. */
static int exec_in_threads(void *from_thread)
{
    pthread_t t;

    for (int i = 0; i < 3; i++) {
        CHECK_IS(pthread_create(&t, 0, i % 2 ? spinner : sleeper_thread, 0), 0);
    }
    if (!from_thread)
        execer(0);
    CHECK_IS(pthread_create(&t, 0, execer, 0), 0);
    return sleep_long(0);
}

/* Two at once: one of them wins. */
static int exec_race(void *unused)
{
    pthread_t t;

    CHECK_IS(pthread_create(&t, 0, execer, 0), 0);
    execer(unused);
    return 1;
}

static int threads(void *unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++) {
        CHECK_IS(ktap_in_child(exec_in_threads, 0), 42 << 8);
        CHECK_IS(ktap_in_child(exec_in_threads, (void *)1), 42 << 8);
        CHECK_IS(ktap_in_child(exec_race, 0), 42 << 8);
    }
    return 0;
}

static const struct proc_test tests[] = {
    {arguments, "arguments and environment arrive as they are"},
    {kept, "what exec keeps, and CLOEXEC"},
    {too_much, "E2BIG, and bad vectors"},
    {not_executable, "files that may not be run, or are no program"},
    {bad_programs, "programs with one defect, or cut short"},
    {registers, "registers are 0 at the start"},
    {random_programs, "programs with bytes turned at random"},
    {while_it_runs, "a program run twice, renamed and removed while it runs"},
    {threads, "exec among threads"},
};

int main(int argc, char **argv)
{
    if (argc > 1)
        return again(argc, argv);
    return RUN_TESTS(tests);
}
