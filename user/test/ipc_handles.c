/*
 * Handles in messages: both ways, up to four, and only those that may travel.
 *
 * test: points=4
 */
#include "user/test/ipc_util.h"

#define GIVE 1 /* server answers with w[1] pipe readers, each holding its number */
#define TAKE 2 /* server writes a letter to each handle that came */
#define OPEN 3 /* server answers with a session of badge w[1], then w[2] pipe ends */
#define WHO  4 /* the badge */
#define STOP 5

static int fresh_reader(char letter)
{
    int fds[2];

    sys_pipe(fds, 0);
    sys_write(fds[1], &letter, 1);
    sys_close(fds[1]);
    return fds[0];
}

/* The answer's handles, closed again once they are sent. */
static void answer(struct message *m, struct ipc_ext *ext)
{
    unsigned long number = m->w[0], badge = m->w[1], count = number == GIVE ? m->w[1] : m->w[2];
    long id = m->id;

    ext->gifts.count = 0;
    ext->gifts.make_session = number == OPEN;
    ext->gifts.session =
        (struct ipc_session){.badge = badge, .rights = RIGHT_CALL | RIGHT_TRANSFER};
    ext->gifts.session_flags = HANDLE_CLOEXEC;
    for (unsigned i = 0; (number == GIVE || number == OPEN) && i < count && i < IPC_HANDLES; i++)
        ext->gifts.handles[ext->gifts.count++] = fresh_reader((char)('a' + i));
    for (unsigned i = 0; number == TAKE && i < ext->recv_handle_count; i++)
        sys_write(ext->recv_handles[i], &"0123"[i], 1);
    m->w[0] = number == STOP || number <= OPEN ? 0 : m->badge;
    m->w[1] = ext->recv_handle_count;
    long err = ipc_reply(port, id, m, ext);
    if (err == -EMFILE || err == -EINVAL) {
        m->w[0] = (unsigned long)err;
        ext->gifts.count = ext->gifts.make_session = 0;
        ipc_reply(port, id, m, ext);
    }
}

/* Serves, and at the end has as many handles as at the beginning. */
static int serve(void)
{
    struct ipc_ext ext = {0};
    struct message m;
    int first = (int)sys_dup(port, 0, 0), last;

    CHECK_IS(sys_close(first), 0);
    do {
        CHECK(ipc_receive(port, &m, &ext) > 0);
        unsigned long number = m.w[0];
        if (m.origin & ORIGIN_KERNEL)
            m.w[0] = STOP + 1;
        int sent[IPC_HANDLES], n;
        answer(&m, &ext);
        n = (int)ext.gifts.count;
        memcpy(sent, ext.gifts.handles, sizeof(sent));
        for (int i = 0; i < n; i++)
            sys_close(sent[i]);
        for (unsigned i = 0; i < ext.recv_handle_count; i++)
            sys_close(ext.recv_handles[i]);
        ext.recv_handle_count = 0;
        if (number == STOP && !(m.origin & ORIGIN_KERNEL))
            break;
    } while (1);
    /* A few pipe ends may be open still, of answers that were refused. */
    last = (int)sys_dup(port, 0, 0);
    CHECK(last >= first);
    return 0;
}

static pid_t server;

static int start(void)
{
    port = (int)sys_port_create();
    session = make_session(port, 1, RIGHT_CALL | RIGHT_TRANSFER);
    CHECK(port >= 0 && session >= 0);
    server = fork();
    if (server == 0) {
        sys_close(session);
        _exit(serve());
    }
    CHECK_IS(sys_close(port), 0);
    return 0;
}

static int stop(void)
{
    struct message m = {.w = {STOP}};

    CHECK_IS(ipc_request(session, &m, 0), 0);
    return reap(server);
}

/* What a reader holds: its only byte, then the end. */
static int holds(int h, char letter)
{
    char got;

    CHECK_IS(sys_read(h, &got, 1), 1);
    CHECK_IS(got, letter);
    CHECK_IS(sys_read(h, &got, 1), 0);
    CHECK_IS(sys_close(h), 0);
    return 0;
}

