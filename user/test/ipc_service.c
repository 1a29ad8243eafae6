/*
 * Requests in service: their ids, clients that die, servers that die, many of
 * both.
 *
 * test: points=5
 */
#include "user/test/ipc_util.h"
#include "user/test/ipc_raw.h"
#include <pthread.h>
#include <stdbool.h>

static int ids(void *unused)
{
    struct message m[3], none = {.w = {0}};
    pid_t pids[3];
    int other = (int)sys_port_create();

    (void)unused;
    CHECK_IS(make_port(), 0);
    for (long i = 0; i < 3; i++) {
        pids[i] = spawn(call_number, (void *)(i + 10));
        CHECK(receive_request(port, &m[i], 0) > 0);
        CHECK_IS(m[i].w[0], i + 10);
        m[i].w[0] *= 2;
    }
    CHECK(m[0].id != m[1].id && m[1].id != m[2].id && m[0].id != m[2].id);
    for (int i = 0; i < 64; i++) /* near misses, wild guesses */
        CHECK_IS(ipc_reply(port, m[0].id ^ 1l << i, &none, 0) == 0, 0);
    CHECK_IS(ipc_reply(port, 0, &none, 0), -ECANCELED);
    CHECK_IS(ipc_reply(port, -1, &none, 0), -ECANCELED);
    CHECK_IS(ipc_reply(other, m[0].id, &none, 0), -ECANCELED); /* another port's */
    CHECK_IS(ipc_reply(port, m[2].id, &m[2], 0), 0);           /* in any order */
    CHECK_IS(reap(pids[2]), 0);
    CHECK_IS(ipc_reply(port, m[2].id, &m[2], 0), -ECANCELED); /* but once */
    CHECK_IS(ipc_reply_receive(port, m[2].id, &none, 0), -ECANCELED);
    CHECK_IS(ipc_reply(port, m[0].id, &m[0], 0), 0);
    CHECK_IS(ipc_reply(port, m[1].id, &m[1], 0), 0);
    CHECK_IS(reap(pids[0]), 0);
    CHECK_IS(reap(pids[1]), 0);
    return 0;
}

/* A reply that cannot be sent leaves the request in service. */
static int bad_replies(void *unused)
{
    struct message m;
    struct ipc_ext ext = {.send_addr = 64, .send_len = 0};
    pid_t pid;

    (void)unused;
    CHECK_IS(make_port(), 0);
    pid = spawn(call_number, (void *)21);
    CHECK(receive_request(port, &m, 0) > 0);
    ext.send_len = 8; /* the client takes none */
    CHECK_IS(ipc_reply(port, m.id, &m, &ext), -EMSGSIZE);
    ext = (struct ipc_ext){.gifts.count = 1, .gifts.handles = {999}};
    CHECK_IS(ipc_reply(port, m.id, &m, &ext), -EBADF);
    ext = (struct ipc_ext){.gifts.make_session = 1, .gifts.session = {.rights = RIGHT_OWN}};
    CHECK_IS(ipc_reply(port, m.id, &m, &ext), -EINVAL);
    CHECK_IS(ipc_raw(SYS_reply, port, (unsigned long)m.id, (struct ipc_raw){.gifts = -4096ul}),
             -EFAULT);
    CHECK_IS(ipc_reply(session, m.id, &m, 0), -EBADF);
    CHECK(await_waiting(pid, "reply"));
    m.w[0] = 42;
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    CHECK_IS(reap(pid), 0);
    return 0;
}

