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

/* One port and a session on it, for tests that need no more. */
KTAP_UNUSED static int port, session;

KTAP_UNUSED static int make_port(void)
{
    port = (int)sys_port_create();
    session = make_session(port, 1, RIGHT_CALL);
    CHECK(port >= 0 && session >= 0);
    return 0;
}

/* A client on it, in a child: sends a number and wants its double. The errno of the call. */
KTAP_UNUSED static int call_number(void *number)
{
    struct message m = {.w = {(unsigned long)number}};
    long rc = ipc_call(session, &m, 0);

    return rc < 0 ? (int)-rc : m.w[0] == (unsigned long)number * 2 ? 0 : 255;
}

/* Until the port has that many requests in service and in the queue. */
KTAP_UNUSED static int await_state(unsigned in_service, unsigned queued)
{
    struct abi_port_info info;

    for (int i = 0; i < 5000; i++) {
        CHECK_IS(sys_port_info(port, &info), 0);
        if (info.in_service == in_service && info.queued == queued)
            return 0;
        sys_sleep(MS);
    }
    dprintf(2, "# %u in service, %u queued, not %u and %u\n", info.in_service, info.queued,
            in_service, queued);
    return 1;
}

KTAP_UNUSED static int kill_and_reap(pid_t pid, int signal)
{
    CHECK_IS(sys_kill(H_NONE, pid, signal), 0);
    CHECK_IS(reap(pid), signal);
    return 0;
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

/* What the kernel has handed out of its own memory. */
KTAP_UNUSED static unsigned long kmalloc_bytes(void)
{
    struct abi_memory memory = {.total = 0};

    sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&memory, 0, 0);
    return memory.kmalloc_bytes;
}

#endif
