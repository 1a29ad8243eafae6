/*
 * Ports outlive servers: what a dead one had in service is the next one's, with
 * all that came with it, and the callers only wait.
 *
 * test: points=4
 */
#include "user/test/ipc_util.h"

/* A server: receives that many requests, answers none, and waits to be killed. */
static int take(void *count)
{
    struct message m;

    for (long i = 0; i < (long)count; i++)
        if (receive_request(port, &m, 0) <= 0)
            return 1;
    return sleep_long(0);
}

static int answer_double(const struct message *m)
{
    struct message reply = {.w = {m->w[0] * 2}};

    CHECK_IS(ipc_reply(port, m->id, &reply, 0), 0);
    return 0;
}

/* --------------------------------------------------------------- redelivery */

/* Five requests, three in service: all come to the next one, in their order, under
 * their numbers; and once. */
static int in_order(void *unused)
{
    struct abi_port_info info;
    unsigned long numbers[5];
    struct message m;
    pid_t clients[5], server;

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = spawn(take, (void *)3);
    for (long i = 0; i < 5; i++) {
        clients[i] = spawn(call_number, (void *)(i + 10));
        CHECK_IS(await_state(i < 3 ? (unsigned)i + 1 : 3, i < 3 ? 0 : (unsigned)i - 2), 0);
    }
    CHECK_IS(sys_port_list(port, PORT_IN_SERVICE, 0, numbers, 5), 3);
    CHECK(numbers[0] == 1 && numbers[1] == 2 && numbers[2] == 3);
    CHECK_IS(sys_port_list(port, PORT_IN_SERVICE | PORT_BUT(11), 0, numbers, 5), 2);
    CHECK(numbers[0] == 1 && numbers[1] == 3);
    CHECK_IS(sys_port_list(port, PORT_IN_SERVICE | PORT_BUT(99), 0, numbers, 5), 3);
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(await_state(0, 5), 0);
    CHECK_IS(sys_port_info(port, &info), 0);
    CHECK_IS(info.returned, 3);
    CHECK_IS(sys_port_list(port, PORT_IN_SERVICE, 0, numbers, 5), 0);
    CHECK_IS(info.answered, 0);
    for (unsigned long i = 0; i < 5; i++) {
        CHECK(receive_request(port, &m, 0) > 0);
        CHECK_IS(m.w[0], i + 10);
        CHECK_IS(IPC_NUMBER(m.id), i + 1); /* on a new port: as the first one had them */
        CHECK_IS(sys_port_list(port, PORT_IN_SERVICE, 0, numbers, 5), 1);
        CHECK_IS(numbers[0], i + 1);
        CHECK_IS(answer_double(&m), 0);
        CHECK_IS(reap(clients[i]), 0);
    }
    CHECK_IS(sys_port_info(port, &info), 0);
    CHECK_IS(info.answered, 5);
    CHECK_IS(info.in_service + info.queued, 0);
    return 0;
}

/* Only what the dead one had: two servers, one of them dies. */
static int others_keep_theirs(void *unused)
{
    struct message mine, m;
    pid_t a, b, server;

    (void)unused;
    CHECK_IS(make_port(), 0);
    a = spawn(call_number, (void *)1);
    CHECK(receive_request(port, &mine, 0) > 0);
    server = spawn(take, (void *)1);
    b = spawn(call_number, (void *)2);
    CHECK_IS(await_state(2, 0), 0);
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(await_state(1, 1), 0);
    CHECK_IS(answer_double(&mine), 0);
    CHECK_IS(reap(a), 0);
    CHECK(receive_request(port, &m, 0) > 0);
    CHECK_IS(m.w[0], 2);
    CHECK_IS(answer_double(&m), 0);
    CHECK_IS(reap(b), 0);
    return 0;
}

