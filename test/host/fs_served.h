/*
 * The file-system server for host tests, as far as its death is concerned: requests with
 * numbers, sessions that outlive it, and a switch that kills it at a step of its work.
 * What it is asked for, by the pages of fs_kernel.h too, is asked again of the next
 * instance if it dies of it, until there is an answer.
 */
#ifndef TEST_HOST_FS_SERVED_H
#define TEST_HOST_FS_SERVED_H

#include <setjmp.h>
#include "test/host/fs_disk.h"

/* The kernel's requests about pages come here. */
static int served_page_in(struct fs *fs, uint64_t key, uint64_t first, unsigned count, void *buffer,
                          uint64_t *holes);
static int served_page_out(struct fs *fs, uint64_t key, uint64_t first, unsigned count,
                           uint64_t size, uint64_t cuts, void *data, size_t len);
static long served_reserve(struct fs *fs, uint64_t key, uint64_t first, uint64_t count,
                           uint64_t size);
#define fs_page_in  served_page_in
#define fs_page_out served_page_out
#define fs_reserve  served_reserve
#include "test/host/fs_kernel.h"
#undef fs_page_in
#undef fs_page_out
#undef fs_reserve

#define SESSIONS_MAX 16

static struct disk *served;
static void *served_state;           /* what each instance leaves to the next */
static struct fs_hooks served_world; /* the hooks without the switch */
static unsigned long served_steps;   /* taken so far */
static unsigned long served_kill, served_kill_again;
static bool served_armed; /* a request is being handled */
static bool served_alive;
static jmp_buf served_death;
static uint64_t served_number, served_last;
static uint32_t served_session[SESSIONS_MAX]; /* inodes, 0: free */

/* ----------------------------------------------------------------- the switch */

static void served_point(void)
{
    if (!served_armed || ++served_steps != served_kill)
        return;
    served_kill = served_kill_again ? served_kill + served_kill_again : 0;
    served_kill_again = 0;
    served_alive = served_armed = false;
    longjmp(served_death, 1);
}

static int served_read(void *context, uint64_t sector, unsigned count, void *buffer)
{
    served_point();
    return served_world.read(context, sector, count, buffer);
}

static int served_write(void *context, uint64_t sector, unsigned count, const void *buffer)
{
    int err;

    served_point();
    err = served_world.write(context, sector, count, buffer);
    served_point(); /* the device was faster */
    return err;
}

static int served_flush(void *context)
{
    served_point();
    return served_world.flush(context);
}

static int served_object_info(void *context, uint64_t key, struct fs_object *info)
{
    served_point();
    return served_world.object_info(context, key, info);
}

static int served_object_resize(void *context, uint64_t key, uint64_t size)
{
    int err;

    served_point();
    err = served_world.object_resize(context, key, size);
    served_point();
    return err;
}

static void served_object_discard(void *context, uint64_t key)
{
    served_point();
    served_world.object_discard(context, key);
    served_point();
}

static uint64_t served_request(void *context)
{
    (void)context;
    served_point();
    return served_number;
}

/* -------------------------------------------------------------------- restart */

static void served_adopt_pages(void)
{
    for (struct object *object = objects; object; object = object->next)
        for (struct page *page = object->pages; page; page = page->next)
            if (page->dirty || !page->hole) {
                long got = fs_reserve(served->fs, object->key, page->no, 1, object->size);

                CHECK(got == 1 || (!page->dirty && got == -ENOSPC));
            }
}

static void served_start(void)
{
    CHECK(disk_mount(served) == 0);
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        if (served_session[i])
            CHECK(fs_adopt(served->fs, served_session[i]) == 0);
    CHECK(fs_adopt_request(served->fs, served_number) == 0);
    CHECK(fs_adopted(served->fs) == 0);
    served_adopt_pages();
    CHECK(!fs_readonly(served->fs));
    served_alive = true;
}

