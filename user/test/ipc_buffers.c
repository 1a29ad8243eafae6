/*
 * Buffers of messages in pages that have to be brought, or written, by servers:
 * mapped files, also those of the very server that is called; pages shared after a
 * fork; pages of a pager that is slow or fails; pages taken away during the call.
 * And bytes that go both ways at once.
 *
 * test: points=4
 */
#include "user/test/ipc_util.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define NAME "/tmp/ipc_buffers"
#define SIZE IPC_BUFFER_MAX
#define LINK NAME ".a_symbolic_link_of_a_long_name"
#define TEXT "/what/it/says/is/longer/than/the/bytes/that/are/left/in/the/page"

static char buffer[SIZE];

/* Serves `n` requests: the buffer comes back, each byte one more. */
static int serve(int port, int n)
{
    while (n > 0) {
        struct ipc_ext ext = {.recv_addr = (unsigned long)buffer, .recv_cap = SIZE};
        struct message m;
        long id = ipc_receive(port, &m, &ext);
        CHECK(id > 0);
        if (!(m.origin & ORIGIN_KERNEL))
            n--;
        for (unsigned long i = 0; i < ext.recv_len; i++)
            buffer[i]++;
        ext.send_addr = (unsigned long)buffer;
        ext.send_len = ext.recv_len;
        m.w[0] = 0;
        CHECK_IS(ipc_reply(port, id, &m, &ext), 0);
    }
    return 0;
}

/* The pages of a server's buffer are shared with a child that it has forked: what comes is the
 * server's alone. */
static int shared_with_child(void *unused)
{
    int port = (int)sys_port_create(), session = make_session(port, 1, RIGHT_CALL), fds[2];
    pid_t client, child;
    struct message m = {.w = {50}};
    struct ipc_ext ext;
    char go;

    (void)unused;
    memset(buffer, 1, SIZE);
    client = fork();
    if (client == 0) {
        memset(buffer, 2, SIZE);
        ext = (struct ipc_ext){.send_addr = (unsigned long)buffer, .send_len = SIZE};
        _exit(ipc_request(session, &m, &ext) != 0);
    }
    CHECK_IS(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        if (read(fds[0], &go, 1) != 1)
            _exit(1);
        for (unsigned long i = 0; i < SIZE; i++)
            if (buffer[i] != 1)
                _exit(2);
        _exit(0);
    }
    ext = (struct ipc_ext){.recv_addr = (unsigned long)buffer, .recv_cap = SIZE};
    CHECK(receive_request(port, &m, &ext) > 0);
    CHECK_IS(ext.recv_len, SIZE);
    for (unsigned long i = 0; i < SIZE; i++)
        CHECK_IS(buffer[i], 2);
    CHECK_IS(write(fds[1], "", 1), 1);
    m.w[0] = 0;
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    CHECK_IS(close(fds[0]) + close(fds[1]), 0);
    CHECK_IS(reap(child), 0);
    return reap(client);
}

/* ------------------------------------------- copies that go both ways at once */

#define CROSSING_ROUNDS 300
#define CROSSING_SIZE   (2 * 4096ul)

static int crossing_port, crossing_session;
static char crossing[2][CROSSING_SIZE];

static void *echo(void *bytes)
{
    struct message m = {.w = {0}};
    struct ipc_ext ext = {.recv_addr = (unsigned long)bytes, .recv_cap = CROSSING_SIZE};
    long id = ipc_receive(crossing_port, &m, &ext);

    while (id >= 0) {
        ext.send_addr = (unsigned long)bytes;
        ext.send_len = ext.recv_len;
        for (unsigned long i = 0; i < ext.recv_len; i++)
            ((char *)bytes)[i]++;
        m.w[0] = 0;
        id = ipc_reply_receive(crossing_port, id, &m, &ext);
    }
    return 0;
}

static void *ask(void *bytes)
{
    char *mine = bytes;

    for (int i = 0; i < CROSSING_ROUNDS; i++) {
        struct message m = {.w = {50}};
        struct ipc_ext ext = {.send_addr = (unsigned long)mine,
                              .send_len = CROSSING_SIZE,
                              .recv_addr = (unsigned long)mine,
                              .recv_cap = CROSSING_SIZE};
        memset(mine, i, CROSSING_SIZE);
        if (ipc_request(crossing_session, &m, &ext) != 0 || ext.recv_len != CROSSING_SIZE)
            return (void *)1;
        for (unsigned long at = 0; at < CROSSING_SIZE; at++)
            if (mine[at] != (char)(i + 1))
                return (void *)1;
    }
    return 0;
}

