/*
 * What the host tests of the file-system core share: images made by mke2fs and
 * checked by e2fsck, and hooks for the core that read and write them.
 *
 * An image is a file in a folder of its own, mapped into memory. The same options
 * give the same bytes each time and everywhere, so that a test does the same too.
 * The hooks count, and can be told to fail.
 */
#ifndef TEST_HOST_FS_DISK_H
#define TEST_HOST_FS_DISK_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kernel/errno.h"
#include "test/host/lib_check.h"
#include "test/host/lib_scratch.h"
#include "user/fs/core/fs.h"

struct disk {
    char folder[96], image[128];
    uint8_t *memory;
    uint64_t size;
    struct fs *fs;
    struct fs_hooks hooks;
    struct fs_params params;
    uint64_t now;    /* ns; moves on with each look */
    bool quiet;      /* no log */
    unsigned logged; /* lines */
    unsigned writes, flushes;
    unsigned fail_reads; /* one in so many fails; 0: none */
    unsigned fail_writes;
    unsigned fail_read_at; /* the so-maniest from now fails; 0: none */
    uint64_t random;
};

static int disk_read(void *context, uint64_t sector, unsigned count, void *buffer)
{
    struct disk *disk = context;

    if (count == 0 || count > FS_SECTORS_MAX || (sector + count) * FS_SECTOR > disk->size) {
        printf("# read of sectors %lu + %u, outside of the device\n", (unsigned long)sector, count);
        abort();
    }
    if (disk->fail_reads && check_random(&disk->random) % disk->fail_reads == 0)
        return -EIO;
    if (disk->fail_read_at && --disk->fail_read_at == 0)
        return -EIO;
    memcpy(buffer, disk->memory + sector * FS_SECTOR, (size_t)count * FS_SECTOR);
    return 0;
}

static int disk_write(void *context, uint64_t sector, unsigned count, const void *buffer)
{
    struct disk *disk = context;

    if (count == 0 || count > FS_SECTORS_MAX || (sector + count) * FS_SECTOR > disk->size) {
        printf("# write of sectors %lu + %u, outside of the device\n", (unsigned long)sector,
               count);
        abort();
    }
    if (disk->fail_writes && check_random(&disk->random) % disk->fail_writes == 0)
        return -EIO;
    disk->writes++;
    memcpy(disk->memory + sector * FS_SECTOR, buffer, (size_t)count * FS_SECTOR);
    return 0;
}

static int disk_flush(void *context)
{
    ((struct disk *)context)->flushes++;
    return 0;
}

static void disk_nothing(void *context)
{
    (void)context;
}

/* Only one thread is in the core: there is nobody to wait for. */
static void disk_wait(void *context)
{
    (void)context;
    printf("# the core waits for another thread, but there is none\n");
    abort();
}

static uint64_t disk_now(void *context)
{
    return ((struct disk *)context)->now += 1000003;
}

static void disk_log(void *context, const char *text)
{
    struct disk *disk = context;

    disk->logged++;
    if (!disk->quiet)
        printf("# fs: %s\n", text);
}

static int disk_object_info(void *context, uint64_t key, struct fs_object *info)
{
    (void)context, (void)key, (void)info;
    return -ENOENT;
}

static int disk_object_resize(void *context, uint64_t key, uint64_t size)
{
    (void)context, (void)key, (void)size;
    return -ENOENT;
}

static void disk_object_discard(void *context, uint64_t key)
{
    (void)context, (void)key;
}

/* Runs a command line made as by printf, its output thrown away unless it fails.
 * Returns its exit status. */
static inline int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int run(const char *format, ...)
{
    char command[1024], line[512];
    va_list args;
    FILE *pipe;
    int status;

    va_start(args, format);
    vsnprintf(command, sizeof(command) - 8, format, args);
    va_end(args);
    strcat(command, " 2>&1");
    pipe = popen(command, "r");
    if (pipe == NULL)
        return -1;
    char *output = NULL;
    size_t used = 0;
    while (fgets(line, sizeof(line), pipe)) {
        size_t len = strlen(line);

        output = realloc(output, used + len + 1);
        memcpy(output + used, line, len + 1);
        used += len;
    }
    status = pclose(pipe);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    if (status != 0) {
        printf("# %s: exit status %d\n", command, status);
        for (char *at = output; at && *at;) {
            char *end = strchr(at, '\n');

            printf("#   %.*s\n", end ? (int)(end - at) : (int)strlen(at), at);
            at = end ? end + 1 : NULL;
        }
    }
    free(output);
    return status;
}

static inline bool disk_tools(void)
{
    return system("PATH=$PATH:/sbin:/usr/sbin; command -v mke2fs e2fsck debugfs >/dev/null") == 0;
}

#define TOOL "PATH=$PATH:/sbin:/usr/sbin "

/* What mke2fs would else choose at random, or by the clock. */
#define DISK_UUID "62616e79-616e-4000-8000-000000000001"
#define DISK_SEED "62616e79-616e-4000-8000-000000000002"
#define DISK_TIME 1700000000ul

