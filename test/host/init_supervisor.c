/*
 * The supervisor on a kernel and services that are played here: time passes tick by
 * tick, services answer, stall, fail and are killed, and what is started, killed and
 * given up is looked at.
 *
 * host-test: user/init/status.c
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernel/messages.h"
#include "test/host/lib_server.h"

static long sys_port_info(int port, struct abi_port_info *info);
static long sys_port_list(int port, unsigned what, unsigned long cursor, unsigned long *entries,
                          unsigned room);
static long sys_kill(int handle, int pid, int sig);
static long sys_system(int system, long op, long a, long b, long c);

#include "user/init/supervisor.c"

static struct kill_page switches;
struct kill_page *kill_switches = &switches;

/* ------------------------------------------------------- the fake machine */

#define PORT_OF(id) (100 + (int)(id))

int init_port = 99;
struct service services[SERVICES];

static unsigned long now_ns, answers[SERVICES], oldest[SERVICES];
static unsigned queued[SERVICES];
static unsigned long timers[64]; /* when a bit of init's is raised; 0 = not */
static bool answering[SERVICES]; /* heartbeats */
static const char *wait_words;   /* of the threads that are looked at */
static int holder, next_pid, starts[SERVICES], killed, killed_signal, refused_starts;
static bool no_timers, given_up[SERVICES], line_stands;

void say(const char *format, ...)
{
    (void)format;
}

bool line_busy(void)
{
    return line_stands;
}

long sys_clock(int clock)
{
    CHECK(clock == ABI_CLOCK_MONOTONIC);
    return (long)now_ns;
}

static long sys_port_info(int port, struct abi_port_info *info)
{
    *info = (struct abi_port_info){.answered = answers[port - PORT_OF(0)],
                                   .queued = queued[port - PORT_OF(0)]};
    return 0;
}

static long sys_port_list(int port, unsigned what, unsigned long cursor, unsigned long *entries,
                          unsigned room)
{
    int id = port - PORT_OF(0);

    CHECK(what == (PORT_IN_SERVICE | PORT_BUT(services[id].but)) && !cursor && room == 1);
    *entries = oldest[id];
    return *entries != 0;
}

long sys_port_timer(int port, unsigned bit, unsigned long ns)
{
    CHECK(port == init_port && bit < 64);
    if (no_timers && ns)
        return -ENOMEM;
    timers[bit] = ns ? now_ns + ns : 0;
    return 0;
}

long sys_notify(int port, unsigned long bits)
{
    int id = port - PORT_OF(0);

    CHECK(id >= 0 && id < SERVICES && bits == NOTIFY_HEARTBEAT);
    if (answering[id])
        supervisor_notified(1ul << services[id].heart);
    return 0;
}

static long sys_kill(int handle, int pid, int sig)
{
    CHECK(handle == H_SYSTEM);
    killed = pid;
    killed_signal = sig;
    return 0;
}

static long sys_system(int system, long op, long a, long b, long c)
{
    struct abi_thread *thread = (struct abi_thread *)a;

    CHECK(system == H_SYSTEM && op == SYSTEM_THREADS && b >= 2 && c > 0);
    memset(thread, 0, 2 * sizeof(*thread));
    strcpy(thread[0].wait, "futex");
    strcpy(thread[1].wait, wait_words);
    thread[1].holder_pid = holder;
    return 2;
}

int service_start(struct service *service)
{
    if (refused_starts) {
        refused_starts--;
        return -ENOMEM;
    }
    service->pid = next_pid++;
    starts[service - services]++;
    return 0;
}

void service_give_up(struct service *service)
{
    service->port = H_NONE;
    service->state = SERVICE_GIVEN_UP;
    given_up[service - services] = true;
}

/* Lets time pass up to `ns` from now, with all timers on the way. */
static void pass(unsigned long ns)
{
    unsigned long end = now_ns + ns;

    for (;;) {
        int first = -1;

        for (int bit = 0; bit < 64; bit++)
            if (timers[bit] && timers[bit] <= end && (first < 0 || timers[bit] < timers[first]))
                first = bit;
        if (first < 0)
            break;
        now_ns = timers[first];
        timers[first] = 0;
        supervisor_notified(1ul << first);
    }
    now_ns = end;
}