/* Two threads ask two of another process: one's bytes go while the other's come. */
static int both_ways(void *unused)
{
    pthread_t other;
    void *trouble = 0;
    pid_t server;

    (void)unused;
    crossing_port = (int)sys_port_create();
    crossing_session = make_session(crossing_port, 1, RIGHT_CALL);
    server = fork();
    if (server == 0) {
        if (pthread_create(&other, 0, echo, crossing[0]) == 0)
            echo(crossing[1]);
        _exit(1);
    }
    CHECK(server > 0);
    CHECK_IS(pthread_create(&other, 0, ask, crossing[0]), 0);
    CHECK(!ask(crossing[1]));
    CHECK_IS(pthread_join(other, &trouble), 0);
    CHECK(!trouble);
    return kill_and_reap(server, ABI_SIGKILL);
}

static char *map_file(const char *name, int flags)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *p;

    pattern_fill(buffer, SIZE, 4, 0);
    if (fd < 0 || write(fd, buffer, SIZE) != SIZE)
        return 0;
    sys_sync();
    sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
    p = mmap(0, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
    close(fd);
    return p == MAP_FAILED ? 0 : p;
}

/* From one mapped file to another, none of whose pages are in memory. */
static int between_files(void *flags)
{
    int port = (int)sys_port_create(), session = make_session(port, 1, RIGHT_CALL);
    char *from = map_file(NAME ".1", (int)(long)flags), *to = map_file(NAME ".2", MAP_SHARED);
    pid_t server = fork();
    struct message m = {.w = {50}};
    struct ipc_ext ext = {.send_addr = (unsigned long)from,
                          .send_len = SIZE,
                          .recv_addr = (unsigned long)to,
                          .recv_cap = SIZE};

    if (server == 0)
        _exit(serve(port, 1));
    CHECK(from && to);
    CHECK_IS(ipc_request(session, &m, &ext), 0);
    CHECK_IS(ext.recv_len, SIZE);
    CHECK_IS(reap(server), 0);
    CHECK_IS(pattern_check(from, SIZE, 4, 0), -1);
    for (unsigned long i = 0; i < SIZE; i++)
        to[i]--;
    CHECK_IS(pattern_check(to, SIZE, 4, 0), -1);
    CHECK_IS(munmap(from, SIZE) + munmap(to, SIZE), 0);
    return unlink(NAME ".1") + unlink(NAME ".2");
}

static int shared_files(void *unused)
{
    (void)unused;
    return between_files((void *)MAP_SHARED);
}

static int private_files(void *unused)
{
    (void)unused;
    return between_files((void *)MAP_PRIVATE);
}

/* fs is asked with a path, and answers, in pages that fs itself has to supply. */
static int own_pages(void *unused)
{
    char *p;

    (void)unused;
    CHECK_IS(symlink(TEXT, LINK), 0);
    for (int i = 0; i < 4; i++) {
        struct message m = {.w = {MSG_READLINK}};
        p = map_file(NAME, MAP_SHARED);
        CHECK(p);
        int fd = open(NAME, O_RDWR);
        CHECK_IS(pwrite(fd, LINK, sizeof(LINK) - 1, 4096 - 3), sizeof(LINK) - 1); /* across two */
        CHECK_IS(fsync(fd), 0);
        CHECK_IS(close(fd), 0);
        sys_system(H_SYSTEM, SYSTEM_DROP_CACHES, 0, 0, 0);
        struct ipc_ext ext = {.send_addr = (unsigned long)p + 4096 - 3,
                              .send_len = sizeof(LINK) - 1,
                              .recv_addr = (unsigned long)p + 3 * 4096 - 20,
                              .recv_cap = 200};
        CHECK_IS(ipc_request(H_ROOT, &m, &ext), sizeof(TEXT) - 1);
        CHECK_IS(ext.recv_len, sizeof(TEXT) - 1);
        CHECK(memcmp(p + 3 * 4096 - 20, TEXT, sizeof(TEXT) - 1) == 0);
        CHECK_IS(munmap(p, SIZE), 0);
        CHECK_IS(unlink(NAME), 0);
    }
    return unlink(LINK);
}

/* ------------------------------------------------------ pages of a pager here */

static int pager_port, pager_file;
static volatile int pager_error;

static void *pager(void *unused)
{
    static char pages[SIZE];
    struct message m;

    (void)unused;
    for (;;) {
        struct ipc_ext ext = {.recv_addr = (unsigned long)pages, .recv_cap = SIZE};
        long id = ipc_receive(pager_port, &m, &ext);
        if (id < 0)
            return 0;
        if (id == 0)
            continue;
        ext = (struct ipc_ext){.send_addr = (unsigned long)pages};
        if (m.w[0] == MSG_PAGE_IN) {
            sys_sleep(5 * MS);
            pattern_fill(pages, m.w[3] * 4096, 8, m.w[2] * 4096);
            ext.send_len = m.w[3] * 4096;
        }
        m.w[0] = m.w[0] == MSG_PAGE_IN   ? (unsigned long)pager_error
                 : m.w[0] == MSG_RESERVE ? m.w[3]
                                         : 0;
        m.w[1] = 0;
        if (pager_error)
            ext.send_len = 0;
        ipc_reply(pager_port, id, &m, &ext);
    }
}

