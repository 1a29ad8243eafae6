/* What workloads are made of: operations, done to a volume and to the model of it. */
#ifndef TEST_HOST_FS_CRASH_OPERATION_H
#define TEST_HOST_FS_CRASH_OPERATION_H

#include "test/host/fs_crash/bench.h"
#include "test/host/fs_crash/state.h"

enum operation_code {
    OP_CREATE,
    OP_WRITE,  /* at an offset; makes the file, if need be, in a step of its own */
    OP_APPEND, /* likewise */
    OP_TRUNCATE,
    OP_RENAME,
    OP_LINK,
    OP_UNLINK,
    OP_MKDIR,
    OP_RMDIR,
    OP_SYMLINK, /* with a text of so many bytes */
    OP_HOLD,    /* open, and leave open */
    OP_WRITE_HELD,
    OP_DROP, /* close what is left open */
    OP_FSYNC,
    OP_SYNC,
    OP_WRITE_BACK,
    OP_UNMOUNT,
    OPERATIONS
};

/* A number of bytes, as a multiple of the block size and what is on top. */
struct extent {
    int blocks, bytes;
};

struct operation {
    enum operation_code code;
    const char *path;
    const char *to; /* of a rename or link */
    struct extent at, length;
};

#define HELD_MAX 4

/* A workload under way. */
struct run {
    struct bench *bench;
    struct state *state;
    struct {
        struct state_node *node;
        struct fs_node fs_node;
    } held[HELD_MAX];
    unsigned held_count;
    unsigned full; /* answers that there is no space */
    bool verbose;  /* prints the steps */
};

/* Does it, in one step or two. One that makes no sense on the tree as it is does nothing.
 * A result of the core's that is neither success nor, where that can be, -ENOSPC, fails the
 * test. Returns false then. */
bool operation_do(struct run *run, const struct operation *operation);

#endif