static void fresh(void)
{
    memset(services, 0, sizeof(services));
    for (int i = 0; i < SERVICES; i++) {
        services[i].name = (const char *const[]){"tty", "blk", "fs"}[i];
        services[i].heart = HEART_TTY + (unsigned)i;
        services[i].port = PORT_OF(i);
        services[i].patience = ~0u;
        services[i].but = i == SERVICE_TTY ? MSG_READ : 0;
        answering[i] = true;
        starts[i] = 0;
        given_up[i] = false;
        answers[i] = 0;
        oldest[i] = queued[i] = 0;
    }
    memset(timers, 0, sizeof(timers));
    now_ns = SECOND;
    next_pid = 10;
    killed = killed_signal = refused_starts = 0;
    no_timers = false;
    wait_words = "receive";
    holder = 0;
    CHECK(supervisor_start());
    pass(2 * SECOND);
}

static struct service *const blk = &services[SERVICE_BLK], *const fs = &services[SERVICE_FS];

static void die(struct service *service, int status)
{
    CHECK(service->pid && supervisor_bury(service->pid, status));
}

/* ----------------------------------------------------------------- tests */

static void test_deaths(void)
{
    fresh();
    CHECK(blk->state == SERVICE_RUNNING && blk->pid && starts[SERVICE_BLK] == 1);
    CHECK(!supervisor_bury(4711, 0)); /* nobody's */
    for (int i = 0; i < 100; i++)
        die(blk, i % 2 ? ABI_SIGKILL : ABI_SIGTERM);
    CHECK(blk->pid && starts[SERVICE_BLK] == 101 && blk->failures == 0);
    CHECK(strcmp(blk->cause, "signal 9, killed") == 0);
    check_end("who is killed from outside starts again at once, however often");

    fresh();
    for (int i = 0; i < 100; i++) {
        answers[SERVICE_BLK]++;
        pass(SECOND);
        die(blk, ABI_SIGSEGV);
    }
    CHECK(blk->pid && starts[SERVICE_BLK] == 101 && blk->failures == 0);
    check_end("who has answered something has not failed");

    fresh();
    for (int i = 0; i < 100; i++) {
        answers[SERVICE_BLK]++;
        die(blk, ABI_SIGSEGV);
        CHECK(!!blk->pid == (i < 4) && blk->failures == 0);
        if (i >= 4) {
            pass((SECOND / 20 << (i < 8 ? i - 4 : 4)) - 1);
            CHECK(!blk->pid);
            pass(1);
        }
        CHECK(blk->pid && starts[SERVICE_BLK] == i + 2);
    }
    pass(SECOND);
    answers[SERVICE_BLK]++;
    die(blk, ABI_SIGSEGV);
    CHECK(blk->pid);
    check_end("who dies soon after each start waits, too, but is not given up");

    fresh();
    unsigned long pause = SECOND / 20;
    for (int i = 0; i < 7; i++, pause *= 2) {
        die(blk, (const int[]){ABI_SIGSEGV, ABI_SIGABRT, 1 << 8}[i % 3]);
        CHECK(!blk->pid && blk->state == SERVICE_WAITING);
        pass(pause - 1);
        CHECK(!blk->pid);
        pass(1);
        CHECK(blk->pid && starts[SERVICE_BLK] == i + 2);
    }
    die(blk, 1 << 8);
    CHECK(given_up[SERVICE_BLK] && !blk->pid);
    pass(100 * SECOND);
    CHECK(starts[SERVICE_BLK] == 8 && starts[SERVICE_TTY] == 1);
    CHECK(supervisor_do(blk, SVC_START, 0) == -EPIPE);
    check_end("who fails waits twice as long each time, and is given up at the eighth");

    fresh();
    refused_starts = 3;
    die(blk, ABI_SIGKILL);
    CHECK(!blk->pid);
    pass(SECOND);
    CHECK(blk->pid && starts[SERVICE_BLK] == 2);
    refused_starts = 100;
    no_timers = true;
    die(blk, ABI_SIGKILL);
    CHECK(given_up[SERVICE_BLK]);
    check_end("want of memory is waited out, or ends in giving up, not in waiting for ever");

    fresh();
    die(fs, EXIT_HOPELESS << 8);
    CHECK(given_up[SERVICE_FS] && starts[SERVICE_FS] == 1 && !killed);
    answers[SERVICE_BLK]++; /* it was of use before */
    die(blk, EXIT_HOPELESS << 8);
    CHECK(blk->pid && !given_up[SERVICE_BLK]);
    check_end("who says that another start is of no use is not started again");
}

