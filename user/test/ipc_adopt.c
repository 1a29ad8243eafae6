/*
 * What a server is told that goes on where another one died: sessions, requests that
 * were received, objects and the pages of them that count on blocks.
 *
 * test: points=3
 */
#include "user/test/ipc_util.h"
#include <pthread.h>
#include <stdbool.h>

#define SESSIONS 80
#define KEY      0x5a5a00000001ul
#define PAGES    40
#define HOLES    0xaaaaul /* of each 16 pages, every other one */

/* Whether the port lists that badge, and how many sessions it lists. */
static int sessions_listed(unsigned long badge, bool *there)
{
    unsigned long entries[20];
    int count = 0;
    long n;

    *there = false;
    while ((n = sys_port_list(port, PORT_SESSIONS, (unsigned long)count, entries, 20)) > 0)
        for (long i = 0; i < n; i++, count++)
            *there |= entries[i] == badge;
    return n < 0 ? (int)n : count;
}

/* A session counts until its end has been answered. */
static int sessions(void *unused)
{
    int handles[SESSIONS];
    struct message m;
    bool there;

    (void)unused;
    CHECK_IS(make_port(), 0); /* and one session, with badge 1 */
    for (int i = 0; i < SESSIONS; i++) {
        handles[i] = make_session(port, 100 + (unsigned long)i, RIGHT_CALL);
        CHECK(handles[i] >= 0);
    }
    CHECK_IS(sessions_listed(1, &there), SESSIONS + 1);
    CHECK(there);
    CHECK_IS(sessions_listed(100 + SESSIONS - 1, &there), SESSIONS + 1);
    CHECK(there);
    CHECK_IS(sys_close(handles[5]), 0);
    CHECK_IS(sessions_listed(105, &there), SESSIONS + 1);
    CHECK(there); /* its end waits in the queue, */
    CHECK(ipc_receive(port, &m, 0) > 0);
    CHECK_IS(m.badge, 105);
    CHECK_IS(sessions_listed(105, &there), SESSIONS + 1);
    CHECK(there); /* is in service, */
    m.w[0] = 0;
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    CHECK_IS(sessions_listed(105, &there), SESSIONS);
    CHECK(!there); /* and is over */
    return 0;
}

static int take_three(void *unused)
{
    struct message m;

    (void)unused;
    for (int i = 0; i < 3; i++)
        if (receive_request(port, &m, 0) <= 0)
            return 1;
    return sleep_long(0);
}

/* Only what a server had received that died, not what is new. */
static int returned(void *unused)
{
    unsigned long numbers[8];
    pid_t clients[5], server;

    (void)unused;
    CHECK_IS(make_port(), 0);
    server = spawn(take_three, 0);
    for (long i = 0; i < 5; i++) {
        clients[i] = spawn(call_number, (void *)i);
        CHECK_IS(await_state(i < 3 ? (unsigned)i + 1 : 3, i < 3 ? 0 : (unsigned)i - 2), 0);
    }
    CHECK_IS(sys_port_list(port, PORT_RETURNED, 0, numbers, 8), 0);
    CHECK_IS(kill_and_reap(server, ABI_SIGKILL), 0);
    CHECK_IS(await_state(0, 5), 0);
    CHECK_IS(sys_port_list(port, PORT_RETURNED, 0, numbers, 8), 3);
    CHECK(numbers[0] == 1 && numbers[1] == 2 && numbers[2] == 3);
    CHECK_IS(sys_port_list(port, PORT_RETURNED, 1, numbers, 1), 1);
    CHECK_IS(numbers[0], 2);
    CHECK_IS(sys_port_list(port, PORT_RETURNED, 3, numbers, 8), 0);
    CHECK_IS(kill_and_reap(clients[1], ABI_SIGKILL), 0);
    CHECK_IS(sys_port_list(port, PORT_RETURNED, 0, numbers, 8), 2);
    CHECK_IS(numbers[1], 3);
    for (int i = 0; i < 5; i++)
        if (i != 1)
            CHECK_IS(kill_and_reap(clients[i], ABI_SIGKILL), 0);
    return 0;
}

static volatile bool over;

