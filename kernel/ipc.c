/* The message calls; the register convention is in kernel/abi.h. */
#include "kernel/ipc.h"

#include <stdbool.h>

#include "kernel/errno.h"
#include "kernel/ipc_parts.h"
#include "kernel/lib/string.h"
#include "kernel/port.h"
#include "kernel/process.h"
#include "kernel/session.h"
#include "kernel/thread.h"
#include "vm/usercopy.h"

/* Words travel in a2..a6, t0..t2. */
static const unsigned char word_regs[IPC_WORDS] = {12, 13, 14, 15, 16, REG_T0, REG_T1, REG_T2};

void ipc_get_words(const struct trapframe *tf, uint64_t *words)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < IPC_WORDS; i++)
        words[i] = tf->x[word_regs[i]];
}

void ipc_put_words(struct trapframe *tf, const uint64_t *words)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < IPC_WORDS; i++)
        tf->x[word_regs[i]] = words[i];
}

static struct process *self(void)
{
    return thread_self()->process;
}

static struct buffer user_buffer(uint64_t addr, uint64_t size)
{
    return (struct buffer){.space = self()->space, .addr = addr, .size = size};
}

/* The buffers that the frame names: what goes, and room for what comes, of which no more than
 * can come counts. 0, -EINVAL, -EFAULT. */
static int get_buffers(const struct trapframe *tf, struct buffer *send, struct buffer *recv)
{
    uint64_t send_len = (uint32_t)tf->x[REG_T6], room = tf->x[REG_T6] >> 32;
    if (send_len > IPC_BUFFER_MAX)
        return -EINVAL;
    if (room > IPC_BUFFER_MAX)
        room = IPC_BUFFER_MAX;
    *send = user_buffer(tf->x[REG_T4], send_len);
    *recv = user_buffer(tf->x[REG_T5], room);
    if ((send_len && !user_range(send->addr, send_len)) || (room && !user_range(recv->addr, room)))
        return -EFAULT;
    return 0;
}

/* Copies the gifts that the frame names in and checks them; without any, both counts are 0. */
static int get_gifts(const struct trapframe *tf, struct ipc_gifts *gifts)
{
    uint64_t at = tf->x[REG_A1];
    gifts->count = gifts->make_session = 0;
    int rc = at ? copy_from_user(self()->space, gifts, at, sizeof *gifts) : 0;
    return rc < 0 ? rc : gifts->count > IPC_HANDLES ? -EINVAL : 0;
}

/* What came goes into the frame. */
static void put_came(struct trapframe *tf, uint64_t bytes, const int *handles, unsigned count)
{
    tf->x[REG_T4] = bytes | (uint64_t)count << 32;
    if (!count)
        return;
    uint64_t pair[2] = {0, 0};
    for (unsigned i = 0; i < count; i++)
        pair[i / 2] |= (uint64_t)(uint32_t)handles[i] << 32 * (i % 2);
    tf->x[REG_T5] = pair[0];
    tf->x[REG_T6] = pair[1];
}

static void drop(struct handle *handles, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        handle_drop(handles[i]);
}

/* Copies of the handles named, which need RIGHT_TRANSFER, appended to out. */
static int gather(const struct ipc_gifts *gifts, struct handle *out, unsigned *count)
{
    for (unsigned i = 0; i < gifts->count; i++) {
        struct handle h;
        int rc = handle_get(&self()->handles, gifts->handles[i], 0, RIGHT_TRANSFER, &h);
        if (rc < 0)
            return rc;
        h.flags &= ~HANDLE_CLOEXEC;
        /* handle_get took a plain reference; a handle may count for more. */
        out[(*count)++] = handle_copy(h);
        kobject_unref(h.object);
    }
    return 0;
}

void ipc_call_finish(struct trapframe *tf, struct parked_call *c, int rc)
{
    struct request *r = &c->request;
    if (rc == 0) {
        ipc_put_words(tf, r->words);
        put_came(tf, r->recv_len, r->recv_handles, r->recv_handle_count);
    }
    kobject_unref(c->session);
    tf->x[REG_A0] = (uint64_t)rc;
}

void ipc_call(struct trapframe *tf)
{
    struct ipc_gifts gifts;
    struct handle session;
    struct parked_call c;
    struct buffer send, recv;
    int rc = get_buffers(tf, &send, &recv);
    if (rc == 0)
        rc = get_gifts(tf, &gifts);
    if (rc == 0)
        rc = handle_get(&self()->handles, (int)tf->x[REG_A0], HANDLE_SESSION, RIGHT_CALL, &session);
    if (rc < 0) {
        tf->x[REG_A0] = (uint64_t)rc;
        return;
    }
    struct session *s = container_of(session.object, struct session, kobject);
    struct request *r = &c.request;
    c.session = session.object;
    request_init_without_words(r, thread_self());
    rc = gather(&gifts, r->handles, &r->handle_count);
    if (rc == 0) {
        ipc_get_words(tf, r->words);
        r->badge = s->badge;
        r->origin = session.rights;
        r->send = send;
        r->recv = recv;
        ipc_call_direct(s->port, &c);
        rc = port_call(s->port, r);
    } else {
        drop(r->handles, r->handle_count);
    }
    ipc_call_finish(tf, &c, rc);
}