static void test_blame(void)
{
    fresh();
    fs->needs = blk;
    for (int failures = 1; failures <= 8; failures++) {
        int pid = blk->pid;

        killed = 0;
        die(fs, 1 << 8);
        CHECK(killed == (failures % 3 ? 0 : pid));
        if (killed)
            die(blk, killed_signal);
        CHECK(blk->pid && !blk->failures && fs->failures == (unsigned)failures);
        pass(10 * SECOND);
    }
    CHECK(given_up[SERVICE_FS] && starts[SERVICE_BLK] == 3 && starts[SERVICE_FS] == 8);
    check_end("what a service that fails again and again needs is started anew");

    fresh();
    fs->needs = blk;
    answers[SERVICE_FS]++;
    die(fs, EXIT_HOPELESS << 8); /* it was of use: it starts again */
    CHECK(!killed && fs->pid);
    die(fs, EXIT_HOPELESS << 8);
    CHECK(killed == blk->pid && !given_up[SERVICE_FS]);
    pass(SECOND);
    killed = 0;
    die(fs, EXIT_HOPELESS << 8);
    CHECK(!killed && given_up[SERVICE_FS]);
    fresh();
    fs->needs = blk;
    answers[SERVICE_FS]++;
    die(fs, 1 << 8);
    for (int i = 0; i < 2; i++, pass(SECOND))
        die(fs, 1 << 8); /* the second time it blames nobody yet */
    CHECK(!killed);
    die(fs, EXIT_HOPELESS << 8);
    CHECK(killed == blk->pid && !given_up[SERVICE_FS]);
    fresh();
    fs->needs = blk;
    blk->pid = 0;
    for (int i = 0; i < 3; i++, pass(10 * SECOND))
        die(fs, 1 << 8);
    CHECK(!killed && fs->pid);
    check_end("who is no use after it was is believed once what it needs has been started anew");
}

static void test_stalls(void)
{
    int pid;

    fresh();
    pid = blk->pid;
    answering[SERVICE_BLK] = false;
    pass(5 * SECOND);
    CHECK(!killed);
    pass(2 * SECOND);
    CHECK(killed == pid && killed_signal == ABI_SIGABRT);
    check_end("who gives no sign of life is killed");

    fresh();
    answering[SERVICE_BLK] = false;
    pass(4 * SECOND);
    answering[SERVICE_BLK] = true;
    pass(SECOND);
    answering[SERVICE_BLK] = false;
    pass(4 * SECOND);
    CHECK(!killed);
    check_end("one sign is enough");

    fresh();
    answering[SERVICE_BLK] = false;
    wait_words = "reply";
    holder = services[SERVICE_TTY].pid;
    pass(1000 * SECOND);
    CHECK(!killed);
    holder = blk->pid; /* it waits for itself */
    pass(SECOND);
    CHECK(killed == blk->pid);
    check_end("not who waits for another");

    fresh();
    fs->patience = 20;
    fs->needs = blk;
    answering[SERVICE_FS] = false;
    wait_words = "reply";
    holder = blk->pid;
    pass(500 * SECOND); /* blk answers nothing */
    CHECK(!killed);
    for (unsigned i = 0; i < 82; i++) {
        CHECK(!killed || i > 78);
        answers[SERVICE_BLK]++;
        pass(SECOND);
    }
    CHECK(killed == fs->pid && killed_signal == ABI_SIGABRT);
    check_end("but who asks another for ever, though that answers each time");

    fresh();
    die(blk, ABI_SIGKILL);
    answering[SERVICE_BLK] = false;
    pass(50 * SECOND);
    CHECK(!killed && blk->state == SERVICE_STARTING);
    pass(15 * SECOND);
    CHECK(killed == blk->pid);
    check_end("the first sign may take longer, not for ever");

    fresh();
    no_timers = true;
    pass(SECOND); /* all are asked, and answer */
    CHECK(!timers[BIT_TICK]);
    no_timers = false;
    supervisor_notified(1ul << HEART_TTY);
    answering[SERVICE_BLK] = false;
    pass(8 * SECOND);
    CHECK(killed == blk->pid);
    check_end("the clock of heartbeats outlives a want of memory");
}

