/* A thread of the server: receive, handle, answer. */
#include "user/fs/server.h"
#include "user/fs/core/touch.h"
#include "kernel/errno.h"
#include "user/include/due.h"
#include "user/include/heart.h"
#include <stdlib.h>
#include <string.h>

#define WRITE_BACK_NS 5000000000ul /* how long a change stays in memory only */
#define NO_MEMORY_NS  1000000ul    /* between two tries to receive without memory */
#define STACK_BYTES   (40 << 10)

struct worker {
    char *data, *reply; /* IPC_BUFFER_MAX bytes each */
    struct message message;
    struct ipc_ext ext;
    struct request request;
    /* The answer that is due, if answer_id > 0. */
    long answer_id;
    struct message answer;
    unsigned long recorded; /* the number of the request that it completes, or 0 */
};

static __thread struct worker *self;
static char buffers[WORKERS][2][IPC_BUFFER_MAX] __attribute__((aligned(PAGE_SIZE_ABI)));

static bool timer_armed; /* guarded by the big lock */
static struct due due;   /* likewise */

void arm_timer(void)
{
    if (!timer_armed && fs_dirty(volume))
        timer_armed = sys_port_timer(PORT, BIT_TIMER, WRITE_BACK_NS) == 0;
}

/* A session has ended since the last message. The big lock is held. */
static void handle_end(const struct worker *w)
{
    if (ORIGIN_ENDED(w->message.origin))
        fs_close(volume, (uint32_t)ORIGIN_ENDED(w->message.origin));
}

static void handle_notification(const struct worker *w)
{
    unsigned long bits = w->message.w[0];

    lock(); /* who holds it for ever is not well */
    heart_answer(bits, HEART_FS);
    if (bits & NOTIFY_ROOM)
        due_retry(&due, PORT);
    if (bits & 1ul << BIT_TIMER) {
        timer_armed = false;
        adopt_release();
        fs_write_back(volume); /* an error is in the log, and fsync meets it again */
        arm_timer();
    }
    handle_end(w); /* last, for it may take its time */
    unlock();
}

uint64_t completing(void)
{
    if (!self)
        return 0; /* at the start */
    self->recorded = IPC_NUMBER(self->message.id);
    return self->recorded;
}

/* The answer is out: the next instance will not be asked. The big lock is held. */
static void forget_recorded(struct worker *w)
{
    if (w->recorded)
        fs_answered(volume, w->recorded);
    w->recorded = 0;
}

/* Nothing goes out, and a buffer may come in. What is not looked at then is left as it is: to
 * clear all of it took 80 instructions for each request. */
static void set_room(struct worker *w)
{
    w->ext.send_len = 0;
    w->ext.gifts.count = 0;
    w->ext.gifts.make_session = 0;
    w->ext.gifts.session = (struct ipc_session){0};
    w->ext.recv_addr = (unsigned long)w->data;
    w->ext.recv_cap = IPC_BUFFER_MAX;
}

/* Makes the answer from what the handler left. */
static void set_answer(struct worker *w, long status)
{
    struct request *r = &w->request;

    w->answer_id = w->message.id;
    w->answer.w[0] = (unsigned long)status;
    set_room(w);
    if (status < 0)
        return;
    w->ext.send_addr = (unsigned long)w->reply;
    w->ext.send_len = r->reply_len;
    if (r->opened) {
        w->ext.gifts.make_session = 1;
        w->ext.gifts.session_flags = r->close_on_exec ? HANDLE_CLOEXEC : 0;
        w->ext.gifts.session = r->session;
    }
    if (r->passed != H_NONE) {
        w->ext.gifts.count = 1;
        w->ext.gifts.handles[0] = r->passed;
    }
}

/* Answers with a new session. Its end will be told, also if the client never gets
 * it; only if there is no memory to make it, nothing comes.
 *
 * The big lock is held, and was not left since the file's size was looked up: if the
 * kernel has no object of that name it makes one of that size. Were the lock left, the
 * file's last pages could be stored and dropped meanwhile, and with them the size that
 * the kernel knew. */