/* A request, done by `again` if an earlier instance has completed it. */
struct served_call {
    long (*fn)(const void *args);
    long (*again)(const void *args, uint64_t key); /* NULL: the answer is 0 */
};

static long served_do(const struct served_call *call, const void *args)
{
    uint64_t key, number = ++served_last;
    long result;

    served_number = number;
    setjmp(served_death);
    served_armed = true;
    if (!served_alive)
        served_start();
    if (fs_completed(served->fs, number, &key))
        result = call->again ? call->again(args, key) : 0;
    else
        result = call->fn(args);
    served_point();
    served_armed = false;
    if (number % 8) /* else killed right after its answer, as it were */
        fs_answered(served->fs, number);
    return result;
}

static inline void served_begin(struct disk *disk, size_t state_bytes, unsigned long kill,
                                unsigned long again)
{
    free(served_state);
    served_state = calloc(1, state_bytes);
    served = disk;
    disk->params.state = served_state;
    disk->params.state_bytes = state_bytes;
    disk->hooks.object_info = kernel_object_info;
    disk->hooks.object_resize = kernel_object_resize;
    disk->hooks.object_discard = kernel_object_discard;
    disk->hooks.read = disk_read;
    disk->hooks.write = disk_write;
    disk->hooks.flush = disk_flush;
    served_world = disk->hooks;
    disk->hooks.read = served_read;
    disk->hooks.write = served_write;
    disk->hooks.flush = served_flush;
    disk->hooks.object_info = served_object_info;
    disk->hooks.object_resize = served_object_resize;
    disk->hooks.object_discard = served_object_discard;
    disk->hooks.request = served_request;
    disk->now = DISK_TIME * 1000000000ul;
    served_steps = 0;
    served_kill = kill;
    served_kill_again = again;
    served_alive = served_armed = false;
    served_last = served_number = 0;
    memset(served_session, 0, sizeof(served_session));
    served_start();
}

/* Nothing is killed from now on. */
static inline void served_end(void)
{
    served_kill = 0;
}

/* ------------------------------------------------------------------- requests */

struct served_pages {
    uint64_t key, first, count, size, cuts;
    void *data;
    size_t len;
    uint64_t *holes;
};

static long call_page_in(const void *args)
{
    const struct served_pages *a = args;

    return fs_page_in(served->fs, a->key, a->first, (unsigned)a->count, a->data, a->holes);
}

static int served_page_in(struct fs *fs, uint64_t key, uint64_t first, unsigned count, void *buffer,
                          uint64_t *holes)
{
    struct served_pages args = {.key = key, .first = first, .count = count, .data = buffer};
    struct served_call call = {call_page_in, NULL};

    (void)fs;
    args.holes = holes;
    return (int)served_do(&call, &args);
}

static long call_page_out(const void *args)
{
    static uint8_t copy[FS_PAGES_MAX * FS_PAGE];
    const struct served_pages *a = args;

    memcpy(copy, a->data, a->count * FS_PAGE);
    return fs_page_out(served->fs, a->key, a->first, (unsigned)a->count, a->size, a->cuts, copy,
                       a->len);
}

static int served_page_out(struct fs *fs, uint64_t key, uint64_t first, unsigned count,
                           uint64_t size, uint64_t cuts, void *data, size_t len)
{
    struct served_pages args = {key, first, count, size, cuts, data, len, NULL};
    struct served_call call = {call_page_out, NULL};

    (void)fs;
    return (int)served_do(&call, &args);
}

static long call_reserve(const void *args)
{
    const struct served_pages *a = args;

    return fs_reserve(served->fs, a->key, a->first, a->count, a->size);
}

static long served_reserve(struct fs *fs, uint64_t key, uint64_t first, uint64_t count,
                           uint64_t size)
{
    struct served_pages args = {.key = key, .first = first, .count = count, .size = size};
    struct served_call call = {call_reserve, NULL};

    (void)fs;
    return served_do(&call, &args);
}

