/* Sessions; the contract is in session.h. */
#include "kernel/session.h"

#include "kernel/errno.h"
#include "kernel/filedata.h"
#include "kernel/lib/string.h"
#include "kernel/messages.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/kmalloc.h"
#include "vm/object.h"

#define SESSION_RIGHTS (RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_CALL | RIGHT_TRANSFER)

int session_create(struct port *port, const struct ipc_session *spec, struct handle *out)
{
    if (spec->rights & ~SESSION_RIGHTS ||
        spec->flags & ~(HANDLE_APPEND | SESSION_OBJECT | SESSION_TOLD) ||
        (spec->flags & SESSION_TOLD && (!spec->badge || spec->badge >> 32)))
        return -EINVAL;
    struct session *s = kmalloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    memset(s, 0, offsetof(struct session, close)); /* which is set when it is needed */
    kobject_init(&s->kobject, HANDLE_SESSION);
    spin_init(&s->lock, RANK_SESSION);
    waitq_init(&s->wait);
    if (spec->flags & SESSION_OBJECT) {
        s->object = object_open(port, spec->key, spec->size);
        if (!s->object) {
            kfree(s);
            return -ENOMEM;
        }
        s->key = spec->key;
        __atomic_fetch_add(&s->object->sessions, 1, __ATOMIC_RELAXED);
        port->synced = true;
    }
    port_ref(port);
    s->port = port;
    s->badge = spec->badge;
    s->told = spec->flags & SESSION_TOLD;
    spin_lock(&port->lock);
    list_push_back(&port->sessions, &s->link);
    spin_unlock(&port->lock);
    *out = (struct handle){&s->kobject, spec->rights, spec->flags & HANDLE_APPEND};
    return 0;
}

static void close_answered(struct request *r)
{
    struct session *s = container_of(r, struct session, close);
    spin_lock(&s->port->lock);
    list_remove(&s->link);
    spin_unlock(&s->port->lock);
    port_unref(s->port);
    kfree(s);
}

/* Leaves it to the next message that the server receives to tell of the end. False: that tells of
 * another one; or there is no server, and the next one may be at listing the sessions. */
static bool tell(struct session *s)
{
    struct port *port = s->port;
    spin_lock(&port->lock);
    bool free = !port->ended && port->server_pid;
    if (free) {
        port->ended = (uint32_t)s->badge;
        list_remove(&s->link);
    }
    spin_unlock(&port->lock);
    if (free) {
        port_unref(port);
        kfree(s);
    }
    return free;
}

void session_destroy(struct kobject *o)
{
    struct session *s = container_of(o, struct session, kobject);
    if (s->object) {
        __atomic_fetch_sub(&s->object->sessions, 1, __ATOMIC_RELAXED);
        object_unref(s->object);
    }
    if (s->told && tell(s))
        return;
    request_init(&s->close, NULL);
    s->close.words[0] = MSG_CLOSE;
    s->close.words[1] = s->key;
    s->close.badge = s->badge;
    s->close.origin = ORIGIN_KERNEL;
    s->close.done = close_answered;
    if (port_send(s->port, &s->close) < 0)
        close_answered(&s->close);
}

int session_call(struct session *s, unsigned rights, uint64_t *words, uint64_t send,
                 uint64_t send_n, uint64_t recv, uint64_t recv_n, uint64_t *received)
{
    struct process *p = thread_self()->process;
    struct space *space = p ? p->space : NULL;
    struct request r;
    request_init(&r, thread_self());
    memcpy(r.words, words, sizeof r.words);
    r.badge = s->badge;
    r.origin = rights & SESSION_RIGHTS;
    r.send = (struct buffer){.space = space, .addr = send, .size = send_n};
    r.recv = (struct buffer){.space = space, .addr = recv, .size = recv_n};
    int rc = port_call(s->port, &r);
    memcpy(words, r.words, sizeof r.words);
    if (received)
        *received = r.recv_len;
    /* Handles have no place in the answers to read and write. */
    for (unsigned i = 0; i < r.recv_handle_count; i++)
        handle_close(&p->handles, r.recv_handles[i]);
    return rc;
}

