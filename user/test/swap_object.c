/*
 * Objects in swap: shared memory of which there is more than memory, and changed
 * pages of a file whose server does not take them.
 *
 * test: points=5 cpus=1,2,4 mem=16M swap=96M.. timeout=120
 * test: points=2 cpus=1,2 mem=32M swap=192M..
 * test: points=2 cpus=1 mem=64M swap=384M..
 */
#include "user/test/ipc_util.h"
#include "user/test/swap_util.h"
#include <pthread.h>

/* ------------------------------------------------------------ shared memory */

static unsigned long pages;
static char *memory;

static unsigned long *word_of(unsigned long page)
{
    return (unsigned long *)(memory + page * PAGE);
}

static int take_memory(unsigned long n)
{
    pages = n;
    memory = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return 0;
}

/* Sees the first round, writes the second on every other page. */
static int other_half(void *unused)
{
    (void)unused;
    for (unsigned long p = 0; p < pages; p++)
        CHECK(page_is_all(word_of(p), p, 1));
    for (unsigned long p = 0; p < pages; p += 2)
        page_write(word_of(p), p, 2);
    return 0;
}

static int by_turns(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long excess = 3 * frames_in_all();

    (void)unused;
    CHECK_IS(take_memory(4 * frames_in_all()), 0);
    pages_write(memory, pages, 1);
    CHECK_IS(ktap_in_child(other_half, 0), 0);
    for (unsigned long p = 0; p < pages; p++)
        CHECK(page_is_all(word_of(p), p, 2 - p % 2));
    return swap_moved(&before, excess, 2 * excess);
}

/* One of four that add 1 to a word in each page, in an order of their own. */
static int adder(void *number)
{
    unsigned long n = (unsigned long)number;

    for (unsigned long i = 0; i < pages; i++) {
        unsigned long p = n % 2 ? pages - 1 - i : (i + n * pages / 4) % pages;
        __atomic_fetch_add(word_of(p), 1, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static int all_at_once(void *unused)
{
    struct abi_counters before = swap_counters();
    unsigned long excess = frames_in_all();
    pid_t pid[4];
    int status;

    (void)unused;
    CHECK_IS(take_memory(2 * frames_in_all()), 0);
    for (unsigned long n = 0; n < 4; n++) {
        pid[n] = fork();
        CHECK(pid[n] >= 0);
        if (pid[n] == 0)
            _exit(adder((void *)n));
    }
    for (int n = 0; n < 4; n++)
        CHECK(waitpid(pid[n], &status, 0) == pid[n] && status == 0);
    for (unsigned long p = 0; p < pages; p++)
        CHECK_IS(*word_of(p), 4);
    /* What is written, and what is read in the end, does not fit. */
    return swap_moved(&before, excess, excess);
}

/* ------------------------------------------------- a server that takes nothing */

#define KEY  0x5a5a00000002ul
#define FILE 400ul /* pages: fewer than may be dirty */

static struct {
    int port, file;
    volatile unsigned ins, hold; /* hold: the answer to a page-out waits while it is 1 */
    unsigned char *store;
} server;

static void serve(struct message *m, struct ipc_ext *ext, const char *room)
{
    unsigned long at = m->w[2] * PAGE, n = m->w[3] * PAGE;

    ext->send_len = 0;
    if (!(m->origin & ORIGIN_KERNEL)) {
        m->w[0] = 0;
        return;
    }
    if (m->w[0] == MSG_PAGE_IN) {
        server.ins++;
        ext->send_addr = (unsigned long)server.store + at;
        ext->send_len = n;
        m->w[1] = 0;
    } else if (m->w[0] == MSG_PAGE_OUT) {
        while (server.hold)
            sys_futex_wait(&server.hold, 1, 1000000000);
        memcpy(server.store + at, room, ext->recv_len);
    } else if (m->w[0] == MSG_RESERVE) {
        m->w[0] = m->w[3];
        return;
    }
    m->w[0] = 0;
}

/* There are two of these: pages come in while one keeps a page-out waiting. */
static void *serve_all(void *room)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)room, .recv_cap = IPC_BUFFER_MAX};
    struct message m;
    long id = ipc_receive(server.port, &m, &ext);

    while (id >= 0) {
        if (id == 0) {
            if (m.w[0] & 1) {
                sys_notify(server.port, 1); /* for the other one */
                break;
            }
            id = ipc_receive(server.port, &m, &ext);
            continue;
        }
        serve(&m, &ext, room);
        id = ipc_reply_receive(server.port, m.id, &m, &ext);
    }
    return 0;
}