struct served_names {
    const char *path, *other;
    unsigned long number;
    struct fs_node *node;
};

static long call_open(const void *args)
{
    const struct served_names *a = args;

    return fs_open(served->fs, ROOT, P(a->path), (int)a->number, 0644, a->node);
}

static long reopen(const void *args, uint64_t key)
{
    const struct served_names *a = args;

    return fs_reopen(served->fs, served_number, key, (int)a->number, a->node);
}

static long served_open(const char *path, int flags, struct fs_node *node)
{
    struct served_names args = {path, NULL, (unsigned long)flags, node};
    struct served_call call = {call_open, reopen};
    unsigned i = 0;
    long err = served_do(&call, &args);

    while (!err && served_session[i])
        i++;
    if (!err)
        served_session[i] = node->ino;
    return err;
}

static long call_close(const void *args)
{
    fs_close(served->fs, ((const struct served_names *)args)->node->ino);
    return 0;
}

static void served_close(struct fs_node *node)
{
    struct served_names args = {NULL, NULL, 0, node};
    struct served_call call = {call_close, NULL};
    unsigned i = 0;

    served_do(&call, &args);
    while (served_session[i] != node->ino)
        i++;
    served_session[i] = 0;
}

static long call_ftruncate(const void *args)
{
    const struct served_names *a = args;

    return fs_truncate(served->fs, a->node->ino, "", 0, a->number);
}

static long served_ftruncate(struct fs_node *node, unsigned long size)
{
    struct served_names args = {NULL, NULL, size, node};
    struct served_call call = {call_ftruncate, NULL};

    return served_do(&call, &args);
}

#define SERVED_CALL(name, expression)                                                              \
    static long call_##name(const void *args)                                                      \
    {                                                                                              \
        const struct served_names *a = args;                                                       \
        struct fs *fs = served->fs;                                                                \
                                                                                                   \
        (void)a;                                                                                   \
        return expression;                                                                         \
    }                                                                                              \
    static long do_##name(const char *path, const char *other, unsigned long number)               \
    {                                                                                              \
        struct served_names args = {path, other, number, NULL};                                    \
        struct served_call call = {call_##name, NULL};                                             \
                                                                                                   \
        return served_do(&call, &args);                                                            \
    }

SERVED_CALL(unlink, fs_unlink(fs, ROOT, P(a->path), a->number))
SERVED_CALL(rename, fs_rename(fs, ROOT, P(a->path), P(a->other)))
SERVED_CALL(link, fs_link(fs, ROOT, P(a->path), P(a->other)))
SERVED_CALL(symlink, fs_symlink(fs, ROOT, P(a->path), P(a->other)))
SERVED_CALL(mkdir, fs_mkdir(fs, ROOT, P(a->path), 0755))
SERVED_CALL(chmod, fs_chmod(fs, ROOT, P(a->path), (unsigned)a->number))
SERVED_CALL(truncate, fs_truncate(fs, ROOT, P(a->path), a->number))
SERVED_CALL(fsync, fs_fsync(fs, (uint32_t)a->number))
SERVED_CALL(sync, fs_sync(fs))
SERVED_CALL(write_back, fs_write_back(fs))

#define served_unlink(path, directory) do_unlink(path, NULL, directory)
#define served_rename(path, other)     do_rename(path, other, 0)
#define served_link(path, other)       do_link(path, other, 0)
#define served_symlink(text, path)     do_symlink(text, path, 0)
#define served_mkdir(path)             do_mkdir(path, NULL, 0)
#define served_chmod(path, mode)       do_chmod(path, NULL, mode)
#define served_truncate(path, size)    do_truncate(path, NULL, size)
#define served_fsync(ino)              do_fsync(NULL, NULL, ino)
#define served_sync()                  do_sync(NULL, NULL, 0)
#define served_write_back()            do_write_back(NULL, NULL, 0)

#endif
