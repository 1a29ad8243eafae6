/*
 * Messages there and back: words, badges, origins, buffers of every size and
 * place, and what is refused.
 *
 * test: points=5
 */
#include "user/test/ipc_util.h"
#include "user/test/ipc_raw.h"
#include <sys/mman.h>

/* Request numbers of the server below. */
#define ECHO   1000 /* the words, each one more; the buffer, each byte turned over */
#define WHO    1001 /* badge and origin */
#define FILL   1002 /* w[1] bytes of the pattern w[2] */
#define CHECK_ 1003 /* is the buffer the pattern w[2]? its length */
#define STOP   1004

static char server_room[IPC_BUFFER_MAX + 4096] __attribute__((aligned(4096)));

static void turn_over(char *data, unsigned long n)
{
    for (unsigned long i = 0; i < n; i++)
        data[i] = (char)~data[i];
}

/* Makes the answer to *m in place. */
static void answer(struct message *m, struct ipc_ext *ext, char *buffer)
{
    unsigned long number = m->w[0];

    ext->send_addr = (unsigned long)buffer;
    ext->send_len = 0;
    if (number == ECHO) {
        for (int i = 0; i < IPC_WORDS; i++)
            m->w[i]++;
        turn_over(buffer, ext->recv_len);
        ext->send_len = ext->recv_len;
    } else if (number == WHO) {
        m->w[0] = 0;
        m->w[1] = m->badge;
        m->w[2] = m->origin;
    } else if (number == FILL) {
        m->w[0] = 0;
        pattern_fill(buffer, m->w[1], (unsigned)m->w[2], 0);
        ext->send_len = m->w[1];
    } else if (number == CHECK_) {
        long bad = pattern_check(buffer, ext->recv_len, (unsigned)m->w[2], 0);
        m->w[0] = bad < 0 ? ext->recv_len : (unsigned long)-EIO;
    } else {
        m->w[0] = (unsigned long)-ENOSYS;
    }
}

/* Serves with a buffer at that distance from a page's start. */
static int serve(int port, unsigned long shift)
{
    char *buffer = server_room + shift;
    struct ipc_ext ext = {.recv_addr = (unsigned long)buffer, .recv_cap = IPC_BUFFER_MAX};
    struct message m;
    long id = ipc_receive(port, &m, &ext);

    while (id >= 0) {
        if (id == 0) {
            id = ipc_receive(port, &m, &ext);
            continue;
        }
        if (m.w[0] == STOP || m.w[0] == MSG_CLOSE) {
            m.w[0] = 0;
            ipc_reply(port, id, &m, 0);
            return 0;
        }
        answer(&m, &ext, buffer);
        id = ipc_reply_receive(port, id, &m, &ext);
        if (id == -EMSGSIZE || id == -ECANCELED) { /* then it was the client's doing */
            m.w[0] = (unsigned long)id;
            ipc_reply(port, m.id, &m, 0);
            id = ipc_receive(port, &m, &ext);
        }
    }
    return 1;
}

static pid_t server;

static int start(unsigned long badge, unsigned rights, unsigned long shift)
{
    int port = (int)sys_port_create();

    CHECK(port >= 0);
    session = make_session(port, badge, rights);
    CHECK(session >= 0);
    server = fork();
    if (server == 0) {
        sys_close(session);
        _exit(serve(port, shift));
    }
    CHECK(server > 0);
    CHECK_IS(sys_close(port), 0);
    return 0;
}

static int stop(void)
{
    struct message m = {.w = {STOP}};

    CHECK_IS(ipc_request(session, &m, 0), 0);
    CHECK_IS(reap(server), 0);
    CHECK_IS(sys_close(session), 0);
    return 0;
}

static int words(void *unused)
{
    struct message m;

    (void)unused;
    CHECK_IS(start(7, RIGHT_CALL, 0), 0);
    for (unsigned long round = 0; round < 50; round++) {
        m.w[0] = ECHO;
        for (unsigned long i = 1; i < IPC_WORDS; i++)
            m.w[i] = ~0ul - (round << 32) - i * 12345;
        CHECK_IS(ipc_call(session, &m, 0), 0);
        CHECK_IS(m.w[0], ECHO + 1);
        for (unsigned long i = 1; i < IPC_WORDS; i++)
            CHECK_IS(m.w[i], ~0ul - (round << 32) - i * 12345 + 1);
    }
    return stop();
}

