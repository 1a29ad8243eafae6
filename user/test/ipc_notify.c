/*
 * Notifications, timers of ports, and the ends of sessions.
 *
 * test: points=3
 */
#include "user/test/ipc_util.h"
#include <pthread.h>

static int bits(void *unused)
{
    int port = (int)sys_port_create();
    struct message m;
    int weak = (int)sys_restrict(port, RIGHT_OWN), mute = (int)sys_restrict(port, RIGHT_NOTIFY);

    (void)unused;
    CHECK(port >= 0 && weak >= 0 && mute >= 0);
    CHECK_IS(sys_notify(port, 1), 0);
    CHECK_IS(sys_notify(port, 1ul << 63), 0);
    CHECK_IS(sys_notify(mute, 6), 0);
    CHECK_IS(sys_notify(port, 1), 0);
    CHECK_IS(ipc_receive(weak, &m, 0), 0);
    CHECK_IS(m.w[0], 7 | 1ul << 63); /* all together, each once */
    CHECK_IS(sys_notify(weak, 1), -EPERM);
    CHECK_IS(ipc_receive(mute, &m, 0), -EPERM);
    CHECK_IS(sys_notify(999, 1), -EBADF);
    CHECK_IS(sys_notify(1, 1), -EBADF);
    CHECK_IS(sys_notify(port, 0), 0); /* raises nothing */
    CHECK_IS(sys_port_timer(port, 3, 10 * MS), 0);
    CHECK_IS(ipc_receive(port, &m, 0), 0);
    CHECK_IS(m.w[0], 8);
    return 0;
}

/* Before requests; and a request does not take bits along. */
static int before_requests(void *unused)
{
    int port = (int)sys_port_create(), session = make_session(port, 1, RIGHT_CALL);
    struct message m;
    pid_t pid = fork();

    (void)unused;
    if (pid == 0) {
        m = (struct message){.w = {77}};
        _exit(ipc_call(session, &m, 0) ? 1 : 0);
    }
    CHECK(await_waiting(pid, "reply"));
    CHECK_IS(sys_notify(port, 4), 0);
    CHECK_IS(ipc_receive(port, &m, 0), 0);
    CHECK_IS(m.w[0], 4);
    CHECK(ipc_receive(port, &m, 0) > 0);
    CHECK_IS(m.w[0], 77);
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    return reap(pid);
}

static int timers(void *unused)
{
    int port = (int)sys_port_create();
    struct message m;
    long start = now_ns();

    (void)unused;
    CHECK_IS(sys_port_timer(port, 64, MS), -EINVAL);
    CHECK_IS(sys_port_timer(999, 1, MS), -EBADF);
    CHECK_IS(sys_port_timer(port, 1, 60 * MS), 0);
    CHECK_IS(sys_port_timer(port, 2, 20 * MS), 0);
    CHECK_IS(sys_port_timer(port, 3, 300 * MS), 0);
    CHECK_IS(sys_port_timer(port, 3, 0), 0); /* called off */
    CHECK_IS(sys_port_timer(port, 4, 300 * MS), 0);
    CHECK_IS(sys_port_timer(port, 4, 90 * MS), 0); /* brought forward */
    CHECK_IS(sys_port_timer(port, 5, ~0ul), 0);    /* never */
    for (unsigned long seen = 0; seen != (1 << 1 | 1 << 2 | 1 << 4); seen |= m.w[0]) {
        CHECK_IS(ipc_receive(port, &m, 0), 0);
        CHECK_IS(m.w[0] & (seen | ~0x16ul), 0); /* each once, and no other */
        CHECK(now_ns() - start >= (m.w[0] & 1 << 4   ? 90 * MS
                                   : m.w[0] & 1 << 1 ? 60 * MS
                                                     : 20 * MS));
    }
    sys_sleep(320 * MS);
    CHECK_IS(sys_notify(port, 1), 0);
    CHECK_IS(ipc_receive(port, &m, 0), 0);
    CHECK_IS(m.w[0], 1);              /* what was called off or replaced has not come */
    for (unsigned i = 0; i < 64; i++) /* given up with all of them armed */
        CHECK_IS(sys_port_timer(port, i, 10 * MS + i * 1000), 0);
    CHECK_IS(sys_close(port), 0);
    sys_sleep(20 * MS);
    return 0;
}

/* ------------------------------------------------------------ several waiters */

static int shared_port;
static unsigned got[4], total, ended;

static void *waiter(void *slot)
{
    struct message m;

    while (ipc_receive(shared_port, &m, 0) == 0) {
        if (m.w[0] & 1ul << 40) {
            __atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
            return 0;
        }
        got[(long)slot] += (unsigned)__builtin_popcountl(m.w[0]);
        __atomic_add_fetch(&total, (unsigned)__builtin_popcountl(m.w[0]), __ATOMIC_RELAXED);
    }
    return (void *)1;
}

