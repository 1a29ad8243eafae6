/* The message calls; the register convention is in kernel/abi.h. */
#include "kernel/ipc.h"

#include <stdbool.h>
#include <stddef.h>

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

/* Copies the user's ext in and checks it; without one, all is empty. */
static int get_ext(uint64_t at, struct ipc_ext *ext)
{
    if (!at) {
        ext->send_addr = ext->send_len = ext->recv_addr = ext->recv_cap = 0;
        ext->send_handle_count = ext->reply_session = 0;
        return 0;
    }
    /* Results are stored after the point of no return: not much may fail then. */
    int rc = copy_for_update(self()->space, ext, at, sizeof *ext);
    if (rc < 0)
        return rc;
    if (ext->send_len > IPC_BUFFER_MAX || ext->send_handle_count > IPC_HANDLES)
        return -EINVAL;
    if (ext->recv_cap > IPC_BUFFER_MAX)
        ext->recv_cap = IPC_BUFFER_MAX;
    if (!user_range(ext->send_addr, ext->send_len) || !user_range(ext->recv_addr, ext->recv_cap))
        return -EFAULT;
    return 0;
}

#define OUT_START offsetof(struct ipc_ext, recv_handle_count)
#define OUT_SIZE  (offsetof(struct ipc_ext, reply_session) - OUT_START)

static void make_out(struct ipc_ext *out, uint64_t recv_len, const int *handles, unsigned count)
{
    out->recv_len = recv_len;
    out->recv_handle_count = count;
    for (unsigned i = 0; i < IPC_HANDLES; i++)
        out->recv_handles[i] = i < count ? handles[i] : 0;
}

/* Stores what came back: lengths and handles. */
static int put_ext(uint64_t at, uint64_t recv_len, const int *handles, unsigned count)
{
    if (!at)
        return 0;
    struct ipc_ext out;
    make_out(&out, recv_len, handles, count);
    return copy_to_user(self()->space, at + OUT_START, &out.recv_handle_count, OUT_SIZE);
}

bool ipc_try_put_ext(struct process *p, uint64_t at, uint64_t recv_len)
{
    if (!at)
        return true;
    struct ipc_ext out;
    make_out(&out, recv_len, NULL, 0);
    return try_copy_to_user(p->space, at + OUT_START, &out.recv_handle_count, OUT_SIZE) == OUT_SIZE;
}

static void drop(struct handle *handles, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        handle_drop(handles[i]);
}

/* Copies of the handles named, which need RIGHT_TRANSFER, appended to out. */
static int gather(const struct ipc_ext *ext, struct handle *out, unsigned *count)
{
    for (unsigned i = 0; i < ext->send_handle_count; i++) {
        struct handle h;
        int rc = handle_get(&self()->handles, ext->send_handles[i], 0, RIGHT_TRANSFER, &h);
        if (rc < 0)
            return rc;
        h.flags &= ~HANDLE_CLOEXEC;
        /* handle_get took a plain reference; a handle may count for more. */
        out[(*count)++] = handle_copy(h);
        kobject_unref(h.object);
    }
    return 0;
}

static struct buffer user_buffer(uint64_t addr, uint64_t size)
{
    return (struct buffer){.space = self()->space, .addr = addr, .size = size};
}

void ipc_call_finish(struct trapframe *tf, struct parked_call *c, int rc)
{
    struct request *r = &c->request;
    if (rc == 0) {
        ipc_put_words(tf, r->words);
        rc = put_ext(c->ext_at, r->recv_len, r->recv_handles, r->recv_handle_count);
    }
    kobject_unref(c->session);
    tf->x[REG_A0] = (uint64_t)rc;
}

