/*
 * svc [ACTION NAME | wait SECONDS]...: the system's services; without arguments a table
 * of them. Actions are start, stop, restart, kill and abort; several are taken in order.
 */
#include <banyan.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "user/bin/util.h"

#define SECOND      1000000000UL
#define LOOK_NS     (SECOND / 100) /* between two looks whether it is done */
#define SERVICES    16             /* in the table, at most */
#define GRACE       5 /* seconds after which init starts what we have stopped and did not start */
#define SECONDS_MAX 86400

extern char __text_start[], __end[]; /* of user.ld */

static const struct {
    const char *word;
    unsigned long what;
    int signal;
} actions[] = {
    {"start", SVC_START, 0},          {"stop", SVC_STOP, 0},
    {"restart", SVC_RESTART, 0},      {"kill", SVC_KILL, ABI_SIGKILL},
    {"abort", SVC_KILL, ABI_SIGABRT}, /* as init does with one that stalls */
};

static const char *const states[] = {
    [SERVICE_STOPPED] = "stopped", [SERVICE_STARTING] = "starting", [SERVICE_RUNNING] = "running",
    [SERVICE_WAITING] = "waiting", [SERVICE_GIVEN_UP] = "given up",
};

static int init;

/* All records; their number, or a negated errno. */
static long list(struct msg_service *out)
{
    for (;;) {
        struct message m = {.w = {MSG_SVC_LIST}};
        struct ipc_ext ext = {.recv_addr = (unsigned long)out, .recv_cap = SERVICES * sizeof(*out)};
        long err = ipc_request(init, &m, &ext);

        if (err != -EAGAIN) /* our page was away, and the kernel had no room for the answer */
            return err < 0 ? err : (long)(ext.recv_len / sizeof(*out));
    }
}

static void print_table(void)
{
    struct msg_service services[SERVICES];
    unsigned long now = (unsigned long)sys_clock(ABI_CLOCK_MONOTONIC);
    long count = list(services);

    if (count < 0) {
        util_warn("init does not say: %s", strerror((int)-count));
        return;
    }
    printf("%-6s %-9s %5s %8s %6s %8s %8s LAST DEATH\n", "NAME", "STATE", "PID", "UP-s", "STARTS",
           "ANSWERED", "RETURNED");
    for (long i = 0; i < count; i++) {
        const struct msg_service *s = &services[i];
        unsigned long up = s->pid ? now - s->since_ns : 0;

        printf("%-6s %-9s %5d %6lu.%lu %6u %8lu %8lu %s\n", s->name,
               s->state < sizeof(states) / sizeof(states[0]) ? states[s->state] : "?", s->pid,
               up / SECOND, up % SECOND / (SECOND / 10), s->starts, s->answered, s->returned,
               s->cause[0] ? s->cause : "-");
    }
}

/* 0, -ENOENT, or why init does not say. */
static long find(const char *name, struct msg_service *out)
{
    struct msg_service services[SERVICES];
    long count = list(services);

    for (long i = 0; i < count; i++)
        if (strcmp(services[i].name, name) == 0) {
            *out = services[i];
            return 0;
        }
    return count < 0 ? count : -ENOENT;
}

/* Has what was asked for come to pass, since a time at which the service was as in
 * `before`? */
static bool done(unsigned long what, const struct msg_service *before,
                 const struct msg_service *now)
{
    if (now->state == SERVICE_GIVEN_UP)
        return true;
    if (what == SVC_STOP)
        return now->state == SERVICE_STOPPED;
    return now->starts != before->starts && now->state == SERVICE_RUNNING;
}

static void act(int action, const char *name, unsigned long pause)
{
    unsigned long what = actions[action].what;
    struct message m = {.w = {MSG_SVC_DO, what, (unsigned long)actions[action].signal}};
    struct ipc_ext ext = {.send_addr = (unsigned long)name, .send_len = strlen(name)};
    struct msg_service before, now;
    long err = find(name, &before);

    if (what == SVC_STOP)
        m.w[2] = pause;
    if (!err)
        err = ipc_request(init, &m, &ext);
    if (err == -ENOENT)
        util_warn("%s: there is no such service", name);
    else if (err == -EBUSY)
        util_warn("%s: it is %s already", name, what == SVC_STOP ? "stopped" : "running");
    else if (err == -EPIPE)
        util_warn("%s: it was given up, and with it its port: only a reboot helps", name);
    else if (err == -ESRCH)
        util_warn("%s: it does not run", name);
    else if (err < 0)
        util_warn("%s %s: %s", actions[action].word, name, strerror((int)-err));
    if (err < 0)
        return;
    while ((err = find(name, &now)) == 0 && !done(what, &before, &now))
        sys_sleep(LOOK_NS);
    if (err)
        util_warn("%s: init does not say: %s", name, strerror((int)-err));
    else if (now.state == SERVICE_GIVEN_UP)
        util_warn("%s: it was given up: %s", name, now.cause);
}

static unsigned long seconds(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || end == text || n > SECONDS_MAX) {
        util_warn("wait %s: give a number of seconds, 0 to %d", text, SECONDS_MAX);
        exit(2);
    }
    return n;
}

static int find_action(const char *word)
{
    for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(actions[i].word, word) == 0)
            return (int)i;
    return -1;
}

/* The seconds that the line waits before it starts what it stops now; -1: it does not, or
 * does something else with it first. */
static long pause_of(int count, char **words, const char *name)
{
    long pause = 0;

    for (int i = 0; i + 1 < count; i += 2) {
        if (strcmp(words[i], "wait") == 0)
            pause += (long)seconds(words[i + 1]);
        else if (strcmp(words[i + 1], name) == 0)
            return strcmp(words[i], "start") == 0 || strcmp(words[i], "restart") == 0 ? pause : -1;
    }
    return -1;
}

/* Each pair is one that can be done; all are looked at before the first is. */
static void check(int count, char **words)
{
    if (count % 2)
        util_usage("[start|stop|restart|kill|abort NAME | wait SECONDS]...");
    for (int i = 0; i < count; i += 2) {
        if (strcmp(words[i], "wait") == 0) {
            seconds(words[i + 1]);
            continue;
        }
        if (find_action(words[i]) < 0)
            util_usage("[start|stop|restart|kill|abort NAME | wait SECONDS]...");
        /* No program starts without files, and nobody types without a terminal. */
        if (strcmp(words[i], "stop") == 0 &&
            pause_of(count - i - 2, words + i + 2, words[i + 1]) < 0) {
            util_warn("stop %s: nothing could start it again then, svc neither; say both, as in "
                      "`svc stop %s wait 5 start %s`",
                      words[i + 1], words[i + 1], words[i + 1]);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    util_begin(argv);
    check(argc - 1, argv + 1);
    init = open("/dev/svc", O_RDWR | O_CLOEXEC);
    if (init < 0) {
        util_error("/dev/svc");
        return util_finish();
    }
    /* A page of ours that is away could not come back while the disk's service is. */
    if (argc > 1 && mlock(__text_start, (size_t)(__end - __text_start)))
        util_warn("its memory cannot be kept: %s", strerror(errno));
    if (argc == 1)
        print_table();
    for (int i = 1; i < argc; i += 2) {
        int action = find_action(argv[i]);

        if (action < 0)
            sys_sleep(seconds(argv[i + 1]) * SECOND);
        else
            act(action, argv[i + 1],
                (unsigned long)(GRACE + pause_of(argc - i - 2, argv + i + 2, argv[i + 1])) *
                    SECOND);
    }
    return util_finish();
}
