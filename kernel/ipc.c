/* The message calls; the register convention is in kernel/abi.h. */
#include "kernel/ipc.h"

#include <stdbool.h>
#include <stddef.h>

#include "kernel/errno.h"
#include "kernel/lib/string.h"
#include "kernel/port.h"
#include "kernel/process.h"
#include "kernel/session.h"
#include "kernel/thread.h"
#include "vm/usercopy.h"

/* Words travel in a2..a6, t0..t2. */
static const unsigned char word_regs[IPC_WORDS] = {12, 13, 14, 15, 16, REG_T0, REG_T1, REG_T2};

static void get_words(const struct trapframe *tf, uint64_t *words)
{
    for (unsigned i = 0; i < IPC_WORDS; i++)
        words[i] = tf->x[word_regs[i]];
}

static void put_words(struct trapframe *tf, const uint64_t *words)
{
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
    memset(ext, 0, sizeof *ext);
    if (!at)
        return 0;
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
#define OUT_END   (offsetof(struct ipc_ext, recv_handles) + IPC_HANDLES * sizeof(int))

/* Stores what came back: lengths and handles. */
static int put_ext(uint64_t at, uint64_t recv_len, const int *handles, unsigned count)
{
    if (!at)
        return 0;
    struct ipc_ext out;
    out.recv_len = recv_len;
    out.recv_handle_count = count;
    for (unsigned i = 0; i < IPC_HANDLES; i++)
        out.recv_handles[i] = i < count ? handles[i] : 0;
    return copy_to_user(self()->space, at + OUT_START, &out.recv_handle_count, OUT_END - OUT_START);
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

void ipc_call(struct trapframe *tf)
{
    struct ipc_ext ext;
    struct handle session;
    uint64_t ext_at = tf->x[11];
    int rc = get_ext(ext_at, &ext);
    if (rc == 0)
        rc = handle_get(&self()->handles, (int)tf->x[REG_A0], HANDLE_SESSION, RIGHT_CALL, &session);
    if (rc < 0) {
        tf->x[REG_A0] = (uint64_t)rc;
        return;
    }
    struct session *s = container_of(session.object, struct session, kobject);
    struct request r;
    request_init(&r, thread_self());
    rc = gather(&ext, r.handles, &r.handle_count);
    if (rc == 0) {
        get_words(tf, r.words);
        r.badge = s->badge;
        r.origin = session.rights;
        r.send = user_buffer(ext.send_addr, ext.send_len);
        r.recv = user_buffer(ext.recv_addr, ext.recv_cap);
        rc = port_call(s->port, &r);
    } else {
        drop(r.handles, r.handle_count);
    }
    if (rc == 0) {
        put_words(tf, r.words);
        rc = put_ext(ext_at, r.recv_len, r.recv_handles, r.recv_handle_count);
    }
    kobject_unref(session.object);
    tf->x[REG_A0] = (uint64_t)rc;
}

/* Receives into the frame. `port` is referenced by the caller. */
static void receive(struct trapframe *tf, struct port *port, uint64_t ext_at,
                    const struct ipc_ext *ext)
{
    struct received got;
    struct buffer into = user_buffer(ext->recv_addr, ext->recv_cap);
    int rc = port_receive(port, &into, &got);
    if (rc == 0)
        rc = put_ext(ext_at, got.recv_len, got.handles, got.handle_count);
    if (rc < 0) {
        tf->x[REG_A0] = (uint64_t)rc;
        return;
    }
    tf->x[REG_A0] = got.id;
    tf->x[11] = got.badge;
    tf->x[REG_T3] = got.origin;
    put_words(tf, got.words);
}

/* The port and the ext that the frame names. 0 or -errno. */
static int enter(const struct trapframe *tf, struct handle *port, struct ipc_ext *ext)
{
    int rc = get_ext(tf->x[11], ext);
    if (rc == 0)
        rc = handle_get(&self()->handles, (int)tf->x[REG_A0], HANDLE_PORT, RIGHT_OWN, port);
    return rc;
}

void ipc_receive(struct trapframe *tf)
{
    struct handle port;
    struct ipc_ext ext;
    int rc = enter(tf, &port, &ext);
    if (rc < 0) {
        tf->x[REG_A0] = (uint64_t)rc;
        return;
    }
    receive(tf, (struct port *)port.object, tf->x[11], &ext);
    kobject_unref(port.object);
}

static int reply_with(const struct trapframe *tf, struct port *port, const struct ipc_ext *ext)
{
    struct reply reply = {.handle_count = 0};
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
        get_words(tf, reply.words);
        reply.send = user_buffer(ext->send_addr, ext->send_len);
        rc = port_reply(port, tf->x[REG_T3], &reply);
    }
    if (rc < 0)
        drop(reply.handles, reply.handle_count);
    return rc;
}

void ipc_reply(struct trapframe *tf)
{
    struct handle port;
    struct ipc_ext ext;
    int rc = enter(tf, &port, &ext);
    if (rc == 0) {
        rc = reply_with(tf, (struct port *)port.object, &ext);
        kobject_unref(port.object);
    }
    tf->x[REG_A0] = (uint64_t)rc;
}

void ipc_reply_receive(struct trapframe *tf)
{
    struct handle port;
    struct ipc_ext ext;
    int rc = enter(tf, &port, &ext);
    if (rc < 0) {
        tf->x[REG_A0] = (uint64_t)rc;
        return;
    }
    rc = reply_with(tf, (struct port *)port.object, &ext);
    if (rc == 0)
        receive(tf, (struct port *)port.object, tf->x[11], &ext);
    else
        tf->x[REG_A0] = (uint64_t)rc;
    kobject_unref(port.object);
}
