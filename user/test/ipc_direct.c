/*
 * Messages that switch straight to whom they are for give what those do that go through the queue:
 * the same messages both ways against what the server must answer, and the ways in which a direct
 * one ends otherwise.
 *
 * test: points=5
 */
#include "user/test/ipc_util.h"
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>

#define ROUNDS 3000
#define LARGE  9000ul
#define BADGE  0x1234567890abcdeful

static char out[LARGE + 4096], in[LARGE + 4096], room[IPC_BUFFER_MAX];
static unsigned long seed = 88172645463325252ul;

static unsigned long next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static unsigned long direct(void)
{
    struct abi_counters now = {0};

    return sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&now, 0, 0) == 0 ? now.direct : 0;
}

static unsigned long mix(unsigned long word, unsigned i)
{
    return (word ^ BADGE) * 3 + i;
}

/* Answers with the words mixed and the bytes in the opposite order, until it is killed. */
static int mixer(void *unused)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)room, .recv_cap = sizeof(room)};
    struct message m;
    long id;

    (void)unused;
    for (id = ipc_receive(port, &m, &ext); id >= 0; id = ipc_reply_receive(port, id, &m, &ext)) {
        for (unsigned i = 0; i < IPC_WORDS; i++)
            m.w[i] = (m.w[i] ^ m.badge) * 3 + i;
        for (unsigned long i = 0; i < ext.recv_len / 2; i++) {
            char byte = room[i];

            room[i] = room[ext.recv_len - 1 - i];
            room[ext.recv_len - 1 - i] = byte;
        }
        for (unsigned i = 0; i < ext.recv_handle_count; i++)
            sys_close(ext.recv_handles[i]);
        ext.send_addr = (unsigned long)room;
        ext.send_len = ext.recv_len;
    }
    return 1;
}

/* One random message; by the queue, for it carries a handle, or not. */
static int message(bool queued)
{
    unsigned long from = next() % 4096, to = next() % 4096,
                  n = next() % 3 ? next() % 200 : next() % LARGE;
    struct ipc_ext ext = {.send_addr = (unsigned long)out + from,
                          .send_len = n,
                          .recv_addr = (unsigned long)in + to,
                          .recv_cap = n,
                          .gifts.handles = {session},
                          .gifts.count = queued};
    bool words_only = !queued && next() % 2;
    struct message m, sent;

    for (unsigned i = 0; i < IPC_WORDS; i++)
        sent.w[i] = next();
    for (unsigned long i = 0; !words_only && i < n; i++)
        out[from + i] = (char)next();
    m = sent;
    CHECK_IS(ipc_call(session, &m, words_only ? 0 : &ext), 0);
    for (unsigned i = 0; i < IPC_WORDS; i++)
        CHECK_IS(m.w[i], mix(sent.w[i], i));
    if (words_only)
        return 0;
    CHECK_IS(ext.recv_len, n);
    CHECK_IS(ext.recv_handle_count, 0);
    for (unsigned long i = 0; i < n; i++)
        CHECK(in[to + i] == out[from + n - 1 - i]);
    return 0;
}

static int both_ways(void *unused)
{
    struct ipc_session spec = {.badge = BADGE, .rights = RIGHT_CALL | RIGHT_TRANSFER};
    unsigned long before, straight = 0;
    pid_t server;

    (void)unused;
    port = (int)sys_port_create();
    session = (int)sys_session_create(port, &spec);
    CHECK(port >= 0 && session >= 0);
    server = spawn(mixer, 0);
    before = direct();
    for (int i = 0; i < ROUNDS; i++) {
        bool queued = next() % 4 == 0;

        straight += queued ? 0 : 2;
        CHECK_IS(message(queued), 0);
    }
    /* A server on another hart may not have left its stack yet, and pages are first touched. */
    straight = straight * 3 / 4;
    CHECK(direct() - before > straight || direct() == 0); /* or it is not in this kernel */
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(sys_close(session), 0);
    return sys_close(port);
}