static int identity(void *unused)
{
    struct message m = {.w = {WHO}};

    (void)unused;
    CHECK_IS(start(0xfedcba9876543210ul, RIGHT_CALL | RIGHT_READ, 0), 0);
    m.badge = 1; /* what a client puts there is not looked at */
    m.origin = ORIGIN_KERNEL;
    CHECK_IS(ipc_call(session, &m, 0), 0);
    CHECK_IS(m.w[1], 0xfedcba9876543210ul);
    CHECK_IS(m.w[2], RIGHT_CALL | RIGHT_READ);
    int weak = (int)sys_restrict(session, RIGHT_CALL);
    CHECK(weak >= 0);
    m.w[0] = WHO;
    CHECK_IS(ipc_call(weak, &m, 0), 0);
    CHECK_IS(m.w[2], RIGHT_CALL); /* the handle's rights, not the session's */
    int mute = (int)sys_restrict(session, RIGHT_READ);
    CHECK(mute >= 0);
    CHECK_IS(ipc_call(mute, &m, 0), -EPERM);
    CHECK_IS(sys_close(weak), 0);
    CHECK_IS(sys_close(mute), 0);
    return stop();
}

static char out[IPC_BUFFER_MAX + 8192] __attribute__((aligned(4096)));
static char in[IPC_BUFFER_MAX + 8192] __attribute__((aligned(4096)));

/* n bytes there and back, from and to those distances from a page. */
static int round_trip(unsigned long n, unsigned long from, unsigned long to)
{
    struct message m = {.w = {ECHO}};
    struct ipc_ext ext = {.send_addr = (unsigned long)out + from,
                          .send_len = n,
                          .recv_addr = (unsigned long)in + to,
                          .recv_cap = n};

    pattern_fill(out + from, n, (unsigned)(n + from), 0);
    memset(in, 0x55, to + n + 64);
    CHECK_IS(ipc_call(session, &m, &ext), 0);
    CHECK_IS(ext.recv_len, n);
    turn_over(in + to, n);
    CHECK_IS(pattern_check(in + to, n, (unsigned)(n + from), 0), -1);
    for (unsigned long i = 0; i < 64; i++) /* nothing beside it was touched */
        CHECK(in[to + n + i] == 0x55 && (i >= to || in[to - 1 - i] == 0x55));
    return 0;
}

static int sizes(unsigned long server_shift)
{
    static const unsigned long n[] = {0,    1,    7,     8,     63,    64,    100,  4095,
                                      4096, 4097, 12345, 32768, 40000, 65535, 65536};
    static const unsigned long shifts[] = {0, 1, 8, 2049, 4095};

    CHECK_IS(start(1, RIGHT_CALL, server_shift), 0);
    for (unsigned i = 0; i < sizeof(n) / sizeof(n[0]); i++)
        for (unsigned j = 0; j < sizeof(shifts) / sizeof(shifts[0]); j++)
            CHECK_IS(round_trip(n[i], shifts[j], shifts[(i + j) % 5]), 0);
    return stop();
}

static int aligned(void *unused)
{
    (void)unused;
    return sizes(0);
}

static int misaligned(void *unused)
{
    (void)unused;
    return sizes(4093);
}

/* Where there is too little room on either side, nothing arrives. */
static int too_large(void *unused)
{
    int port = (int)sys_port_create();
    int s = make_session(port, 1, RIGHT_CALL);
    struct message m = {.w = {ECHO}};
    struct ipc_ext ext = {.send_addr = (unsigned long)out, .send_len = 100};
    pid_t client;

    (void)unused;
    CHECK(port >= 0 && s >= 0);
    client = fork();
    if (client == 0) {
        /* More than the server takes: told so, while it waits on. */
        CHECK_IS(ipc_call(s, &m, &ext), -EMSGSIZE);
        ext.send_len = 50;
        ext.recv_addr = (unsigned long)in;
        ext.recv_cap = 20;
        memset(in, 0x55, 64);
        m.w[0] = 99;
        CHECK_IS(ipc_call(s, &m, &ext), 0);
        CHECK_IS(m.w[0], 5);
        CHECK_IS(ext.recv_len, 20);
        CHECK(in[19] == 0 && in[20] == 0x55);
        _exit(0);
    }
    struct ipc_ext room = {.recv_addr = (unsigned long)in, .recv_cap = 60};
    CHECK(receive_request(port, &m, &room) > 0);
    CHECK_IS(m.w[0], 99);
    CHECK_IS(room.recv_len, 50);
    m.w[0] = 5;
    memset(out, 0, 64);
    room = (struct ipc_ext){.send_addr = (unsigned long)out, .send_len = 21};
    CHECK_IS(ipc_reply(port, m.id, &m, &room), -EMSGSIZE); /* it stays in service */
    room.send_len = 20;
    CHECK_IS(ipc_reply(port, m.id, &m, &room), 0);
    CHECK_IS(reap(client), 0);
    return 0;
}