/* read or write by message: at most what one buffer holds. */
static int64_t transfer(struct session *s, uint64_t number, uint64_t addr, uint64_t n,
                        uint64_t offset)
{
    if (n > IPC_BUFFER_MAX)
        n = IPC_BUFFER_MAX;
    bool write = number == MSG_WRITE;
    uint64_t words[IPC_WORDS] = {number, n, offset}, got = 0;
    int rc = session_call(s, write ? RIGHT_WRITE : RIGHT_READ, words, addr, write ? n : 0, addr,
                          write ? 0 : n, &got);
    if (rc < 0)
        return rc;
    int64_t result = (int64_t)words[0];
    /* The server's word is checked: it may not claim more than there was. */
    if (result > (int64_t)(write ? n : got))
        result = (int64_t)(write ? n : got);
    return result;
}

/* Takes the offset, if *at is OFFSET_CURRENT: processes that share a session
 * read and write one after the other, each where the last one ended. */
static int take_offset(struct session *s, uint64_t *at)
{
    if (*at != OFFSET_CURRENT)
        return 0;
    int rc = 0;
    spin_lock(&s->lock);
    while (s->moving && rc == 0)
        rc = wait_on(&s->wait, &s->lock, WAIT_KILLABLE, "file offset");
    if (rc == 0)
        s->moving = true;
    *at = s->offset;
    spin_unlock(&s->lock);
    return rc;
}

/* Ends what take_offset began, with the offset moved to `to`. */
static void give_offset(struct session *s, uint64_t to)
{
    spin_lock(&s->lock);
    s->offset = to;
    s->moving = false;
    wake_all(&s->wait);
    spin_unlock(&s->lock);
}

int64_t session_read(struct session *s, uint64_t to, uint64_t n, uint64_t offset)
{
    if (!s->object)
        return transfer(s, MSG_READ, to, n, offset);
    uint64_t at = offset;
    int rc = take_offset(s, &at);
    if (rc < 0)
        return rc;
    int64_t done = filedata_read(s->object, to, n, at);
    if (offset == OFFSET_CURRENT)
        give_offset(s, done > 0 ? at + (uint64_t)done : at);
    return done;
}

int64_t session_write(struct session *s, uint64_t from, uint64_t n, uint64_t offset, int append)
{
    if (!s->object)
        return transfer(s, MSG_WRITE, from, n, offset);
    uint64_t at = offset;
    int rc = take_offset(s, &at);
    if (rc < 0)
        return rc;
    uint64_t end = at;
    int64_t done = filedata_write(s->object, from, n, &end, append);
    if (offset == OFFSET_CURRENT)
        give_offset(s, done > 0 ? end : at);
    return done;
}

int64_t session_seek(struct session *s, int64_t offset, int whence)
{
    if (!s->object)
        return -ESPIPE;
    uint64_t base = 0;
    if (whence == 2) {
        spin_lock(&s->object->lock);
        base = s->object->size;
        spin_unlock(&s->object->lock);
    } else if (whence < 0 || whence > 2) {
        return -EINVAL;
    }
    uint64_t now = OFFSET_CURRENT;
    int rc = take_offset(s, &now);
    if (rc < 0)
        return rc;
    if (whence == 1)
        base = now;
    int64_t at;
    bool bad = __builtin_add_overflow((int64_t)base, offset, &at) || at < 0;
    give_offset(s, bad ? now : (uint64_t)at);
    return bad ? -EINVAL : at;
}

int session_fsync(struct session *s)
{
    if (s->object) {
        int rc = object_sync(s->object);
        if (rc < 0)
            return rc;
    }
    uint64_t words[IPC_WORDS] = {MSG_FSYNC};
    int rc = session_call(s, RIGHT_CALL, words, 0, 0, 0, 0, NULL);
    return rc < 0 ? rc : (int)(int64_t)words[0];
}

static void sync_object(struct object *o, void *error)
{
    int rc = object_sync(o);
    if (rc < 0)
        *(int *)error = rc;
}

static void sync_port(struct port *p, void *unused)
{
    struct request r;
    (void)unused;
    if (!p->synced)
        return;
    request_init(&r, thread_self());
    r.words[0] = MSG_SYNC;
    r.origin = ORIGIN_KERNEL;
    port_call(p, &r);
}

int session_sync_all(void)
{
    int error = 0;
    object_for_each(NULL, sync_object, &error);
    port_for_each(sync_port, NULL);
    return error;
}