static int waiters(void *unused)
{
    pthread_t t[4];
    void *result;

    (void)unused;
    total = ended = 0;
    shared_port = (int)sys_port_create();
    for (long i = 0; i < 4; i++)
        CHECK_IS(pthread_create(&t[i], 0, waiter, (void *)i), 0);
    /* Each bit that is raised after the last was taken comes to one of them. */
    for (unsigned n = 1; n <= 200; n++) {
        long end = now_ns() + 5 * SECOND;
        CHECK_IS(sys_notify(shared_port, 1ul << n % 32), 0);
        while (__atomic_load_n(&total, __ATOMIC_RELAXED) != n)
            CHECK(now_ns() < end);
    }
    for (unsigned n = 1; n <= 4; n++) {
        CHECK_IS(sys_notify(shared_port, 1ul << 40), 0);
        while (__atomic_load_n(&ended, __ATOMIC_RELAXED) != n) /* else two of these are one */
            sys_sleep(MS);
    }
    for (int i = 0; i < 4; i++) {
        CHECK_IS(pthread_join(t[i], &result), 0);
        CHECK_IS((long)result, 0);
    }
    CHECK_IS(got[0] + got[1] + got[2] + got[3], 200);
    return 0;
}

/* ------------------------------------------------------------------ MSG_CLOSE */

/* The close messages that are there within a moment: how many, for which badges. */
static int closes(int port, unsigned long *badges)
{
    struct message m;
    int n = 0;

    while (receive_within(port, &m, 0, 60 * MS) > 0) {
        CHECK_IS(m.w[0], MSG_CLOSE);
        CHECK(m.origin & ORIGIN_KERNEL);
        *badges |= 1ul << m.badge;
        n++;
        m.w[0] = 0;
        CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    }
    return n;
}

/* Exactly one for each session, and only when nothing refers to it. */
static int close_once(void *unused)
{
    int port = (int)sys_port_create(), session = make_session(port, 5, RIGHT_CALL), copy;
    unsigned long badges = 0;
    pid_t pid;

    (void)unused;
    copy = (int)sys_dup(session, 0, 0);
    pid = spawn(sleep_long, 0); /* has both, too */
    CHECK_IS(sys_close(session), 0);
    CHECK_IS(closes(port, &badges), 0);
    CHECK_IS(sys_close(copy), 0);
    CHECK_IS(closes(port, &badges), 0);
    CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
    CHECK_IS(reap(pid), ABI_SIGKILL);
    CHECK_IS(closes(port, &badges), 1);
    CHECK_IS(badges, 1ul << 5);
    return 0;
}

static int close_many(void *unused)
{
    int port = (int)sys_port_create();
    unsigned long badges = 0;

    (void)unused;
    for (unsigned i = 0; i < 40; i++) {
        int s = make_session(port, i, RIGHT_CALL);
        CHECK(s >= 0);
        if (i % 2)
            CHECK_IS(sys_close(s), 0);
        else
            CHECK_IS(sys_dup2(1, s, 0), s); /* replaced: as good as closed */
    }
    CHECK_IS(closes(port, &badges), 40);
    CHECK_IS(badges, (1ul << 40) - 1);
    return 0;
}

/* A session that nobody ever got is closed as well; and to a port that was given
 * up no close is sent, nor waited for. */
static int close_unborn(void *unused)
{
    int port = (int)sys_port_create(), session = make_session(port, 3, RIGHT_CALL), h, last = 0;
    unsigned long badges = 0;

    (void)unused;
    while ((h = (int)sys_dup(port, 0, 0)) >= 0)
        last = h;
    CHECK_IS(make_session(port, 9, RIGHT_CALL), -EMFILE);
    CHECK_IS(closes(port, &badges), 1);
    CHECK_IS(badges, 1ul << 9);
    for (h = port; h <= last; h++)
        if (h != session)
            sys_close(h);
    CHECK_IS(sys_close(session), 0);
    return 0;
}

/* A key comes along for sessions with an object. */
static int close_key(void *unused)
{
    int port = (int)sys_port_create(), file = make_file(port, 0x123456789abul, 10);
    struct message m;

    (void)unused;
    CHECK(file >= 0);
    CHECK_IS(sys_close(file), 0);
    CHECK(ipc_receive(port, &m, 0) > 0);
    CHECK_IS(m.w[0], MSG_CLOSE);
    CHECK_IS(m.w[1], 0x123456789abul);
    CHECK(m.origin & ORIGIN_KERNEL);
    m.w[0] = (unsigned long)-EIO; /* nobody minds */
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    return 0;
}

/* ------------------------------------------------------------------ SESSION_TOLD */

static int make_told(int port, unsigned long badge)
{
    struct ipc_session spec = {.badge = badge, .rights = RIGHT_CALL, .flags = SESSION_TOLD};

    return (int)sys_session_create(port, &spec);
}

static unsigned sessions_on(int port)
{
    unsigned long badges[8];

    return (unsigned)sys_port_list(port, PORT_SESSIONS, 0, badges, 8);
}

/* Answers with whose end it was told of. */
static int tell_ends(void *port)
{
    struct message m = {0};
    long id = ipc_receive((int)(long)port, &m, 0);

    while (id > 0) {
        m.w[0] = ORIGIN_ENDED(m.origin);
        id = ipc_reply_receive((int)(long)port, id, &m, 0);
    }
    return 0;
}

