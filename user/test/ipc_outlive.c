/*
 * Ports outlive servers: what a dead one had in service is the next one's, with
 * all that came with it, and the callers only wait.
 *
 * test: points=6
 */
#include "user/test/ipc_util.h"
#include <sys/mman.h>

static int port, session;

static int make_port(void)
{
    port = (int)sys_port_create();
    session = make_session(port, 1, RIGHT_CALL);
    CHECK(port >= 0 && session >= 0);
    return 0;
}

/* A client, which does not own the port: sends a number and wants its double. */
static int call_number(void *number)
{
    struct message m = {.w = {(unsigned long)number}};
    long rc = sys_close(port) ? -EBADF : ipc_call(session, &m, 0);

    return rc < 0 ? (int)-rc : m.w[0] == (unsigned long)number * 2 ? 0 : 255;
}

/* A server: receives that many requests, answers none, and waits to be killed. */
static int take(void *count)
{
    struct message m;

    for (long i = 0; i < (long)count; i++)
        if (receive_request(port, &m, 0) <= 0)
            return 1;
    return sleep_long(0);
}

/* Until the port has that many requests in service and in the queue. */
static int await_state(unsigned in_service, unsigned queued)
{
    struct abi_port_info info;

    for (int i = 0; i < 5000; i++) {
        CHECK_IS(sys_port_info(port, &info), 0);
        if (info.in_service == in_service && info.queued == queued)
            return 0;
        sys_sleep(MS);
    }
    dprintf(2, "# %u in service, %u queued, not %u and %u\n", info.in_service, info.queued,
            in_service, queued);
    return 1;
}

/* How many requests dead servers have left so far. */
static unsigned long returned(void)
{
    struct abi_port_info info = {0};

    sys_port_info(port, &info);
    return info.returned;
}

