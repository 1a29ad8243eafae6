/*
 * picolibc's <sys/stat.h>, and the calls that it declares for some systems only.
 */
#ifndef BANYAN_SYS_STAT_H
#define BANYAN_SYS_STAT_H

#include_next <sys/stat.h>

/* tv_nsec of utimensat and futimens. */
#ifndef UTIME_NOW
#define UTIME_NOW  (-2L)
#define UTIME_OMIT (-1L)
#endif

int lstat(const char *__restrict path, struct stat *__restrict st);
int mknod(const char *path, mode_t mode, dev_t dev);
int fstatat(int dirfd, const char *__restrict path, struct stat *__restrict st, int flags);
int fchmodat(int dirfd, const char *path, mode_t mode, int flags);
int mkdirat(int dirfd, const char *path, mode_t mode);
int mknodat(int dirfd, const char *path, mode_t mode, dev_t dev);
int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags);
int futimens(int fd, const struct timespec times[2]);

/* What mknod's dev is made of: 8 bits of minor, the rest major. */
#define makedev(major, minor) ((dev_t)(((major) << 8) | ((minor)&0xff)))
#define major(dev)            ((unsigned)(dev) >> 8)
#define minor(dev)            ((unsigned)(dev)&0xff)

#endif
