/*
 * Things that happen while a pager has pages in its hands: truncation, growth,
 * discarding, death, killed clients; and buffers of messages in such pages.
 *
 * test: points=5
 */
#include "user/test/ipc_util.h"
#include <pthread.h>
#include <sys/mman.h>

#define KEY  0x77000000001ul
#define SIZE (16 * 4096ul)

static int file;
static char room[IPC_BUFFER_MAX];
static unsigned char pages[IPC_BUFFER_MAX];

static int begin(void)
{
    port = (int)sys_port_create();
    file = make_file(port, KEY, SIZE);
    CHECK(port >= 0 && file >= 0);
    pattern_fill(pages, sizeof(pages), 1, 0);
    return 0;
}

/* The next message of that number from the kernel; others get 0 for an answer. */
static long next_kernel(unsigned long number, struct message *m)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)room, .recv_cap = sizeof(room)};

    for (;;) {
        long id = ipc_receive(port, m, &ext);
        if (id < 0 || (id > 0 && m->w[0] == number && m->origin & ORIGIN_KERNEL))
            return id;
        if (id > 0) {
            m->w[0] = 0;
            ipc_reply(port, id, m, 0);
        }
    }
}

/* The pattern for the pages that m asks for. */
static long supply(const struct message *m)
{
    struct message reply = {.w = {0}};
    struct ipc_ext ext = {.send_addr = (unsigned long)pages + m->w[2] * 4096,
                          .send_len = m->w[3] * 4096};

    return ipc_reply(port, m->id, &reply, &ext);
}

static int read_at(void *offset)
{
    unsigned char got[64];
    long n = sys_pread(file, got, sizeof(got), (unsigned long)offset);

    if (n != sizeof(got))
        return n == 0 ? 100 : (int)-n;
    return pattern_check(got, sizeof(got), 1, (unsigned long)offset) == -1 ? 0 : 101;
}

static int load_at(void *offset)
{
    volatile unsigned char *p = mmap(0, SIZE, PROT_READ, MAP_SHARED, file, 0);
    unsigned long at = (unsigned long)offset;

    return p[at] == pattern_byte(1, at) ? 0 : 101;
}

/* Several wait for one page: one message, and all go on. */
static int one_for_all(void *unused)
{
    struct message m;
    pid_t pids[5];

    (void)unused;
    CHECK_IS(begin(), 0);
    for (int i = 0; i < 5; i++) {
        pids[i] = spawn(i % 2 ? load_at : read_at, (void *)(8 * 4096l + i));
        CHECK(await_waiting(pids[i], "page in"));
    }
    CHECK(next_kernel(MSG_PAGE_IN, &m) > 0);
    CHECK(m.w[1] == KEY && m.w[2] == 8);
    /* The asker is killed; the page belongs to the object, not to it. */
    CHECK_IS(sys_kill(H_NONE, pids[0], ABI_SIGKILL), 0);
    CHECK_IS(reap(pids[0]), ABI_SIGKILL);
    CHECK_IS(supply(&m), 0);
    for (int i = 1; i < 5; i++)
        CHECK_IS(reap(pids[i]), 0);
    CHECK_IS(receive_within(port, &m, 0, 20 * MS), 0); /* nothing more was asked */
    return 0;
}

/* Truncated while pages are on their way in: late ones are dropped. */
static int truncate_in(void *unused)
{
    struct abi_object_info info;
    struct message m;
    pid_t reader, loader;

    (void)unused;
    CHECK_IS(begin(), 0);
    reader = spawn(read_at, (void *)(8 * 4096l));
    CHECK(await_waiting(reader, "page in"));
    loader = spawn(load_at, (void *)(8 * 4096l));
    CHECK(await_waiting(loader, "page in"));
    CHECK(next_kernel(MSG_PAGE_IN, &m) > 0);
    CHECK_IS(sys_object_resize(port, KEY, 4096), 0); /* waits for nothing */
    CHECK_IS(sys_object_info(port, KEY, &info), 0);
    CHECK(info.size == 4096 && info.resident == 0);
    CHECK_IS(supply(&m), 0);
    CHECK_IS(reap(reader), 100 << 8);
    CHECK_IS(reap(loader), ABI_SIGBUS);
    CHECK_IS(sys_object_info(port, KEY, &info), 0);
    CHECK_IS(info.resident, 0);
    return 0;
}

