/*
 * Small servers for the tests of messages: a port, a session on it, and a child
 * or thread that serves.
 */
#ifndef TEST_IPC_UTIL_H
#define TEST_IPC_UTIL_H

#include "user/test/proc_util.h"

#define ALL_SESSION_RIGHTS (RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_CALL | RIGHT_TRANSFER)

/* A session with that badge and those rights, no object; or a negated errno. */
KTAP_UNUSED static int make_session(int port, unsigned long badge, unsigned rights)
{
    struct ipc_session spec = {.badge = badge, .rights = rights};

    return (int)sys_session_create(port, &spec);
}

/* A session with the object `key` behind it. */
KTAP_UNUSED static int make_file(int port, unsigned long key, unsigned long size)
{
    struct ipc_session spec = {.badge = key,
                               .rights = ALL_SESSION_RIGHTS,
                               .flags = SESSION_OBJECT,
                               .key = key,
                               .size = size};

    return (int)sys_session_create(port, &spec);
}

/* The next request that a program sent: notifications are passed over, and what
 * the kernel sends of its own is answered with 0. As ipc_receive otherwise. */
KTAP_UNUSED static long receive_request(int port, struct message *m, struct ipc_ext *ext)
{
    for (;;) {
        long id = ipc_receive(port, m, ext);
        if (id < 0 || (id > 0 && !(m->origin & ORIGIN_KERNEL)))
            return id;
        if (id > 0) {
            m->w[0] = 0;
            ipc_reply(port, id, m, 0);
        }
    }
}

/* Takes what waits on a port now, without waiting: a notification raised by
 * ourselves comes before requests, so it cannot mark the end; a timer does. */
KTAP_UNUSED static long receive_within(int port, struct message *m, struct ipc_ext *ext,
                                       unsigned long ns)
{
    long id;

    sys_port_timer(port, 62, ns); /* 63 is NOTIFY_ROOM */
    id = ipc_receive(port, m, ext);
    sys_port_timer(port, 62, 0);
    return id;
}

#endif
