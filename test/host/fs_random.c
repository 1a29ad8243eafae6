/*
 * The file-system core against a model: random operations in sequences, each from
 * a seed that is printed, on small volumes that also run full, with a page cache
 * that stores late and out of order. Results and contents are those of a plain
 * tree in memory; after each sequence the volume is clean to e2fsck and, mounted
 * anew, still holds the tree.
 *
 * host-test: user/fs/core/
 */
#include "test/host/fs_kernel.h"

enum type { FILE_NODE, DIR_NODE, LINK_NODE };

struct node {
    enum type type;
    unsigned links; /* names; of a directory: subdirectories */
    unsigned mode;
    struct node *parent; /* of a directory */
    struct entry *entries;
    uint8_t *data; /* a file's, or a symlink's text */
    uint64_t size;
    unsigned open;
};

struct entry {
    struct entry *next;
    char name[256];
    struct node *node;
};

#define HANDLES 4
static struct handle {
    struct node *node;
    struct fs_node fs_node;
} handles[HANDLES];

static struct disk disk;
static struct node *root;
static unsigned full; /* answers that there is no space */
static uint64_t seed;
static unsigned names; /* how many there are: few, for clashes, or many, for crowds */

static unsigned pick(unsigned n)
{
    return check_random(&seed) % n;
}

/* ------------------------------------------------------------------ the model */

static struct node *node_new(enum type type, unsigned mode)
{
    struct node *node = calloc(1, sizeof(*node));

    node->type = type;
    node->mode = mode;
    return node;
}

static void node_put(struct node *node)
{
    if (node->links == 0 && node->open == 0) {
        free(node->data);
        free(node);
    }
}

static struct entry **entry_find(struct node *dir, const char *name)
{
    struct entry **at = &dir->entries;

    while (*at && strcmp((*at)->name, name))
        at = &(*at)->next;
    return at;
}

static void entry_add(struct node *dir, const char *name, struct node *node)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    strcpy(entry->name, name);
    entry->node = node;
    entry->next = dir->entries;
    dir->entries = entry;
    if (node->type == DIR_NODE) {
        node->parent = dir;
        dir->links++;
    } else {
        node->links++;
    }
}

/* Takes the entry out; the node stays. */
static struct node *entry_take(struct node *dir, const char *name)
{
    struct entry **at = entry_find(dir, name), *entry = *at;
    struct node *node = entry->node;

    *at = entry->next;
    free(entry);
    if (node->type == DIR_NODE)
        dir->links--;
    else
        node->links--;
    return node;
}

static void tree_free(struct node *dir)
{
    while (dir->entries) {
        struct node *node = entry_take(dir, dir->entries->name);

        if (node->type == DIR_NODE)
            tree_free(node);
        else
            node_put(node);
    }
    free(dir);
}

static void node_resize(struct node *node, uint64_t size)
{
    node->data = realloc(node->data, size + 1);
    if (size > node->size)
        memset(node->data + node->size, 0, size - node->size);
    node->size = size;
}

/* ---------------------------------------------------------------------- names */

/* A directory somewhere in the tree. */
static struct node *any_dir(void)
{
    struct node *dir = root;

    for (unsigned depth = 0; depth < 8 && pick(3); depth++) {
        struct node *dirs[64];
        unsigned count = 0;

        for (struct entry *e = dir->entries; e && count < 64; e = e->next)
            if (e->node->type == DIR_NODE)
                dirs[count++] = e->node;
        if (count == 0)
            break;
        dir = dirs[pick(count)];
    }
    return dir;
}

/* A name in a directory: one that is there, or any. */
static void any_name(char *name, struct node *dir)
{
    unsigned n = pick(names), len, skip = pick(30);
    struct entry *entry = dir->entries;

    if (entry && pick(2)) {
        while (skip-- && entry->next)
            entry = entry->next;
        strcpy(name, entry->name);
        return;
    }

    /* Some are long, so that directories have many blocks. */
    len = sprintf(name, "%c%u", 'a' + n % 16, n / 16);
    if (n >= 16) {
        unsigned more = n * 7 % 220;

        memset(name + len, 'A' + n % 16, more);
        name[len + more] = 0;
    }
}

