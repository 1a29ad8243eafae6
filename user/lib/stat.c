/*
 * What a file is: stat and its kin, access, modes, times, and the space of the
 * file system it is on.
 */
#include "user/lib/glue.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#define NS_PER_SECOND 1000000000l

static struct timespec stat_time(unsigned long ns)
{
    struct timespec ts = {
        .tv_sec = (time_t)(ns / NS_PER_SECOND),
        .tv_nsec = (long)(ns % NS_PER_SECOND),
    };

    return ts;
}

static void stat_fill(struct stat *st, const struct msg_stat *from)
{
    /* Field by field: with a memset of all it took 70 instructions more. */
    st->st_dev = 1;
    st->st_ino = from->ino;
    st->st_mode = from->mode;
    st->st_nlink = (nlink_t)from->nlink;
    st->st_uid = (uid_t)from->uid;
    st->st_gid = (gid_t)from->gid;
    st->st_rdev = from->rdev;
    st->st_size = (off_t)from->size;
    st->st_blksize = from->blksize;
    st->st_blocks = (blkcnt_t)from->blocks;
    st->st_spare4[0] = st->st_spare4[1] = 0;
    st->st_atim = stat_time(from->atime_ns);
    st->st_mtim = stat_time(from->mtime_ns);
    st->st_ctim = stat_time(from->ctime_ns);
}

/* The reply to MSG_STAT, whose request returned r. */
static long stat_finish(long r, const struct message *reply, struct stat *st)
{
    struct msg_stat from;

    if (r < 0)
        return r;
    memcpy(&from, reply->w, sizeof(from));
    if (!(from.mode & S_IFMT))
        return -EIO; /* a server that says yes to anything */
    stat_fill(st, &from);
    return 0;
}

static long stat_path(int dirfd, const char *path, struct stat *st, int nofollow)
{
    struct message m = GLUE_MESSAGE(MSG_STAT, nofollow, 0);
    long r = glue_path_request(dirfd, path, &m, 0);

    return stat_finish(r, &m, st);
}

/* What a handle says of itself when no server can be asked. */
static long stat_bare(unsigned mode, unsigned long size, struct stat *st)
{
    struct msg_stat from = {.mode = mode, .nlink = 1, .size = size, .blksize = PAGE_SIZE_ABI};

    stat_fill(st, &from);
    st->st_dev = 0;
    return 0;
}

static long stat_session(int fd, struct stat *st)
{
    struct message m = GLUE_MESSAGE(MSG_STAT, 0, 0);
    long r = glue_handle_request(fd, &m, 0);

    /* A server with no files is some device: it reads and writes, no more. */
    if (r == -ENOSYS || r == -EINVAL)
        return stat_bare(S_IFCHR | 0620, 0, st);
    return stat_finish(r, &m, st);
}

static long stat_handle(int fd, struct stat *st)
{
    struct abi_handle_info info;
    long err;

    if (fd == AT_FDCWD)
        fd = H_CWD;
    err = sys_handle_info(fd, &info);
    if (err < 0)
        return err;
    switch (info.type) {
    case HANDLE_SESSION:
        return stat_session(fd, st);
    case HANDLE_PIPE:
        return stat_bare(S_IFIFO | 0600, info.size, st);
    case HANDLE_OBJECT:
        return stat_bare(S_IFREG | 0600, info.size, st);
    default:
        return -EBADF;
    }
}

int stat(const char *restrict path, struct stat *restrict st)
{
    return (int)glue_result(stat_path(AT_FDCWD, path, st, 0));
}

int lstat(const char *restrict path, struct stat *restrict st)
{
    return (int)glue_result(stat_path(AT_FDCWD, path, st, 1));
}

int fstat(int fd, struct stat *st)
{
    return (int)glue_result(stat_handle(fd, st));
}

int fstatat(int dirfd, const char *restrict path, struct stat *restrict st, int flags)
{
    return (int)glue_result(stat_path(dirfd, path, st, (flags & AT_SYMLINK_NOFOLLOW) != 0));
}

/* ------------------------------------------------------------------ access */

int faccessat(int dirfd, const char *path, int mode, int flags)
{
    struct message m = GLUE_MESSAGE(MSG_ACCESS, mode, 0);

    (void)flags; /* real and effective user are one */
    if (mode & ~(R_OK | W_OK | X_OK))
        return (int)glue_result(-EINVAL);
    return (int)glue_result(glue_path_request(dirfd, path, &m, 0));
}

int access(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, 0);
}

int fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
    struct message m = GLUE_MESSAGE(MSG_CHMOD, mode & 07777, 0);

    if (flags)
        return (int)glue_result(-EOPNOTSUPP);
    return (int)glue_result(glue_path_request(dirfd, path, &m, 0));
}

int chmod(const char *path, mode_t mode)
{
    return fchmodat(AT_FDCWD, path, mode, 0);
}

int fchmod(int fd, mode_t mode)
{
    struct message m = GLUE_MESSAGE(MSG_CHMOD, mode & 07777, 0);

    return (int)glue_result(glue_handle_request(fd, &m, 0));
}