/* The client of a direct call is killed: its server learns that when it answers. */
static int client_dies(void *unused)
{
    struct message m;
    long id, late;

    (void)unused;
    CHECK_IS(make_port(), 0);
    for (unsigned long i = 0; i < 100; i++) {
        pid_t client = spawn(call_number, (void *)i);

        id = ipc_receive(port, &m, 0);
        CHECK(id > 0);
        CHECK_IS(m.w[0], i);
        CHECK_IS(kill_and_reap(client, ABI_SIGKILL), 0);
        late = ipc_reply(port, id, &m, 0);
        CHECK_IS(late, -ECANCELED);
    }
    CHECK_IS(sys_close(session), 0);
    return sys_close(port);
}

static int take_one(void *unused)
{
    struct message m;

    (void)unused;
    CHECK(ipc_receive(port, &m, 0) > 0);
    sys_sleep(100 * SECOND);
    return 0;
}

static int double_one(void *unused)
{
    struct message m;
    long id = ipc_receive(port, &m, 0);

    (void)unused;
    CHECK(id > 0);
    m.w[0] *= 2;
    return (int)ipc_reply(port, id, &m, 0);
}

/* The server of a direct call is killed: the next one is asked the same. */
static int server_dies(void *unused)
{
    (void)unused;
    CHECK_IS(make_port(), 0);
    for (unsigned long i = 1; i < 50; i++) {
        pid_t first = spawn(take_one, 0), client, second;

        sys_sleep(MS); /* it waits */
        client = spawn(call_number, (void *)i);
        CHECK_IS(await_state(1, 0), 0);
        CHECK_IS(kill_and_reap(first, ABI_SIGKILL), 0);
        CHECK_IS(await_state(0, 1), 0);
        second = spawn(double_one, 0);
        CHECK_IS(reap(client), 0);
        CHECK_IS(reap(second), 0);
    }
    CHECK_IS(sys_close(session), 0);
    return sys_close(port);
}

static void *call_42(void *unused)
{
    struct message m = {.w = {42}};

    (void)unused;
    return (void *)(ipc_call(session, &m, 0) == 0 ? m.w[0] : 0);
}

/* The call's session is closed under it: the answer comes, and then the end of the session. */
static int session_closed(void *unused)
{
    pthread_t caller;
    void *result;

    (void)unused;
    CHECK_IS(make_port(), 0);
    for (int i = 0; i < 50; i++) {
        struct message m;
        int closed[2];
        pid_t server;
        long id;

        CHECK(session >= 0);
        CHECK_IS(pipe(closed), 0);
        server = fork();
        if (server == 0) {
            sys_close(session);
            id = ipc_receive(port, &m, 0);
            if (read(closed[0], &(char){0}, 1) != 1)
                _exit(2);
            m.w[0] *= 2;
            id = ipc_reply_receive(port, id, &m, 0);
            _exit(id > 0 && m.w[0] == MSG_CLOSE && ipc_reply(port, id, &m, 0) == 0 ? 0 : 1);
        }
        CHECK_IS(pthread_create(&caller, 0, call_42, 0), 0);
        CHECK_IS(await_state(1, 0), 0);
        CHECK_IS(sys_close(session), 0);
        CHECK_IS(write(closed[1], "", 1), 1);
        CHECK_IS(pthread_join(caller, &result), 0);
        CHECK_IS((long)result, 84);
        CHECK_IS(reap(server), 0);
        CHECK_IS(close(closed[0]), 0);
        CHECK_IS(close(closed[1]), 0);
        session = make_session(port, 1, RIGHT_CALL);
    }
    CHECK_IS(sys_close(session), 0);
    return sys_close(port);
}

static unsigned *gone; /* shared */

static void *unmap(void *page)
{
    sys_sleep(5 * MS); /* or the receive is refused at once */
    munmap(page, 4096);
    __atomic_store_n(gone, 1, __ATOMIC_SEQ_CST);
    return 0;
}

/* Its buffer goes while it waits. */
static int receive_nowhere(void *unused)
{
    void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct ipc_ext ext = {.recv_addr = (unsigned long)page, .recv_cap = 4096};
    struct message m;
    pthread_t thread;

    (void)unused;
    CHECK_IS(pthread_create(&thread, 0, unmap, page), 0);
    CHECK_IS(ipc_receive(port, &m, &ext), -EFAULT);
    sys_sleep(100 * SECOND);
    return 0;
}