/* The path of a name in a directory, sometimes by detours. */
static void path_of(char *path, struct node *dir, const char *name)
{
    char parts[64][256];
    unsigned depth = 0;

    while (dir != root && depth < 64) {
        for (struct entry *e = dir->parent->entries; e; e = e->next)
            if (e->node == dir)
                strcpy(parts[depth], e->name);
        depth++;
        dir = dir->parent;
    }
    strcpy(path, pick(2) ? "/" : "");
    while (depth > 0) {
        strcat(path, parts[--depth]);
        strcat(path, pick(8) ? "/" : pick(2) ? "//" : "/./");
    }
    strcat(path, name);
}

static bool within(const struct node *dir, const struct node *top)
{
    for (; dir; dir = dir->parent)
        if (dir == top)
            return true;
    return false;
}

/* ----------------------------------------------------------------- operations */

static bool agree(const char *what, const char *path, long got, long expected)
{
    if (got == expected)
        return true;
    printf("# %s %s: %ld, not %ld\n", what, path, got, expected);
    CHECK(!"result as the model's");
    return false;
}

/* For operations that need space: no space is an answer, and changes nothing. */
#define OR_FULL(result, expected) ((result) == -ENOSPC && (expected) == 0)

static void do_make(void)
{
    struct node *dir = any_dir();
    char name[256], path[FS_PATH_MAX];
    unsigned kind = pick(4);
    struct fs_node made;
    long got, expected;
    struct node *node;

    any_name(name, dir);
    path_of(path, dir, name);
    expected = *entry_find(dir, name) ? -EEXIST : 0;
    if (kind == 0) {
        got = fs_mkdir(disk.fs, FS_ROOT_INO, P(path), 0750);
        node = node_new(DIR_NODE, 0040750);
    } else if (kind == 1) {
        char text[700];
        unsigned len = 1 + pick(pick(2) ? 70 : sizeof(text) - 1);

        memset(text, 'a' + pick(26), len);
        got = fs_symlink(disk.fs, FS_ROOT_INO, text, len, P(path));
        node = node_new(LINK_NODE, 0120777);
        node_resize(node, len);
        memcpy(node->data, text, len);
    } else {
        got = file_open(&disk, path, FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &made);
        if (got == 0)
            fs_close(disk.fs, made.ino);
        node = node_new(FILE_NODE, 0100644);
    }
    if (!OR_FULL(got, expected))
        agree("make", path, got, expected);
    if (got == 0)
        entry_add(dir, name, node);
    else
        node_put(node);
}

static void do_remove(void)
{
    struct node *dir = any_dir(), *node;
    char name[256], path[FS_PATH_MAX];
    bool directory = pick(3) == 0;
    struct entry *entry;
    long expected = 0;

    any_name(name, dir);
    path_of(path, dir, name);
    entry = *entry_find(dir, name);
    if (!entry)
        expected = -ENOENT;
    else if (entry->node->type == DIR_NODE)
        expected = !directory ? -EISDIR : entry->node->entries ? -ENOTEMPTY : 0;
    else if (directory)
        expected = -ENOTDIR;
    if (agree("remove", path, fs_unlink(disk.fs, FS_ROOT_INO, P(path), directory), expected) &&
        expected == 0) {
        node = entry_take(dir, name);
        if (node->type == DIR_NODE)
            free(node);
        else
            node_put(node);
    }
}

