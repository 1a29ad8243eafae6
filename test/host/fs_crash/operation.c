/* Operations on a volume and its model. See operation.h. */
#include "test/host/fs_crash/operation.h"

#define WRITE_MAX (512 << 10)

static const char *const names[OPERATIONS] = {
    "create", "write", "append", "truncate",   "rename",  "link",
    "unlink", "mkdir", "rmdir",  "symlink",    "hold",    "write held",
    "drop",   "fsync", "sync",   "write back", "unmount",
};

static uint64_t bytes_of(const struct run *run, struct extent extent)
{
    int64_t bytes = (int64_t)extent.blocks * run->bench->block + extent.bytes;

    return bytes < 0 ? 0 : bytes;
}

static void begin(struct run *run, const struct operation *op)
{
    unsigned step = state_begin(run->state, run->bench->tape.count);

    if (run->verbose)
        printf("# step %u, event %zu: %s %s %s at %lu, %lu bytes\n", step, run->bench->tape.count,
               names[op->code], op->path ? op->path : "", op->to ? op->to : "",
               (unsigned long)bytes_of(run, op->at), (unsigned long)bytes_of(run, op->length));
}

/* Ends the step. True if the result is one that may be. */
static bool end(struct run *run, const struct operation *op, long result)
{
    bool syncs = op->code == OP_FSYNC || op->code == OP_SYNC || op->code == OP_UNMOUNT;

    state_end(run->state, run->bench->tape.count, syncs && result >= 0);
    if (result == -ENOSPC && !syncs)
        run->full++;
    else if (result < 0)
        printf("# %s %s: error %ld\n", names[op->code], op->path ? op->path : "", -result);
    return result >= 0 || (result == -ENOSPC && !syncs);
}

static struct state_node *find(const struct run *run, const char *path, enum state_kind kind)
{
    struct state_node *node = path ? state_find(run->state, path) : NULL;

    return node && node->kind == kind ? node : NULL;
}

/* Whether a new name can be made: it is not there, and its directory is. */
static bool vacant(const struct run *run, const char *path)
{
    char parent[256];
    const char *slash = strrchr(path, '/');

    if (state_find(run->state, path))
        return false;
    snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
    return slash == path || find(run, parent, STATE_DIR) != NULL;
}

static uint32_t ino_of(struct run *run, const char *path)
{
    struct msg_stat stat;

    if (fs_stat(run->bench->disk.fs, FS_ROOT_INO, P(path), true, &stat) != 0)
        return 0;
    return stat.ino;
}

static bool do_make(struct run *run, const struct operation *op)
{
    struct fs *fs = run->bench->disk.fs;
    enum state_kind kind = STATE_FILE;
    char text[600] = "";
    struct fs_node node;
    int err;

    if (!vacant(run, op->path))
        return true;
    begin(run, op);
    if (op->code == OP_MKDIR) {
        kind = STATE_DIR;
        err = fs_mkdir(fs, FS_ROOT_INO, P(op->path), 0755);
    } else if (op->code == OP_SYMLINK) {
        kind = STATE_LINK;
        memset(text, 'a' + run->state->step_count % 26,
               1 + bytes_of(run, op->length) % (sizeof(text) - 1));
        text[sizeof(text) - 1] = 0;
        err = fs_symlink(fs, FS_ROOT_INO, text, strlen(text), P(op->path));
    } else {
        err = file_open(&run->bench->disk, op->path, FS_O_RDWR | FS_O_CREAT | FS_O_EXCL, &node);
        if (!err)
            fs_close(fs, node.ino);
    }
    if (!err)
        state_make(run->state, op->path, kind, ino_of(run, op->path), text[0] ? text : NULL);
    return end(run, op, err);
}

/* Writes to a file that is open. */
static bool put(struct run *run, const struct operation *op, struct state_node *node,
                const struct fs_node *fs_node)
{
    static uint8_t data[WRITE_MAX];
    uint64_t at = op->code == OP_WRITE ? bytes_of(run, op->at) : node->size;
    size_t length = bytes_of(run, op->length) % WRITE_MAX;
    unsigned step = run->state->step_count - 1;
    long got;

    for (size_t i = 0; i < length; i++)
        data[i] = state_byte(node, step, at + i);
    got = file_write(&run->bench->disk, fs_node, at, data, length);
    if (got > 0)
        state_write(run->state, node, at, at + got);
    /* With the first page file_write tells the core the size that is to be. */
    if (got > 0 && got < (long)length)
        state_truncate(run->state, node, file_size(&run->bench->disk, fs_node->ino));
    run->full += got >= 0 && got < (long)length;
    return end(run, op, got);
}

static bool do_write(struct run *run, const struct operation *op)
{
    struct operation create = {.code = OP_CREATE, .path = op->path};
    struct state_node *node;
    struct fs_node fs_node;
    bool good;
    int err;

    if (!do_make(run, &create))
        return false;
    node = find(run, op->path, STATE_FILE);
    if (node == NULL)
        return true;
    begin(run, op);
    err = file_open(&run->bench->disk, op->path, FS_O_RDWR, &fs_node);
    if (err)
        return end(run, op, err);
    good = put(run, op, node, &fs_node);
    fs_close(run->bench->disk.fs, fs_node.ino);
    return good;
}