static int given(void *unused)
{
    (void)unused;
    CHECK_IS(start(), 0);
    for (unsigned long n = 0; n <= IPC_HANDLES; n++) {
        struct message m = {.w = {GIVE, n}};
        struct ipc_ext ext = {.recv_handles = {-7, -7, -7, -7}};
        CHECK_IS(ipc_request(session, &m, &ext), 0);
        CHECK_IS(ext.recv_handle_count, n);
        for (unsigned i = 0; i < n; i++)
            CHECK_IS(holds(ext.recv_handles[i], (char)('a' + i)), 0);
    }
    return stop();
}

static int taken(void *unused)
{
    int fds[2];
    char got[8];

    (void)unused;
    CHECK_IS(start(), 0);
    CHECK_IS(sys_pipe(fds, HANDLE_CLOEXEC), 0);
    for (unsigned n = 0; n <= IPC_HANDLES; n++) {
        struct message m = {.w = {TAKE}};
        struct ipc_ext ext = {.gifts.count = n, .gifts.handles = {fds[1], fds[1], fds[1], fds[1]}};
        CHECK_IS(ipc_request(session, &m, &ext), 0);
        CHECK_IS(m.w[1], n);
        if (n)
            CHECK_IS(sys_read(fds[0], got, sizeof(got)), n);
        CHECK(memcmp(got, "0123", n) == 0);
        CHECK_IS(sys_write(fds[1], "x", 1), 1); /* the sender keeps its own */
        CHECK_IS(sys_read(fds[0], got, 1), 1);
    }
    /* The server has given its copies up: the pipe ends with ours. */
    CHECK_IS(stop(), 0);
    CHECK_IS(sys_close(fds[1]), 0);
    CHECK_IS(sys_read(fds[0], got, 1), 0);
    return 0;
}

/* A session made in the reply comes first, with its badge and flags. */
static int opened(void *unused)
{
    struct abi_handle_info info;

    (void)unused;
    CHECK_IS(start(), 0);
    for (unsigned long n = 0; n < IPC_HANDLES; n++) {
        struct message m = {.w = {OPEN, 500 + n, n}};
        struct ipc_ext ext = {0};
        CHECK_IS(ipc_request(session, &m, &ext), 0);
        CHECK_IS(ext.recv_handle_count, n + 1);
        CHECK_IS(sys_handle_info(ext.recv_handles[0], &info), 0);
        CHECK_IS(info.type, HANDLE_SESSION);
        CHECK_IS(info.rights, RIGHT_CALL | RIGHT_TRANSFER);
        CHECK_IS(info.flags, HANDLE_CLOEXEC);
        m = (struct message){.w = {WHO}};
        CHECK_IS(ipc_request(ext.recv_handles[0], &m, 0), 500 + n);
        for (unsigned i = 0; i < n; i++)
            CHECK_IS(holds(ext.recv_handles[i + 1], (char)('a' + i)), 0);
        CHECK_IS(sys_close(ext.recv_handles[0]), 0);
    }
    /* Five handles do not fit in a message. */
    struct message m = {.w = {OPEN, 1, IPC_HANDLES}};
    struct ipc_ext ext = {0};
    CHECK_IS(ipc_request(session, &m, &ext), -EINVAL);
    CHECK_IS(ext.recv_handle_count, 0);
    return stop();
}

/* Only what bears RIGHT_TRANSFER travels, and one that may not spoils all. */
static int without_right(void *unused)
{
    int fds[2], bound, h;
    char got;
    struct message m = {.w = {TAKE}};
    struct ipc_ext ext = {.gifts.count = 2};

    (void)unused;
    CHECK_IS(start(), 0);
    CHECK_IS(sys_pipe(fds, 0), 0);
    bound = (int)sys_restrict(fds[1], RIGHT_ALL & ~RIGHT_TRANSFER);
    CHECK(bound >= 0);
    ext.gifts.handles[0] = fds[1];
    ext.gifts.handles[1] = bound;
    CHECK_IS(ipc_call(session, &m, &ext), -EPERM);
    ext.gifts.handles[1] = 999;
    CHECK_IS(ipc_call(session, &m, &ext), -EBADF);
    CHECK_IS(sys_write(fds[1], "y", 1), 1);
    CHECK_IS(sys_read(fds[0], &got, 1), 1);
    CHECK_IS(got, 'y'); /* the server has written nothing */
    CHECK_IS(sys_close(bound), 0);
    /* Rights cannot grow on the way. */
    h = (int)sys_restrict(fds[1], RIGHT_TRANSFER);
    ext = (struct ipc_ext){.gifts.count = 1, .gifts.handles = {h}};
    m.w[0] = TAKE;
    CHECK_IS(ipc_request(session, &m, &ext), 0);
    CHECK_IS(sys_close(fds[1]), 0);
    CHECK_IS(sys_close(h), 0);
    CHECK_IS(sys_read(fds[0], &got, 1), 0);
    return stop();
}

