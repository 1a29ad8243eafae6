/*
 * uptime: the time of day, how long the machine has been up, how many processes
 * there are, and how much of its processors they have used since it started.
 */
#include <banyan.h>
#include <time.h>

#include "user/bin/util.h"

#define SECOND 1000000000UL

static void print_span(unsigned long seconds)
{
    if (seconds >= 86400)
        printf("%lu day%s, ", seconds / 86400, seconds / 86400 == 1 ? "" : "s");
    printf("%lu:%02lu:%02lu", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

int main(int argc, char **argv)
{
    struct abi_process *list = NULL;
    long room = 32, count, up = sys_clock(ABI_CLOCK_MONOTONIC);
    unsigned long used = 0;
    time_t now = time(NULL);
    char clock[16] = "";
    struct tm tm;

    util_begin(argv);
    if (argc > 1)
        util_usage("");
    do { /* the list may grow between two looks */
        room *= 2;
        list = util_grow(list, (size_t)room * sizeof(*list));
        count = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)list, room, 0);
    } while (count > room);
    if (count < 0) {
        util_warn("the list of processes: %s", strerror((int)-count));
        return util_finish();
    }
    for (long i = 0; i < count; i++)
        used += list[i].cpu_ns;
    free(list);
    if (gmtime_r(&now, &tm))
        strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
    printf("%s up ", clock);
    print_span((unsigned long)up / SECOND);
    printf(", %ld processes, %lu.%02lu s of processor time\n", count, used / SECOND,
           used % SECOND / (SECOND / 100));
    return util_finish();
}
