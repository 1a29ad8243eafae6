/* What the core needs of the world: the disk driver, the kernel's memory objects,
 * the lock, the clock. */
#include "user/fs/server.h"
#include "kernel/errno.h"
#include <pthread.h>
#include <string.h>

static pthread_mutex_t big_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;

void lock(void)
{
    pthread_mutex_lock(&big_lock);
}

void unlock(void)
{
    pthread_mutex_unlock(&big_lock);
}

void log_line(const char *text)
{
    char line[200] = "fs: ";

    strncat(line, text, sizeof(line) - strlen(line) - 2);
    strcat(line, "\n");
    sys_system(H_SYSTEM, SYSTEM_LOG_WRITE, (long)line, (long)strlen(line), 0);
}

void log_error(const char *what, int err)
{
    char line[120] = "";

    strcat(line, what);
    strcat(line, ": ");
    strncat(line, strerror(-err), sizeof(line) - strlen(line) - 1);
    log_line(line);
}

/* -------------------------------------------------------------------- disk */

static long disk_request(struct message *m, struct ipc_ext *ext)
{
    long err;

    kill_point_at(KILL_FS_SEND, m, ext);
    err = ipc_request(DISK, m, ext);
    kill_point(KILL_FS_DONE);
    return err;
}

static int blk_flush(void *context)
{
    struct message m = {.w = {MSG_BLK_FLUSH}};
    long err = disk_request(&m, 0);

    (void)context;
    return err < 0 ? (int)err : 0;
}

int disk_info(struct fs_params *params)
{
    struct message m = {.w = {MSG_BLK_INFO}};
    long err = disk_request(&m, 0);

    /* What an instance that died had sent must not reach blocks that we give out. */
    if (err >= 0)
        err = blk_flush(NULL);
    if (err < 0)
        return (int)err;
    params->sectors = m.w[1];
    params->readonly = m.w[2] != 0;
    return 0;
}

static int blk_read(void *context, uint64_t sector, unsigned count, void *buffer)
{
    struct message m = {.w = {MSG_BLK_READ, sector, count}};
    unsigned long bytes = (unsigned long)count * FS_SECTOR;
    struct ipc_ext ext = {.recv_addr = (unsigned long)buffer, .recv_cap = bytes};
    long err = disk_request(&m, &ext);

    (void)context;
    return err < 0 ? (int)err : ext.recv_len == bytes ? 0 : -EIO;
}

static int blk_write(void *context, uint64_t sector, unsigned count, const void *buffer)
{
    struct message m = {.w = {MSG_BLK_WRITE, sector}};
    struct ipc_ext ext = {.send_addr = (unsigned long)buffer,
                          .send_len = (unsigned long)count * FS_SECTOR};
    long err = disk_request(&m, &ext);

    (void)context;
    return err < 0 ? (int)err : 0;
}

/* ---------------------------------------------------------- lock and clock */

static void hook_lock(void *context)
{
    (void)context;
    lock();
}

static void hook_unlock(void *context)
{
    (void)context;
    unlock();
}

static void hook_wait(void *context)
{
    (void)context;
    pthread_cond_wait(&woken, &big_lock);
}

static void hook_wake(void *context)
{
    (void)context;
    pthread_cond_broadcast(&woken);
}

static uint64_t hook_now(void *context)
{
    long ns = sys_clock(ABI_CLOCK_REALTIME);

    (void)context;
    return ns < 0 ? 0 : (uint64_t)ns;
}

static void hook_log(void *context, const char *text)
{
    (void)context;
    log_line(text);
}

/* ---------------------------------------------------------- memory objects */

static int object_info(void *context, uint64_t key, struct fs_object *info)
{
    struct abi_object_info found;
    long err = sys_object_info(PORT, key, &found);

    (void)context;
    if (err < 0)
        return (int)err;
    *info =
        (struct fs_object){found.size, found.mtime_ns, found.mapped, found.resident, found.cuts};
    return 0;
}

static void step(void *context, enum fs_step step)
{
    (void)context;
    kill_point(step == FS_PUBLISHED ? KILL_FS_PUBLISHED : KILL_FS_PUBLISH);
}

static uint64_t request_completed(void *context)
{
    (void)context;
    return completing();
}

static int object_resize(void *context, uint64_t key, uint64_t size)
{
    (void)context;
    return (int)sys_object_resize(PORT, key, size);
}

static void object_discard(void *context, uint64_t key)
{
    (void)context;
    sys_object_discard(PORT, key); /* -ENOENT: there was none */
}

const struct fs_hooks hooks = {
    .read = blk_read,
    .write = blk_write,
    .flush = blk_flush,
    .lock = hook_lock,
    .unlock = hook_unlock,
    .wait = hook_wait,
    .wake = hook_wake,
    .now_ns = hook_now,
    .log = hook_log,
    .object_info = object_info,
    .object_resize = object_resize,
    .object_discard = object_discard,
    .request = request_completed,
    .step = step,
};
