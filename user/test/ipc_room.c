/*
 * Messages whose other side has lost its pages, and the kernel's room to keep
 * them meanwhile: when there is none, a reply says so and a notification says
 * when there is, and a sender waits; others' messages go on.
 *
 * test: points=3
 */
#include "user/test/ipc_util.h"
#include <sys/mman.h>

#define KEY      0x52000000001ul /* of the clients' file, and the sender's */
#define KEY2     0x52000000002ul
#define SIZE     ((unsigned long)IPC_BUFFER_MAX) /* of a file: one message's buffer */
#define HOGS_MAX 8
#define TIMER    (1ul << 62)

static int pager, file, server;
static unsigned char data[IPC_BUFFER_MAX];

static struct message kept[HOGS_MAX]; /* page requests not answered yet */
static int kept_count;

static int supply(const struct message *m)
{
    struct message reply = {.w = {0}};
    struct ipc_ext ext = {.send_addr = (unsigned long)data + m->w[2] * 4096,
                          .send_len = m->w[3] * 4096};

    CHECK_IS(ipc_reply(pager, m->id, &reply, &ext), 0);
    return 0;
}

/* Answers requests for pages of that file until its last page was there; those for
 * the other one's are kept. */
static int supply_all(unsigned long key)
{
    for (;;) {
        struct message m;

        if (kept_count && kept[0].w[1] == key)
            m = kept[--kept_count];
        else
            CHECK(ipc_receive(pager, &m, 0) > 0);
        CHECK_IS(m.w[0], MSG_PAGE_IN);
        if (m.w[1] != key) {
            CHECK(kept_count < HOGS_MAX);
            kept[kept_count++] = m;
            continue;
        }
        CHECK_IS(supply(&m), 0);
        if (m.w[2] + m.w[3] == SIZE / 4096)
            return 0;
    }
}

/* The file's pages are gone from memory, and its pager has to be asked again. */
static int lose_pages(unsigned long key)
{
    CHECK_IS(sys_object_resize(pager, key, 0), 0);
    CHECK_IS(sys_object_resize(pager, key, SIZE), 0);
    return 0;
}

/* Takes an answer of a whole buffer into pages of the file. */
static int client(void *unused)
{
    char *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    struct message m = {.w = {1}};
    struct ipc_ext ext = {.recv_addr = (unsigned long)p, .recv_cap = SIZE};

    (void)unused;
    CHECK(p != MAP_FAILED);
    CHECK_IS(sys_close(server), 0); /* its owner is the parent alone */
    CHECK_IS(ipc_request(session, &m, &ext), 0);
    CHECK_IS(ext.recv_len, SIZE);
    CHECK_IS(pattern_check(p, SIZE, 1, 0), -1);
    return 0;
}

/* Sends a whole buffer of another file's pages. */
static int sender(void *file2)
{
    char *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, (int)(long)file2, 0);
    struct message m = {.w = {2}};
    struct ipc_ext ext = {.send_addr = (unsigned long)p, .send_len = SIZE};

    CHECK(p != MAP_FAILED);
    return (int)-ipc_request(session, &m, &ext);
}

static long reply_data(long id)
{
    struct message m = {.w = {0}};
    struct ipc_ext ext = {.send_addr = (unsigned long)data, .send_len = SIZE};

    return ipc_reply(server, id, &m, &ext);
}

/* Starts clients until the kernel has no room for another's answer. Those before
 * the last hold it, waiting for a page that does not come. */
static int take_all_room(pid_t *pids, long *ids, int *count)
{
    struct message m;

    pager = (int)sys_port_create();
    server = (int)sys_port_create();
    file = make_file(pager, KEY, SIZE);
    session = make_session(server, 1, ALL_SESSION_RIGHTS);
    CHECK(pager >= 0 && server >= 0 && file >= 0 && session >= 0);
    pattern_fill(data, sizeof(data), 1, 0);
    for (int i = 0; i < HOGS_MAX; i++) {
        pids[i] = spawn(client, 0);
        if (i == 0)
            CHECK_IS(supply_all(KEY), 0);
        ids[i] = ipc_receive(server, &m, 0);
        CHECK(ids[i] > 0);
    }
    CHECK_IS(lose_pages(KEY), 0);
    for (int i = 0; i < HOGS_MAX; i++) {
        long err = reply_data(ids[i]);

        if (err) {
            CHECK_IS(err, -EAGAIN);
            CHECK(i > 0);
            *count = i;
            return 0;
        }
        CHECK(await_waiting(pids[i], "page in"));
    }
    CHECK(!"there is room without end");
    return 1;
}

