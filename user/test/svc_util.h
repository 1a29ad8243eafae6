/*
 * Asking init about services, and for their deaths.
 */
#ifndef TEST_SVC_UTIL_H
#define TEST_SVC_UTIL_H

#include "user/test/proc_util.h"
#include "kernel/messages.h"
#include <fcntl.h>

/* A session on init, opened once: it works while fs does not. Negative: an errno. */
KTAP_UNUSED static int svc_session(void)
{
    static int session = -1;

    if (session < 0)
        session = open("/dev/svc", O_RDWR);
    return session;
}

/* What MSG_SVC_DO says, done with the service: 0 or a negated errno. */
KTAP_UNUSED static long svc_do(const char *name, unsigned long what, unsigned long w2)
{
    struct message m = {.w = {MSG_SVC_DO, what, w2}};
    struct ipc_ext ext = {.send_addr = (unsigned long)name, .send_len = strlen(name)};

    return ipc_request(svc_session(), &m, &ext);
}

KTAP_UNUSED static int service(const char *name, struct msg_service *out)
{
    struct msg_service all[8];
    struct message m = {.w = {MSG_SVC_LIST}};
    struct ipc_ext ext = {.recv_addr = (unsigned long)all, .recv_cap = sizeof(all)};

    CHECK_IS(ipc_request(svc_session(), &m, &ext), 0);
    for (unsigned i = 0; i < ext.recv_len / sizeof(all[0]); i++)
        if (strcmp(all[i].name, name) == 0) {
            *out = all[i];
            return 0;
        }
    return 1;
}

/* Kills it, and waits until another instance is well: at most `patience` ns. 0: it is. */
KTAP_UNUSED static int svc_replace(const char *name, long patience)
{
    long begin = now_ns();
    struct msg_service now;
    unsigned starts;

    CHECK_IS(service(name, &now), 0);
    starts = now.starts;
    if (svc_do(name, SVC_KILL, ABI_SIGKILL) == -ESRCH) /* between two starts */
        starts--;
    do {
        CHECK(now_ns() - begin < patience);
        sys_sleep(MS);
        CHECK_IS(service(name, &now), 0);
    } while (now.starts == starts || now.state != SERVICE_RUNNING);
    return 0;
}

/* A file system that has done nothing yet has the memory that it always has then. */
KTAP_UNUSED static int svc_start_anew(void)
{
    sync();
    return svc_replace("fs", 600 * SECOND);
}

#endif
