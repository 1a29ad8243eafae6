/*
 * Everything that can be tried on a volume that may be broken: a volume with something of
 * everything, and operations on it, chosen at random or by the bytes of an input.
 */
#ifndef TEST_HOST_FS_TRIES_H
#define TEST_HOST_FS_TRIES_H

#include "test/host/fs_disk.h"

#define NAMES 40

static struct disk disk;
static uint8_t *good; /* the volume as it was */
static uint64_t seed;

/* If not NULL, what is picked is up to these, and nothing is left to pick at their end. */
static const uint8_t *choices, *choices_end;

static inline unsigned pick(unsigned n)
{
    unsigned word = 0;

    if (choices == NULL)
        return check_random(&seed) % n;
    for (unsigned left = n - 1; left && choices < choices_end; left >>= 8)
        word = word << 8 | *choices++;
    return word % n;
}

static inline void any_path(char *path)
{
    static const char *const dirs[] = {"", "d/", "d/e/", "big/", "d/back/", "s/"};

    sprintf(path, "%s%u", dirs[pick(6)], pick(NAMES));
    if (pick(10) == 0)
        sprintf(path, "%s",
                (const char *[]){"d", "d/e", "big", "large", "s", "long", "."}[pick(7)]);
}

/* A volume with something of everything. */
static inline void populate(void)
{
    static uint8_t data[300000];
    struct fs_node node;
    char path[300];

    pattern(data, 0, sizeof(data), 1);
    CHECK(fs_mkdir(disk.fs, ROOT, P("d"), 0755) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("d/e"), 0755) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("big"), 0755) == 0);
    CHECK(fs_symlink(disk.fs, ROOT, P("../d/e"), P("d/back")) == 0);
    CHECK(fs_symlink(disk.fs, ROOT, P("d"), P("s")) == 0);
    CHECK(fs_symlink(disk.fs, ROOT, (char *)memset(path, 'l', 200), 200, P("long")) == 0);
    CHECK(file_open(&disk, "large", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    CHECK(file_write(&disk, &node, 0, data, sizeof(data)) == sizeof(data));
    CHECK(file_write(&disk, &node, 70 << 20, data, 9) == 9);
    fs_close(disk.fs, node.ino);
    for (int i = 0; i < 150; i++) {
        sprintf(path, "big/%d%0*d", i % NAMES, i < NAMES ? 0 : 3 + i % 90, i);
        if (file_open(&disk, path, FS_O_RDWR | FS_O_CREAT, &node) == 0) {
            file_write(&disk, &node, 0, data, 1 + i * 50);
            fs_close(disk.fs, node.ino);
        }
    }
}

static inline void try_file(const char *path)
{
    static uint8_t pages[FS_PAGES_MAX * FS_PAGE];
    struct fs_node node;
    uint64_t holes, page = pick(2) ? pick(80) : pick(20000);
    unsigned count = 1 + pick(FS_PAGES_MAX);

    if (file_open(&disk, path, FS_O_RDWR | (pick(2) ? FS_O_CREAT : 0), &node) != 0)
        return;
    fs_page_in(disk.fs, node.key, page, count, pages, &holes);
    if (pick(2)) {
        uint64_t size = (page + count) * FS_PAGE - pick(FS_PAGE);

        if (fs_reserve(disk.fs, node.key, page, count, size) == (long)count)
            fs_page_out(disk.fs, node.key, page, count, size, 0, pages, size - page * FS_PAGE);
    }
    if (pick(3) == 0)
        fs_truncate(disk.fs, node.ino, "", 0, pick(2) ? pick(400000) : 0);
    if (pick(3) == 0)
        fs_unlink(disk.fs, ROOT, P(path), false);
    fs_close(disk.fs, node.ino);
}

static inline void try_dir(const char *path)
{
    static uint8_t buffer[8192];
    struct msg_stat stat;
    uint64_t cookie = 0;

    if (fs_stat(disk.fs, ROOT, P(path), false, &stat) != 0)
        return;
    fs_getcwd(disk.fs, stat.ino, (char *)buffer, sizeof(buffer));
    for (unsigned i = 0; i < 200; i++)
        if (fs_readdir(disk.fs, stat.ino, &cookie, buffer, sizeof(buffer)) <= 0)
            break;
}

static inline void try_something(void)
{
    char path[300], other[300], text[300];

    any_path(path);
    any_path(other);
    switch (pick(9)) {
    case 0:
        fs_mkdir(disk.fs, ROOT, P(path), 0755);
        break;
    case 1:
        fs_unlink(disk.fs, ROOT, P(path), pick(2));
        break;
    case 2:
        fs_rename(disk.fs, ROOT, P(path), P(other));
        break;
    case 3:
        fs_link(disk.fs, ROOT, P(path), P(other));
        break;
    case 4:
        fs_symlink(disk.fs, ROOT, P("x"), P(path));
        fs_readlink(disk.fs, ROOT, P(other), text, sizeof(text));
        break;
    case 5:
        fs_chmod(disk.fs, ROOT, P(path), 0700);
        if (pick(10) == 0)
            fs_sync(disk.fs);
        break;
    case 6:
        try_dir(path);
        break;
    default:
        try_file(path);
    }
}

static inline void make_good(const char *options, unsigned kib)
{
    disk_make(&disk, options, kib);
    CHECK(disk_mount(&disk) == 0);
    populate();
    CHECK(disk_unmount(&disk) == 0 && disk_check(&disk) == 0);
    good = malloc(disk.size);
    memcpy(good, disk.memory, disk.size);
}

/* As it is when the power fails: much of what was changed is in the log only. */
static inline void leave_log(void)
{
    struct fs_node node;

    CHECK(disk_mount(&disk) == 0);
    CHECK(fs_mkdir(disk.fs, ROOT, P("logged"), 0755) == 0);
    CHECK(fs_rename(disk.fs, ROOT, P("d"), P("logged/d")) == 0);
    CHECK(fs_write_back(disk.fs) == 0);
    CHECK(fs_truncate(disk.fs, ROOT, P("large"), 100000) == 0);
    CHECK(fs_unlink(disk.fs, ROOT, P("long"), false) == 0);
    CHECK(file_open(&disk, "open", FS_O_RDWR | FS_O_CREAT, &node) == 0);
    CHECK(fs_unlink(disk.fs, ROOT, P("open"), false) == 0);
    CHECK(fs_write_back(disk.fs) == 0);
    memcpy(good, disk.memory, disk.size);
    fs_close(disk.fs, node.ino);
    CHECK(disk_unmount(&disk) == 0);
}

/* The blocks whose bytes are worth changing: those that are not file data. */
static uint32_t metadata[4096], metadata_count;

static inline void find_metadata(unsigned block)
{
    uint8_t *flat = calloc(1, block);

    metadata_count = 0;
    for (uint64_t no = 0; no < disk.size / block && metadata_count < 4096; no++) {
        const uint8_t *data = good + no * block;
        uint8_t expected[64];

        /* File data hold a pattern that goes up by 131 from byte to byte. */
        for (unsigned i = 0; i < sizeof(expected); i++)
            expected[i] = data[0] + 131 * i;
        if (memcmp(data, flat, block) && memcmp(data, expected, sizeof(expected)))
            metadata[metadata_count++] = no;
    }
    free(flat);
}

#endif
