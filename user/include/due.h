/*
 * Answers that are due: for servers, whose replies must not wait.
 *
 * A reply with data can fail with -EAGAIN: its client's page is away, and the
 * kernel has no room to keep the data meanwhile. The answer is then kept here, and
 * sent when the kernel says NOTIFY_ROOM on the port.
 */
#ifndef USER_DUE_H
#define USER_DUE_H

#include <stdbool.h>
#include "user/include/banyan.h"

#define DUE_MAX 64 /* answers kept at a time */

struct due_answer;

/* Those of one port, oldest first. All zero: none. The caller's lock guards it. */
struct due {
    struct due_answer *first, **end;
    unsigned count;
};

/* Answers request id as ipc_reply does, keeping a copy of the answer if it has to
 * be sent later. ext names no handle and no session. 0: sent or kept; -ECANCELED:
 * the client is dead; otherwise the client has got the error as its answer. */
long due_reply(struct due *due, int port, long id, struct message *m, struct ipc_ext *ext);

/* Is the answer to the request of that number kept? */
bool due_has(const struct due *due, unsigned long number);

/* To be called on NOTIFY_ROOM: sends what can be sent now. */
void due_retry(struct due *due, int port);

#endif