static void test_pending(void)
{
    fresh();
    blk->patience = 20;
    oldest[SERVICE_BLK] = oldest[SERVICE_TTY] = 7;
    pass(19 * SECOND);
    CHECK(!killed);
    pass(3 * SECOND);
    CHECK(killed == blk->pid && killed_signal == ABI_SIGABRT);
    killed = 0;
    die(blk, ABI_SIGABRT); /* the next one has it, and all the time */
    pass(19 * SECOND);
    CHECK(!killed);
    pass(3 * SECOND);
    CHECK(killed == blk->pid);
    check_end("who has a request for too long is killed, if it has no time for it");

    fresh();
    blk->patience = 20;
    for (unsigned i = 0; i < 1000; i++) {
        oldest[SERVICE_BLK] = i % 3 ? 0 : i + 1;
        pass(i % 2 * SECOND);
    }
    for (unsigned i = 0; i < 100; i++) {
        oldest[SERVICE_BLK] = 5000 + i;
        pass(19 * SECOND);
    }
    CHECK(!killed);
    oldest[SERVICE_BLK] = 6000;
    wait_words = "reply";
    holder = services[SERVICE_TTY].pid;
    pass(1000 * SECOND);
    CHECK(!killed);
    for (unsigned i = 0; i < 38; i++) { /* it goes on with it, and waits in between */
        wait_words = i % 2 ? "reply" : "receive";
        pass(SECOND);
    }
    CHECK(!killed);
    wait_words = "receive";
    pass(3 * SECOND);
    CHECK(killed == blk->pid);
    check_end("not who goes on, nor who waits for another");

    fresh();
    services[SERVICE_FS].patience = 20;
    services[SERVICE_FS].needs = blk;
    oldest[SERVICE_FS] = 7;
    wait_words = "reply";
    holder = blk->pid;
    pass(500 * SECOND); /* blk answers nothing: it is not the fault of who waits */
    CHECK(!killed);
    for (unsigned i = 0; i < 78; i++) { /* blk answers, and it has the same request still */
        answers[SERVICE_BLK]++;
        pass(SECOND);
    }
    CHECK(!killed);
    for (unsigned i = 0; i < 4; i++) {
        answers[SERVICE_BLK]++;
        pass(SECOND);
    }
    CHECK(killed == services[SERVICE_FS].pid && killed_signal == ABI_SIGABRT);
    killed = 0;
    check_end("who asks another for ever is killed, though that answers each time");

    fresh();
    services[SERVICE_TTY].patience = 20;
    oldest[SERVICE_TTY] = 3;
    services[SERVICE_TTY].line = true;
    line_stands = true;
    pass(1000 * SECOND);
    CHECK(!killed);
    for (unsigned i = 0; i < 38; i++) { /* now and then it takes something */
        line_stands = i % 2;
        pass(SECOND);
    }
    CHECK(!killed);
    line_stands = false;
    pass(3 * SECOND);
    CHECK(killed == services[SERVICE_TTY].pid);
    check_end("nor the terminal while its line takes nothing");

    fresh();
    blk->patience = 20;
    oldest[SERVICE_BLK] = 3;
    line_stands = true;
    pass(22 * SECOND);
    CHECK(killed == blk->pid);
    line_stands = false;
    check_end("which is no excuse for others");

    fresh();
    blk->patience = 20;
    queued[SERVICE_BLK] = 2;
    for (unsigned i = 0; i < 1000; i++) { /* there is always more */
        answers[SERVICE_BLK]++;
        pass(19 * SECOND);
    }
    wait_words = "reply";
    holder = services[SERVICE_TTY].pid;
    pass(100 * SECOND);
    wait_words = "receive";
    CHECK(!killed);
    pass(22 * SECOND); /* the heart beats, and nothing is received */
    CHECK(killed == blk->pid && killed_signal == ABI_SIGABRT);
    killed = 0;
    die(blk, ABI_SIGABRT);
    answering[SERVICE_BLK] = false; /* it is not ready yet */
    pass(50 * SECOND);
    CHECK(!killed && blk->state == SERVICE_STARTING);
    answering[SERVICE_BLK] = true;
    queued[SERVICE_BLK] = 0;
    pass(100 * SECOND);
    CHECK(!killed);
    check_end("who receives nothing is killed, if it has no time for it");
}

