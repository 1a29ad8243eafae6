/*
 * Clocks, sleeping, calendars.
 *
 * test: points=2 cpus=1,2
 */
#define _GNU_SOURCE /* strptime */
#include "user/test/proc_util.h"
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

static long ns_of(clockid_t clock)
{
    struct timespec ts;

    return clock_gettime(clock, &ts) < 0 ? -1 : ts.tv_sec * SECOND + ts.tv_nsec;
}

static int clocks(void *unused)
{
    struct timespec ts;
    struct timeval tv;
    time_t before = time(0), now;
    long last = ns_of(CLOCK_MONOTONIC);

    (void)unused;
    CHECK(before > 1600000000); /* it knows the year */
    CHECK_IS(gettimeofday(&tv, 0), 0);
    CHECK_IS(clock_gettime(CLOCK_REALTIME, &ts), 0);
    CHECK_IS(time(&now), now);
    CHECK(before <= tv.tv_sec && tv.tv_sec <= ts.tv_sec && ts.tv_sec <= now);
    CHECK(tv.tv_usec >= 0 && tv.tv_usec < 1000000 && ts.tv_nsec >= 0 && ts.tv_nsec < SECOND);
    for (int i = 0; i < 200; i++) {
        long next = ns_of(CLOCK_MONOTONIC);
        CHECK(next >= last);
        last = next;
    }
    CHECK_IS(clock_getres(CLOCK_MONOTONIC, &ts), 0);
    CHECK(ts.tv_sec == 0 && ts.tv_nsec >= 1 && ts.tv_nsec <= MS);
    CHECK(clock_gettime(77, &ts) == -1 && errno == EINVAL);
    CHECK(clock_settime(CLOCK_REALTIME, &ts) == -1 && errno == EPERM);
    return 0;
}

/* The clock of the process runs while it works, and rests while it sleeps. */
static int time_used(void *unused)
{
    struct rusage usage;
    struct tms tms;
    clock_t from = clock(); /* first: what passes until `start` is not waited for again */
    long start = ns_of(CLOCK_PROCESS_CPUTIME_ID), asleep;

    (void)unused;
    while (ns_of(CLOCK_PROCESS_CPUTIME_ID) - start < 50 * MS)
        ;
    CHECK((clock() - from) * 1000 / CLOCKS_PER_SEC >= 49);
    CHECK(times(&tms) != (clock_t)-1);
    CHECK(tms.tms_utime * 1000 / sysconf(_SC_CLK_TCK) >= 49);
    CHECK_IS(getrusage(RUSAGE_SELF, &usage), 0);
    CHECK(usage.ru_utime.tv_sec * 1000000l + usage.ru_utime.tv_usec >= 49000);
    asleep = ns_of(CLOCK_PROCESS_CPUTIME_ID);
    CHECK_IS(usleep(200000), 0);
    CHECK(ns_of(CLOCK_PROCESS_CPUTIME_ID) - asleep < 150 * MS);
    return 0;
}

static int sleeping(void *unused)
{
    struct timespec ts = {0, 30 * MS}, left = {9, 9};
    long start = ns_of(CLOCK_MONOTONIC);

    (void)unused;
    CHECK_IS(nanosleep(&ts, &left), 0);
    CHECK(ns_of(CLOCK_MONOTONIC) - start >= 30 * MS && left.tv_sec == 0 && left.tv_nsec == 0);
    ts.tv_nsec = SECOND;
    CHECK(nanosleep(&ts, 0) == -1 && errno == EINVAL);
    ts = (struct timespec){-1, 0};
    CHECK(nanosleep(&ts, 0) == -1 && errno == EINVAL);
    start = ns_of(CLOCK_MONOTONIC);
    ts = (struct timespec){(start + 40 * MS) / SECOND, (start + 40 * MS) % SECOND};
    CHECK_IS(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, 0), 0);
    CHECK(ns_of(CLOCK_MONOTONIC) - start >= 40 * MS);
    start = ns_of(CLOCK_MONOTONIC);
    CHECK_IS(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, 0), 0); /* that is past */
    CHECK(ns_of(CLOCK_MONOTONIC) - start < 5 * SECOND);
    CHECK_IS(sleep(0), 0);
    return 0;
}

