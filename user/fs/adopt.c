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

static void reserve_run(uint64_t key, const struct abi_page_run *run, unsigned long size)
{
    unsigned long end = run->first + run->count, at = run->first;

    while (at < end) {
        long got = fs_reserve(volume, key, at, end - at, size);

        /* That of a file which is no more is not missed. Else, page_out will find out
         * whether it is needed. */
        if (got == -ENOENT)
            return;
        if (got <= 0)
            log_error("blocks that were promised to a page", (int)got);
        at += got > 0 ? (unsigned long)got : 1;
    }
}

static int adopt_pages(uint64_t key)
{
    struct abi_object_info info;
    struct abi_page_run runs[LIST_ROOM];
    unsigned long at = 0;
    long n = sys_object_info(PORT, key, &info);

    while (n >= 0 && (n = sys_object_pages(PORT, key, at, runs, LIST_ROOM)) > 0)
        for (long i = 0; i < n; i++) {
            reserve_run(key, &runs[i], info.size);
            at = runs[i].first + runs[i].count;
        }
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

int adopt(void)
{
    int err;

    lock();
    err = adopt_sessions();
    if (!err)
        err = adopt_requests();
    if (!err)
        err = fs_adopted(volume);
    if (!err)
        err = adopt_objects();
    arm_timer(); /* for what was done anew */
    unlock();
    if (err)
        log_error("what the last instance left cannot be taken over", err);
    return err;
}