/* Shrunk and grown again meanwhile: what is there then is asked for anew. */
static int shrink_and_grow(void *unused)
{
    struct message old, m;
    pid_t first, second;

    (void)unused;
    CHECK_IS(begin(), 0);
    first = spawn(read_at, (void *)(8 * 4096l));
    CHECK(next_kernel(MSG_PAGE_IN, &old) > 0);
    CHECK_IS(sys_object_resize(port, KEY, 100), 0);
    CHECK_IS(sys_object_resize(port, KEY, SIZE), 0);
    second = spawn(read_at, (void *)(8 * 4096l));
    CHECK(next_kernel(MSG_PAGE_IN, &m) > 0);
    CHECK(m.id != old.id && m.w[2] == 8);
    CHECK_IS(supply(&m), 0);
    CHECK_IS(reap(second), 0);
    pages[8 * 4096] ^= 0xff; /* the late answer is of the file as it was */
    CHECK_IS(supply(&old), 0);
    reap(first);
    CHECK_IS(read_at((void *)(8 * 4096l)), 0);
    return 0;
}

static int write_and_sync(void *unused)
{
    (void)unused;
    CHECK_IS(sys_pwrite(file, "new", 3, 4096), 3);
    return (int)-sys_fsync(file);
}

static int bring_all(void)
{
    struct message m;
    pid_t pid = fork();
    unsigned char got[SIZE];

    if (pid == 0)
        _exit(sys_pread(file, got, SIZE, 0) == (long)SIZE ? 0 : 1);
    while (next_kernel(MSG_PAGE_IN, &m) > 0) {
        CHECK_IS(supply(&m), 0);
        if (m.w[2] + m.w[3] == 16)
            break;
    }
    return reap(pid);
}

/* Answers the page that m brought with 0, and what fsync asks then. */
static int end_of_fsync(struct message *m, pid_t pid)
{
    m->w[0] = 0;
    CHECK_IS(ipc_reply(port, m->id, m, 0), 0);
    CHECK(receive_request(port, m, 0) > 0);
    CHECK_IS(m->w[0], MSG_FSYNC);
    m->w[0] = 0;
    CHECK_IS(ipc_reply(port, m->id, m, 0), 0);
    return reap(pid);
}

/* Truncated, written again, while a page is on its way out. */
static int truncate_out(void *unused)
{
    struct abi_object_info info;
    struct message m;
    pid_t pid;

    (void)unused;
    CHECK_IS(begin(), 0);
    CHECK_IS(bring_all(), 0);
    pid = spawn(write_and_sync, 0);
    CHECK(next_kernel(MSG_PAGE_OUT, &m) > 0);
    CHECK(m.w[1] == KEY && m.w[2] == 1 && m.w[3] == 1 && m.w[4] == SIZE);
    CHECK(memcmp(room, "new", 3) == 0);
    CHECK(room[3] == (char)pattern_byte(1, 4099));
    CHECK_IS(sys_pwrite(file, "again", 5, 4096), 5); /* dirtied in flight */
    CHECK_IS(sys_object_info(port, KEY, &info), 0);
    CHECK_IS(info.dirty, 1);
    CHECK_IS(sys_object_resize(port, KEY, 4096), 0);
    CHECK_IS(sys_object_info(port, KEY, &info), 0);
    CHECK(info.dirty == 0 && info.resident == 1);
    return end_of_fsync(&m, pid);
}

static int sync_file(void *unused)
{
    (void)unused;
    return (int)-sys_fsync(file);
}

/* A page dirtied while it is stored is stored again: at the latest by a second
 * fsync, maybe before by the kernel's own write-back. */