/* Supplies what the clients from `first` on wait for; they get their answers. */
static int end_clients(const pid_t *pids, int first, int count)
{
    CHECK_IS(supply_all(KEY), 0);
    for (int i = first; i < count; i++)
        CHECK_IS(reap(pids[i]), 0);
    return 0;
}

static int reply_is_told(void *unused)
{
    long ids[HOGS_MAX];
    pid_t pids[HOGS_MAX];
    struct message m;
    int count;

    (void)unused;
    CHECK_IS(take_all_room(pids, ids, &count), 0);
    /* As long as there is none nothing is said, and small answers need none. */
    CHECK_IS(receive_within(server, &m, 0, 50 * MS), 0);
    CHECK_IS(m.w[0], TIMER);
    CHECK_IS(reply_data(ids[count]), -EAGAIN);
    CHECK_IS(sys_kill(H_NONE, pids[0], ABI_SIGKILL), 0);
    CHECK_IS(reap(pids[0]), ABI_SIGKILL);
    CHECK_IS(ipc_receive(server, &m, 0), 0);
    CHECK_IS(m.w[0], NOTIFY_ROOM);
    CHECK_IS(reply_data(ids[count]), 0);
    /* Not asked for, not told again. */
    CHECK_IS(receive_within(server, &m, 0, 20 * MS), 0);
    CHECK_IS(m.w[0], TIMER);
    for (int i = count + 1; i < HOGS_MAX; i++) {
        m.w[0] = 0;
        CHECK_IS(sys_kill(H_NONE, pids[i], ABI_SIGKILL), 0);
        CHECK_IS(reap(pids[i]), ABI_SIGKILL);
    }
    return end_clients(pids, 1, count + 1);
}

/* The room came back between the reply that failed and the question for it; and a
 * port that is told lives as long as it must. */
static int port_may_go(void *unused)
{
    long ids[HOGS_MAX];
    pid_t pids[HOGS_MAX];
    int count;

    (void)unused;
    CHECK_IS(take_all_room(pids, ids, &count), 0);
    CHECK_IS(sys_close(session), 0);
    CHECK_IS(sys_close(server), 0); /* given up while it is to be told */
    for (int i = count; i < HOGS_MAX; i++)
        CHECK_IS(reap(pids[i]), 1 << 8); /* an error, and CHECK_IS says so */
    return end_clients(pids, 0, count);
}

/* A sender whose pages go three times in a row is to send from the kernel's frames,
 * and waits for them. */
static int sender_waits(void *unused)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)malloc(SIZE), .recv_cap = SIZE};
    long ids[HOGS_MAX], id;
    pid_t pids[HOGS_MAX], pid;
    struct message m;
    int count;

    (void)unused;
    CHECK_IS(take_all_room(pids, ids, &count), 0);
    int file2 = make_file(pager, KEY2, SIZE);
    CHECK(file2 >= 0);
    pid = spawn(sender, (void *)(long)file2);
    for (int tries = 0; tries < 3; tries++) {
        CHECK_IS(supply_all(KEY2), 0);
        CHECK(await_waiting(pid, "reply"));
        CHECK_IS(lose_pages(KEY2), 0);
        /* What is taken has lost its pages, and goes back to its sender. */
        CHECK_IS(receive_within(server, &m, &ext, 20 * MS), 0);
    }
    CHECK(await_waiting(pid, "room for a message"));
    CHECK_IS(sys_kill(H_NONE, pids[0], ABI_SIGKILL), 0);
    CHECK_IS(reap(pids[0]), ABI_SIGKILL);
    CHECK_IS(supply_all(KEY2), 0);
    do
        id = ipc_receive(server, &m, &ext);
    while (id == 0); /* the clients' NOTIFY_ROOM */
    CHECK(id > 0 && ext.recv_len == SIZE);
    CHECK_IS(pattern_check((void *)ext.recv_addr, SIZE, 1, 0), -1);
    m.w[0] = 0;
    CHECK_IS(ipc_reply(server, id, &m, 0), 0);
    CHECK_IS(reap(pid), 0);
    for (int i = count; i < HOGS_MAX; i++) {
        CHECK_IS(sys_kill(H_NONE, pids[i], ABI_SIGKILL), 0);
        CHECK_IS(reap(pids[i]), ABI_SIGKILL);
    }
    free((void *)ext.recv_addr);
    return end_clients(pids, 1, count);
}

static const struct proc_test tests[] = {
    {reply_is_told, "a reply without room fails, and is told when there is room"},
    {port_may_go, "a port that waits to be told may be given up"},
    {sender_waits, "a sender whose pages keep going waits for room"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