/* There is one user: giving a file to him changes nothing, to others fails. */
static long stat_give(long found, uid_t owner, gid_t group)
{
    if (found < 0)
        return found;
    if ((owner != 0 && owner != (uid_t)-1) || (group != 0 && group != (gid_t)-1))
        return -EPERM;
    return 0;
}

int chown(const char *path, uid_t owner, gid_t group)
{
    struct stat st;

    return (int)glue_result(stat_give(stat_path(AT_FDCWD, path, &st, 0), owner, group));
}

int lchown(const char *path, uid_t owner, gid_t group)
{
    struct stat st;

    return (int)glue_result(stat_give(stat_path(AT_FDCWD, path, &st, 1), owner, group));
}

int fchown(int fd, uid_t owner, gid_t group)
{
    struct stat st;

    return (int)glue_result(stat_give(stat_handle(fd, &st), owner, group));
}

/* ------------------------------------------------------------------- times */

/* One timespec as MSG_UTIME has it. False if it is none. */
static int stat_utime_word(const struct timespec *ts, unsigned long *word)
{
    if (!ts || ts->tv_nsec == UTIME_NOW)
        *word = ~0ul;
    else if (ts->tv_nsec == UTIME_OMIT)
        *word = ~0ul - 1;
    else if (ts->tv_nsec < 0 || ts->tv_nsec >= NS_PER_SECOND || ts->tv_sec < 0 ||
             ts->tv_sec > __LONG_MAX__ / NS_PER_SECOND - 1)
        return 0;
    else
        *word = (unsigned long)ts->tv_sec * NS_PER_SECOND + (unsigned long)ts->tv_nsec;
    return 1;
}

/* path 0: fd itself. */
static long stat_set_times(int fd, const char *path, const struct timespec times[2])
{
    struct message m = GLUE_MESSAGE(MSG_UTIME, 0, 0);

    if (!stat_utime_word(times ? &times[0] : 0, &m.w[1]) ||
        !stat_utime_word(times ? &times[1] : 0, &m.w[2]))
        return -EINVAL;
    return path ? glue_path_request(fd, path, &m, 0) : glue_handle_request(fd, &m, 0);
}

int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags)
{
    struct stat st;

    if (!path)
        return (int)glue_result(-EFAULT);
    if (flags & AT_SYMLINK_NOFOLLOW) {
        long err = stat_path(dirfd, path, &st, 1);
        /* The times of a link itself cannot be named in a message. */
        if (err == 0 && S_ISLNK(st.st_mode))
            err = -EOPNOTSUPP;
        if (err < 0)
            return (int)glue_result(err);
    }
    return (int)glue_result(stat_set_times(dirfd, path, times));
}

int futimens(int fd, const struct timespec times[2])
{
    return (int)glue_result(stat_set_times(fd, 0, times));
}

int utimes(const char *path, const struct timeval times[2])
{
    struct timespec ts[2];

    if (!times)
        return utimensat(AT_FDCWD, path, 0, 0);
    for (int i = 0; i < 2; i++) {
        if (times[i].tv_usec < 0 || times[i].tv_usec >= 1000000)
            return (int)glue_result(-EINVAL);
        ts[i].tv_sec = times[i].tv_sec;
        ts[i].tv_nsec = times[i].tv_usec * 1000;
    }
    return utimensat(AT_FDCWD, path, ts, 0);
}

int utime(const char *path, const struct utimbuf *times)
{
    struct timespec ts[2] = {0};

    if (!times)
        return utimensat(AT_FDCWD, path, 0, 0);
    ts[0].tv_sec = times->actime;
    ts[1].tv_sec = times->modtime;
    return utimensat(AT_FDCWD, path, ts, 0);
}

/* ------------------------------------------------------------- file system */

static long stat_statfs(int handle, struct statvfs *buf)
{
    struct msg_statfs from;
    struct message m = GLUE_MESSAGE(MSG_STATFS, 0, 0);
    struct ipc_ext ext = {.recv_addr = (unsigned long)&from, .recv_cap = sizeof(from)};
    long r = glue_handle_request(handle, &m, &ext);

    if (r < 0)
        return r;
    if (ext.recv_len != sizeof(from))
        return -EIO;
    memset(buf, 0, sizeof(*buf));
    buf->f_bsize = buf->f_frsize = from.block_size;
    buf->f_blocks = from.blocks;
    buf->f_bfree = buf->f_bavail = from.blocks_free;
    buf->f_files = from.inodes;
    buf->f_ffree = buf->f_favail = from.inodes_free;
    buf->f_namemax = NAME_MAX_ABI;
    return 0;
}

int fstatvfs(int fd, struct statvfs *buf)
{
    return (int)glue_result(stat_statfs(fd, buf));
}

int statvfs(const char *restrict path, struct statvfs *restrict buf)
{
    struct stat st;
    long err = stat_path(AT_FDCWD, path, &st, 0);

    /* One server serves every name, so any session of it will do. */
    if (err == 0)
        err = stat_statfs(glue_directory(AT_FDCWD, path), buf);
    return (int)glue_result(err);
}
