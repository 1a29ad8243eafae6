/*
 * Clocks and sleeping.
 */
#include "user/lib/glue.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000l

static long time_ns(clockid_t clock)
{
    if (clock == CLOCK_REALTIME)
        return sys_clock(ABI_CLOCK_REALTIME);
    if (clock == CLOCK_MONOTONIC)
        return sys_clock(ABI_CLOCK_MONOTONIC);
    if (clock == CLOCK_PROCESS_CPUTIME_ID)
        return sys_clock(ABI_CLOCK_PROCESS);
    return -EINVAL;
}

static int time_split(long ns, struct timespec *ts)
{
    if (ns < 0)
        return (int)glue_result(ns);
    ts->tv_sec = ns / NS_PER_SECOND;
    ts->tv_nsec = ns % NS_PER_SECOND;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    return time_split(time_ns(clock), ts);
}

int clock_getres(clockid_t clock, struct timespec *ts)
{
    unsigned long getauxval(unsigned long type);
    unsigned long ticks = getauxval(ABI_AT_TIMEBASE);
    long now = time_ns(clock);

    if (now < 0 || !ts)
        return (int)glue_result(now < 0 ? now : 0);
    return time_split(ticks > 0 && ticks < NS_PER_SECOND ? (long)(NS_PER_SECOND / ticks) : 1, ts);
}

int clock_settime(clockid_t clock, const struct timespec *ts)
{
    (void)ts;
    return (int)glue_result(clock == CLOCK_REALTIME ? -EPERM : -EINVAL);
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    long ns = sys_clock(ABI_CLOCK_REALTIME);

    (void)zone;
    if (ns < 0)
        return (int)glue_result(ns);
    tv->tv_sec = ns / NS_PER_SECOND;
    tv->tv_usec = ns % NS_PER_SECOND / 1000;
    return 0;
}

clock_t clock(void)
{
    long ns = sys_clock(ABI_CLOCK_PROCESS);

    return ns < 0 ? (clock_t)-1 : (clock_t)(ns / (NS_PER_SECOND / CLOCKS_PER_SEC));
}

/* A process's time is one sum, counted as user time here; what children used is
 * not kept by the kernel. */
clock_t times(struct tms *tms)
{
    long now = sys_clock(ABI_CLOCK_MONOTONIC);

    tms->tms_utime = clock();
    tms->tms_stime = tms->tms_cutime = tms->tms_cstime = 0;
    return now < 0 ? (clock_t)glue_result(now) : (clock_t)(now / (NS_PER_SECOND / CLOCKS_PER_SEC));
}

int getrusage(int who, struct rusage *usage)
{
    long ns = sys_clock(ABI_CLOCK_PROCESS);

    if (who != RUSAGE_SELF)
        return (int)glue_result(-EINVAL);
    if (ns < 0)
        return (int)glue_result(ns);
    memset(usage, 0, sizeof(*usage));
    usage->ru_utime.tv_sec = ns / NS_PER_SECOND;
    usage->ru_utime.tv_usec = ns % NS_PER_SECOND / 1000;
    return 0;
}

/* ---------------------------------------------------------------- sleeping */

static long time_sleep(const struct timespec *ts)
{
    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NS_PER_SECOND)
        return -EINVAL;
    /* Longer than the clock can count is for ever, in slices it can. */
    for (time_t left = ts->tv_sec; left > 0;) {
        time_t slice = left > 1000000 ? 1000000 : left;
        long err = sys_sleep((unsigned long)slice * NS_PER_SECOND);
        if (err < 0)
            return err;
        left -= slice;
    }
    return ts->tv_nsec ? sys_sleep((unsigned long)ts->tv_nsec) : 0;
}

int nanosleep(const struct timespec *ts, struct timespec *left)
{
    if (left) /* nothing cuts a sleep short but the end of the thread */
        memset(left, 0, sizeof(*left));
    return (int)glue_result(time_sleep(ts));
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts, struct timespec *left)
{
    struct timespec now, wait = *ts;

    if (left)
        memset(left, 0, sizeof(*left));
    if (flags & TIMER_ABSTIME) {
        if (clock_gettime(clock, &now) < 0)
            return EINVAL;
        wait.tv_sec -= now.tv_sec;
        wait.tv_nsec -= now.tv_nsec;
        if (wait.tv_nsec < 0) {
            wait.tv_nsec += NS_PER_SECOND;
            wait.tv_sec--;
        }
        if (wait.tv_sec < 0)
            return 0;
    }
    return (int)-time_sleep(&wait);
}

unsigned sleep(unsigned seconds)
{
    struct timespec ts = {.tv_sec = seconds};

    time_sleep(&ts);
    return 0;
}

int usleep(useconds_t us)
{
    struct timespec ts = {
        .tv_sec = (time_t)(us / 1000000),
        .tv_nsec = (long)(us % 1000000) * 1000,
    };

    return (int)glue_result(time_sleep(&ts));
}