static void do_link(void)
{
    struct node *from = any_dir(), *to = any_dir();
    char from_name[256], to_name[256], from_path[FS_PATH_MAX], to_path[FS_PATH_MAX];
    struct entry *entry;
    long expected = 0, got;

    any_name(from_name, from);
    any_name(to_name, to);
    path_of(from_path, from, from_name);
    path_of(to_path, to, to_name);
    entry = *entry_find(from, from_name);
    if (!entry)
        expected = -ENOENT;
    else if (*entry_find(to, to_name))
        expected = -EEXIST;
    else if (entry->node->type == DIR_NODE)
        expected = -EPERM;
    got = fs_link(disk.fs, FS_ROOT_INO, P(from_path), P(to_path));
    if (!OR_FULL(got, expected))
        agree("link", to_path, got, expected);
    if (got == 0)
        entry_add(to, to_name, entry->node);
}

static long expect_rename(struct node *to, struct node *node, struct entry *target)
{
    if (target && target->node == node)
        return 1; /* done already */
    if (node->type == DIR_NODE && within(to, node))
        return -EINVAL;
    if (!target)
        return 0;
    if (node->type != DIR_NODE)
        return target->node->type == DIR_NODE ? -EISDIR : 0;
    if (target->node->type != DIR_NODE)
        return -ENOTDIR;
    return target->node->entries ? -ENOTEMPTY : 0;
}

static void do_rename(void)
{
    struct node *from = any_dir(), *to = any_dir(), *old;
    char from_name[256], to_name[256], from_path[FS_PATH_MAX], to_path[FS_PATH_MAX];
    struct entry *entry, *target;
    long expected, got;

    any_name(from_name, from);
    any_name(to_name, to);
    path_of(from_path, from, from_name);
    path_of(to_path, to, to_name);
    entry = *entry_find(from, from_name);
    target = *entry_find(to, to_name);
    expected = entry ? expect_rename(to, entry->node, target) : -ENOENT;
    got = fs_rename(disk.fs, FS_ROOT_INO, P(from_path), P(to_path));
    if (!OR_FULL(got, expected))
        agree("rename", to_path, got, expected == 1 ? 0 : expected);
    if (got != 0 || expected != 0)
        return;
    if (target) {
        old = entry_take(to, to_name);
        if (old->type == DIR_NODE)
            free(old);
        else
            node_put(old);
    }
    old = entry_take(from, from_name);
    entry_add(to, to_name, old);
}

/* Opens some file into a free handle, or closes one. */
static void do_open(void)
{
    struct handle *handle = &handles[pick(HANDLES)];
    struct node *dir = any_dir();
    char name[256], path[FS_PATH_MAX];
    bool empty = pick(6) == 0;
    struct entry *entry;

    if (handle->node) {
        handle->node->open--;
        node_put(handle->node);
        handle->node = NULL;
        fs_close(disk.fs, handle->fs_node.ino);
        return;
    }
    any_name(name, dir);
    entry = *entry_find(dir, name);
    if (!entry || entry->node->type != FILE_NODE)
        return;
    path_of(path, dir, name);
    if (!agree("open", path,
               file_open(&disk, path, FS_O_RDWR | (empty ? FS_O_TRUNC : 0), &handle->fs_node), 0))
        return;
    handle->node = entry->node;
    handle->node->open++;
    if (empty)
        node_resize(handle->node, 0);
    object_open(&handle->fs_node);
}

static uint64_t any_offset(void)
{
    switch (pick(40)) {
    case 0:
        return pick(3000000);
    case 1:
    case 2:
        return pick(300000);
    default:
        return pick(50000);
    }
}

static void do_write(void)
{
    struct handle *handle = &handles[pick(HANDLES)];
    uint64_t offset = any_offset();
    static uint8_t data[50000];
    size_t len = 1 + pick(pick(2) ? 3000 : sizeof(data));
    long got;

    if (!handle->node)
        return;
    if (pick(3) == 0)
        offset = handle->node->size;
    pattern(data, offset, len, pick(256));
    got = object_write(&disk, object_open(&handle->fs_node), offset, data, len);
    CHECK(got > 0 || got == -ENOSPC);
    full += got < (long)len;
    if (got > 0) {
        if (offset + got > handle->node->size)
            node_resize(handle->node, offset + got);
        memcpy(handle->node->data + offset, data, got);
    }
}

