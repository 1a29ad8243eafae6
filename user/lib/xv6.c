/*
 * xv6's calls where they differ from POSIX. See xv6/user/user.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/glue.h"

#define TICK_NS   100000000L
#define DIRECTORY 64 /* descriptors below this can be read as directories */

/* The layouts of user/include/xv6, which cannot be included here: their names are
 * those of other things. */
enum { XV6_DIR = 1, XV6_FILE = 2, XV6_DEVICE = 3, XV6_O_CREATE = 0x200, XV6_O_TRUNC = 0x400 };

struct xv6_stat {
    int dev;
    unsigned ino;
    short type, nlink;
    uint64_t size;
};

struct xv6_dirent {
    unsigned short inum;
    char name[14];
};

static DIR *directories[DIRECTORY]; /* those being read, by descriptor */

int xv6_wait(int *status)
{
    int raw = 0;
    pid_t pid = waitpid(-1, &raw, 0);

    if (pid >= 0 && status)
        *status = WIFEXITED(raw) && WEXITSTATUS(raw) != 255 ? WEXITSTATUS(raw) : -1;
    return pid;
}

int xv6_write(int fd, const void *bytes, int count)
{
    return count < 0 ? -1 : (int)write(fd, bytes, (size_t)count);
}

/* As many records as fit; 0 at the end. A record without a name has inum 0, so a
 * number whose low bits are 0 becomes another one. */
static int read_directory(int fd, struct xv6_dirent *records, int count)
{
    int room = count / (int)sizeof(*records), used = 0;
    const struct dirent *entry;

    if (!directories[fd]) {
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        directories[fd] = copy < 0 ? NULL : fdopendir(copy);
        if (!directories[fd]) {
            if (copy >= 0)
                close(copy);
            return -1;
        }
    }
    while (used < room && (entry = readdir(directories[fd]))) {
        struct xv6_dirent *record = &records[used++];

        record->inum = (unsigned short)entry->d_ino ? (unsigned short)entry->d_ino : 1;
        memset(record->name, 0, sizeof(record->name));
        memcpy(record->name, entry->d_name, strnlen(entry->d_name, sizeof(record->name)));
    }
    return used * (int)sizeof(*records);
}

int xv6_read(int fd, void *buffer, int count)
{
    struct stat info;

    if (count < 0)
        return -1;
    if (fd >= 0 && fd < DIRECTORY && !fstat(fd, &info) && S_ISDIR(info.st_mode))
        return read_directory(fd, buffer, count);
    return (int)read(fd, buffer, (size_t)count);
}

int xv6_close(int fd)
{
    if (fd >= 0 && fd < DIRECTORY && directories[fd]) {
        closedir(directories[fd]);
        directories[fd] = NULL;
    }
    return close(fd);
}

int xv6_kill(int pid)
{
    return pid > 0 ? kill(pid, SIGKILL) : -1;
}

int xv6_exec(const char *path, char **argv)
{
    execv(path, argv);
    if (!strchr(path, '/') && access(path, F_OK))
        execvp(path, argv);
    return -1;
}

int xv6_open(const char *path, int flags)
{
    int ours = (flags & 3) == 1 ? O_WRONLY : (flags & 3) == 2 ? O_RDWR : O_RDONLY;

    if (flags & XV6_O_CREATE)
        ours |= O_CREAT;
    if (flags & XV6_O_TRUNC)
        ours |= O_TRUNC;
    return open(path, ours, 0666);
}

int xv6_mknod(const char *path, short major, short minor)
{
    return mknod(path, S_IFCHR | 0666, makedev(major, minor));
}

/* xv6's takes directories too, if they are empty. */
int xv6_unlink(const char *path)
{
    struct stat info;

    if (!lstat(path, &info) && S_ISDIR(info.st_mode))
        return rmdir(path);
    return unlink(path);
}

static int translate(int result, const struct stat *info, struct xv6_stat *theirs)
{
    if (result)
        return -1;
    *theirs = (struct xv6_stat){
        .dev = (int)info->st_dev,
        .ino = (unsigned)info->st_ino,
        .type = S_ISDIR(info->st_mode)   ? XV6_DIR
                : S_ISREG(info->st_mode) ? XV6_FILE
                                         : XV6_DEVICE,
        .nlink = (short)info->st_nlink,
        .size = (uint64_t)info->st_size,
    };
    return 0;
}

int xv6_fstat(int fd, struct xv6_stat *theirs)
{
    struct stat info;

    return translate(fstat(fd, &info), &info, theirs);
}

int xv6_stat(const char *path, struct xv6_stat *theirs)
{
    struct stat info;

    return translate(stat(path, &info), &info, theirs);
}

int xv6_mkdir(const char *path)
{
    return mkdir(path, 0777);
}

char *xv6_sbrk(int bytes)
{
    return sbrk(bytes);
}

int xv6_sleep(int ticks)
{
    struct timespec span = {ticks / 10, ticks % 10 * TICK_NS};

    return ticks < 0 ? -1 : nanosleep(&span, NULL);
}

int xv6_uptime(void)
{
    return (int)(sys_clock(ABI_CLOCK_MONOTONIC) / TICK_NS);
}

void xv6_fprintf(int fd, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vdprintf(fd, format, args);
    va_end(args);
}

void xv6_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vdprintf(STDOUT_FILENO, format, args);
    va_end(args);
}

/* A line with its end; "" when there is none. */
char *xv6_gets(char *buffer, int max)
{
    int used = 0;
    char c;

    while (used + 1 < max && read(STDIN_FILENO, &c, 1) == 1) {
        buffer[used++] = c;
        if (c == '\n' || c == '\r')
            break;
    }
    buffer[used] = '\0';
    return buffer;
}

/* A 32-bit unsigned argument comes sign-extended in its register; these take it as
 * what it is. */
void *xv6_malloc(unsigned size)
{
    return malloc(size);
}

void *xv6_memset(void *at, int byte, unsigned count)
{
    return memset(at, byte, count);
}

void *xv6_memcpy(void *to, const void *from, unsigned count)
{
    return memcpy(to, from, count);
}

int xv6_memcmp(const void *a, const void *b, unsigned count)
{
    return memcmp(a, b, count);
}
