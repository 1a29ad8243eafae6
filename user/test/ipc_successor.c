/*
 * Servers that are killed, and successors that go on: with the kernel's own requests,
 * and under load at random moments.
 *
 * test: points=3
 */
#include "user/test/ipc_util.h"
#include <sys/mman.h>

/* How many requests dead servers have left so far. */
static unsigned long returned(void)
{
    struct abi_port_info info = {0};

    sys_port_info(port, &info);
    return info.returned;
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
    {kernels_own, "pages in, pages out and closes of the kernel's come again"},
    {random_kills, "servers killed at random moments: each call is answered once, and right"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