static int dirty_in_flight(void *unused)
{
    struct abi_object_info info;
    struct message m;
    pid_t first, second;
    int stored = 0;

    (void)unused;
    CHECK_IS(begin(), 0);
    CHECK_IS(bring_all(), 0);
    volatile char *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(p != MAP_FAILED);
    p[4096 + 50] = 1; /* the mapping is writable from now on */
    first = spawn(write_and_sync, 0);
    CHECK(next_kernel(MSG_PAGE_OUT, &m) > 0);
    CHECK(m.w[2] == 1 && room[50] == 1);
    p[4096 + 50] = 2; /* and must not be while the page is on its way */
    second = spawn(sync_file, 0);
    m.w[0] = 0;
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    for (int syncs = 0; syncs < 2; syncs += m.w[0] == MSG_FSYNC) {
        struct ipc_ext ext = {.recv_addr = (unsigned long)room, .recv_cap = sizeof(room)};
        struct message none = {.w = {0}};
        CHECK(ipc_receive(port, &m, &ext) > 0);
        if (m.w[0] == MSG_PAGE_OUT && m.w[2] == 1)
            stored = room[50];
        CHECK_IS(ipc_reply(port, m.id, &none, 0), 0);
    }
    CHECK_IS(stored, 2);
    CHECK_IS(reap(first), 0);
    CHECK_IS(reap(second), 0);
    CHECK_IS(sys_object_info(port, KEY, &info), 0);
    CHECK_IS(info.dirty, 0);
    CHECK_IS(munmap((void *)p, SIZE), 0);
    return 0;
}

static int discard(void *unused)
{
    struct message m;
    pid_t reader;

    (void)unused;
    CHECK_IS(begin(), 0);
    reader = spawn(read_at, 0);
    CHECK(next_kernel(MSG_PAGE_IN, &m) > 0);
    CHECK_IS(sys_object_discard(port, KEY), 0);
    CHECK_IS(sys_object_discard(port, KEY), -ENOENT);
    CHECK_IS(supply(&m), 0);
    CHECK(reap(reader) != 0); /* an error or the end, but no hang */
    CHECK(sys_pwrite(file, "x", 1, 0) < 0);
    CHECK_IS(ktap_in_child(load_at, 0), ABI_SIGBUS);
    int again = make_file(port, KEY, 50); /* the name is free for another object */
    struct abi_object_info info;
    CHECK_IS(sys_object_info(port, KEY, &info), 0);
    CHECK_IS(info.size, 50);
    CHECK_IS(sys_close(again), 0);
    return 0;
}

/* The pager dies with pages in its hands: those who wait get an error. */
static int pager_dies(void *unused)
{
    pid_t server, reader, loader;
    int status;

    (void)unused;
    CHECK_IS(begin(), 0);
    server = fork();
    if (server == 0) {
        struct message m;
        next_kernel(MSG_PAGE_IN, &m);
        _exit(sleep_long(0));
    }
    CHECK_IS(sys_close(port), 0);
    reader = spawn(read_at, 0);
    CHECK(await_waiting(reader, "page in"));
    loader = spawn(load_at, 0);
    CHECK(await_waiting(loader, "page in"));
    CHECK_IS(sys_kill(H_NONE, server, ABI_SIGKILL), 0);
    CHECK_IS(reap(server), ABI_SIGKILL);
    status = reap(reader);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) < 100);
    CHECK_IS(reap(loader), ABI_SIGBUS);
    CHECK(sys_pwrite(file, "x", 1, 0) < 0);
    CHECK(sys_fsync(file) < 0);
    return 0;
}

static const struct proc_test tests[] = {
    {one_for_all, "one page, many who wait, the first of them killed"},
    {truncate_in, "truncation with pages on their way in"},
    {shrink_and_grow, "a late supply for a page that is another one now"},
    {truncate_out, "truncation with pages on their way out"},
    {dirty_in_flight, "a page dirtied while it is stored is stored again"},
    {discard, "discarding"},
    {pager_dies, "a pager that dies"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
