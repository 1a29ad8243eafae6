/*
 * The core of the file system: an ext2 volume, read and write, as a library.
 * It is portable C: the file-system server links it for Banyan, the unit tests
 * for the host. All that it needs of the world are the hooks below.
 *
 * Locking. The caller enters every function with its one lock held (the "big
 * lock") and has it held on return. The core leaves it (hook unlock) only while
 * it waits for the device or for another thread; so every function here may
 * sleep unless it says otherwise. How the core stays consistent across those
 * moments is told in txn.h.
 *
 * Results are zero or positive, or a negated errno of kernel/errno.h. -EIO is a
 * device error, or a structure on the disk that cannot be right; after the
 * latter the volume is read-only, and every change gives -EROFS.
 *
 * Memory objects. The kernel caches the pages of open files and owns the size
 * of a file while an object for it lives. An object is named by a key: inode
 * number | generation << 32. The hooks object_* ask the kernel about it; where
 * there is none, -ENOENT says so and the inode's own size counts.
 */
#ifndef USER_FS_CORE_FS_H
#define USER_FS_CORE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/messages.h"

#define FS_ROOT_INO    2
#define FS_PAGE        4096
#define FS_PAGES_MAX   16   /* pages in one fs_page_in or fs_page_out */
#define FS_SECTOR      512  /* what the device hooks count in */
#define FS_SECTORS_MAX 128  /* in one call of a device hook */
#define FS_PATH_MAX    4096 /* bytes of a path and its end, symlinks spliced in */
#define FS_LINKS_MAX   40   /* symlinks followed in one path */

/* Open flags: picolibc's values. */
#define FS_O_ACCMODE   3
#define FS_O_RDONLY    0
#define FS_O_WRONLY    1
#define FS_O_RDWR      2
#define FS_O_CREAT     0x40
#define FS_O_TRUNC     0x200
#define FS_O_APPEND    0x400
#define FS_O_EXCL      0x800
#define FS_O_CLOEXEC   0x40000
#define FS_O_NOFOLLOW  0x100000
#define FS_O_DIRECTORY 0x200000

#define FS_TIME_NOW   (~0ul)     /* fs_utime: the present time */
#define FS_TIME_LEAVE (~0ul - 1) /* fs_utime: as it is */

struct fs;

/* What the kernel knows of a live memory object. */
struct fs_object {
    uint64_t size;
    uint64_t mtime_ns; /* last write by a program; 0 = none */
    unsigned mapped;   /* regions that map it */
    uint64_t resident; /* pages in memory */
    uint64_t cuts;     /* times that it became shorter */
};

enum fs_step { FS_PUBLISH, FS_PUBLISHED }; /* of a redo record: right before, right after */

struct fs_hooks {
    /* Device: whole sectors, at most FS_SECTORS_MAX; 0 or a negated errno. They
     * sleep, and are called with the big lock left. */
    int (*read)(void *context, uint64_t sector, unsigned count, void *buffer);
    int (*write)(void *context, uint64_t sector, unsigned count, const void *buffer);
    int (*flush)(void *context); /* everything written before is on the medium */

    /* The big lock. wait leaves it, sleeps until the next wake, and takes it
     * again; it may also return early. Where only one thread ever enters the
     * core, lock, unlock and wake do nothing and wait is never called. */
    void (*lock)(void *context);
    void (*unlock)(void *context);
    void (*wait)(void *context);
    void (*wake)(void *context);

    /* With the big lock held; must not wait for this file system. */
    uint64_t (*now_ns)(void *context);            /* since 1970 */
    void (*log)(void *context, const char *text); /* one line, no newline */
    int (*object_info)(void *context, uint64_t key, struct fs_object *info);
    int (*object_resize)(void *context, uint64_t key, uint64_t size);
    void (*object_discard)(void *context, uint64_t key);