/* A reply that fails leaves the request with who tried, also if another received it. */
static int passed_on(void *unused)
{
    struct message m, none = {.w = {0}};
    struct ipc_ext too_long = {.send_addr = (unsigned long)&none, .send_len = 8};
    int ids[2];
    long id;
    pid_t client, server;

    (void)unused;
    CHECK_IS(make_port(), 0);
    CHECK_IS(pipe(ids), 0);
    client = spawn(call_number, (void *)4);
    server = fork();
    if (server == 0) {
        id = receive_request(port, &m, 0);
        _exit(write(ids[1], &id, sizeof(id)) == sizeof(id) ? sleep_long(0) : 1);
    }
    CHECK_IS(read(ids[0], &id, sizeof(id)), sizeof(id));
    CHECK_IS(ipc_reply(port, id, &none, &too_long), -EMSGSIZE);
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(await_state(1, 0), 0);
    none.w[0] = 8;
    CHECK_IS(ipc_reply(port, id, &none, 0), 0);
    CHECK_IS(reap(client), 0);
    /* And it is returned when he dies, who has never received any. */
    client = spawn(call_number, (void *)5);
    CHECK((id = receive_request(port, &m, 0)) > 0);
    server = fork();
    if (server == 0)
        _exit(ipc_reply(port, id, &none, &too_long) == -EMSGSIZE ? 0 : 1);
    CHECK_IS(reap(server), 0);
    CHECK_IS(await_state(0, 1), 0);
    CHECK(receive_request(port, &m, 0) > 0);
    CHECK_IS(answer_double(&m), 0);
    CHECK_IS(reap(client), 0);
    return 0;
}

/* A client that sends a pipe's end along with bytes, and gets them back. */
static int call_with_pipe(void *end)
{
    char text[6000], back[6000];
    struct message m = {.w = {1}};
    struct ipc_ext ext = {.send_addr = (unsigned long)text,
                          .send_len = sizeof(text),
                          .recv_addr = (unsigned long)back,
                          .recv_cap = sizeof(back),
                          .gifts.count = 1,
                          .gifts.handles = {(int)(long)end}};

    pattern_fill(text, sizeof(text), 3, 0);
    CHECK_IS(ipc_call(session, &m, &ext), 0);
    CHECK_IS(ext.recv_len, sizeof(text));
    CHECK_IS(pattern_check(back, sizeof(back), 3, 0), -1);
    return 0;
}

/* Receives such a request, and writes one byte to the pipe. */
static long take_pipe(struct message *m, char *buffer, unsigned long room, char byte)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)buffer, .recv_cap = room};
    long id = receive_request(port, m, &ext);

    if (id > 0 && (ext.recv_handle_count != 1 || ext.recv_len != room ||
                   write(ext.recv_handles[0], &byte, 1) != 1))
        return -1;
    if (id > 0)
        close(ext.recv_handles[0]);
    return id;
}

static int handles_and_bytes(void *unused)
{
    static char buffer[6000];
    struct ipc_ext ext = {.send_addr = (unsigned long)buffer, .send_len = sizeof(buffer)};
    struct message m;
    char byte;
    int ends[2];
    pid_t client;

    (void)unused;
    CHECK_IS(make_port(), 0);
    CHECK_IS(pipe(ends), 0);
    client = spawn(call_with_pipe, (void *)(long)ends[1]);
    CHECK_IS(close(ends[1]), 0);
    for (int i = 'a'; i < 'd'; i++) {
        pid_t server = fork();
        if (server == 0) {
            close(ends[0]);
            _exit(take_pipe(&m, buffer, sizeof(buffer), (char)i) > 0 ? sleep_long(0) : 1);
        }
        CHECK_IS(read(ends[0], &byte, 1), 1);
        CHECK_IS(byte, i);
        CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    }
    CHECK(take_pipe(&m, buffer, sizeof(buffer), 'z') > 0);
    CHECK_IS(read(ends[0], &byte, 1), 1);
    m.w[0] = 0;
    CHECK_IS(ipc_reply(port, m.id, &m, &ext), 0);
    CHECK_IS(reap(client), 0);
    CHECK_IS(read(ends[0], &byte, 1), 0); /* nobody keeps the other end */
    return 0;
}

/* ----------------------------------------------------------- ends of requests */