/* Killed in the queue: never seen. Killed in service: ECANCELED. */
static int dead_clients(void *unused)
{
    struct message m;
    pid_t queued, served, last;

    (void)unused;
    CHECK_IS(make_port(), 0);
    served = spawn(call_number, (void *)1);
    CHECK(receive_request(port, &m, 0) > 0);
    queued = spawn(call_number, (void *)2);
    CHECK(await_waiting(queued, "reply"));
    last = spawn(call_number, (void *)3);
    CHECK(await_waiting(last, "reply"));
    CHECK_IS(sys_kill(H_NONE, queued, ABI_SIGKILL), 0);
    CHECK_IS(reap(queued), ABI_SIGKILL);
    CHECK_IS(sys_kill(H_NONE, served, ABI_SIGKILL), 0);
    CHECK_IS(reap(served), ABI_SIGKILL);
    CHECK_IS(ipc_reply_receive(port, m.id, &m, 0), -ECANCELED); /* and receives nothing */
    CHECK(receive_request(port, &m, 0) > 0);
    CHECK_IS(m.w[0], 3);
    m.w[0] = 6;
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    CHECK_IS(reap(last), 0);
    return 0;
}

/* All who wait when a server's port is given up are told, and all who come: closed by a
 * server that lives on, or by its death. */
static int port_goes(bool closed)
{
    int go[2], status;
    pid_t server, clients[6];

    CHECK_IS(make_port(), 0);
    CHECK_IS(pipe(go), 0);
    server = fork();
    if (server == 0) {
        struct message m;
        for (int i = 0; i < 3; i++) /* three in service, three in the queue */
            ipc_receive(port, &m, 0);
        if (read(go[0], &m, 1) == 1)
            sys_close(port);
        _exit(sleep_long(0));
    }
    CHECK_IS(sys_close(port), 0);
    for (long i = 0; i < 6; i++) {
        clients[i] = spawn(call_number, (void *)i);
        CHECK(await_waiting(clients[i], "reply"));
    }
    if (closed)
        CHECK_IS(write(go[1], "x", 1), 1);
    else
        CHECK_IS(sys_kill(H_NONE, server, ABI_SIGKILL), 0);
    for (int i = 0; i < 6; i++) {
        status = reap(clients[i]);
        CHECK_IS(WEXITSTATUS(status), EPIPE);
    }
    CHECK_IS(call_number((void *)9), EPIPE);
    if (closed)
        CHECK_IS(sys_kill(H_NONE, server, ABI_SIGKILL), 0);
    CHECK_IS(reap(server), ABI_SIGKILL);
    CHECK_IS(close(go[0]) + close(go[1]), 0);
    return 0;
}

static int dead_server(void *unused)
{
    (void)unused;
    return port_goes(false);
}

static int closed_port(void *unused)
{
    (void)unused;
    return port_goes(true);
}

/* A port lives as long as anybody may receive on it. */
static int owners(void *unused)
{
    struct message m;
    pid_t other, client;

    (void)unused;
    CHECK_IS(make_port(), 0);
    int weak = (int)sys_restrict(port, RIGHT_NOTIFY | RIGHT_TRANSFER);
    CHECK(weak >= 0);
    CHECK_IS(ipc_receive(weak, &m, 0), -EPERM);
    CHECK_IS(ipc_reply(weak, 1, &m, 0), -EPERM);
    CHECK_IS(make_session(weak, 1, RIGHT_CALL), -EPERM);
    CHECK_IS(sys_port_timer(weak, 1, 1), -EPERM);
    other = fork();
    if (other == 0) {
        if (receive_request(port, &m, 0) <= 0)
            _exit(1);
        m.w[0] *= 2;
        _exit(ipc_reply(port, m.id, &m, 0) == 0 ? 0 : 2);
    }
    CHECK_IS(sys_close(port), 0); /* the child's copy keeps it */
    client = spawn(call_number, (void *)8);
    CHECK_IS(reap(client), 0);
    CHECK_IS(reap(other), 0);
    CHECK_IS(call_number((void *)8), EPIPE); /* RIGHT_NOTIFY alone owns nothing */
    CHECK_IS(sys_notify(weak, 1), 0);
    return 0;
}

/* A receiver on a port that is given up in another thread. */
static void *receive_thread(void *result)
{
    struct message m;

    *(volatile long *)result = ipc_receive(port, &m, 0);
    return 0;
}

