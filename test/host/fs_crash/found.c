/* Reading a whole volume. See found.h. */
#include "test/host/fs_crash/found.h"

#define NAMES_MAX 4096      /* more than any workload makes: a tree without end */
#define BYTES_MAX (8 << 20) /* and of a file */

static int trouble(struct found *found, const char *what, const char *path, int err)
{
    snprintf(found->trouble, sizeof(found->trouble), "%s %.400s: error %d", what, path, -err);
    return err;
}

static int read_file(struct disk *disk, struct found *found, struct found_name *name)
{
    struct fs_node node;
    long got;
    int err = file_open(disk, name->path, FS_O_RDONLY, &node);

    if (err)
        return trouble(found, "open", name->path, err);
    name->data = malloc(name->size + 1);
    got = file_read(disk, &node, 0, name->data, name->size);
    fs_close(disk->fs, node.ino);
    if (got != (long)name->size)
        return trouble(found, "read", name->path, got < 0 ? (int)got : -EIO);
    return 0;
}

static int read_link(struct disk *disk, struct found *found, struct found_name *name)
{
    char text[FS_PATH_MAX + 1];
    int got = fs_readlink(disk->fs, FS_ROOT_INO, P(name->path), text, FS_PATH_MAX);

    if (got < 0)
        return trouble(found, "readlink", name->path, got);
    text[got] = 0;
    name->data = (uint8_t *)strdup(text);
    return 0;
}

static int read_dir(struct disk *disk, struct found *found, uint32_t ino, const char *path);

static int read_name(struct disk *disk, struct found *found, const char *path)
{
    struct found_name *name;
    struct msg_stat stat;
    unsigned type;
    int err = fs_stat(disk->fs, FS_ROOT_INO, P(path), true, &stat);

    if (err)
        return trouble(found, "stat", path, err);
    type = stat.mode & 0170000;
    if (found->count == NAMES_MAX || stat.size > BYTES_MAX)
        return trouble(found, "too much", path, -EFBIG);
    if (strcmp(path, "/lost+found") != 0) {
        name = &found->name[found->count++];
        *name = (struct found_name){.path = strdup(path),
                                    .mode = stat.mode,
                                    .nlink = stat.nlink,
                                    .ino = stat.ino,
                                    .size = stat.size};
        if (type == 0100000)
            err = read_file(disk, found, name);
        else if (type == 0120000)
            err = read_link(disk, found, name);
    }
    if (!err && type == 0040000)
        err = read_dir(disk, found, stat.ino, path);
    return err;
}

static int read_dir(struct disk *disk, struct found *found, uint32_t ino, const char *path)
{
    uint8_t buffer[2048];
    uint64_t cookie = 0;
    int bytes, err;

    if (strlen(path) > 300)
        return trouble(found, "too deep", path, -EFBIG);
    while ((bytes = fs_readdir(disk->fs, ino, &cookie, buffer, sizeof(buffer))) > 0) {
        for (int at = 0; at < bytes; at += ((struct msg_dirent *)(buffer + at))->length) {
            struct msg_dirent *entry = (struct msg_dirent *)(buffer + at);
            char inner[600];

            if (!strcmp(entry->name, ".") || !strcmp(entry->name, ".."))
                continue;
            snprintf(inner, sizeof(inner), "%s/%s", path, entry->name);
            err = read_name(disk, found, inner);
            if (err)
                return err;
        }
    }
    return bytes ? trouble(found, "list", path, bytes) : 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct found_name *)a)->path, ((const struct found_name *)b)->path);
}

int found_read(struct disk *disk, struct found *found)
{
    int err;

    memset(found, 0, sizeof(*found));
    found->name = calloc(NAMES_MAX, sizeof(*found->name));
    if (found->name == NULL)
        abort();
    err = read_dir(disk, found, FS_ROOT_INO, "");
    qsort(found->name, found->count, sizeof(*found->name), by_path);
    return err;
}

void found_free(struct found *found)
{
    for (unsigned i = 0; i < found->count; i++) {
        free(found->name[i].path);
        free(found->name[i].data);
    }
    free(found->name);
    memset(found, 0, sizeof(*found));
}