static int killable(void *unused)
{
    struct message m;
    pid_t server, first, second;

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = spawn(take, (void *)2);
    first = spawn(call_number, (void *)1);
    CHECK_IS(await_state(1, 0), 0);
    second = spawn(call_number, (void *)2);
    CHECK_IS(await_state(2, 0), 0);
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(kill_and_reap(first, ABI_SIGKILL), 0);
    CHECK(receive_request(port, &m, 0) > 0);
    CHECK_IS(m.w[0], 2);
    CHECK_IS(answer_double(&m), 0);
    CHECK_IS(reap(second), 0);
    return 0;
}

static int call_without_port(void *number)
{
    return sys_close(port) ? EBADF : call_number(number);
}

static int given_up(void *unused)
{
    pid_t server, client;
    int status;

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = spawn(take, (void *)1);
    client = spawn(call_without_port, (void *)1);
    CHECK_IS(await_state(1, 0), 0);
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(await_state(0, 1), 0);
    CHECK_IS(sys_close(port), 0);
    status = reap(client);
    CHECK_IS(WEXITSTATUS(status), EPIPE);
    return 0;
}

enum fault { TRAP, EXIT, ABORTED, KILLED, TERMINATED };

/* A server that takes a request and ends in that way. */
static int die_of(enum fault fault)
{
    static const int signals[] = {[TRAP] = ABI_SIGTRAP,
                                  [ABORTED] = ABI_SIGABRT,
                                  [KILLED] = ABI_SIGKILL,
                                  [TERMINATED] = ABI_SIGTERM};
    pid_t server = fork();

    if (server == 0) {
        struct message m;
        if (receive_request(port, &m, 0) <= 0)
            _exit(1);
        if (fault == TRAP)
            __builtin_trap();
        if (fault == EXIT)
            _exit(3);
        _exit(sleep_long(0));
    }
    if (fault == EXIT) {
        CHECK_IS(reap(server), 3 << 8);
        return 0;
    }
    if (fault == TRAP) {
        CHECK_IS(reap(server), ABI_SIGTRAP);
        return 0;
    }
    CHECK_IS(await_state(1, 0), 0);
    return kill_and_reap(server, signals[fault]);
}

/* A request that kills its servers is refused at the third; a killer from outside, or
 * another port's trouble, does not count. */
static int poison(void *unused)
{
    static const enum fault harmless[] = {KILLED, TERMINATED, KILLED, KILLED, TERMINATED};
    static const enum fault faults[][3] = {
        {TRAP, TRAP, TRAP}, {EXIT, TRAP, ABORTED}, {ABORTED, ABORTED, EXIT}};
    int status;

    (void)unused;
    CHECK_IS(make_port(), 0);
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        pid_t client = spawn(call_number, (void *)1);
        CHECK_IS(await_state(0, 1), 0);
        for (unsigned j = 0; j < 3; j++) {
            CHECK_IS(die_of(harmless[i + j]), 0);
            CHECK_IS(await_state(0, 1), 0);
            CHECK_IS(die_of(faults[i][j]), 0);
            CHECK_IS(await_state(0, j < 2), 0);
        }
        status = reap(client);
        CHECK_IS(WEXITSTATUS(status), EIO);
    }
    return 0;
}

static int inspection(void *unused)
{
    struct abi_port_info info;

    (void)unused;
    CHECK_IS(make_port(), 0);
    CHECK_IS(sys_port_info(port, (struct abi_port_info *)-4096l), -EFAULT);
    CHECK_IS(sys_port_info(session, &info), -EBADF);
    CHECK_IS(sys_port_info((int)sys_restrict(port, RIGHT_NOTIFY), &info), -EPERM);
    CHECK_IS(sys_port_info(999, &info), -EBADF);
    return 0;
}

static const struct proc_test tests[] = {
    {in_order, "requests in service come to the next server, in order, under their numbers"},
    {others_keep_theirs, "what another server has in service stays its own"},
    {passed_on, "a request is returned by whoever had it last"},
    {handles_and_bytes, "handles and bytes come again, and nobody keeps them"},
    {killable, "a caller whose server is dead can be killed"},
    {given_up, "a port given up after its server's death answers EPIPE"},
    {poison, "EIO at the third death by the server's own fault"},
    {inspection, "port_info wants OWN"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