static int closed_under_receiver(void *unused)
{
    volatile long result = 1;
    pthread_t t;

    (void)unused;
    CHECK_IS(make_port(), 0);
    CHECK_IS(pthread_create(&t, 0, receive_thread, (void *)&result), 0);
    CHECK(await_waiting(getpid(), "receive"));
    CHECK_IS(sys_close(port), 0);
    CHECK_IS(pthread_join(t, 0), 0);
    CHECK_IS(result, -EPIPE);
    return 0;
}

/* While one thread's replies to a request fail again and again, others are served: none
 * gets its place. */
static volatile long stuck_id;

static void *fail_replies(void *unused)
{
    static char data[16];
    struct ipc_ext too_long = {.send_addr = (unsigned long)data, .send_len = sizeof(data)};
    struct message none = {.w = {0}};

    /* Read once each time: it becomes 0 at any moment. */
    for (long id; (id = stuck_id) != 0;)
        if (ipc_reply(port, id, &none, &too_long) != -EMSGSIZE)
            return (void *)1;
    return unused;
}

static int call_many(void *unused)
{
    (void)unused;
    for (long i = 0; i < 1500; i++)
        CHECK_IS(call_number((void *)i), 0);
    return 0;
}

static int kept_place(void *unused)
{
    struct message stuck, m;
    pid_t first, many;
    pthread_t t;
    void *failed = (void *)1;

    (void)unused;
    CHECK_IS(make_port(), 0);
    first = spawn(call_number, (void *)21);
    CHECK(receive_request(port, &stuck, 0) > 0);
    stuck_id = stuck.id;
    CHECK_IS(pthread_create(&t, 0, fail_replies, 0), 0);
    many = spawn(call_many, 0);
    for (int i = 0; i < 1500; i++) {
        CHECK(receive_request(port, &m, 0) > 0);
        m.w[0] *= 2;
        CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    }
    CHECK_IS(reap(many), 0);
    stuck_id = 0;
    CHECK_IS(pthread_join(t, &failed), 0);
    CHECK(!failed);
    stuck.w[0] = 42;
    CHECK_IS(ipc_reply(port, stuck.id, &stuck, 0), 0);
    CHECK_IS(reap(first), 0);
    return 0;
}

/* ------------------------------------------------- many clients, many servers */

#define CLIENTS 6
#define SERVERS 3
#define CALLS   150

static char client_data[2000], server_data[SERVERS][4096];

static void *serve_thread(void *slot)
{
    char *buffer = server_data[(long)slot];
    struct ipc_ext ext = {.recv_addr = (unsigned long)buffer,
                          .recv_cap = sizeof(server_data[0]),
                          .send_addr = (unsigned long)buffer};
    struct message m;
    long id = ipc_receive(port, &m, &ext);

    while (id >= 0) {
        if (id == 0 || m.origin & ORIGIN_KERNEL) {
            m.w[0] = 0;
            if (id)
                ipc_reply(port, id, &m, 0);
            id = ipc_receive(port, &m, &ext);
            continue;
        }
        m.w[0] = m.w[0] * 2 + m.badge;
        ext.send_len = ext.recv_len;
        for (unsigned long i = 0; i < ext.recv_len; i++)
            buffer[i]++;
        id = ipc_reply_receive(port, id, &m, &ext);
    }
    return (void *)id;
}

static int client(void *number)
{
    unsigned long me = (unsigned long)number, random = me + 1;

    for (unsigned i = 0; i < CALLS; i++) {
        struct message m = {.w = {me * 1000 + i}};
        unsigned long n = random_next(&random) % sizeof(client_data);
        struct ipc_ext ext = {.send_addr = (unsigned long)client_data,
                              .send_len = n,
                              .recv_addr = (unsigned long)client_data,
                              .recv_cap = sizeof(client_data)};
        memset(client_data, (int)(me * 16 + i % 16), sizeof(client_data));
        CHECK_IS(ipc_call(session, &m, &ext), 0);
        CHECK_IS(m.w[0], (me * 1000 + i) * 2 + 1);
        CHECK_IS(ext.recv_len, n);
        for (unsigned long j = 0; j < n; j++)
            CHECK(client_data[j] == (char)(me * 16 + i % 16 + 1));
    }
    return 0;
}