static int bad_arguments(void *unused)
{
    struct message m = {.w = {ECHO}};
    struct ipc_ext ext = {.send_addr = (unsigned long)out, .send_len = IPC_BUFFER_MAX + 1};
    struct ipc_raw raw = {.word = ECHO};
    char *guarded = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)unused;
    CHECK_IS(start(1, RIGHT_CALL, 0), 0);
    CHECK(guarded != MAP_FAILED);
    CHECK_IS(sys_munmap(guarded + 4096, 4096), 0);
    CHECK_IS(ipc_call(session, &m, &ext), -EINVAL);
    ext.send_len = 100;
    ext.send_addr = (unsigned long)guarded + 4000; /* runs out of the mapping */
    CHECK_IS(ipc_call(session, &m, &ext), -EFAULT);
    ext.send_addr = 0xffffffc000000000ul;
    CHECK_IS(ipc_call(session, &m, &ext), -EFAULT);
    ext.send_addr = ~0ul - 50;
    CHECK_IS(ipc_call(session, &m, &ext), -EFAULT);
    ext = (struct ipc_ext){.recv_addr = (unsigned long)guarded + 4000, .recv_cap = 100};
    CHECK_IS(ipc_call(session, &m, &ext), -EFAULT);
    ext.recv_addr = (unsigned long)&serve; /* text is not for writing */
    CHECK_IS(ipc_call(session, &m, &ext), -EFAULT);
    ext = (struct ipc_ext){.gifts.count = 5};
    CHECK_IS(ipc_call(session, &m, &ext), -EINVAL);
    raw.gifts = (unsigned long)guarded + 4090;
    CHECK_IS(ipc_raw(SYS_call, session, 0, raw), -EFAULT);
    raw.gifts = -4096ul;
    CHECK_IS(ipc_raw(SYS_call, session, 0, raw), -EFAULT);
    CHECK_IS(ipc_call(1000, &m, 0), -EBADF);
    CHECK_IS(ipc_receive(session, &m, 0), -EBADF); /* of another kind */
    ext = (struct ipc_ext){.recv_addr = (unsigned long)in, .recv_cap = ~0ul};
    m.w[0] = ECHO; /* more room than a message can fill */
    CHECK_IS(ipc_call(session, &m, &ext), 0);
    m.w[0] = ECHO; /* after all that the server still answers */
    CHECK_IS(ipc_call(session, &m, 0), 0);
    CHECK_IS(m.w[0], ECHO + 1);
    return stop();
}

/* Pages that are not there yet, copy-on-write, or shared with others. */
static int lazy_pages(void *unused)
{
    unsigned long n = IPC_BUFFER_MAX;
    char *fresh = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *zeros = mmap(0, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct message m = {.w = {FILL, n, 5}};
    struct ipc_ext ext = {.recv_addr = (unsigned long)fresh, .recv_cap = n};
    pid_t child;

    (void)unused;
    CHECK(fresh != MAP_FAILED && zeros != MAP_FAILED);
    CHECK_IS(start(1, RIGHT_CALL, 100), 0);
    CHECK_IS(ipc_request(session, &m, &ext), 0); /* into pages never touched */
    CHECK_IS(pattern_check(fresh, n, 5, 0), -1);
    child = fork(); /* now every page is shared with a child */
    if (child == 0) {
        sys_sleep(200 * MS);
        _exit(pattern_check(fresh, n, 5, 0) == -1 ? 0 : 1);
    }
    m = (struct message){.w = {FILL, n, 6}};
    CHECK_IS(ipc_request(session, &m, &ext), 0);
    CHECK_IS(pattern_check(fresh, n, 6, 0), -1);
    CHECK_IS(reap(child), 0); /* who still sees the old bytes */
    m = (struct message){.w = {CHECK_, 0, 6}};
    ext = (struct ipc_ext){.send_addr = (unsigned long)fresh, .send_len = n};
    CHECK_IS(ipc_request(session, &m, &ext), n);
    m = (struct message){.w = {CHECK_, 0, 6}};
    ext.send_addr = (unsigned long)zeros; /* pages never touched, read only */
    CHECK_IS(ipc_request(session, &m, &ext), -EIO);
    return stop();
}

static const struct proc_test tests[] = {
    {words, "eight words each way"},
    {identity, "badge, origin and the right to call"},
    {aligned, "buffers of 0 to 65536 bytes, wherever the client's lie"},
    {misaligned, "the same into a server's buffer across pages"},
    {too_large, "EMSGSIZE to the one who sent too much"},
    {bad_arguments, "bad pointers, lengths, handles; the server notices nothing"},
    {lazy_pages, "buffers in pages that are absent or copy-on-write"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