static int fill_table(void)
{
    int h, last = -1;

    while ((h = (int)sys_dup(session, 0, 0)) >= 0)
        last = h;
    return last;
}

/* The client's table is full: the server is told, and nothing is installed. */
static int client_full(void *unused)
{
    struct message m = {.w = {GIVE, 2}};
    struct ipc_ext ext = {0};
    int last;

    (void)unused;
    CHECK_IS(start(), 0);
    last = fill_table();
    CHECK_IS(ipc_request(session, &m, &ext), -EMFILE);
    CHECK_IS(ext.recv_handle_count, 0);
    CHECK_IS(sys_close(last), 0); /* one place for two */
    m = (struct message){.w = {GIVE, 2}};
    CHECK_IS(ipc_request(session, &m, &ext), -EMFILE);
    CHECK_IS(sys_dup(session, 0, 0), last); /* and that place is still free */
    CHECK_IS(sys_close(last), 0);
    m = (struct message){.w = {GIVE, 1}};
    CHECK_IS(ipc_request(session, &m, &ext), 0);
    CHECK_IS(ext.recv_handles[0], last);
    return stop();
}

/* The server's table is full: the client is told, the server waits on. */
static int server_full(void *unused)
{
    struct message m = {.w = {TAKE}};
    struct ipc_ext ext = {0};
    int fds[2];

    (void)unused;
    port = (int)sys_port_create();
    session = make_session(port, 1, RIGHT_CALL | RIGHT_TRANSFER);
    CHECK_IS(sys_pipe(fds, 0), 0);
    server = fork();
    if (server == 0) {
        ext = (struct ipc_ext){.gifts.count = 1, .gifts.handles = {fds[1]}};
        CHECK_IS(ipc_call(session, &m, &ext), -EMFILE);
        m.w[0] = TAKE; /* without handles it goes */
        CHECK_IS(ipc_call(session, &m, 0), 0);
        _exit(0);
    }
    fill_table();
    CHECK(receive_request(port, &m, &ext) > 0);
    CHECK_IS(ext.recv_handle_count, 0);
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    return reap(server);
}

/* A port's own handle can be given away, and then served by the other. */
static int pass_port(void *unused)
{
    int mine = (int)sys_port_create(), s = make_session(mine, 77, RIGHT_CALL);
    struct message m = {.w = {GIVE}};
    struct ipc_ext ext = {.gifts.count = 1, .gifts.handles = {mine}};
    pid_t pid;

    (void)unused;
    port = (int)sys_port_create();
    session = make_session(port, 1, RIGHT_CALL | RIGHT_TRANSFER);
    pid = fork();
    if (pid == 0) {
        struct ipc_ext got = {0};
        sys_close(mine); /* what fork gave does not count */
        sys_close(s);
        CHECK(receive_request(port, &m, &got) > 0);
        CHECK_IS(got.recv_handle_count, 1);
        CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
        CHECK(receive_request(got.recv_handles[0], &m, 0) > 0);
        CHECK_IS(m.badge, 77);
        m.w[0] = 4321;
        CHECK_IS(ipc_reply(got.recv_handles[0], m.id, &m, 0), 0);
        _exit(0);
    }
    CHECK_IS(ipc_call(session, &m, &ext), 0);
    CHECK_IS(sys_close(mine), 0);
    m.w[0] = GIVE;
    CHECK_IS(ipc_request(s, &m, 0), 4321);
    CHECK_IS(reap(pid), 0);
    m.w[0] = GIVE;
    CHECK_IS(ipc_call(s, &m, 0), -EPIPE); /* its last owner is gone */
    return 0;
}

static const struct proc_test tests[] = {
    {given, "0 to 4 handles in a reply"},
    {taken, "0 to 4 handles in a request"},
    {opened, "a session made by the reply"},
    {without_right, "no TRANSFER, no travel; rights do not grow"},
    {client_full, "EMFILE at the server when the client has no room"},
    {server_full, "EMFILE at the client when the server has no room"},
    {pass_port, "a port changes hands"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
