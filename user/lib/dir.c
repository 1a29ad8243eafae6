/*
 * Directory streams, over MSG_READDIR.
 *
 * A stream holds one reply of the server at a time and unpacks it entry by
 * entry. A record that does not fit its reply ends the stream with EIO, and so does a
 * reply that leads back: the server's word is not taken for where memory ends, nor for
 * there being an end.
 */
#include "user/lib/glue.h"
#include "user/lib/lock.h"

#include <stddef.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_ROOM 8192

struct banyan_dir {
    int fd;
    struct __lock lock;
    unsigned long cookie; /* of the reply after the one in records */
    unsigned long at;     /* cookie of the entry that comes next */
    size_t len, off;      /* bytes in records, and gone through */
    struct dirent entry;
    unsigned long records[DIR_ROOM / sizeof(unsigned long)];
};

static DIR *dir_make(int fd)
{
    DIR *dir = malloc(sizeof(*dir));

    if (!dir)
        return 0;
    dir->fd = fd;
    memset(&dir->lock, 0, sizeof(dir->lock));
    dir->cookie = dir->at = 0;
    dir->len = dir->off = 0;
    return dir;
}

DIR *opendir(const char *path)
{
    long fd = glue_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *dir;

    if (fd < 0) {
        errno = (int)-fd;
        return 0;
    }
    dir = dir_make((int)fd);
    if (!dir)
        sys_close((int)fd);
    return dir;
}

DIR *fdopendir(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return 0;
    }
    return dir_make(fd);
}

int closedir(DIR *dir)
{
    int fd = dir->fd;

    free(dir);
    return close(fd);
}

int fdclosedir(DIR *dir)
{
    int fd = dir->fd;

    free(dir);
    return fd;
}

int dirfd(DIR *dir)
{
    return dir->fd;
}

/* Ask for the next reply. Returns its bytes, 0 at the end, or -errno. */
static long dir_fill(DIR *dir)
{
    struct message m = GLUE_MESSAGE(MSG_READDIR, dir->cookie, DIR_ROOM);
    struct ipc_ext ext = {.recv_addr = (unsigned long)dir->records, .recv_cap = DIR_ROOM};
    long r = glue_handle_request(dir->fd, &m, &ext);

    if (r < 0)
        return r;
    if (ext.recv_len && m.w[1] <= dir->cookie) /* it would never end */
        return -EIO;
    dir->off = 0;
    dir->len = ext.recv_len;
    dir->cookie = m.w[1];
    return (long)dir->len;
}

/* The next record, or 0: at the end with *err 0, else with a negated errno. */
static const struct msg_dirent *dir_next(DIR *dir, long *err)
{
    const struct msg_dirent *record;
    size_t left;

    *err = 0;
    if (dir->off >= dir->len) {
        *err = dir_fill(dir);
        if (*err <= 0)
            return 0;
    }
    record = (const struct msg_dirent *)((const char *)dir->records + dir->off);
    left = dir->len - dir->off;
    if (left < sizeof(*record) || record->length > left ||
        record->length < offsetof(struct msg_dirent, name) + record->name_len + 1u ||
        record->length % 8 != 0) {
        dir->len = dir->off = 0;
        *err = -EIO;
        return 0;
    }
    *err = 0;
    dir->off += record->length;
    dir->at = record->cookie;
    return record;
}

static void dir_convert(struct dirent *entry, const struct msg_dirent *record)
{
    entry->d_ino = record->ino;
    entry->d_off = (off_t)record->cookie;
    entry->d_type = record->type;
    entry->d_reclen = (unsigned short)(offsetof(struct dirent, d_name) + record->name_len + 1);
    memcpy(entry->d_name, record->name, record->name_len);
    entry->d_name[record->name_len] = '\0';
}

struct dirent *readdir(DIR *dir)
{
    const struct msg_dirent *record;
    long err;

    lock_acquire(&dir->lock);
    record = dir_next(dir, &err);
    if (record)
        dir_convert(&dir->entry, record);
    else if (err < 0)
        errno = (int)-err;
    lock_release(&dir->lock);
    return record ? &dir->entry : 0;
}

int readdir_r(DIR *restrict dir, struct dirent *restrict entry, struct dirent **restrict result)
{
    const struct msg_dirent *record;
    long err;

    lock_acquire(&dir->lock);
    record = dir_next(dir, &err);
    if (record)
        dir_convert(entry, record);
    lock_release(&dir->lock);
    *result = record ? entry : 0;
    return (int)-err;
}

void seekdir(DIR *dir, long where)
{
    lock_acquire(&dir->lock);
    dir->cookie = dir->at = (unsigned long)where;
    dir->len = dir->off = 0;
    lock_release(&dir->lock);
}

long telldir(DIR *dir)
{
    return (long)dir->at;
}

void rewinddir(DIR *dir)
{
    seekdir(dir, 0);
}

/* ------------------------------------------------------------------ scandir */

int alphasort(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

struct dir_list {
    struct dirent **entries;
    size_t count, room;
};

static int dir_list_add(struct dir_list *list, const struct dirent *entry)
{
    struct dirent *copy;

    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        struct dirent **grown = realloc(list->entries, room * sizeof(struct dirent *));
        if (!grown)
            return -1;
        list->entries = grown;
        list->room = room;
    }
    copy = malloc(entry->d_reclen);
    if (!copy)
        return -1;
    memcpy(copy, entry, entry->d_reclen);
    list->entries[list->count++] = copy;
    return 0;
}

static int dir_list_read(DIR *dir, struct dir_list *list, int (*want)(const struct dirent *))
{
    struct dirent *entry;

    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (!entry)
            return errno ? -1 : 0;
        if ((!want || want(entry)) && dir_list_add(list, entry) < 0)
            return -1;
    }
}

int scandir(const char *path, struct dirent ***result, int (*want)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    struct dir_list list = {0};
    DIR *dir = opendir(path);
    int saved = errno;
    int err;

    if (!dir)
        return -1;
    err = dir_list_read(dir, &list, want);
    if (err < 0)
        saved = errno;
    closedir(dir);
    errno = saved;
    if (err < 0) {
        while (list.count > 0)
            free(list.entries[--list.count]);
        free(list.entries);
        return -1;
    }
    if (compare && list.count > 1)
        qsort(list.entries, list.count, sizeof(struct dirent *),
              (int (*)(const void *, const void *))compare);
    *result = list.entries;
    return (int)list.count;
}
