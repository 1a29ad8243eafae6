/*
 * fs and blk that stall: a thread sleeps or loops for ever at some point. The supervisor
 * sees that there are no signs of life, or that a request is not answered though there are,
 * kills the service and starts another; programs only wait.
 *
 * test: points=4
 */
#include "user/test/svc_util.h"
#include <stdlib.h>
#include "user/include/killpoint.h"

static const struct stall {
    const char *service, *name;
    unsigned point, action;
} stalls[] = {
    {"fs", "fs: a thread sleeps with a request", KILL_FS_RECEIVED, KILL_SLEEP},
    {"fs", "fs: a thread loops and holds the lock", KILL_FS_PUBLISH, KILL_LOOP},
    {"blk", "blk: sleeps with a request", KILL_BLK_RECEIVED, KILL_SLEEP},
    {"blk", "blk: loops when the device has done its work", KILL_BLK_COMPLETED, KILL_LOOP},
};
#define STALLS (sizeof(stalls) / sizeof(stalls[0]))

static int make_and_read(void)
{
    static char back[8];
    int fd = open("/tmp/svc_stalls", O_RDWR | O_CREAT | O_EXCL, 0644);

    CHECK(fd >= 0);
    CHECK_IS(write(fd, "stalled", 8), 8);
    CHECK_IS(fsync(fd), 0);
    sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
    CHECK_IS(pread(fd, back, 8, 0), 8);
    CHECK_IS(strcmp(back, "stalled"), 0);
    CHECK_IS(close(fd), 0);
    CHECK_IS(unlink("/tmp/svc_stalls"), 0);
    CHECK_IS(unlink("/tmp/svc_stalls"), -1);
    return 0;
}

static int stall(void *arg)
{
    const struct stall *s = arg;
    struct msg_service before, after;

    CHECK_IS(service(s->service, &before), 0);
    CHECK_IS(svc_do(s->service, SVC_KILL_AT, s->point | s->action << 8 | 1 << 16), 0);
    CHECK_IS(make_and_read(), 0);
    CHECK_IS(service(s->service, &after), 0);
    CHECK_IS(after.starts, before.starts + 1);
    CHECK(strstr(after.cause, "signal 6"));
    return 0;
}

int main(void)
{
    ktap_plan(STALLS);
    for (unsigned i = 0; i < STALLS; i++)
        ok_child(stall, (void *)&stalls[i], stalls[i].name);
    return ktap_done();
}
