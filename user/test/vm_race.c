/*
 * System calls copy from and to memory that another thread unmaps, forbids and
 * maps again meanwhile: each call moves bytes or says -EFAULT, nothing else.
 *
 * test: points=3
 */
#include <fcntl.h>
#include <pthread.h>
#include <test_mem.h>
#include "user/test/ipc_raw.h"

#define SIZE   (4 * PAGE)
#define RW     (PROT_READ | PROT_WRITE)
#define WINDOW (150 * MEM_MILLI) /* how long each race goes on */
#define MARK   'm'

static char *buffer; /* comes and goes */
static volatile unsigned stop;

/* The one that takes it away and brings it back. */
static void *flicker(void *unused)
{
    unsigned n = 0;

    (void)unused;
    while (!stop) {
        switch (n++ % 4) {
        case 0:
            sys_munmap(buffer, SIZE);
            break;
        case 1:
            sys_munmap(buffer + PAGE, 2 * PAGE);
            break;
        case 2:
            sys_mprotect(buffer, SIZE, PROT_NONE);
            break;
        case 3:
            sys_mprotect(buffer + 2 * PAGE, PAGE, PROT_READ);
            break;
        }
        if (n % 16 == 0)
            sys_yield();
        if (mmap(buffer, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != buffer)
            return (void *)1;
    }
    return 0;
}

/* A call's result is good if it moved 1..n bytes, or refused the pointer. */
static int fair(long r, long n)
{
    return r == -EFAULT || (r > 0 && r <= n);
}

static int race(int (*turn)(void *), void *arg)
{
    unsigned long end = now_ns() + WINDOW;
    pthread_t thread;
    void *trouble = 0;
    int bad = 0;

    stop = 0;
    CHECK(buffer && pthread_create(&thread, 0, flicker, 0) == 0);
    while (!bad && now_ns() < end)
        bad = turn(arg);
    stop = 1;
    pthread_join(thread, &trouble);
    return bad || trouble;
}

/* ------------------------------------------------------------------- the calls */

static int ends[2];

static int pipe_turn(void *unused)
{
    static char data[SIZE];

    (void)unused;
    memset(data, MARK, 3000);
    CHECK(sys_write(ends[1], data, 3000) == 3000);
    /* Read into the flickering pages until all has come, one way or another. */
    for (long left = 3000; left > 0;) {
        long r = sys_read(ends[0], buffer + PAGE - 1000, (unsigned long)left);
        CHECK(fair(r, left));
        if (r < 0) {
            r = sys_read(ends[0], data, (unsigned long)left);
            CHECK(r == left);
            for (long i = 0; i < r; i++)
                CHECK(data[i] == MARK);
        }
        left -= r;
    }
    /* And out of them: what arrives is what was there at some moment, zeros. */
    long sent = sys_write(ends[1], buffer + 2 * PAGE - 1500, 3000);
    CHECK(fair(sent, 3000));
    if (sent > 0) {
        CHECK(sys_read(ends[0], data, SIZE) == sent);
        for (long i = 0; i < sent; i++)
            CHECK(data[i] == 0 || data[i] == MARK);
    }
    return 0;
}

static int with_pipes(void *unused)
{
    (void)unused;
    CHECK(pipe(ends) == 0);
    return race(pipe_turn, 0);
}

static int file;

static int file_turn(void *unused)
{
    static char data[2 * PAGE];

    (void)unused;
    long r = sys_pread(file, buffer + 100, 2 * PAGE, 0);
    CHECK(fair(r, 2 * PAGE));
    r = sys_pwrite(file, buffer + PAGE + 100, 2 * PAGE, 2 * PAGE);
    CHECK(fair(r, 2 * PAGE));
    CHECK(sys_pread(file, data, 2 * PAGE, 2 * PAGE) >= 0);
    for (unsigned long i = 0; i < 2 * PAGE; i++)
        CHECK(data[i] == 0 || data[i] == MARK);
    return 0;
}

static int with_files(void *unused)
{
    static char marks[4 * PAGE];

    (void)unused;
    file = open("/vm_race.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0 && unlink("/vm_race.tmp") == 0);
    memset(marks, MARK, sizeof(marks));
    CHECK(write(file, marks, sizeof(marks)) == sizeof(marks));
    return race(file_turn, 0);
}

static int session;

static int message_turn(void *unused)
{
    struct message m = {.w = {1}};
    struct ipc_ext ext = {.send_addr = (unsigned long)buffer + PAGE - 1000,
                          .send_len = 2000,
                          .recv_addr = (unsigned long)buffer + 3 * PAGE - 1000,
                          .recv_cap = 2000};
    long r = ipc_call(session, &m, &ext);

    (void)unused;
    CHECK(r == 0 || r == -EFAULT);
    CHECK(r < 0 || (m.w[0] == 0 && ext.recv_len == 2000));
    /* The gifts in the pages that go: none, or what the mark stands for. */
    r = ipc_raw(SYS_call, session, 0,
                (struct ipc_raw){.word = 1,
                                 .gifts = (unsigned long)buffer + 2 * PAGE - 48,
                                 .room = (unsigned long)buffer + 3 * PAGE - 1000,
                                 .sizes = IPC_SIZES(0ul, 2000ul)});
    CHECK(r == 0 || r == -EFAULT || r == -EINVAL);
    return 0;
}

/* Takes what comes, answers with 2000 bytes; without, if they do not fit. */
static void *serve(void *port)
{
    static char in[4096], out[2000];
    struct message m = {.w = {0}};

    memset(out, MARK, sizeof(out));
    for (;;) {
        struct ipc_ext room = {.recv_addr = (unsigned long)in, .recv_cap = sizeof(in)};
        struct ipc_ext answer = {.send_addr = (unsigned long)out, .send_len = sizeof(out)};
        long id = ipc_receive((int)(long)port, &m, &room);
        if (id <= 0)
            return (void *)1;
        int end = m.w[0] == 99, wrong = 0;
        for (unsigned long i = 0; i < room.recv_len; i++)
            wrong |= in[i] != 0 && in[i] != MARK;
        m.w[0] = (unsigned long)wrong;
        if (end || ipc_reply((int)(long)port, id, &m, &answer) == -EMSGSIZE)
            ipc_reply((int)(long)port, id, &m, 0);
        if (end)
            return 0;
    }
}

static int with_messages(void *unused)
{
    struct ipc_session spec = {.badge = 1, .rights = RIGHT_CALL};
    struct message m = {.w = {99}};
    int port = (int)sys_port_create();
    pthread_t server;
    void *trouble = 0;

    (void)unused;
    session = (int)sys_session_create(port, &spec);
    CHECK(port >= 0 && session >= 0);
    CHECK(pthread_create(&server, 0, serve, (void *)(long)port) == 0);
    int bad = race(message_turn, 0);
    CHECK(ipc_call(session, &m, 0) == 0);
    pthread_join(server, &trouble);
    return bad || trouble;
}

static int listing_turn(void *unused)
{
    static const long ops[] = {SYSTEM_MEMORY, SYSTEM_COUNTERS};
    struct abi_pte_query query = {
        .va = (unsigned long)buffer, .room = 8, .out = (struct abi_pte *)(buffer + PAGE - 40)};
    unsigned *word = (unsigned *)(buffer + 2 * PAGE);
    long r;

    (void)unused;
    for (unsigned i = 0; i < 2; i++) {
        r = sys_system(H_SYSTEM, ops[i], (long)buffer + (long)PAGE - 24, 0, 0);
        CHECK(r >= 0 || r == -EFAULT);
    }
    r = sys_system(H_SYSTEM, SYSTEM_PTES, getpid(), (long)&query, 0);
    CHECK(r >= 0 || r == -EFAULT);
    r = sys_system(H_SYSTEM, SYSTEM_REGIONS, getpid(), (long)buffer + (long)PAGE - 40, 8);
    CHECK(r >= 0 || r == -EFAULT);
    r = sys_futex_wait(word, 0, 20000);
    CHECK(r == 0 || r == -EFAULT || r == -EAGAIN || r == -ETIMEDOUT);
    r = sys_futex_wake(word, 1);
    CHECK(r == 0 || r == -EFAULT);
    return 0;
}

static int with_listings(void *unused)
{
    (void)unused;
    return race(listing_turn, 0);
}

/* exec with arguments that change under it: it runs, or says why not. */
static int exec_turn(void *program)
{
    char **argv = (char **)(buffer + PAGE - 8);
    long r = sys_exec((int)(long)program, argv, argv);

    /* Without RIGHT_EXEC it never gets further; with it, the vector must be bad
     * or empty: what is there is zeros. */
    CHECK(r == -EFAULT || r == -EACCES || r == -ENOEXEC);
    return 0;
}

static int with_exec(void *unused)
{
    int object = (int)sys_object_create(PAGE); /* nothing that can be run */

    (void)unused;
    CHECK(object >= 0);
    return race(exec_turn, (void *)(long)object);
}

/* Two that fork while a third changes the space. */
static int fork_turn(void *unused)
{
    int status;
    pid_t pid = fork();

    (void)unused;
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int with_forks(void *unused)
{
    (void)unused;
    return race(fork_turn, 0);
}

int main(void)
{
    ktap_plan(7);
    buffer = map_private(SIZE);
    ktap_in_child(with_messages, 0);
    ktap_in_child(with_files, 0);
    mem_begin();
    ok_child(with_pipes, 0, "pipes");
    ok_child(with_files, 0, "files");
    ok_child(with_messages, 0, "messages, their buffers and their ext");
    ok_child(with_listings, 0, "listings and futexes");
    ok_child(with_exec, 0, "exec");
    ok_child(with_forks, 0, "fork");
    mem_end_ok("no race loses memory");
    return ktap_done();
}