void ipc_call(struct trapframe *tf)
{
    struct ipc_ext ext;
    struct handle session;
    struct parked_call c;
    c.ext_at = tf->x[11];
    int rc = get_ext(c.ext_at, &ext);
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
    rc = gather(&ext, r->handles, &r->handle_count);
    if (rc == 0) {
        ipc_get_words(tf, r->words);
        r->badge = s->badge;
        r->origin = session.rights;
        r->send = user_buffer(ext.send_addr, ext.send_len);
        r->recv = user_buffer(ext.recv_addr, ext.recv_cap);
        ipc_call_direct(s->port, &c);
        rc = port_call(s->port, r);
    } else {
        drop(r->handles, r->handle_count);
    }
    ipc_call_finish(tf, &c, rc);
}

/* Faults in the first page's worth of where a message is to go: a receiver hears of a bad address
 * before it waits; of a bad end, when a message reaches it. */
static int fetch_room(const struct parked_receive *w)
{
    const struct buffer *b = &w->into;
    /* Most messages are shorter than a server's buffer: all sixteen pages of fs's cost 610
     * instructions here, before each. */
    uint64_t size = b->size < PAGE_SIZE ? b->size : PAGE_SIZE;
    return size ? user_prefault(b->space, b->addr, size, ACCESS_WRITE) : 0;
}

void ipc_receive_into(struct trapframe *tf, struct parked_receive *w)
{
    struct received got;
    ipc_receive_direct(w);
    int rc = port_receive(w->port, &w->into, &got);
    if (rc == 0)
        rc = put_ext(w->ext_at, got.recv_len, got.handles, got.handle_count);
    if (rc == 0) {
        tf->x[REG_A0] = got.id;
        tf->x[11] = got.badge;
        tf->x[REG_T3] = got.origin;
        ipc_put_words(tf, got.words);
    } else {
        tf->x[REG_A0] = (uint64_t)rc;
    }
    port_unref(w->port);
}

/* The port, referenced, and the ext that the frame names. 0 or -errno. */
static int enter(const struct trapframe *tf, struct parked_receive *w, struct ipc_ext *ext)
{
    struct handle port;
    w->ext_at = tf->x[11];
    int rc = get_ext(w->ext_at, ext);
    if (rc == 0)
        rc = handle_get(&self()->handles, (int)tf->x[REG_A0], HANDLE_PORT, RIGHT_OWN, &port);
    if (rc == 0) {
        w->port = (struct port *)port.object;
        w->into = user_buffer(ext->recv_addr, ext->recv_cap);
    }
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
    struct ipc_ext ext;
    int rc = enter(tf, &w, &ext);
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

/* Answers; with `then`, to receive afterwards, which may be part of it. */
static int reply_with(const struct trapframe *tf, struct port *port, const struct ipc_ext *ext,
                      struct parked_receive *then)
{
    struct reply reply;
    reply.handle_count = 0;
    int rc = 0;
    if (ext->reply_session) {
        rc = session_create(port, &ext->session, &reply.handles[0]);
        if (rc < 0)
            return rc;
        reply.handles[0].flags |= ext->reply_session_flags & HANDLE_CLOEXEC;
        reply.handle_count = 1;
        if (ext->send_handle_count == IPC_HANDLES)
            rc = -EINVAL;
    }
    if (rc == 0)
        rc = gather(ext, reply.handles, &reply.handle_count);
    if (rc == 0) {
        ipc_get_words(tf, reply.words);
        reply.send = user_buffer(ext->send_addr, ext->send_len);
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
    struct ipc_ext ext;
    int rc = enter(tf, &w, &ext);
    if (rc == 0) {
        rc = reply_with(tf, w.port, &ext, NULL);
        port_unref(w.port);
    }
    tf->x[REG_A0] = (uint64_t)rc;
}

void ipc_reply_receive(struct trapframe *tf)
{
    struct parked_receive w;
    struct ipc_ext ext;
    int rc = enter(tf, &w, &ext);
    if (rc < 0) {
        tf->x[REG_A0] = (uint64_t)rc;
        return;
    }
    int room = fetch_room(&w);
    rc = reply_with(tf, w.port, &ext, room < 0 ? NULL : &w);
    rc = rc < 0 ? rc : room;
    if (rc < 0)
        receive_failed(tf, &w, rc);
    else
        ipc_receive_into(tf, &w);
}