/* Makes an image of so many KiB with mke2fs and these options. */
static inline void disk_make(struct disk *disk, const char *options, unsigned long kib)
{
    int fd;

    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(disk, 0, sizeof(*disk));
    if (scratch_make(disk->folder, sizeof(disk->folder)) != 0)
        abort();
    snprintf(disk->image, sizeof(disk->image), "%s/image", disk->folder);
    if (run(TOOL "E2FSPROGS_FAKE_TIME=%lu mke2fs -q -F -t ext2 -U " DISK_UUID
                 " -E hash_seed=" DISK_SEED " %s %s %luK",
            DISK_TIME, options, disk->image, kib) != 0)
        abort();
    fd = open(disk->image, O_RDWR);
    disk->size = kib * 1024;
    if (fd < 0 || ftruncate(fd, disk->size) != 0)
        abort();
    disk->memory = mmap(NULL, disk->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (disk->memory == MAP_FAILED)
        abort();
    close(fd);
    disk->random = 0x1234567;
    disk->now = DISK_TIME * 1000000000ul;
    disk->params = (struct fs_params){
        .sectors = disk->size / FS_SECTOR, .cache_bytes = 256 << 10, .index_bytes = 512 << 10};
    disk->hooks = (struct fs_hooks){
        .read = disk_read,
        .write = disk_write,
        .flush = disk_flush,
        .lock = disk_nothing,
        .unlock = disk_nothing,
        .wait = disk_wait,
        .wake = disk_nothing,
        .now_ns = disk_now,
        .log = disk_log,
        .object_info = disk_object_info,
        .object_resize = disk_object_resize,
        .object_discard = disk_object_discard,
    };
}

static inline int disk_mount(struct disk *disk)
{
    int err = fs_mount(&disk->hooks, disk, &disk->params, &disk->fs);

    if (err)
        disk->fs = NULL;
    return err;
}

static inline int disk_unmount(struct disk *disk)
{
    int err = fs_unmount(disk->fs);

    disk->fs = NULL;
    return err;
}

/* What e2fsck says of the image: 0 is clean. */
static inline int disk_check(struct disk *disk)
{
    return run(TOOL "e2fsck -fn %s", disk->image);
}

static inline void disk_delete(struct disk *disk)
{
    munmap(disk->memory, disk->size);
    if (scratch_remove(disk->folder) != 0)
        abort();
}

/* Unmount, e2fsck, and away with it. */
static inline void disk_finish(struct disk *disk)
{
    CHECK(disk_unmount(disk) == 0);
    CHECK(disk_check(disk) == 0);
    disk_delete(disk);
}

/* ------------------------------------------- files, without a page cache */

#define P(path) (path), strlen(path)
#define ROOT    FS_ROOT_INO

/* From the root, on the one `disk` of a test. */
#define MKDIR(path)           fs_mkdir(disk.fs, ROOT, P(path), 0755)
#define UNLINK(path)          fs_unlink(disk.fs, ROOT, P(path), false)
#define RMDIR(path)           fs_unlink(disk.fs, ROOT, P(path), true)
#define RENAME(from, to)      fs_rename(disk.fs, ROOT, P(from), P(to))
#define LINK(from, to)        fs_link(disk.fs, ROOT, P(from), P(to))
#define SYMLINK(target, path) fs_symlink(disk.fs, ROOT, P(target), P(path))

static inline int file_open(struct disk *disk, const char *path, int flags, struct fs_node *node)
{
    return fs_open(disk->fs, ROOT, P(path), flags, 0644, node);
}

static inline uint64_t file_size(struct disk *disk, uint32_t ino)
{
    struct msg_stat stat;

    return fs_stat(disk->fs, ino, "", 0, false, &stat) == 0 ? stat.size : 0;
}

/* Writes straight through: page by page, read, changed, reserved, stored. */
static inline long file_write(struct disk *disk, const struct fs_node *node, uint64_t offset,
                              const void *data, size_t len)
{
    uint8_t page[FS_PAGE];
    uint64_t holes, size = file_size(disk, node->ino);
    size_t done = 0;

    if (size < offset + len)
        size = offset + len;
    while (done < len) {
        uint64_t no = (offset + done) / FS_PAGE;
        size_t at = (offset + done) % FS_PAGE;
        size_t n = len - done < FS_PAGE - at ? len - done : FS_PAGE - at;
        uint64_t end = size < (no + 1) * FS_PAGE ? size - no * FS_PAGE : FS_PAGE;
        long err = fs_page_in(disk->fs, node->key, no, 1, page, &holes);

        if (err >= 0) {
            memcpy(page + at, (const char *)data + done, n);
            err = fs_reserve(disk->fs, node->key, no, 1, size);
        }
        if (err >= 0)
            err = fs_page_out(disk->fs, node->key, no, 1, size, 0, page, end);
        if (err)
            return done ? (long)done : err;
        done += n;
    }
    return done;
}

static inline long file_read(struct disk *disk, const struct fs_node *node, uint64_t offset,
                             void *data, size_t len)
{
    uint8_t page[FS_PAGE];
    uint64_t holes, size = file_size(disk, node->ino);
    size_t done = 0;

    if (offset >= size)
        return 0;
    if (len > size - offset)
        len = size - offset;
    while (done < len) {
        size_t at = (offset + done) % FS_PAGE;
        size_t n = len - done < FS_PAGE - at ? len - done : FS_PAGE - at;
        int err = fs_page_in(disk->fs, node->key, (offset + done) / FS_PAGE, 1, page, &holes);

        if (err < 0)
            return err;
        memcpy((char *)data + done, page + at, n);
        done += n;
    }
    return done;
}

/* Bytes that tell where they stand. */
static inline void pattern(uint8_t *data, uint64_t offset, size_t len, unsigned salt)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (offset + i) * 131 + ((offset + i) >> 8) * 7 + ((offset + i) >> 16) + salt;
}

#endif