static void test_requests(void)
{
    fresh();
    CHECK(supervisor_do(blk, SVC_START, 0) == -EBUSY);
    CHECK(supervisor_do(blk, SVC_STOP, 0) == 0 && killed_signal == ABI_SIGTERM);
    die(blk, ABI_SIGTERM);
    CHECK(blk->state == SERVICE_STOPPED);
    pass(1000 * SECOND);
    CHECK(!blk->pid);
    CHECK(supervisor_do(blk, SVC_STOP, 0) == -EBUSY);
    CHECK(supervisor_do(blk, SVC_KILL, ABI_SIGKILL) == -ESRCH);
    CHECK(supervisor_do(blk, SVC_START, 0) == 0 && blk->pid);
    CHECK(supervisor_do(blk, SVC_STOP, 3 * SECOND) == 0);
    die(blk, ABI_SIGTERM);
    pass(3 * SECOND - 1);
    CHECK(!blk->pid);
    pass(1);
    CHECK(blk->pid);
    CHECK(supervisor_do(blk, SVC_STOP, 5 * SECOND) == 0);
    die(blk, ABI_SIGTERM);
    CHECK(supervisor_do(blk, SVC_START, 0) == 0);
    CHECK(supervisor_do(blk, SVC_STOP, 0) == 0); /* for ever, whatever was said before */
    die(blk, ABI_SIGTERM);
    pass(1000 * SECOND);
    CHECK(!blk->pid);
    supervisor_start_stopped();
    CHECK(blk->pid);
    check_end("stopped, and started: when asked, after a while, at the end");

    fresh();
    CHECK(supervisor_do(blk, SVC_STOP, 0) == 0);
    CHECK(supervisor_do(blk, SVC_RESTART, 0) == 0); /* the last word counts */
    die(blk, ABI_SIGTERM);
    CHECK(blk->pid && blk->state == SERVICE_STARTING);
    die(blk, ABI_SIGSEGV); /* waits now */
    CHECK(supervisor_do(blk, SVC_STOP, 0) == 0);
    pass(1000 * SECOND);
    CHECK(!blk->pid);
    CHECK(supervisor_do(blk, SVC_RESTART, 0) == 0 && blk->pid);
    CHECK(supervisor_do(blk, SVC_KILL, 0) == -EINVAL);
    CHECK(supervisor_do(blk, SVC_KILL, ABI_SIGSEGV) == -EINVAL);
    CHECK(supervisor_do(blk, SVC_KILL, ABI_SIGKILL) == 0 && killed == blk->pid);
    CHECK(supervisor_do(blk, 77, 0) == -EINVAL);
    check_end("restart, kill, and nonsense");
}

int main(void)
{
    check_plan(22);
    test_deaths();
    test_blame();
    test_stalls();
    test_pending();
    test_requests();
    return check_exit();
}