    /* NULL, or the number of the request that the calling thread is handling, 0 if none:
     * asked when it is completed. A number is given once. The big lock is held. */
    uint64_t (*request)(void *context);
    /* NULL, or called at steps at which a death would matter (redo.h). The big lock is held. */
    void (*step)(void *context, enum fs_step step);
};

struct fs_params {
    uint64_t sectors;   /* of the device */
    size_t cache_bytes; /* for cached metadata blocks; at least 96 blocks are taken */
    size_t index_bytes; /* bound on the name indices of large directories */
    bool readonly;
    /* NULL, or memory that outlives this process, zeros the first time: its next instance
     * goes on from there (below). */
    void *state;
    size_t state_bytes;
    bool distrust; /* the last instances died of themselves before they were of any use */
};

/* A node that fs_open found or made. */
struct fs_node {
    uint32_t ino;
    uint32_t mode;
    uint32_t rdev; /* devices: major << 8 | minor */
    uint64_t key;
    uint64_t size; /* on the disk; the object's, if there is one, counts more */
};

struct fs_stats {
    uint64_t block_gets;   /* requests to the block cache */
    uint64_t device_reads; /* calls of the device hooks */
    uint64_t device_writes;
    uint64_t restarts; /* transactions run again, a block having been absent */
};

/* Checks the volume and makes *out; one whose superblock is nonsense is read-only, by a copy
 * of it. -EINVAL: not an ext2 volume; -EOPNOTSUPP: one with features that are not known (the
 * log names them), unless it was in use; -EIO; -ENOMEM. */
int fs_mount(const struct fs_hooks *hooks, void *context, const struct fs_params *params,
             struct fs **out);
/* Syncs and frees everything; sessions that are still open are forgotten. The
 * result is that of the sync; fs is gone in any case. */
int fs_unmount(struct fs *fs);
bool fs_readonly(const struct fs *fs);
const struct fs_stats *fs_stats(const struct fs *fs);

/* A server that dies, and its next instance. Who passes fs_params.state goes on after
 * fs_mount, before anything else, like this: fs_adopt for each session that clients have
 * still; fs_adopt_request for each request that was not answered; fs_adopted; fs_reserve for pages
 * that may be dirty. If the volume is read-only after this though it was not before, something that
 * programs were told was done is lost. */

/* One session more on the inode. Does not sleep. 0, -EINVAL, -ENOMEM. */
int fs_adopt(struct fs *fs, uint32_t ino);
/* The file that the request opened, if an earlier instance completed it, is kept until
 * fs_reopen. Does not sleep. 0, -ENOMEM. */
int fs_adopt_request(struct fs *fs, uint64_t number);
/* Those were all: frees files without names that nobody has open. 0 or -ENOMEM. */
int fs_adopted(struct fs *fs);
/* Whether an earlier instance completed that request, which may not have been answered;
 * then *key is that of the file it opened, or 0. It must not be done again, but answered
 * with success. Does not sleep. */
bool fs_completed(const struct fs *fs, uint64_t number, uint64_t *key);
/* The request was answered, or its client is dead. Sleeps as fs_close does. */
void fs_answered(struct fs *fs, uint64_t number);
/* Their files are kept no longer, but for these numbers: the clients of the others are dead.
 * Sleeps as fs_close does. */
void fs_release_requests(struct fs *fs, const uint64_t *numbers, unsigned count);
/* Opens again what a completed fs_open of these flags had opened. -ENOENT: it is no more. */
int fs_reopen(struct fs *fs, uint64_t number, uint64_t key, int flags, struct fs_node *out);

/* Names. A path has len bytes, no end mark, and is relative to directory dir, or
 * to the root if it starts with '/'. Where an empty path is allowed, it means
 * the inode dir itself. */

/* Opens or makes. On success the inode counts one more session, which lasts
 * until fs_close, and O_TRUNC has been done. */
int fs_open(struct fs *fs, uint32_t dir, const char *path, size_t len, int flags, unsigned mode,
            struct fs_node *out);
