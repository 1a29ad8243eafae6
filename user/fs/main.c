/* The file-system server, start. See server.h. */
#include "user/fs/server.h"
#include "kernel/errno.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/touch.h"
#include "user/include/heart.h"

#define CACHE_BYTES (1 << 20)   /* of metadata */
#define INDEX_BYTES (1 << 20)   /* of names in large directories, at most */
#define HEAP_BYTES  (192 << 10) /* for what comes and goes: inodes, reservations */

struct fs *volume;

/* Takes memory for the heap now. What is free in it later stays in it, for a block
 * in use lies behind. */
static int take_heap(void)
{
    char *memory = malloc(HEAP_BYTES), *behind;

    do /* what is too small for anything else goes first */
        behind = malloc(1);
    while (behind && behind < memory);
    if (!memory || !behind)
        return -1;
    touch(memory, HEAP_BYTES);
    free(memory);
    return 0;
}

static int mount(bool distrust)
{
    long state =
        sys_mmap(0, FS_STATE_BYTES, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, FS_STATE, 0);
    struct fs_params params = {
        .cache_bytes = CACHE_BYTES,
        .index_bytes = INDEX_BYTES,
        .state = (void *)state,
        .state_bytes = FS_STATE_BYTES,
        .distrust = distrust,
    };
    int err;

    if (state < 0) {
        log_error("no memory for its state", (int)state);
        return (int)state;
    }
    touch((void *)state, FS_STATE_BYTES);
    err = disk_info(&params);
    if (err) {
        log_error("the disk does not answer", err);
        return err;
    }
    lock();
    err = fs_mount(&hooks, 0, &params, &volume);
    unlock();
    if (err)
        log_error("the root volume cannot be mounted", err);
    return err;
}

/* "fresh": the last instances died at once, so what the one before left may be the cause. */
int main(int argc, char **argv)
{
    bool fresh = argc > 1 && strcmp(argv[1], "fresh") == 0;
    pthread_t thread;
    int err;

    kill_points_open();
    err = mount(fresh);
    if (err)
        return err == -EINVAL || err == -EOPNOTSUPP ? EXIT_HOPELESS : 1;
    if (take_heap() || adopt())
        return 1;
    heart_beat(HEART_FS);
    for (unsigned long i = 1; i < WORKERS; i++)
        if (pthread_create(&thread, 0, worker_run, (void *)i))
            log_line("no memory for all its threads");
    worker_run(0);
    return 1;
}