/* A time, and what the calendar says of it in UTC. */
static const struct {
    time_t time;
    const char *date;
} dates[] = {
    {0, "1970-01-01 00:00:00 Thu 001"},          {951782400, "2000-02-29 00:00:00 Tue 060"},
    {1078012799, "2004-02-28 23:59:59 Sat 059"}, {2147483648, "2038-01-19 03:14:08 Tue 019"},
    {4102444800, "2100-01-01 00:00:00 Fri 001"}, {4107542399, "2100-02-28 23:59:59 Sun 059"},
    {4107542400, "2100-03-01 00:00:00 Mon 060"}, {-1, "1969-12-31 23:59:59 Wed 365"},
    {1735689599, "2024-12-31 23:59:59 Tue 366"},
};

static int calendar(void *unused)
{
    struct tm tm;
    char b[64];

    (void)unused;
    for (unsigned i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
        CHECK(gmtime_r(&dates[i].time, &tm) == &tm);
        CHECK(strftime(b, sizeof(b), "%Y-%m-%d %H:%M:%S %a %j", &tm) > 0);
        if (strcmp(b, dates[i].date) != 0)
            dprintf(2, "# %ld: %s\n", (long)dates[i].time, b);
        CHECK(strcmp(b, dates[i].date) == 0);
        CHECK_IS(timegm(&tm), dates[i].time);
        CHECK_IS(mktime(&tm), dates[i].time); /* there is no TZ */
    }
    tm = (struct tm){.tm_year = 100, .tm_mon = 13, .tm_mday = 32, .tm_hour = 25, .tm_min = -1};
    CHECK(mktime(&tm) != -1); /* out of range, and put right */
    CHECK(strftime(b, sizeof(b), "%F %T", &tm) > 0 && strcmp(b, "2001-03-05 00:59:00") == 0);
    CHECK(difftime(10, 4) == 6.0);
    return 0;
}

static int formats(void *unused)
{
    time_t t = 1078012799;
    struct tm tm, back = {0};
    char b[64];

    (void)unused;
    CHECK(gmtime_r(&t, &tm));
    CHECK_IS(strftime(b, sizeof(b), "%A %B %e %I:%M %p %y %%", &tm), 34);
    CHECK(strcmp(b, "Saturday February 28 11:59 PM 04 %") == 0);
    CHECK_IS(strftime(b, 5, "%Y-%m", &tm), 0); /* no room */
    CHECK(strcmp(asctime_r(&tm, b), "Sat Feb 28 23:59:59 2004\n") == 0);
    CHECK(strcmp(ctime_r(&t, b), "Sat Feb 28 23:59:59 2004\n") == 0);
    CHECK(strptime("2004-02-28 23:59:59 rest", "%Y-%m-%d %H:%M:%S", &back));
    CHECK_IS(timegm(&back), t);
    CHECK(!strptime("2004-Foo-01", "%Y-%b-%d", &back));
    return 0;
}

static int zones(void *unused)
{
    time_t winter = 1704067200, summer = 1719792000; /* 2024-01-01, 2024-07-01, at 0 UTC */
    struct tm tm;

    (void)unused;
    CHECK_IS(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    CHECK(localtime_r(&winter, &tm) && tm.tm_hour == 1 && tm.tm_isdst == 0);
    CHECK_IS(mktime(&tm), winter);
    CHECK(localtime_r(&summer, &tm) && tm.tm_hour == 2 && tm.tm_isdst == 1);
    CHECK_IS(mktime(&tm), summer);
    CHECK_IS(setenv("TZ", "EST5", 1), 0);
    tzset();
    CHECK(localtime_r(&winter, &tm) && tm.tm_hour == 19 && tm.tm_year == 123);
    return 0;
}

static const struct proc_test tests[] = {
    {clocks, "the clocks agree and do not go back"},
    {time_used, "the time that a process used"},
    {sleeping, "sleeps are as long as asked, and no nonsense is slept"},
    {calendar, "gmtime, timegm and mktime"},
    {formats, "strftime, strptime, asctime"},
    {zones, "TZ"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
