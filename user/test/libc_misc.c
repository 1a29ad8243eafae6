/*
 * errno and its texts, descriptors, sysconf, setjmp, terminals as a program asks
 * for them.
 *
 * test: points=2 cpus=1,2
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>

#define NAME "/tmp/libc_misc"

static int fails(long result, int error)
{
    if (result == -1 && errno == error)
        return 1;
    dprintf(2, "# result %ld, errno %d, not %d\n", result, errno, error);
    return 0;
}

/* Each call sets errno to what POSIX says, and success leaves it alone. */
static int error_numbers(void *unused)
{
    static char long_name[PATH_MAX + 10];
    struct stat st;
    char b[8];
    int fd;

    (void)unused;
    memset(long_name, 'n', sizeof(long_name) - 1);
    CHECK(fails(open("/none", O_RDONLY), ENOENT) && fails(open("", O_RDONLY), ENOENT));
    CHECK(fails(open("/README/x", O_RDONLY), ENOTDIR) && fails(open("/tmp", O_WRONLY), EISDIR));
    CHECK(fails(open(long_name, O_RDONLY), ENAMETOOLONG) &&
          fails(stat(long_name, &st), ENAMETOOLONG));
    CHECK(fails(mkdir("/tmp", 0755), EEXIST) && fails(rmdir("/test"), ENOTEMPTY));
    CHECK(fails(read(555, b, 1), EBADF) && fails(close(-1), EBADF) && fails(close(555), EBADF));
    CHECK(fails(lseek(1, 0, SEEK_SET), ESPIPE) && fails(kill(999999, 0), ESRCH));
    CHECK(fails(kill(getpid(), 999), EINVAL) && fails(waitpid(-1, 0, 0), ECHILD));
    CHECK(fails(waitpid(-1, 0, 0x4000), EINVAL) && fails(ioctl(1, 0x1234, 0), ENOTTY));
    CHECK(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == EINVAL);
    unlink(NAME); /* of a run that failed */
    fd = open(NAME, O_RDWR | O_CREAT | O_EXCL, 0644);
    CHECK(fd >= 0 && fails(open(NAME, O_CREAT | O_EXCL, 0644), EEXIST));
    CHECK(fails(lseek(fd, -1, SEEK_SET), EINVAL) && fails(pread(fd, b, 1, -1), EINVAL));
    CHECK(fails(ftruncate(fd, -1), EINVAL) && fails(readlink(NAME, b, 8), EINVAL));
    errno = 77;
    free(malloc(9));
    CHECK(write(fd, "x", 1) == 1 && stat(NAME, &st) == 0 && errno == 77);
    CHECK(close(fd) == 0 && unlink(NAME) == 0 && errno == 77);
    return 0;
}

static int error_texts(void *unused)
{
    static const int errors[] = {EPERM,     ENOENT, ESRCH,  EIO,     EBADF,  ENOMEM,
                                 EACCES,    EEXIST, EXDEV,  EINVAL,  EMFILE, ENOSPC,
                                 ENOTEMPTY, EPIPE,  ERANGE, ENOTDIR, EISDIR, ENOTTY,
                                 ESPIPE,    EROFS,  ENOSYS, ELOOP,   EFBIG,  ETIMEDOUT};
    char b[100] = {0};
    int ends[2], saved = dup(2);

    (void)unused;
    for (unsigned i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        char *text = strdup(strerror(errors[i]));
        CHECK(text && text[0] != '\0');
        for (unsigned j = 0; j < i; j++)
            CHECK(strcmp(text, strerror(errors[j])) != 0);
        free(text);
    }
    CHECK(strcmp(strerror(ENOENT), "No such file or directory") == 0 && strerror(12345));
    CHECK(pipe(ends) == 0 && dup2(ends[1], 2) == 2);
    errno = EACCES;
    perror("who");
    CHECK(dup2(saved, 2) == 2 && read(ends[0], b, sizeof(b) - 1) > 0);
    CHECK(strcmp(b, "who: Permission denied\n") == 0);
    return 0;
}

static int descriptors(void *unused)
{
    int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0644), copy, high;
    char b[8] = {0};

    (void)unused;
    CHECK(fd >= 0);
    copy = dup(fd);
    CHECK(copy > fd && write(fd, "abc", 3) == 3 && lseek(copy, 0, SEEK_CUR) == 3); /* one place */
    high = fcntl(fd, F_DUPFD, 100);
    CHECK(high >= 100 && fcntl(high, F_GETFD) == 0);
    CHECK(dup2(fd, fd) == fd && dup2(fd, copy) == copy && fails(dup2(fd, -2), EBADF));
    CHECK(fails(dup3(fd, fd, 0), EINVAL) && dup3(fd, copy, O_CLOEXEC) == copy);
    CHECK_IS(fcntl(copy, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(copy, F_SETFD, 0) == 0 && fcntl(copy, F_GETFD) == 0);
    CHECK_IS(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0 && (fcntl(fd, F_GETFL) & O_APPEND));
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "d", 1) == 1);
    CHECK(pread(fd, b, 7, 0) == 4 && strcmp(b, "abcd") == 0);
    CHECK(fails(fcntl(fd, F_SETFL, O_NONBLOCK), EINVAL) && fails(fcntl(555, F_GETFD), EBADF));
    CHECK(close(fd) == 0 && close(copy) == 0 && close(high) == 0);
    return unlink(NAME);
}