static void compare_file(struct object *object, const struct node *node)
{
    static uint8_t data[65536];

    CHECK(object->size == node->size);
    for (uint64_t at = 0; at < node->size; at += sizeof(data)) {
        size_t len = node->size - at < sizeof(data) ? node->size - at : sizeof(data);

        CHECK(object_read(&disk, object, at, data, len) == (long)len);
        CHECK(memcmp(data, node->data + at, len) == 0);
    }
}

static void do_read(void)
{
    struct handle *handle = &handles[pick(HANDLES)];

    if (handle->node)
        compare_file(object_open(&handle->fs_node), handle->node);
}

static void do_truncate(void)
{
    struct handle *handle = &handles[pick(HANDLES)];
    uint64_t size = any_offset();
    int got;

    if (!handle->node)
        return;
    got = fs_truncate(disk.fs, handle->fs_node.ino, "", 0, size);
    if (got == 0)
        node_resize(handle->node, size);
    else if (size <= handle->node->size || got != -ENOSPC)
        agree("truncate", "", got, 0);
}

/* What a kernel does on its own: store some pages, drop clean ones. */
static void do_kernel(void)
{
    for (struct object *object = objects; object; object = object->next) {
        if (pick(3) == 0)
            CHECK(object_store(&disk, object, pick(12), pick(2) ? UINT64_MAX : pick(12)) == 0);
        if (pick(4) == 0)
            object_drop_pages(object, pick(10), false);
    }
    if (pick(4) == 0)
        CHECK(fs_write_back(disk.fs) == 0);
    if (pick(8) == 0)
        CHECK(fs_sync(disk.fs) == 0);
}

static void do_stat(void)
{
    struct node *dir = any_dir();
    char name[256], path[FS_PATH_MAX];
    struct entry *entry;
    struct msg_stat stat;

    any_name(name, dir);
    path_of(path, dir, name);
    entry = *entry_find(dir, name);
    if (!agree("stat", path, fs_stat(disk.fs, FS_ROOT_INO, P(path), true, &stat),
               entry ? 0 : -ENOENT) ||
        !entry)
        return;
    CHECK(stat.mode == entry->node->mode);
    CHECK(stat.nlink == entry->node->links + (entry->node->type == DIR_NODE ? 2 : 0));
    if (entry->node->type != DIR_NODE)
        CHECK(stat.size == entry->node->size);
}

/* --------------------------------------------------------------- the whole tree */

static void compare_node(const char *path, const struct node *node)
{
    char text[FS_PATH_MAX];
    struct fs_node opened;

    if (node->type == LINK_NODE) {
        CHECK(fs_readlink(disk.fs, FS_ROOT_INO, P(path), text, sizeof(text)) == (int)node->size);
        CHECK(memcmp(text, node->data, node->size) == 0);
    } else if (agree("open", path, file_open(&disk, path, FS_O_RDONLY, &opened), 0)) {
        compare_file(object_open(&opened), node);
        fs_close(disk.fs, opened.ino);
    }
}

static void compare_dir(struct node *dir, const char *path)
{
    static uint8_t buffer[4096];
    uint64_t cookie = 0;
    unsigned seen = 0, expected = 2 + (dir == root); /* ., .., lost+found */
    struct msg_stat stat;
    int bytes;

    CHECK(fs_stat(disk.fs, FS_ROOT_INO, P(path), true, &stat) == 0);
    CHECK(stat.nlink == dir->links + 2 + (dir == root));
    for (struct entry *e = dir->entries; e; e = e->next)
        expected++;
    while ((bytes = fs_readdir(disk.fs, stat.ino, &cookie, buffer, sizeof(buffer))) > 0) {
        for (int at = 0; at < bytes; at += ((struct msg_dirent *)(buffer + at))->length) {
            struct msg_dirent *found = (struct msg_dirent *)(buffer + at);

            seen++;
            if (found->name[0] == '.' || !strcmp(found->name, "lost+found"))
                continue;
            CHECK(*entry_find(dir, found->name) != NULL);
        }
    }
    CHECK(bytes == 0 && seen == expected);
    for (struct entry *e = dir->entries; e; e = e->next) {
        char inner[FS_PATH_MAX];

        snprintf(inner, sizeof(inner), "%s%s", path, e->name);
        if (e->node->type == DIR_NODE) {
            strcat(inner, "/");
            compare_dir(e->node, inner);
        } else {
            compare_node(inner, e->node);
        }
    }
}