static void *pager_thread(void *unused)
{
    static char zeros[IPC_BUFFER_MAX], room[IPC_BUFFER_MAX];

    while (!over) {
        struct message m;
        struct ipc_ext ext = {.recv_addr = (unsigned long)room, .recv_cap = sizeof(room)};
        long id = ipc_receive(port, &m, &ext);

        if (id <= 0)
            continue;
        ext.send_len = 0;
        if (m.w[0] == MSG_PAGE_IN) {
            ext.send_addr = (unsigned long)zeros;
            ext.send_len = m.w[3] * 4096;
            m.w[1] = HOLES;
        }
        m.w[0] = m.w[0] == MSG_RESERVE ? m.w[3] : 0;
        ipc_reply(port, id, &m, &ext);
    }
    return unused;
}

/* The pages that may become dirty with no question: those that have no hole, and those
 * for which blocks are reserved. */
static int pages(void *unused)
{
    struct abi_page_run runs[PAGES];
    unsigned long keys[4];
    pthread_t thread;
    char page[4096];
    int file;

    (void)unused;
    CHECK_IS(make_port(), 0);
    file = make_file(port, KEY, PAGES * 4096);
    CHECK(file >= 0);
    CHECK_IS(pthread_create(&thread, 0, pager_thread, 0), 0);
    CHECK_IS(sys_object_pages(port, KEY, 0, runs, PAGES), 0);
    CHECK_IS(pread(file, page, 4096, 0), 4096);
    CHECK_IS(sys_port_list(port, PORT_OBJECTS, 0, keys, 4), 1);
    CHECK_IS(keys[0], KEY);
    CHECK_IS(sys_port_list(port, PORT_OBJECTS, KEY, keys, 4), 0);
    CHECK(sys_object_pages(port, KEY, 0, runs, PAGES) >= 1);
    CHECK(runs[0].first == 0 && runs[0].count == 1); /* the second page is a hole, */
    CHECK_IS(pwrite(file, "x", 1, 4096), 1);
    CHECK(sys_object_pages(port, KEY, 0, runs, PAGES) >= 1);
    CHECK(runs[0].first == 0 && runs[0].count >= 2); /* for which there are blocks now */
    CHECK(sys_object_pages(port, KEY, 1, runs, 1) == 1 && runs[0].first == 1);
    CHECK_IS(sys_object_pages(port, KEY, PAGES, runs, PAGES), 0);
    CHECK_IS(sys_object_pages(port, KEY, ~0ul, runs, PAGES), 0);
    over = true;
    CHECK_IS(sys_notify(port, 1), 0);
    CHECK_IS(pthread_join(thread, 0), 0);
    return 0;
}

static int refusals(void *unused)
{
    unsigned long entries[1];
    struct abi_page_run run;
    int mute;

    (void)unused;
    CHECK_IS(make_port(), 0);
    mute = (int)sys_restrict(port, RIGHT_NOTIFY);
    CHECK_IS(sys_port_list(port, 0, 0, entries, 1), -EINVAL);
    CHECK_IS(sys_port_list(port, PORT_IN_SERVICE + 1, 0, entries, 1), -EINVAL);
    CHECK_IS(sys_port_list(port, PORT_SESSIONS | PORT_BUT(1), 0, entries, 1), -EINVAL);
    CHECK_IS(sys_port_list(port, PORT_RETURNED | PORT_BUT(0xffff), 0, entries, 1), 0);
    CHECK_IS(sys_port_list(port, PORT_RETURNED | PORT_BUT(0x10000), 0, entries, 1), -EINVAL);
    CHECK_IS(sys_port_list(mute, PORT_SESSIONS, 0, entries, 1), -EPERM);
    CHECK_IS(sys_port_list(session, PORT_SESSIONS, 0, entries, 1), -EBADF);
    CHECK_IS(sys_port_list(port, PORT_SESSIONS, 0, (unsigned long *)-4096l, 1), -EFAULT);
    CHECK_IS(sys_port_list(port, PORT_SESSIONS, 0, entries, 0), 0);
    CHECK_IS(sys_port_list(port, PORT_SESSIONS, ~0ul, entries, 1), 0);
    CHECK_IS(sys_object_pages(mute, KEY, 0, &run, 1), -EPERM);
    CHECK_IS(sys_object_pages(session, KEY, 0, &run, 1), -EBADF);
    CHECK_IS(sys_object_pages(port, KEY, 0, &run, 1), -ENOENT);
    return 0;
}

static const struct proc_test tests[] = {
    {sessions, "a session is listed until its end has been answered"},
    {returned, "requests are listed that a dead server had received"},
    {pages, "pages are listed that count on blocks"},
    {refusals, "the lists want OWN, and sense"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
