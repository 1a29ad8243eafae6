/* Answers that are due; the contract is in due.h. */
#include "user/include/due.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct due_answer {
    struct due_answer *next;
    long id;
    struct message message;
    unsigned long len;
    char data[];
};

static long keep(struct due *due, long id, const struct message *m, const struct ipc_ext *ext)
{
    struct due_answer *answer;

    if (due->count == DUE_MAX)
        return -ENOMEM;
    answer = malloc(sizeof(*answer) + ext->send_len);
    if (!answer)
        return -ENOMEM;
    answer->next = 0;
    answer->id = id;
    answer->message = *m;
    answer->len = ext->send_len;
    memcpy(answer->data, (const char *)ext->send_addr, ext->send_len);
    if (!due->first)
        due->end = &due->first;
    *due->end = answer;
    due->end = &answer->next;
    due->count++;
    return 0;
}

/* The data cannot be had, but an answer can. */
static void answer_error(int port, long id, long err)
{
    struct message m = {.w = {(unsigned long)err}};

    ipc_reply(port, id, &m, 0);
}

long due_reply(struct due *due, int port, long id, struct message *m, struct ipc_ext *ext)
{
    struct message sent = *m;
    long err = ipc_reply(port, id, &sent, ext);

    if (err == -EAGAIN)
        err = keep(due, id, m, ext);
    if (err && err != -ECANCELED)
        answer_error(port, id, err);
    return err;
}

bool due_has(const struct due *due, unsigned long number)
{
    for (const struct due_answer *answer = due->first; answer; answer = answer->next)
        if (IPC_NUMBER(answer->id) == number)
            return true;
    return false;
}

void due_retry(struct due *due, int port)
{
    while (due->first) {
        struct due_answer *answer = due->first;
        struct message m = answer->message;
        struct ipc_ext ext = {.send_addr = (unsigned long)answer->data, .send_len = answer->len};
        long err = ipc_reply(port, answer->id, &m, &ext);

        if (err == -EAGAIN)
            return; /* NOTIFY_ROOM comes again */
        if (err && err != -ECANCELED)
            answer_error(port, answer->id, err);
        due->first = answer->next;
        due->count--;
        free(answer);
    }
}
