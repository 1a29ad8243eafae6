/*
 * What a new instance of the server takes over from one that died: the sessions that
 * clients have, opens that were completed and not answered, and the promise that there
 * are blocks for the pages that programs have written. The kernel knows all of that.
 */
#include "user/fs/server.h"
#include "kernel/errno.h"

#define LIST_ROOM 32

static int adopt_session(unsigned long badge)
{
    int err = fs_adopt(volume, (uint32_t)badge);

    if (err != -EINVAL)
        return err;
    log_error("a session that names no file", err);
    return 0;
}

static int adopt_sessions(void)
{
    unsigned long badges[LIST_ROOM], skip = 0;
    int err = 0;
    long n;

    while (!err && (n = sys_port_list(PORT, PORT_SESSIONS, skip, badges, LIST_ROOM)) != 0) {
        err = n < 0 ? (int)n : 0;
        for (long i = 0; i < n && !err; i++)
            err = adopt_session(badges[i]);
        skip += (unsigned long)n;
    }
    return err;
}

static int adopt_requests(void)
{
    unsigned long numbers[LIST_ROOM], last = 0;
    int err = 0;
    long n;

    while (!err && (n = sys_port_list(PORT, PORT_RETURNED, last, numbers, LIST_ROOM)) != 0) {
        err = n < 0 ? (int)n : 0;
        for (long i = 0; i < n && !err; i++)
            err = fs_adopt_request(volume, last = numbers[i]);
    }
    return err;
}

/* Returns 0, or why there are not enough blocks for all; that of a file which is no more is
 * not missed. page_out will find out whether they are needed. */
static int reserve_run(uint64_t key, const struct abi_page_run *run, unsigned long size)
{
    unsigned long end = run->first + run->count, at = run->first;
    int err = 0;

    while (at < end) {
        long got = fs_reserve(volume, key, at, end - at, size);

        if (got == -ENOENT)
            return 0;
        if (got <= 0)
            err = (int)got;
        at += got > 0 ? (unsigned long)got : 1;
    }
    return err;
}

static int adopt_pages(uint64_t key)
{
    struct abi_object_info info;
    struct abi_page_run runs[LIST_ROOM];
    unsigned long at = 0;
    int short_of = 0;
    long n = sys_object_info(PORT, key, &info);

    while (n >= 0 && (n = sys_object_pages(PORT, key, at, runs, LIST_ROOM)) > 0)
        for (long i = 0; i < n; i++) {
            int err = reserve_run(key, &runs[i], info.size);

            short_of = err ? err : short_of;
            at = runs[i].first + runs[i].count;
        }
    if (short_of)
        log_error("blocks that were promised to pages of a file", short_of);
    return n == -ENOENT ? 0 : (int)n; /* dropped meanwhile */
}

static int adopt_objects(void)
{
    unsigned long keys[LIST_ROOM], last = 0;
    int err = 0;
    long n;

    while (!err && (n = sys_port_list(PORT, PORT_OBJECTS, last, keys, LIST_ROOM)) != 0) {
        err = n < 0 ? (int)n : 0;
        for (long i = 0; i < n && !err; i++)
            err = adopt_pages(last = keys[i]);
    }
    return err;
}

void adopt_release(void)
{
    unsigned long numbers[LIST_ROOM] = {0};
    long n = sys_port_list(PORT, PORT_RETURNED, 0, numbers, LIST_ROOM);

    if (n >= 0 && n < LIST_ROOM)
        fs_release_requests(volume, numbers, (unsigned)n);
}

int adopt(void)
{
    int err;

    lock();
    err = adopt_sessions();
    if (!err)
        err = adopt_requests();
    if (!err)
        err = fs_adopted(volume);
    if (!err && !fs_readonly(volume))
        err = adopt_objects();
    arm_timer(); /* for what was done anew */
    unlock();
    if (err)
        log_error("what the last instance left cannot be taken over", err);
    return err;
}