static void (*const operations[])(void) = {
    do_make, do_make,  do_make,  do_remove, do_remove, do_link, do_rename,   do_rename, do_open,
    do_open, do_write, do_write, do_write,  do_write,  do_read, do_truncate, do_kernel, do_stat,
};

static void close_all(void)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        if (handles[i].node) {
            handles[i].node->open--;
            node_put(handles[i].node);
            handles[i].node = NULL;
            fs_close(disk.fs, handles[i].fs_node.ino);
        }
    }
}

static void run_sequence(const char *options, unsigned kib, unsigned steps)
{
    struct msg_statfs info;

    disk_make(&disk, options, kib);
    names = pick(3) ? 24 : 300;
    disk.params.cache_bytes = 0; /* as small as it gets, so that blocks come and go */
    disk.params.index_bytes = (size_t[]){512 << 10, 3 << 10, 1 << 10}[pick(3)];
    kernel_hooks(&disk);
    root = node_new(DIR_NODE, 0040755);
    CHECK(disk_mount(&disk) == 0);
    for (unsigned i = 0; i < steps && !check_failing; i++)
        operations[pick(sizeof(operations) / sizeof(operations[0]))]();
    compare_dir(root, "/");
    close_all();
    CHECK(objects_store(&disk) == 0);
    objects_forget();
    CHECK(fs_write_back(disk.fs) == 0);
    fs_statfs(disk.fs, &info);
    CHECK(disk_unmount(&disk) == 0);
    CHECK(disk_check(&disk) == 0);
    CHECK(disk_mount(&disk) == 0);
    struct msg_statfs again;
    fs_statfs(disk.fs, &again);
    CHECK(memcmp(&info, &again, sizeof(info)) == 0); /* nothing stays reserved */
    compare_dir(root, "/");
    objects_forget();
    disk_finish(&disk);
    tree_free(root);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *options;
        unsigned kib;
    } volumes[] = {
        {"-b 1024 -I 128", 1000}, {"-b 4096 -I 256", 4096}, {"-b 1024 -g 512 -I 256", 1200},
        {"-b 2048", 3000},        {"-b 1024 -N 64", 250},   {"-b 4096 -I 128 -r 0", 1000},
        {"-b 1024 -j", 2100},     {"-b 4096 -j", 8192},
    };
    unsigned rounds = argc > 2 ? atoi(argv[2]) : 4, count = sizeof(volumes) / sizeof(volumes[0]);
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    char name[100];

    if (!disk_tools()) {
        printf("KTAP version 1\n1..0 # SKIP no mke2fs, e2fsck, debugfs\n");
        return 0;
    }
    check_plan(rounds * count + 1);
    for (unsigned i = 0; i < rounds * count; i++) {
        uint64_t start = (first + i / count) * 0x9e3779b97f4a7c15ull + i % count + 1;

        seed = start;
        run_sequence(volumes[i % count].options, volumes[i % count].kib, 2500);
        snprintf(name, sizeof(name), "round %lu, seed %#lx, mke2fs %s %uK",
                 (unsigned long)(first + i / count), (unsigned long)start,
                 volumes[i % count].options, volumes[i % count].kib);
        check_end(name);
    }
    CHECK(full > 0);
    check_end("some volumes ran full");
    return check_exit();
}