static void answer_open(struct worker *w)
{
    struct ipc_ext ext = w->ext;
    long err;

    ext.recv_cap = 0;
    kill_point_at(KILL_FS_REPLY, &w->answer, &ext);
    err = ipc_reply(PORT, w->answer_id, &w->answer, &ext);
    kill_point(KILL_FS_OPENED);
    if (err == -ENOMEM)
        fs_close(volume, (uint32_t)w->request.session.badge);
    if (err && err != -ECANCELED) {
        w->answer.w[0] = (unsigned long)err;
        ipc_reply(PORT, w->answer_id, &w->answer, 0);
    }
    w->answer_id = 0;
    forget_recorded(w);
}

static void handle_request(struct worker *w)
{
    struct request *r = &w->request;
    long status;

    kill_point(KILL_FS_RECEIVED);
    r->message = &w->message;
    r->words = w->answer.w;
    for (unsigned i = 1; i < IPC_WORDS; i++)
        r->words[i] = 0;
    r->ino = (uint32_t)w->message.badge;
    r->data = w->data;
    r->len = w->ext.recv_len;
    r->handle_count = w->ext.recv_handle_count;
    for (unsigned i = 0; i < r->handle_count; i++)
        r->handles[i] = w->ext.recv_handles[i];
    r->reply = w->reply;
    r->reply_len = 0;
    r->opened = false;
    r->passed = H_NONE;
    lock();
    forget_recorded(w);
    handle_end(w);
    status = dispatch(r);
    set_answer(w, status);
    if (w->ext.gifts.make_session)
        answer_open(w);
    arm_timer();
    unlock();
    for (unsigned i = 0; i < r->handle_count; i++)
        if (r->handles[i] != H_NONE)
            sys_close(r->handles[i]); /* nobody asked for it */
}

/* The answer failed with err: see to it that it is sent later if that may help,
 * else let the client know why. A client that was killed needs nothing. */
static void answer_failed(struct worker *w, long err)
{
    if (err == -EAGAIN) {
        lock();
        due_reply(&due, PORT, w->answer_id, &w->answer, &w->ext);
        unlock();
    } else if (err < 0 && err != -ECANCELED) {
        w->answer.w[0] = (unsigned long)err;
        ipc_reply(PORT, w->answer_id, &w->answer, 0);
    }
}

/* Sends the answer that is due, and waits for the next message. Returns as
 * ipc_receive does. */
static long next_message(struct worker *w)
{
    long id;

    if (w->answer_id) {
        kill_point_at(KILL_FS_REPLY, &w->answer, &w->ext);
        w->message = w->answer;
        id = ipc_reply_receive(PORT, w->answer_id, &w->message, &w->ext);
        if (id >= 0)
            return id;
        answer_failed(w, id);
    }
    set_room(w);
    return ipc_receive(PORT, &w->message, &w->ext);
}

/* Touches as much of the stack as any request needs, so that it needs no memory
 * when there is none. */
static __attribute__((noinline)) void take_stack(void)
{
    char stack[STACK_BYTES];

    memset(stack, 0, sizeof(stack));
    __asm__ volatile("" : : "r"(stack) : "memory"); /* it must really happen */
}

void *worker_run(void *number)
{
    struct worker w = {.data = buffers[(unsigned long)number][0],
                       .reply = buffers[(unsigned long)number][1]};

    self = &w;
    take_stack();
    touch(w.data, IPC_BUFFER_MAX);
    touch(w.reply, IPC_BUFFER_MAX);
    for (;;) {
        long id = next_message(&w);

        w.answer_id = 0;
        if (id == -EPIPE)
            sys_exit(0); /* the port was given up: nobody can ask for anything */
        if (id == -ENOMEM)
            sys_sleep(NO_MEMORY_NS);
        else if (id < 0)
            sys_exit(1); /* not a port at all */
        if (id > 0)
            handle_request(&w);
        else if (id == 0)
            handle_notification(&w);
    }
}