static int receive_byte(void *unused)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)room, .recv_cap = sizeof(room)};
    struct message m;
    long id = ipc_receive(port, &m, &ext);

    (void)unused;
    CHECK(id > 0);
    m.w[0] = ext.recv_len == 1 ? (unsigned long)room[0] : 0;
    return (int)ipc_reply(port, id, &m, 0);
}

/* A receiver that cannot take a message leaves it to another, who sleeps. */
static int left_to_another(void *unused)
{
    (void)unused;
    port = (int)sys_port_create();
    session = make_session(port, 1, RIGHT_CALL | RIGHT_TRANSFER);
    gone = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(port >= 0 && session >= 0 && gone != MAP_FAILED);
    for (int i = 0; i < 20; i++) {
        struct message m = {.w = {0}};
        struct ipc_ext ext = {.send_addr = (unsigned long)"B",
                              .send_len = 1,
                              .gifts.handles = {session},
                              .gifts.count = i % 2}; /* with one it goes by the queue */
        pid_t bad = spawn(receive_nowhere, 0), good;

        while (!__atomic_exchange_n(gone, 0, __ATOMIC_SEQ_CST))
            sys_sleep(MS);
        good = spawn(receive_byte, 0);
        CHECK(await_waiting(good, "receive"));
        CHECK_IS(ipc_call(session, &m, &ext), 0);
        CHECK_IS(m.w[0], 'B');
        CHECK_IS(reap(good), 0);
        CHECK_IS(kill_and_reap(bad, ABI_SIGKILL), 0);
    }
    CHECK_IS(munmap(gone, 4096), 0);
    CHECK_IS(sys_close(session), 0);
    return sys_close(port);
}

/* Threads die as they park, while others give their harts up and look for work everywhere. */
static int receive_for_ever(void *unused)
{
    struct message m;

    (void)unused;
    for (;;)
        ipc_receive(port, &m, 0);
    return 0;
}

static int yield_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        sys_yield();
    return 0;
}

static int killed_as_they_park(void *unused)
{
    pid_t yielding[3];

    (void)unused;
    CHECK_IS(make_port(), 0);
    for (int i = 0; i < 3; i++)
        yielding[i] = spawn(yield_for_ever, 0);
    for (int i = 0; i < 300; i++) {
        pid_t parking = spawn(receive_for_ever, 0);

        for (int n = 0; n < i % 50; n++)
            sys_notify(port, 1);
        CHECK_IS(kill_and_reap(parking, ABI_SIGKILL), 0);
    }
    for (int i = 0; i < 3; i++)
        CHECK_IS(kill_and_reap(yielding[i], ABI_SIGKILL), 0);
    CHECK_IS(sys_close(session), 0);
    return sys_close(port);
}

static int ignore_all(void *unused)
{
    struct message m;
    long id = ipc_receive(port, &m, 0);

    (void)unused;
    while (id == 0 && !(m.w[0] & 1))
        id = ipc_receive(port, &m, 0);
    return id == 0 ? 0 : 1;
}

/* A receiver that is woken for what another one takes waits on where it was. */
static int woken_in_vain(void *unused)
{
    pid_t first, second;

    (void)unused;
    CHECK_IS(make_port(), 0);
    first = spawn(ignore_all, 0);
    second = spawn(ignore_all, 0);
    for (int i = 0; i < 2000; i++) {
        CHECK_IS(sys_notify(port, 2), 0);
        CHECK_IS(sys_notify(port, 4), 0);
        if (i % 16 == 0)
            sys_sleep(MS / 10);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_IS(sys_notify(port, 1), 0);
        sys_sleep(20 * MS);
    }
    CHECK_IS(reap(first), 0);
    CHECK_IS(reap(second), 0);
    CHECK_IS(sys_close(session), 0);
    return sys_close(port);
}

static const struct proc_test tests[] = {
    {both_ways, "direct messages and queued ones come out the same"},
    {client_dies, "a client that is killed in a direct call"},
    {server_dies, "a server that is killed with a direct request"},
    {session_closed, "a session that is closed in a direct call"},
    {woken_in_vain, "receivers that wake in vain wait on"},
    {left_to_another, "a receiver that cannot take a message leaves it to another"},
    {killed_as_they_park,
     "receivers that are killed as they begin to wait, among threads that yield"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
