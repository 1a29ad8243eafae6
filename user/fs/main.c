/* The file-system server, start. See server.h. */
#include "user/fs/server.h"
#include "kernel/errno.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "user/fs/core/touch.h"
#include "user/include/heart.h"

/* Parts of the machine's memory, but not less than LEAST. */
#define CACHE_PART 128 /* for metadata: taken at the start, so no more than a boot should take */
#define CACHE_MOST (4ul << 20)
#define INDEX_PART 64 /* for the names of large directories: taken when there are such */
#define INDEX_MOST (8ul << 20)
#define LEAST      (1ul << 20)

#define HEAP_BYTES (192 << 10) /* for what comes and goes: inodes, reservations */

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

static size_t part_of(size_t memory, unsigned part, size_t most)
{
    size_t bytes = memory / part;

    return bytes < LEAST ? LEAST : bytes > most ? most : bytes;
}

static int mount(size_t memory, bool distrust)
{
    long state =
        sys_mmap(0, FS_STATE_BYTES, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, FS_STATE, 0);
    struct fs_params params = {
        .cache_bytes = part_of(memory, CACHE_PART, CACHE_MOST),
        .index_bytes = part_of(memory, INDEX_PART, INDEX_MOST),
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

/* The machine's memory in bytes, and "fresh": the last instances died at once, so what the one
 * before left may be the cause. */
int main(int argc, char **argv)
{
    size_t memory = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    bool fresh = argc > 2 && strcmp(argv[2], "fresh") == 0;
    pthread_t thread;
    int err;

    kill_points_open();
    err = mount(memory, fresh);
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
