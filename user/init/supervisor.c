/*
 * The supervisor: starts what dies, and kills what stalls.
 *
 * A port outlives its server, so who calls a service only waits a little longer; what
 * was in service is asked for again (kernel/port.h). A service that died of its own
 * fault, and before it had answered anything since its start, has failed; after a
 * failure there is a pause before the next start, twice as long each time, and after
 * FAILURES_MAX running the service is given up. A death by a killer from outside is no
 * failure, however often it comes. A service that fails again and again may itself be well,
 * and the one that it needs answer with nonsense: then that one is killed, too. One that
 * answers something each time, and dies of that, is never given up, but pauses as well.
 *
 * Signs of life are asked for by a notification, once a second, and given by another:
 * init waits for nobody. A service that owes one for long is killed, and so is one that
 * has had one request for longer than it should, because a thread is stuck with it or its
 * answer got lost. While it waits for another one, or for the line, none of that counts, or less
 * if the other goes on answering.
 */
#include "user/init/init.h"
#include <errno.h>
#include <string.h>
#include "user/include/heart.h"
#include "user/include/killpoint.h"

#define SECOND         1000000000ul
#define TICK           SECOND
#define MISSED_MAX     5 /* heartbeats, then a service stalls; host time does not count, ticks do */
#define MISSED_START   60 /* the same for its first, which comes when it is ready */
#define FAILURES_MAX   8
#define FAILURES_DOUBT 3 /* and after each so many, what the service needs is started anew */
#define PAUSE          (SECOND / 20) /* after the first failure */
#define QUICK_MAX      3             /* quick deaths, after which there is a pause, too */
#define QUICK_DOUBLED  4
#define THREADS_LOOKED 16

static bool ticking; /* the timer of heartbeats is armed */

static unsigned long now(void)
{
    return (unsigned long)sys_clock(ABI_CLOCK_MONOTONIC);
}

static unsigned long answered(const struct service *service)
{
    struct abi_port_info info = {.answered = 0};

    sys_port_info(service->port, &info);
    return info.answered;
}

/* ------------------------------------------------------------------ start */

/* Start it; if that fails, for want of memory say, try again after a pause. Returns
 * whether it has a future. */
static bool start(struct service *service);

/* 0: not by a timer. False: there is no memory for one. */
static bool start_after(struct service *service, unsigned long ns)
{
    return sys_port_timer(init_port, BIT_RESTART + (unsigned)(service - services), ns) == 0;
}

static bool start_later(struct service *service)
{
    unsigned quick = service->quick - QUICK_MAX - 1;
    unsigned doubled = service->failures       ? service->failures - 1
                       : quick < QUICK_DOUBLED ? quick
                                               : QUICK_DOUBLED;
    unsigned long pause = PAUSE << doubled;

    if (service->failures >= FAILURES_MAX) {
        say("init: %s failed %u times running: it is given up", service->name, service->failures);
        service_give_up(service);
        return false;
    }
    service->state = SERVICE_WAITING;
    if (start_after(service, pause))
        return true;
    service->failures++; /* no memory for the timer */
    return start(service);
}

static bool start(struct service *service)
{
    service->answered = answered(service);
    if (service_start(service) < 0) {
        service->failures++;
        return start_later(service);
    }
    service->state = SERVICE_STARTING;
    service->since = now();
    service->missed = 0;
    service->pending = service->unheard = service->silent = 0;
    service->starts++;
    return true;
}

bool supervisor_start(void)
{
    for (int i = 0; i < SERVICES; i++) {
        services[i].state = SERVICE_STOPPED;
        if (!start(&services[i]))
            return false;
    }
    ticking = sys_port_timer(init_port, BIT_TICK, TICK) == 0;
    return ticking;
}

/* ------------------------------------------------------------------ death */

/* By a trap, an exit, or the supervisor's own hand for a stall. */
static bool own_fault(int status)
{
    int signal = status & 0x7f;

    return signal != ABI_SIGKILL && signal != ABI_SIGTERM && signal != ABI_SIGINT &&
           signal != ABI_SIGHUP;
}

static struct service *find(int pid)
{
    for (int i = 0; i < SERVICES; i++)
        if (services[i].pid == pid)
            return &services[i];
    return 0;
}

/* After a failure: is it the fault of the service that this one needs? Then that is killed,
 * unless it is about to start anyhow. Whoever says that another start is of no use is believed at
 * its very first one, and once what it needs has been started anew for it. */