/* Faults in the first page's worth of where a message is to go, unless the thread's last one had
 * the same place: a receiver hears of a bad address before it first waits with it; of a bad end,
 * and of what goes bad later, when a message reaches it. */
static int fetch_room(const struct parked_receive *w)
{
    const struct buffer *b = &w->into;
    struct thread *t = thread_self();
    /* Most messages are shorter than a server's buffer: all sixteen pages of fs's cost 610
     * instructions here, before each; one page 107. */
    uint64_t size = b->size < PAGE_SIZE ? b->size : PAGE_SIZE;
    if (!size || (b->addr && t->room == b->addr))
        return 0;
    int rc = user_prefault(b->space, b->addr, size, ACCESS_WRITE);
    if (rc == 0)
        t->room = b->addr;
    return rc;
}

void ipc_receive_into(struct trapframe *tf, struct parked_receive *w)
{
    struct received got;
    ipc_receive_direct(w);
    int rc = port_receive(w->port, &w->into, &got);
    if (rc == 0) {
        tf->x[REG_A0] = got.id;
        tf->x[REG_A1] = got.badge;
        put_came(tf, got.recv_len, got.handles, got.handle_count);
        tf->x[REG_T3] = got.origin;
        ipc_put_words(tf, got.words);
    } else {
        tf->x[REG_A0] = (uint64_t)rc;
    }
    port_unref(w->port);
}

/* The port, referenced, and the buffers that the frame names. 0 or -errno. */
static int enter(const struct trapframe *tf, struct parked_receive *w, struct buffer *send)
{
    struct handle port;
    int rc = get_buffers(tf, send, &w->into);
    if (rc == 0)
        rc = handle_get(&self()->handles, (int)tf->x[REG_A0], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc == 0)
        w->port = (struct port *)port.object;
    return rc;
}

/* Ends a call that fails once it has the port. */
static void receive_failed(struct trapframe *tf, struct parked_receive *w, int rc)
{
    tf->x[REG_A0] = (uint64_t)rc;
    port_unref(w->port);
}

void ipc_receive(struct trapframe *tf)
{
    struct parked_receive w;
    struct buffer none;
    int rc = enter(tf, &w, &none);
    if (rc < 0) {
        tf->x[REG_A0] = (uint64_t)rc;
        return;
    }
    rc = fetch_room(&w);
    if (rc < 0)
        receive_failed(tf, &w, rc);
    else
        ipc_receive_into(tf, &w);
}

/* The handles of a reply: that of a session which is made for it, and those named. */
static int give(const struct trapframe *tf, struct port *port, struct reply *reply)
{
    struct ipc_gifts gifts;
    int rc = get_gifts(tf, &gifts);
    if (rc < 0)
        return rc;
    if (gifts.make_session) {
        if (gifts.count == IPC_HANDLES)
            return -EINVAL;
        rc = session_create(port, &gifts.session, &reply->handles[0]);
        if (rc < 0)
            return rc;
        reply->handles[0].flags |= gifts.session_flags & HANDLE_CLOEXEC;
        reply->handle_count = 1;
    }
    return gather(&gifts, reply->handles, &reply->handle_count);
}

/* Answers; with `then`, to receive afterwards, which may be part of it. */
static int reply_with(const struct trapframe *tf, struct port *port, const struct buffer *send,
                      struct parked_receive *then)
{
    struct reply reply;
    reply.handle_count = 0;
    int rc = tf->x[REG_A1] ? give(tf, port, &reply) : 0;
    if (rc == 0) {
        ipc_get_words(tf, reply.words);
        reply.send = *send;
        if (then && !reply.handle_count && ipc_reply_direct(port, tf->x[REG_T3], &reply, then))
            return 0;
        rc = port_reply(port, tf->x[REG_T3], &reply);
    }
    if (rc < 0)
        drop(reply.handles, reply.handle_count);
    return rc;
}

void ipc_reply(struct trapframe *tf)
{
    struct parked_receive w;
    struct buffer send;
    int rc = enter(tf, &w, &send);
    if (rc == 0) {
        rc = reply_with(tf, w.port, &send, NULL);
        port_unref(w.port);
    }
    tf->x[REG_A0] = (uint64_t)rc;
}

void ipc_reply_receive(struct trapframe *tf)
{
    struct parked_receive w;
    struct buffer send;
    int rc = enter(tf, &w, &send);
    if (rc < 0) {
        tf->x[REG_A0] = (uint64_t)rc;
        return;
    }
    int room = fetch_room(&w);
    rc = reply_with(tf, w.port, &send, room < 0 ? NULL : &w);
    rc = rc < 0 ? rc : room;
    if (rc < 0)
        receive_failed(tf, &w, rc);
    else
        ipc_receive_into(tf, &w);
}