static struct abi_object_info info(void)
{
    struct abi_object_info i = {0};

    sys_object_info(server.port, KEY, &i);
    return i;
}

/* Memory is taken by others until the file's pages are elsewhere. */
static int squeeze(void *unused)
{
    unsigned long n = frames_in_all() * 2;
    char *at = take_pages(n);

    (void)unused;
    CHECK(at);
    /* It takes as long as the kernel is patient with the server. */
    for (long end = sys_clock(ABI_CLOCK_MONOTONIC) + 20000000000;
         info().resident > FILE / 2 && sys_clock(ABI_CLOCK_MONOTONIC) < end;)
        for (unsigned long p = 0; p < n; p++)
            at[p * PAGE] = 1;
    CHECK(info().resident <= FILE / 2);
    return 0;
}

static int late_server(void *unused)
{
    static unsigned char data[PAGE];
    pthread_t threads[2];
    unsigned ins;

    (void)unused;
    server.port = (int)sys_port_create();
    server.file = make_file(server.port, KEY, FILE * PAGE);
    server.store = calloc(FILE, PAGE);
    server.hold = 1;
    CHECK(server.port >= 0 && server.file >= 0 && server.store);
    for (int i = 0; i < 2; i++) {
        void *room = malloc(IPC_BUFFER_MAX);

        CHECK(room);
        CHECK_IS(pthread_create(&threads[i], 0, serve_all, room), 0);
    }
    for (unsigned long p = 0; p < FILE; p++) {
        pattern_fill(data, PAGE, 7, p * PAGE);
        CHECK_IS(sys_pwrite(server.file, data, PAGE, p * PAGE), PAGE);
    }
    CHECK_IS(ktap_in_child(squeeze, 0), 0);
    /* They still count as changed, and come back without the server. */
    CHECK(info().dirty >= FILE / 2);
    ins = server.ins;
    for (unsigned long p = 0; p < FILE; p++) {
        CHECK_IS(sys_pread(server.file, data, PAGE, p * PAGE), PAGE);
        CHECK_IS(pattern_check(data, PAGE, 7, p * PAGE), -1);
    }
    CHECK_IS(server.ins, ins);
    /* A truncation cuts what is away, too: the rest is zero ever after. */
    CHECK_IS(ktap_in_child(squeeze, 0), 0);
    CHECK_IS(sys_object_resize(server.port, KEY, (FILE - 100) * PAGE + 10), 0);
    CHECK_IS(sys_object_resize(server.port, KEY, FILE * PAGE), 0);
    CHECK_IS(sys_pread(server.file, data, PAGE, (FILE - 100) * PAGE), PAGE);
    CHECK_IS(pattern_check(data, 10, 7, (FILE - 100) * PAGE), -1);
    for (unsigned i = 10; i < PAGE; i++)
        CHECK_IS(data[i], 0);
    /* The server wakes up: all of it is stored, from wherever it is. */
    server.hold = 0;
    sys_futex_wake(&server.hold, 1);
    CHECK_IS(sys_fsync(server.file), 0);
    CHECK_IS(info().dirty, 0);
    CHECK_IS(pattern_check(server.store, (FILE - 100) * PAGE + 10, 7, 0), -1);
    CHECK_IS(sys_object_discard(server.port, KEY), 0);
    CHECK_IS(sys_notify(server.port, 1), 0);
    for (int i = 0; i < 2; i++)
        CHECK_IS(pthread_join(threads[i], 0), 0);
    return 0;
}

static const struct proc_test tests[] = {
    {by_turns, "two processes share four times memory"},
    {all_at_once, "four write the same pages at once"},
    {late_server, "changed pages of a file that its server does not take"},
};

int main(void)
{
    return RUN_SWAP_TESTS(tests);
}
