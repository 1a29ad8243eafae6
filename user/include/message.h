/*
 * A message, as programs and servers have it (user/include/ipc.h has the calls).
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "kernel/abi.h"
#include "kernel/messages.h"

/*
 * w[] goes both ways. The rest is set by ipc_receive and ipc_reply_receive only: badge is the
 * word the server gave the session, origin its rights with ORIGIN_KERNEL and
 * ORIGIN_ENDED, id what the reply must name (0 for a notification, whose bits are then w[0]).
 */
struct message {
    unsigned long w[IPC_WORDS];
    unsigned long badge;
    unsigned long origin;
    long id;
};

/*
 * What goes with it besides, and comes: send_* and the gifts go out, recv_addr and recv_cap say
 * where a buffer may come in; recv_len, recv_handle_count and recv_handles tell what came.
 */
struct ipc_ext {
    unsigned long send_addr;
    unsigned long send_len;
    unsigned long recv_addr;
    unsigned long recv_cap;
    unsigned long recv_len; /* bytes that came */
    unsigned recv_handle_count;
    int recv_handles[IPC_HANDLES];
    struct ipc_gifts gifts;
};

/* For a server that got a message about a name, and *len bytes at data with it: where the path is
 * and how long. NULL: it is nowhere. */
static inline const char *message_path(const struct message *m, const char *data,
                                       unsigned long *len)
{
    if (*len)
        return data;
    *len = m->w[IPC_WORDS - 1] >> 56;
    return *len <= MSG_PATH_SHORT ? (const char *)&m->w[MSG_PATH_WORD] : 0;
}

#endif