/* With a request to a server that waits, each once. */
static int told_by_request(void *unused)
{
    int port = (int)sys_port_create(), other = make_session(port, 1, RIGHT_CALL);
    unsigned long badges[] = {7, 0, ~0u, 0};
    pid_t pid = spawn(tell_ends, (void *)(long)port);
    struct message m = {0};

    (void)unused;
    for (unsigned i = 0; i < 4; i++) {
        int told = badges[i] ? make_told(port, badges[i]) : -1;

        CHECK(!badges[i] || told >= 0);
        for (unsigned wait = 0; wait < 2; wait++) /* it has begun to wait by then */
            CHECK(ipc_call(other, &m, 0) == 0 && m.w[0] == 0);
        if (badges[i])
            CHECK_IS(sys_close(told), 0);
        CHECK_IS(sessions_on(port), 1 + (badges[i] != 0)); /* until it is told */
        CHECK_IS(ipc_call(other, &m, 0), 0);
        CHECK_IS(m.w[0], badges[i]);
        CHECK_IS(sessions_on(port), 1);
    }
    return kill_and_reap(pid, ABI_SIGKILL);
}

static int receive_once(void *port)
{
    struct message m;

    return ipc_receive((int)(long)port, &m, 0) == 0 ? 0 : 1;
}

/* Nobody has received, or whoever has is dead: the next server may be at listing the sessions. */
static int told_to_nobody(void *unused)
{
    int port = (int)sys_port_create();
    unsigned long seen = 0;

    (void)unused;
    CHECK_IS(sys_close(make_told(port, 8)), 0);
    CHECK_IS(closes(port, &seen), 1);
    CHECK_IS(seen, 1ul << 8);
    port = (int)sys_port_create();
    CHECK_IS(sys_notify(port, 1), 0);
    CHECK_IS(reap(spawn(receive_once, (void *)(long)port)), 0);
    CHECK_IS(sys_close(make_told(port, 9)), 0);
    CHECK_IS(closes(port, &seen), 1);
    CHECK_IS(seen, 1ul << 8 | 1ul << 9);
    return 0;
}

/* With a notification, and with a request that is fetched; what is left has its MSG_CLOSE. */
static int told_one_at_a_time(void *unused)
{
    int port = (int)sys_port_create(), told[3];
    unsigned long seen = 0;
    struct message m;

    (void)unused;
    CHECK_IS(closes(port, &seen), 0); /* it receives */
    for (int i = 0; i < 3; i++)
        told[i] = make_told(port, (unsigned long)i + 1);
    CHECK_IS(sys_close(told[0]), 0);
    CHECK_IS(receive_within(port, &m, 0, 20 * MS), 0); /* it has no message of its own */
    CHECK_IS(ORIGIN_ENDED(m.origin), 1);
    CHECK_IS(sys_close(told[1]), 0);
    CHECK_IS(sys_close(told[2]), 0);
    CHECK_IS(sessions_on(port), 2);
    CHECK(ipc_receive(port, &m, 0) > 0);
    CHECK(m.w[0] == MSG_CLOSE && m.origin & ORIGIN_KERNEL && m.badge == 3);
    CHECK_IS(ORIGIN_ENDED(m.origin), 2);
    m.w[0] = 0;
    CHECK_IS(ipc_reply(port, m.id, &m, 0), 0);
    CHECK_IS(closes(port, &seen), 0);
    CHECK_IS(sessions_on(port), 0);
    CHECK_IS(sys_close(make_told(port, 9)), 0); /* and nobody ever hears of it */
    return 0;
}

static int bad_sessions(void *unused)
{
    int port = (int)sys_port_create();
    struct ipc_session spec = {.rights = RIGHT_OWN};

    (void)unused;
    CHECK_IS(sys_session_create(port, &spec), -EINVAL);
    spec.rights = RIGHT_SIGNAL;
    CHECK_IS(sys_session_create(port, &spec), -EINVAL);
    spec = (struct ipc_session){.flags = 0x400};
    CHECK_IS(sys_session_create(port, &spec), -EINVAL);
    CHECK_IS(make_told(port, 0), -EINVAL);
    CHECK_IS(make_told(port, 1ul << 32), -EINVAL);
    CHECK_IS(sys_session_create(port, (struct ipc_session *)-4096l), -EFAULT);
    CHECK_IS(sys_session_create(1, &spec), -EBADF);
    return 0;
}

static const struct proc_test tests[] = {
    {bits, "bits are or-ed and delivered once; rights"},
    {before_requests, "notifications come before requests"},
    {timers, "timers: several, put off, called off, closed with"},
    {waiters, "several waiters share the bits"},
    {close_once, "MSG_CLOSE once, with the last handle"},
    {close_many, "MSG_CLOSE for each of many"},
    {close_unborn, "MSG_CLOSE for a session that found no place"},
    {close_key, "MSG_CLOSE tells the key"},
    {told_by_request, "the end of a session told with a request"},
    {told_to_nobody, "not told while there is no server"},
    {told_one_at_a_time, "with a notification; and one at a time"},
    {bad_sessions, "sessions that are refused"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
