/* Requests to init itself, by sessions that opening /dev/svc gives. */
#include "user/init/init.h"
#include <errno.h>
#include <string.h>
#include "user/include/killpoint.h"

static void answer_with(const struct message *m, struct message reply, const void *data,
                        unsigned long len)
{
    struct ipc_ext ext = {.send_addr = (unsigned long)data, .send_len = len};
    long err = ipc_reply(init_port, m->id, &reply, &ext);

    /* It does not fit, or not now: init keeps no answers for later. A client that was
     * killed needs none. */
    if (err && err != -ECANCELED) {
        reply.w[0] = (unsigned long)err;
        ipc_reply(init_port, m->id, &reply, 0);
    }
}

static void answer(const struct message *m, long status, const void *data, unsigned long len)
{
    answer_with(m, (struct message){.w = {(unsigned long)status}}, data, len);
}

static void list(const struct message *m)
{
    static struct msg_service out[SERVICES];

    for (int i = 0; i < SERVICES; i++) {
        const struct service *service = &services[i];
        struct abi_port_info info = {.answered = 0};

        if (service->port >= 0)
            sys_port_info(service->port, &info);
        out[i] = (struct msg_service){
            .state = service->state,
            .pid = service->pid,
            .starts = service->starts,
            .failures = service->failures,
            .since_ns = service->since,
            .answered = info.answered,
            .returned = info.returned,
            .queued = info.queued,
            .in_service = info.in_service,
        };
        strncpy(out[i].name, service->name, sizeof(out[i].name) - 1);
        memcpy(out[i].cause, service->cause, sizeof(out[i].cause));
    }
    answer(m, 0, out, sizeof(out));
}

static int do_named(const struct message *m, const char *name, unsigned long len)
{
    for (int i = 0; i < SERVICES; i++)
        if (strlen(services[i].name) == len && memcmp(services[i].name, name, len) == 0)
            return supervisor_do(&services[i], m->w[1], m->w[2]);
    return -ENOENT;
}

void svc_request(const struct message *m, const char *data, unsigned long len)
{
    if (m->w[0] == MSG_SVC_LIST)
        list(m);
    else if (m->w[0] == MSG_SVC_DO)
        answer(m, m->origin & RIGHT_WRITE ? do_named(m, data, len) : -EPERM, 0, 0);
    else if (m->w[0] == MSG_SVC_POINTS)
        answer_with(m, (struct message){.w = {0, kill_switches->at, kill_switches->faults}},
                    (const void *)kill_switches->reached, sizeof(kill_switches->reached));
    else if (m->w[0] == MSG_CLOSE && m->origin & ORIGIN_KERNEL)
        answer(m, 0, 0, 0);
    else
        answer(m, -ENOSYS, 0, 0);
}