static int kill_and_reap(pid_t pid, int signal)
{
    CHECK_IS(sys_kill(H_NONE, pid, signal), 0);
    CHECK_IS(reap(pid), signal);
    return 0;
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
    struct message m;
    pid_t clients[5], server;
    unsigned long first = 0;

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = spawn(take, (void *)3);
    for (long i = 0; i < 5; i++) {
        clients[i] = spawn(call_number, (void *)(i + 10));
        CHECK_IS(await_state(i < 3 ? (unsigned)i + 1 : 3, i < 3 ? 0 : (unsigned)i - 2), 0);
    }
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(await_state(0, 5), 0);
    CHECK_IS(sys_port_info(port, &info), 0);
    CHECK_IS(info.returned, 3);
    CHECK_IS(info.answered, 0);
    for (unsigned long i = 0; i < 5; i++) {
        CHECK(receive_request(port, &m, 0) > 0);
        CHECK_IS(m.w[0], i + 10);
        first = i ? first : IPC_NUMBER(m.id);
        CHECK_IS(IPC_NUMBER(m.id), first + i);
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
                          .send_handle_count = 1,
                          .send_handles = {(int)(long)end}};

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

static int given_up(void *unused)
{
    pid_t server, client;
    int status;

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = spawn(take, (void *)1);
    client = spawn(call_number, (void *)1);
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

/* ------------------------------------------------- requests of the kernel's own */

#define KEY   0x77000000001ul
#define PAGES 8

static int file;
static volatile int *met; /* shared: the message that is fatal has come */

/* A pager that answers what it is asked for with its sign, but dies of the first
 * message of that number, if it is not 0. */
static int page_server(void *fatal)
{
    static char pages[IPC_BUFFER_MAX];
    struct ipc_ext ext = {.recv_addr = (unsigned long)pages, .recv_cap = sizeof(pages)};
    struct message m;
    long id = ipc_receive(port, &m, &ext);

    for (;;) {
        unsigned long number = m.w[0];
        if (id < 0)
            return 1;
        if (id > 0 && fatal && number == (unsigned long)fatal)
            return *met = 1, sleep_long(0);
        ext.send_len = 0;
        if (number == MSG_PAGE_IN) {
            memset(pages, 'p', sizeof(pages));
            ext.send_addr = (unsigned long)pages;
            ext.send_len = m.w[3] * 4096;
        }
        m.w[0] = number == MSG_RESERVE ? m.w[3] : 0;
        m.w[1] = 0;
        id = id ? ipc_reply_receive(port, id, &m, &ext) : ipc_receive(port, &m, &ext);
    }
}

static int read_byte(void *unused)
{
    char byte = 0;

    (void)unused;
    CHECK_IS(sys_pread(file, &byte, 1, 0), 1);
    CHECK_IS(byte, 'p');
    return 0;
}

static int write_byte(void *unused)
{
    (void)unused;
    CHECK_IS(sys_pwrite(file, "w", 1, 4096), 1);
    CHECK_IS(sys_fsync(file), 0);
    return 0;
}

static int close_file(void *unused)
{
    (void)unused;
    CHECK_IS(sys_close(file), 0);
    return 0;
}

/* A page in, a page out, and the end of a session each meet a server that dies. */
static int kernels_own(void *unused)
{
    static const struct {
        unsigned long fatal;
        int (*act)(void *);
    } acts[] = {{MSG_PAGE_IN, read_byte}, {MSG_PAGE_OUT, write_byte}, {MSG_CLOSE, close_file}};

    (void)unused;
    CHECK_IS(make_port(), 0);
    met = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(met != MAP_FAILED);
    for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        pid_t server, client;
        *met = 0;
        file = make_file(port, KEY, PAGES * 4096);
        CHECK(file >= 0);
        server = spawn(page_server, (void *)acts[i].fatal);
        client = spawn(acts[i].act, 0);
        if (acts[i].act == close_file)
            CHECK_IS(sys_close(file), 0);
        for (int j = 0; j < 5000 && !*met; j++)
            sys_sleep(MS);
        CHECK_IS(*met, 1);
        CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
        CHECK_IS(returned(), i + 1);
        server = spawn(page_server, 0);
        CHECK_IS(reap(client), 0);
        if (acts[i].act != close_file)
            CHECK_IS(sys_close(file), 0);
        CHECK_IS(await_state(0, 0), 0);
        CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    }
    CHECK_IS(sys_object_discard(port, KEY), 0);
    return 0;
}

/* -------------------------------------------------------- servers killed at random */

#define CLIENTS 5
#define CALLS   300
#define KILLS   80

static char shared_buffer[4096];

static int serve(void *unused)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)shared_buffer,
                          .recv_cap = sizeof(shared_buffer),
                          .send_addr = (unsigned long)shared_buffer};
    struct message m;
    long id = ipc_receive(port, &m, &ext);

    (void)unused;
    while (id > 0) {
        m.w[0] = m.origin & ORIGIN_KERNEL ? 0 : m.w[0] * 2;
        ext.send_len = ext.recv_len;
        for (unsigned long i = 0; i < ext.recv_len; i++)
            shared_buffer[i]++;
        id = ipc_reply_receive(port, id, &m, &ext);
    }
    return 1;
}

static int busy_client(void *seed)
{
    static char data[3000];
    unsigned long random = (unsigned long)seed + 1;

    for (unsigned long i = 0; i < CALLS; i++) {
        struct message m = {.w = {i + 7}};
        unsigned long n = random_next(&random) % sizeof(data);
        struct ipc_ext ext = {.send_addr = (unsigned long)data,
                              .send_len = n,
                              .recv_addr = (unsigned long)data,
                              .recv_cap = sizeof(data)};
        memset(data, (int)i, sizeof(data));
        CHECK_IS(ipc_call(session, &m, &ext), 0);
        CHECK_IS(m.w[0], (i + 7) * 2);
        CHECK_IS(ext.recv_len, n);
        for (unsigned long j = 0; j < n; j++)
            CHECK(data[j] == (char)(i + 1));
    }
    return 0;
}

static int random_kills(void *unused)
{
    struct abi_port_info info;
    unsigned long random = 99;
    pid_t clients[CLIENTS], server;

    (void)unused;
    CHECK_IS(make_port(), 0);
    for (unsigned long i = 0; i < CLIENTS; i++)
        clients[i] = spawn(busy_client, (void *)i);
    for (int i = 0; i < KILLS; i++) {
        server = spawn(serve, 0);
        sys_sleep(random_next(&random) % (2 * MS));
        CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    }
    server = spawn(serve, 0);
    for (int i = 0; i < CLIENTS; i++)
        CHECK_IS(reap(clients[i]), 0);
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(sys_port_info(port, &info), 0);
    CHECK_IS(info.answered, CLIENTS * CALLS); /* each once */
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
    {kernels_own, "pages in, pages out and closes of the kernel's come again"},
    {random_kills, "servers killed at random moments: each call is answered once, and right"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