static bool blames_another(struct service *service, bool hopeless)
{
    const struct service *needed = service->needs;

    if (!needed || service->starts == 1)
        return false;
    if (hopeless ? service->blamed : service->failures % FAILURES_DOUBT)
        return false;
    service->blamed = true;
    if (!needed->pid)
        return true;
    say("init: %s, which %s needs, may be the cause: killing it", needed->name, service->name);
    return sys_kill(H_SYSTEM, needed->pid, ABI_SIGKILL) == 0;
}

bool supervisor_bury(int pid, int status)
{
    struct service *service = find(pid);

    if (!service)
        return false;
    service->pid = 0;
    strncpy(service->cause, status_words(status), sizeof(service->cause) - 1);
    if (service->stop) {
        say("init: %s is stopped", service->name);
        service->stop = false;
        service->state = SERVICE_STOPPED;
        start_after(service, service->pause);
    } else {
        bool failed = own_fault(status) && answered(service) == service->answered;
        bool hopeless = failed && status == EXIT_HOPELESS << 8;

        service->failures = failed ? service->failures + 1 : 0;
        service->blamed &= failed;
        service->quick =
            own_fault(status) && now() - service->since < SECOND ? service->quick + 1 : 0;
        if (!(failed && blames_another(service, hopeless)) && hopeless) {
            say("init: %s says that another start is of no use: it is given up", service->name);
            service_give_up(service);
            return true;
        }
        say("init: %s died: %s%s", service->name, service->cause,
            service->failures < FAILURES_MAX ? "; starting it again" : "");
        if (failed || service->quick > QUICK_MAX)
            start_later(service);
        else
            start(service);
    }
    return true;
}

/* -------------------------------------------------------------- heartbeats */

/* Is a thread of it in a call that another process has to answer? Then it is alive as
 * far as anybody can tell. */
static bool waits_for_another(const struct service *service)
{
    struct abi_thread thread[THREADS_LOOKED];
    long n = sys_system(H_SYSTEM, SYSTEM_THREADS, (long)thread, THREADS_LOOKED, service->pid);

    for (long i = 0; i < n && i < THREADS_LOOKED; i++)
        if (strcmp(thread[i].wait, "reply") == 0 && thread[i].holder_pid != service->pid)
            return true;
    return false;
}

/* How much a tick counts in which something stands still for a service. Nothing while it waits
 * for the line, or for one that stands still, too. Who waits for one that goes on answering is held
 * up by its load, or asks it for ever: a quarter. */
#define TICK_COUNTS 4

static unsigned weight(const struct service *service, bool needed_goes_on)
{
    if (waits_for_another(service))
        return needed_goes_on ? 1 : 0;
    return service->line && line_busy() ? 0 : TICK_COUNTS;
}

/* One tick more in which something stands still, or not: for too long? */
static bool stands_too_long(const struct service *service, unsigned *stood, bool stands,
                            unsigned weight)
{
    *stood = stands ? *stood + weight : 0;
    return *stood >= service->patience * TICK_COUNTS;
}

/* One tick more: has it had one request for too long, or received none of those that are
 * there, while it had to wait for nothing? */
static bool keeps_a_request(struct service *service, bool needed_goes_on)
{
    unsigned long oldest = 0, received;
    struct abi_port_info info;
    bool same_oldest, same_queue;
    unsigned counts = 0;

    if (sys_port_list(service->port, PORT_IN_SERVICE | PORT_BUT(service->but), 0, &oldest, 1) < 0 ||
        sys_port_info(service->port, &info) < 0)
        return false;
    received = info.answered + info.in_service;
    same_oldest = oldest && oldest == service->oldest;
    same_queue = service->state == SERVICE_RUNNING && info.queued && received == service->received;
    if (same_oldest || same_queue)
        counts = weight(service, needed_goes_on);
    same_oldest = stands_too_long(service, &service->pending, same_oldest, counts);
    same_queue = stands_too_long(service, &service->unheard, same_queue, counts);
    service->oldest = oldest;
    service->received = received;
    return same_oldest || same_queue;
}

/* One tick more: does it owe a sign of life for too long? */
static bool is_silent(struct service *service, bool needed_goes_on)
{
    unsigned limit = service->state == SERVICE_STARTING ? MISSED_START : MISSED_MAX;
    bool silent = service->missed++ >= limit;

    if (silent && !waits_for_another(service))
        return true;
    return stands_too_long(service, &service->silent, silent, needed_goes_on ? 1 : 0);
}