static char *map_pager(void)
{
    pthread_t t;
    char *p;

    pager_error = 0;
    pager_port = (int)sys_port_create();
    pager_file = make_file(pager_port, 1, SIZE);
    if (pthread_create(&t, 0, pager, 0))
        return 0;
    p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, pager_file, 0);
    return p == MAP_FAILED ? 0 : p;
}

static int slow_pages(void *unused)
{
    int port = (int)sys_port_create(), session = make_session(port, 1, RIGHT_CALL);
    pid_t server = fork();
    char *p;

    (void)unused;
    if (server == 0)
        _exit(serve(port, 1));
    CHECK((p = map_pager()));
    struct message m = {.w = {50}};
    struct ipc_ext ext = {.send_addr = (unsigned long)p + 100,
                          .send_len = SIZE / 2,
                          .recv_addr = (unsigned long)p + SIZE / 2 + 300,
                          .recv_cap = SIZE / 2 - 300};
    ext.send_len = ext.recv_cap;
    CHECK_IS(ipc_request(session, &m, &ext), 0);
    CHECK_IS(ext.recv_len, ext.recv_cap);
    for (unsigned long i = 0; i < ext.recv_cap; i++)
        CHECK((unsigned char)p[SIZE / 2 + 300 + i] ==
              (unsigned char)(pattern_byte(8, 100 + i) + 1));
    return reap(server);
}

static int failing_pages(void *unused)
{
    int port = (int)sys_port_create(), session = make_session(port, 1, RIGHT_CALL);
    struct message m = {.w = {50}};
    struct ipc_ext ext = {.send_len = 100};
    pid_t server = fork();
    char *p;

    (void)unused;
    if (server == 0)
        _exit(serve(port, 1));
    CHECK((p = map_pager()));
    pager_error = -EIO;
    ext.send_addr = (unsigned long)p;
    CHECK(ipc_call(session, &m, &ext) < 0); /* the client's own trouble */
    ext = (struct ipc_ext){.recv_addr = (unsigned long)p, .recv_cap = 100};
    m.w[0] = 50;
    CHECK(ipc_call(session, &m, &ext) < 0);
    m.w[0] = 50; /* the server has noticed nothing */
    CHECK_IS(ipc_request(session, &m, 0), 0);
    return reap(server);
}

/* ---------------------------------------------- pages taken away during the call */

static char *moving;
static volatile int moving_stop;

static void *mover(void *unused)
{
    (void)unused;
    while (!moving_stop) {
        munmap(moving, SIZE);
        (void)mmap(moving, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                   -1, 0);
    }
    return 0;
}

/* Calls from and to memory that another thread unmaps and maps: each works or is
 * refused, and the server serves on. */
static int moving_pages(void *unused)
{
    int port = (int)sys_port_create(), session = make_session(port, 1, RIGHT_CALL);
    pid_t server = fork();
    pthread_t t;
    int worked = 0;

    (void)unused;
    if (server == 0)
        _exit(serve(port, 1000000));
    CHECK_IS(sys_close(port), 0);
    moving = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(moving != MAP_FAILED);
    moving_stop = 0;
    CHECK_IS(pthread_create(&t, 0, mover, 0), 0);
    for (int i = 0; i < 150 || (worked == 0 && i < 20000); i++) {
        struct message m = {.w = {50}};
        unsigned long n = i % 2 ? (unsigned long)i * 431 % SIZE : 0;
        struct ipc_ext ext = {.send_addr = (unsigned long)moving,
                              .send_len = n,
                              .recv_addr = (unsigned long)moving,
                              .recv_cap = n};
        long rc = ipc_call(session, &m, &ext);
        CHECK(rc == 0 || rc == -EFAULT);
        worked += rc == 0;
    }
    moving_stop = 1;
    CHECK_IS(pthread_join(t, 0), 0);
    CHECK(worked > 0);
    struct message m = {.w = {50}};
    CHECK_IS(ipc_request(session, &m, 0), 0);
    CHECK_IS(sys_kill(H_NONE, server, ABI_SIGKILL), 0);
    CHECK_IS(reap(server), ABI_SIGKILL);
    return 0;
}

static const struct proc_test tests[] = {
    {shared_with_child, "pages of the server's that it shares with a child"},
    {both_ways, "bytes that go both ways between two processes"},
    {shared_files, "from one mapped file to another"},
    {private_files, "from a private mapping of a file"},
    {own_pages, "pages that the called server has to supply itself"},
    {slow_pages, "pages of a slow pager"},
    {failing_pages, "pages of a pager that fails"},
    {moving_pages, "memory unmapped and mapped during calls"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
