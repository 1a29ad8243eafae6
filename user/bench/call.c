/* System calls, messages, notifications, switches. */
#include "user/bench/bench.h"
#include <sched.h>

#define PAGE 4096

static int port, session, there, here;
static char buffer[PAGE] __attribute__((aligned(PAGE)));

static void make_port(void)
{
    struct ipc_session spec = {.badge = 1, .rights = RIGHT_CALL};

    port = (int)sys_port_create();
    session = (int)sys_session_create(port, &spec);
    MUST(port >= 0 && session >= 0);
}

/* Answers with the sum of the words; the buffer that came is read. */
static void serve(void)
{
    struct ipc_ext ext = {.recv_addr = (unsigned long)buffer, .recv_cap = sizeof(buffer)};
    struct message m;
    long id = ipc_receive(port, &m, &ext);

    while (id >= 0) {
        unsigned long sum = 0;
        for (unsigned i = 0; i < IPC_WORDS; i++)
            sum += m.w[i];
        m.w[0] = sum + (unsigned long)(unsigned char)buffer[0] * (ext.recv_len == PAGE);
        id = ipc_reply_receive(port, id, &m, &ext);
    }
}

static void serve_words(void)
{
    struct message m;
    long id = ipc_receive(port, &m, 0);

    while (id >= 0) {
        m.w[0] += m.w[7];
        id = ipc_reply_receive(port, id, &m, 0);
    }
}

static void messages(void)
{
    struct ipc_ext ext = {.send_addr = (unsigned long)buffer, .send_len = PAGE};
    struct message m = {.w = {0}};
    int server;

    make_port();
    server = bench_spawn(serve_words);
    BENCH("ipc8", 1, m.w[0] = 1; m.w[7] = 2; MUST(ipc_call(session, &m, 0) == 0 && m.w[0] == 3));
    bench_end(server);
    make_port();
    server = bench_spawn(serve);
    memset(buffer, 9, PAGE);
    BENCH("ipc4k", 1, memset(m.w, 0, sizeof(m.w));
          MUST(ipc_call(session, &m, &ext) == 0 && m.w[0] == 9));
    bench_end(server);
}

static void answer_notifications(void)
{
    struct message m;

    while (ipc_receive(there, &m, 0) == 0)
        sys_notify(here, m.w[0]);
}

static void notifications(void)
{
    struct message m;
    int other;

    here = (int)sys_port_create();
    there = (int)sys_port_create();
    MUST(here >= 0 && there >= 0);
    other = bench_spawn(answer_notifications);
    BENCH("notify", 1, sys_notify(there, 4); MUST(ipc_receive(here, &m, 0) == 0 && m.w[0] == 4));
    bench_end(other);
}

static volatile unsigned long *turns; /* shared */

static void yield_for_ever(void)
{
    for (;;) {
        turns[0]++;
        sched_yield();
    }
}

static void yields(void)
{
    unsigned long before;
    int other;

    turns = (unsigned long *)sys_mmap(0, PAGE, ABI_PROT_READ | ABI_PROT_WRITE,
                                      ABI_MAP_SHARED | ABI_MAP_ANONYMOUS, H_NONE, 0);
    other = bench_spawn(yield_for_ever);
    sched_yield();
    before = turns[0];
    bench_rounds = 0;
    BENCH("yield", 1, sched_yield());
    MUST(turns[0] - before >= bench_rounds);
    bench_end(other);
}

int main(void)
{
    long pid = sys_getpid();

    BENCH("null", 1, MUST(sys_getpid() == pid));
    messages();
    notifications();
    yields();
    return 0;
}