static bool do_truncate(struct run *run, const struct operation *op)
{
    struct state_node *node = find(run, op->path, STATE_FILE);
    uint64_t size = bytes_of(run, op->length);
    int err;

    if (node == NULL)
        return true;
    begin(run, op);
    err = fs_truncate(run->bench->disk.fs, FS_ROOT_INO, P(op->path), size);
    if (!err)
        state_truncate(run->state, node, size);
    return end(run, op, err);
}

static bool may_rename(const struct run *run, const char *from, const char *to)
{
    struct state_node *node = state_find(run->state, from), *old = state_find(run->state, to);
    size_t len = strlen(from);

    if (node == NULL || strcmp(from, to) == 0)
        return false;
    if (node->kind == STATE_DIR && strncmp(to, from, len) == 0 && to[len] == '/')
        return false;
    if (old == NULL)
        return vacant(run, to);
    return (node->kind == STATE_DIR) == (old->kind == STATE_DIR) &&
           !(old->kind == STATE_DIR && state_filled(run->state, to));
}

static bool do_rename(struct run *run, const struct operation *op)
{
    int err;

    if (!may_rename(run, op->path, op->to))
        return true;
    begin(run, op);
    err = fs_rename(run->bench->disk.fs, FS_ROOT_INO, P(op->path), P(op->to));
    /* Two names of one file: nothing to do. */
    if (!err && state_find(run->state, op->path) != state_find(run->state, op->to))
        state_rename(run->state, op->path, op->to);
    return end(run, op, err);
}

static bool do_link(struct run *run, const struct operation *op)
{
    struct state_node *node = state_find(run->state, op->path);
    int err;

    if (node == NULL || node->kind == STATE_DIR || !vacant(run, op->to))
        return true;
    begin(run, op);
    err = fs_link(run->bench->disk.fs, FS_ROOT_INO, P(op->path), P(op->to));
    if (!err)
        state_link(run->state, op->to, node);
    return end(run, op, err);
}

static bool do_remove(struct run *run, const struct operation *op)
{
    struct state_node *node = state_find(run->state, op->path);
    bool directory = op->code == OP_RMDIR;
    int err;

    if (node == NULL || (node->kind == STATE_DIR) != directory ||
        state_filled(run->state, op->path))
        return true;
    begin(run, op);
    err = fs_unlink(run->bench->disk.fs, FS_ROOT_INO, P(op->path), directory);
    if (!err)
        state_unlink(run->state, op->path);
    return end(run, op, err);
}

static bool do_held(struct run *run, const struct operation *op)
{
    unsigned last = run->held_count - 1;
    int err;

    if (op->code == OP_HOLD) {
        struct state_node *node = find(run, op->path, STATE_FILE);

        if (node == NULL || run->held_count == HELD_MAX)
            return true;
        run->held[run->held_count].node = node;
        err =
            file_open(&run->bench->disk, op->path, FS_O_RDWR, &run->held[run->held_count].fs_node);
        run->held_count += err == 0;
        return err == 0;
    }
    if (run->held_count == 0)
        return true;
    begin(run, op);
    if (op->code == OP_WRITE_HELD)
        return put(run, op, run->held[last].node, &run->held[last].fs_node);
    while (run->held_count > 0)
        fs_close(run->bench->disk.fs, run->held[--run->held_count].fs_node.ino);
    return end(run, op, 0);
}

static bool do_sync(struct run *run, const struct operation *op)
{
    struct fs *fs = run->bench->disk.fs;
    struct state_node *node = op->code == OP_FSYNC ? state_find(run->state, op->path) : NULL;
    int err;

    if (op->code == OP_FSYNC && node == NULL)
        return true;
    begin(run, op);
    if (op->code == OP_FSYNC)
        err = fs_fsync(fs, node->ino);
    else if (op->code == OP_SYNC)
        err = fs_sync(fs);
    else if (op->code == OP_WRITE_BACK)
        err = fs_write_back(fs);
    else
        err = disk_unmount(&run->bench->disk);
    return end(run, op, err);
}

bool operation_do(struct run *run, const struct operation *op)
{
    static bool (*const doers[OPERATIONS])(struct run *, const struct operation *) = {
        [OP_CREATE] = do_make,       [OP_WRITE] = do_write,   [OP_APPEND] = do_write,
        [OP_TRUNCATE] = do_truncate, [OP_RENAME] = do_rename, [OP_LINK] = do_link,
        [OP_UNLINK] = do_remove,     [OP_MKDIR] = do_make,    [OP_RMDIR] = do_remove,
        [OP_SYMLINK] = do_make,      [OP_HOLD] = do_held,     [OP_WRITE_HELD] = do_held,
        [OP_DROP] = do_held,         [OP_FSYNC] = do_sync,    [OP_SYNC] = do_sync,
        [OP_WRITE_BACK] = do_sync,   [OP_UNMOUNT] = do_sync,
    };

    return doers[op->code](run, op);
}