/* One session less. The inode of a file without names is freed with its last. */
void fs_close(struct fs *fs, uint32_t ino);
/* The node behind a session: type, device number. */
int fs_node(struct fs *fs, uint32_t ino, struct fs_node *out);
int fs_stat(struct fs *fs, uint32_t dir, const char *path, size_t len, bool nofollow,
            struct msg_stat *out); /* path may be empty */
/* Fills buffer with msg_dirent records from *cookie on, and moves *cookie.
 * Returns bytes; 0 at the end; -EINVAL if not even one record fits. */
int fs_readdir(struct fs *fs, uint32_t dir, uint64_t *cookie, void *buffer, size_t room);
int fs_mkdir(struct fs *fs, uint32_t dir, const char *path, size_t len, unsigned mode);
int fs_unlink(struct fs *fs, uint32_t dir, const char *path, size_t len, bool directory);
int fs_rename(struct fs *fs, uint32_t dir, const char *from, size_t from_len, const char *to,
              size_t to_len);
int fs_link(struct fs *fs, uint32_t dir, const char *from, size_t from_len, const char *to,
            size_t to_len);
int fs_symlink(struct fs *fs, uint32_t dir, const char *target, size_t target_len, const char *path,
               size_t len);
/* The text of a symlink, at most room bytes of it. Returns its bytes. */
int fs_readlink(struct fs *fs, uint32_t dir, const char *path, size_t len, char *buffer,
                size_t room);
int fs_truncate(struct fs *fs, uint32_t dir, const char *path, size_t len,
                uint64_t size); /* path may be empty */
int fs_chmod(struct fs *fs, uint32_t dir, const char *path, size_t len,
             unsigned mode); /* path may be empty */
int fs_utime(struct fs *fs, uint32_t dir, const char *path, size_t len, uint64_t atime_ns,
             uint64_t mtime_ns); /* path may be empty */
int fs_mknod(struct fs *fs, uint32_t dir, const char *path, size_t len, unsigned mode,
             unsigned rdev);
/* access: 4 read, 2 write, 1 execute. Path may be empty. */
int fs_access(struct fs *fs, uint32_t dir, const char *path, size_t len, unsigned access);
void fs_statfs(struct fs *fs, struct msg_statfs *out); /* does not sleep */
/* The absolute path of directory dir. Returns bytes; -ERANGE if room is short. */
int fs_getcwd(struct fs *fs, uint32_t dir, char *buffer, size_t room);

/* Pages. count pages from page first of the object named by key. -ENOENT: that
 * inode is no more. */

/* Reads into buffer, which has room for count pages; all of it is filled. Bit i
 * of *holes: page first + i is not wholly backed by blocks. Returns bytes; those
 * behind them are zero, for the file ends there. */
int fs_page_in(struct fs *fs, uint64_t key, uint64_t first, unsigned count, void *buffer,
               uint64_t *holes);
/* Stores len bytes of pages, len being cut at size, the file's size when they were
 * taken from its object; cuts was the object's then. data has room for count pages;
 * bytes behind len are set to zero. -EAGAIN: the object was cut since. */
int fs_page_out(struct fs *fs, uint64_t key, uint64_t first, unsigned count, uint64_t size,
                uint64_t cuts, void *data, size_t len);
/* Reserves the blocks that these pages lack. Returns pages reserved, or
 * -ENOSPC, -EFBIG, -EROFS, -EIO. */
long fs_reserve(struct fs *fs, uint64_t key, uint64_t first, uint64_t count, uint64_t size);

/* Durability. */
int fs_fsync(struct fs *fs, uint32_t ino);
int fs_sync(struct fs *fs);
/* What a timer should call every few seconds: writes dirty metadata back, or to the journal, frees
 * unlinked files whose last mapping has ended meanwhile, and gives up what was
 * reserved for pages that are in memory no more. */
int fs_write_back(struct fs *fs);
/* Whether fs_write_back has anything to do. Does not sleep. */
bool fs_dirty(const struct fs *fs);

#endif