static int crowd(void *unused)
{
    pid_t server, clients[CLIENTS];

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = fork();
    if (server == 0) {
        pthread_t t;
        for (long i = 1; i < SERVERS; i++)
            if (pthread_create(&t, 0, serve_thread, (void *)i))
                _exit(1);
        serve_thread(0);
        _exit(2);
    }
    CHECK_IS(sys_close(port), 0);
    for (long i = 0; i < CLIENTS; i++)
        clients[i] = spawn(client, (void *)i);
    for (int i = 0; i < CLIENTS; i++)
        CHECK_IS(reap(clients[i]), 0);
    CHECK_IS(sys_kill(H_NONE, server, ABI_SIGKILL), 0);
    CHECK_IS(reap(server), ABI_SIGKILL);
    return 0;
}

/* Clients killed at any moment of a call; the server goes on for the others. */
static int killed_crowd(void *unused)
{
    pid_t server;
    unsigned long random = 4711;

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = fork();
    if (server == 0) {
        for (;;) {
            long rc = (long)serve_thread(0);
            if (rc != -ECANCELED)
                _exit(1);
        }
    }
    CHECK_IS(sys_close(port), 0);
    for (int i = 0; i < 60; i++) {
        pid_t pid = spawn(client, (void *)1);
        sys_sleep(random_next(&random) % (4 * MS));
        CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
        reap(pid);
    }
    CHECK_IS(reap(spawn(client, (void *)2)), 0);
    CHECK_IS(sys_kill(H_NONE, server, ABI_SIGKILL), 0);
    CHECK_IS(reap(server), ABI_SIGKILL);
    return 0;
}

#define RUSH 20

/* So many clients are served at once. */
static int serve_at_once(unsigned clients)
{
    static struct message m[RUSH];
    pid_t pids[RUSH];

    for (unsigned i = 0; i < clients; i++)
        pids[i] = spawn(call_number, (void *)21);
    for (unsigned i = 0; i < clients; i++)
        CHECK(receive_request(port, &m[i], 0) > 0);
    for (unsigned i = 0; i < clients; i++) {
        m[i].w[0] = 42;
        CHECK_IS(ipc_reply(port, m[i].id, &m[i], 0), 0);
    }
    for (unsigned i = 0; i < clients; i++)
        CHECK_IS(reap(pids[i]), 0);
    return 0;
}

/* What a port takes for many at once it gives back. */
static int rush(void *unused)
{
    int constant = 0;

    (void)unused;
    for (int i = 0; i < 5; i++) {
        unsigned long before;

        CHECK_IS(make_port(), 0);
        CHECK_IS(serve_at_once(1), 0);
        before = kmalloc_bytes();
        CHECK_IS(serve_at_once(RUSH), 0);
        constant += before == kmalloc_bytes(); /* now and then a server has something new */
        CHECK_IS(sys_close(port), 0);
        CHECK_IS(sys_close(session), 0);
    }
    CHECK(constant >= 3);
    return 0;
}

static const struct proc_test tests[] = {
    {ids, "ids: in any order, once, on their port"},
    {bad_replies, "a bad reply leaves the request in service"},
    {dead_clients, "clients killed in the queue and in service"},
    {dead_server, "EPIPE for all when the server is killed"},
    {closed_port, "EPIPE for all when the server closes its port"},
    {owners, "a port lives as long as it has owners; OWN is needed for all"},
    {closed_under_receiver, "a port closed under its receiver"},
    {kept_place, "a request keeps its place while replies to it fail"},
    {rush, "many in service at once leave nothing"},
    {crowd, "many clients, several server threads"},
    {killed_crowd, "clients killed at random moments"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
