/* What is found on a volume: all names with their inodes, files with their bytes. */
#ifndef TEST_HOST_FS_CRASH_FOUND_H
#define TEST_HOST_FS_CRASH_FOUND_H

#include "test/host/fs_disk.h"

struct found_name {
    char *path; /* from the root */
    unsigned mode, nlink;
    uint32_t ino;
    uint64_t size;
    uint8_t *data; /* a file's bytes; a symlink's text, with an end mark */
};

struct found {
    struct found_name *name; /* sorted by strcmp */
    unsigned count;
    char trouble[600]; /* what could not be read */
};

/* Reads a mounted volume. What is in lost+found counts, the folder itself does not.
 * Returns 0, or a negated errno, with `trouble` told. found_free in any case. */
int found_read(struct disk *disk, struct found *found);
void found_free(struct found *found);

#endif