static int mask(void *unused)
{
    struct stat st;
    mode_t old = umask(077);

    (void)unused;
    CHECK_IS(old, 022);
    unlink(NAME);
    CHECK_IS(close(open(NAME, O_WRONLY | O_CREAT, 0666)), 0);
    CHECK(stat(NAME, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_IS(umask(old), 077);
    return unlink(NAME);
}

static int limits(void *unused)
{
    char host[32];

    (void)unused;
    CHECK_IS(sysconf(_SC_PAGESIZE), 4096);
    CHECK_IS(getpagesize(), 4096);
    CHECK_IS(sysconf(_SC_OPEN_MAX), OPEN_MAX);
    CHECK_IS(sysconf(_SC_ARG_MAX), ARG_MAX);
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(_SC_NPROCESSORS_ONLN) <= 8);
    CHECK(sysconf(_SC_PHYS_PAGES) > 1000 && sysconf(_SC_AVPHYS_PAGES) < sysconf(_SC_PHYS_PAGES));
    CHECK(sysconf(_SC_AVPHYS_PAGES) > 0 && sysconf(_SC_CLK_TCK) > 0);
    errno = 0;
    CHECK(fails(sysconf(-5), EINVAL));
    CHECK(pathconf("/", _PC_NAME_MAX) == NAME_MAX && fpathconf(1, _PC_PIPE_BUF) == PIPE_BUF);
    CHECK(fails(pathconf("/", -5), EINVAL));
    CHECK(gethostname(host, sizeof(host)) == 0 && strcmp(host, "banyan") == 0);
    CHECK(fails(gethostname(host, 3), ENAMETOOLONG));
    CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0 && fails(setuid(1), EPERM));
    return 0;
}

/* ----------------------------------------------------------------- setjmp */

static jmp_buf place;

static void jump_from_deep(int depth, int value)
{
    volatile char room[64];

    memset((char *)room, depth, sizeof(room));
    if (depth > 0)
        jump_from_deep(depth - 1, value);
    else if (value >= 0)
        longjmp(place, value);
    room[0]++; /* so that the call above is one */
}

/* Values come through, registers of both kinds are as they were. */
static int jumps(void *unused)
{
    volatile int times = 0;
    volatile double sum = 0;
    double kept = 1.25;
    long also_kept = 99;
    int value;

    (void)unused;
    __asm__("" : "+f"(kept), "+r"(also_kept));
    value = setjmp(place);
    times++;
    sum += kept;
    if (times < 5)
        jump_from_deep(10 * times, times == 1 ? 0 : times);
    CHECK_IS(value, 4);
    CHECK_IS(times, 5);
    CHECK(sum == 5 * 1.25 && also_kept == 99);
    times = 0;
    value = setjmp(place);
    if (times++ == 0)
        longjmp(place, 0); /* which must come out as 1 */
    CHECK_IS(value, 1);
    return 0;
}

/* --------------------------------------------------------------- terminals */

static int terminals(void *unused)
{
    struct termios t, raw;
    struct winsize size;
    int ends[2], tty = open("/dev/tty", O_RDWR), null = open("/dev/null", O_RDWR);
    int file = open(NAME, O_RDWR | O_CREAT, 0644);

    (void)unused;
    CHECK(tty >= 0 && null >= 0 && file >= 0 && pipe(ends) == 0);
    CHECK(isatty(tty) && strcmp(ttyname(tty), "/dev/tty") == 0);
    CHECK(!isatty(file) && errno == ENOTTY && !isatty(null) && errno == ENOTTY);
    CHECK(!isatty(ends[0]) && errno == ENOTTY && !isatty(555) && errno == EBADF && !ttyname(file));
    CHECK(fails(tcsetattr(file, TCSANOW, &t), ENOTTY) && fails(tcgetpgrp(file), ENOTTY));
    CHECK(fails(ioctl(file, TIOCGWINSZ, &size), ENOTTY) && fails(tcdrain(null), ENOTTY));
    CHECK_IS(tcgetattr(tty, &t), 0);
    raw = t;
    cfmakeraw(&raw);
    CHECK((raw.c_lflag & (ICANON | ECHO | ISIG)) == 0 && raw.c_cc[VMIN] == 1);
    CHECK(tcsetattr(tty, TCSADRAIN, &raw) == 0 && tcgetattr(tty, &raw) == 0);
    CHECK_IS(raw.c_lflag & (ICANON | ECHO | ISIG), 0);
    CHECK_IS(tcsetattr(tty, TCSANOW, &t), 0);
    CHECK(tcflush(tty, TCIFLUSH) == 0 && fails(tcflush(tty, 99), EINVAL));
    CHECK(tcgetattr(tty, &raw) == 0 && raw.c_lflag == t.c_lflag);
    CHECK(ioctl(tty, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0);
    CHECK(write(tty, "# by /dev/tty\n", 14) == 14 && tcdrain(tty) == 0);
    return unlink(NAME);
}

static const struct proc_test tests[] = {
    {error_numbers, "errno after what failed, and after what did not"},
    {error_texts, "strerror and perror"},
    {descriptors, "dup, dup2, dup3, fcntl"},
    {mask, "umask"},
    {limits, "sysconf, pathconf and what else can be asked"},
    {jumps, "setjmp and longjmp"},
    {terminals, "isatty, termios, what is no terminal"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