static void look_after(struct service *service)
{
    unsigned long needed = service->needs ? answered(service->needs) : 0;
    bool goes_on = needed != service->needed_answered;
    const char *complaint = 0;

    service->needed_answered = needed;
    if (!service->pid)
        return;
    if (keeps_a_request(service, goes_on))
        complaint = "does not answer a request";
    if (is_silent(service, goes_on))
        complaint = "gives no sign of life";
    if (complaint) {
        say("init: %s %s: killing it", service->name, complaint);
        sys_kill(H_SYSTEM, service->pid, ABI_SIGABRT);
        service->missed = 0;
        service->pending = service->unheard = service->silent = 0;
        return;
    }
    sys_notify(service->port, NOTIFY_HEARTBEAT);
}

void supervisor_notified(unsigned long bits)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        struct service *service = &services[i];

        if (bits & 1ul << service->heart && service->pid) {
            service->missed = 0;
            service->state = SERVICE_RUNNING;
        }
        if (bits & 1ul << (BIT_RESTART + i) && !service->pid &&
            (service->state == SERVICE_WAITING || service->state == SERVICE_STOPPED))
            start(service);
    }
    if (bits & 1ul << BIT_TICK) {
        for (int i = 0; i < SERVICES; i++)
            look_after(&services[i]);
        ticking = false;
    }
    /* If there is no memory for the timer, the next sign of life brings us here again. */
    if (!ticking)
        ticking = sys_port_timer(init_port, BIT_TICK, TICK) == 0;
}

void supervisor_start_stopped(void)
{
    for (int i = 0; i < SERVICES; i++) {
        services[i].stop = false;
        if (services[i].state == SERVICE_STOPPED && services[i].port != H_NONE)
            start(&services[i]);
    }
}

/* ---------------------------------------------------------------- requests */

static int stop(struct service *service, unsigned long pause)
{
    if (!service->pid && service->state == SERVICE_STOPPED)
        return -EBUSY;
    service->pause = pause;
    if (!service->pid) { /* between two starts */
        service->state = SERVICE_STOPPED;
        start_after(service, pause);
        return 0;
    }
    service->stop = true;
    return (int)sys_kill(H_SYSTEM, service->pid, ABI_SIGTERM);
}

/* Sets the switch of a kill point. */
static int kill_at(const struct service *service, unsigned long w2)
{
    static const char *const owners[] = {[KILL_NOWHERE] = "",
#define KILL_POINT_OWNER(name, service_name, what) [KILL_##name] = service_name,
                                         KILL_POINTS(KILL_POINT_OWNER)
#undef KILL_POINT_OWNER
    };
    unsigned long point = w2 & 0xff, action = w2 >> 8 & 0xff, times = w2 >> 16;

    if (point >= KILL_POINT_COUNT || action >= KILL_ACTIONS ||
        (action == KILL_IGNORE && point != KILL_BLK_INTERRUPT) ||
        (point && (!times || strcmp(owners[point], service->name))))
        return -EINVAL;
    kill_switches->at = KILL_NOWHERE;
    kill_switches->action = action;
    kill_switches->countdown = times;
    kill_switches->at = point;
    return 0;
}

int supervisor_do(struct service *service, unsigned long what, unsigned long w2)
{
    bool runs = service->pid != 0;

    if (service->state == SERVICE_GIVEN_UP)
        return -EPIPE;
    switch (what) {
    case SVC_START:
        if (runs || service->state == SERVICE_WAITING)
            return -EBUSY;
        service->failures = 0;
        return start(service) ? 0 : -EPIPE;
    case SVC_STOP:
        return stop(service, w2);
    case SVC_RESTART:
        service->stop = false;
        if (!runs)
            return supervisor_do(service, SVC_START, 0);
        return (int)sys_kill(H_SYSTEM, service->pid, ABI_SIGTERM);
    case SVC_KILL:
        if (w2 != ABI_SIGKILL && w2 != ABI_SIGTERM && w2 != ABI_SIGABRT)
            return -EINVAL;
        return runs ? (int)sys_kill(H_SYSTEM, service->pid, (int)w2) : -ESRCH;
    case SVC_KILL_AT:
        return kill_at(service, w2);
    case SVC_KILL_WITH:
        kill_switches->with = w2;
        return 0;
    default:
        return -EINVAL;
    }
}
