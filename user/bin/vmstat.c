/*
 * vmstat [-s] [INTERVAL [COUNT]]: what virtual memory does. A line says how much memory
 * is used for what, in pages, and how many pages moved and faults came each second:
 * since the machine started in the first line, since the line before in the others.
 * -s: the totals since the start, one a line.
 */
#include <banyan.h>
#include <math.h>
#include <stddef.h>
#include <time.h>

#include "user/bin/util.h"

#define SECOND       1000000000ul
#define HEADER_EVERY 20 /* lines */
#define INTERVAL_MIN 0.1
#define INTERVAL_MAX 1e6

static const char usage[] = "[-s] [INTERVAL [COUNT]]";

struct look {
    unsigned long when; /* ns since the start */
    unsigned long swap_used;
    struct abi_memory memory;
    struct abi_counters counters;
};

#define MEMORY(field)  offsetof(struct look, memory.field)
#define COUNTER(field) offsetof(struct look, counters.field)

struct column {
    const char *name;
    int end; /* how many characters the line has with it, if nothing is too long */
    bool rate;
    size_t offset; /* of its number in a look */
};

static const char groups[] =
    "-------memory-(pages)------- --swap/s- -file/s ------faults/s----- --reclaim/s-";
static const struct column columns[] = {
    {"swpd", 5, false, offsetof(struct look, swap_used)},
    {"free", 11, false, MEMORY(count[FRAME_FREE])},
    {"anon", 17, false, MEMORY(count[FRAME_ANON])},
    {"cache", 23, false, MEMORY(count[FRAME_OBJECT])},
    {"dirt", 28, false, MEMORY(dirty)},
    {"si", 33, true, COUNTER(swap_ins)},
    {"so", 38, true, COUNTER(swap_outs)},
    {"pi", 42, true, COUNTER(page_ins)},
    {"po", 46, true, COUNTER(page_outs)},
    {"zero", 51, true, COUNTER(zero_fills)},
    {"cow", 55, true, COUNTER(cow_copies)},
    {"obj", 59, true, COUNTER(object_faults)},
    {"swp", 63, true, COUNTER(swap_faults)},
    {"sp", 66, true, COUNTER(spurious_faults)},
    {"scan", 71, true, COUNTER(scanned)},
    {"rec", 75, true, COUNTER(reclaimed)},
    {"ref", 79, true, COUNTER(refaults)},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const struct {
    const char *words;
    size_t offset;
} totals[] = {
    {"pages of memory", MEMORY(total)},
    {"free pages", MEMORY(count[FRAME_FREE])},
    {"pages of anonymous memory", MEMORY(count[FRAME_ANON])},
    {"pages of files and shared memory", MEMORY(count[FRAME_OBJECT])},
    {"of them dirty", MEMORY(dirty)},
    {"pages of swap", MEMORY(swap_total)},
    {"used pages of swap", offsetof(struct look, swap_used)},
    {"of them in memory, too", MEMORY(swap_cached)},
    {"free pages of swap", MEMORY(swap_free)},
    {"bad pages of swap", MEMORY(swap_bad)},
    {"pages swapped in", COUNTER(swap_ins)},
    {"pages swapped out", COUNTER(swap_outs)},
    {"pages read from files", COUNTER(page_ins)},
    {"pages written to files", COUNTER(page_outs)},
    {"faults: zero-fill", COUNTER(zero_fills)},
    {"faults: copy on write", COUNTER(cow_copies)},
    {"faults: object", COUNTER(object_faults)},
    {"faults: swapped page", COUNTER(swap_faults)},
    {"faults: spurious", COUNTER(spurious_faults)},
    {"pages scanned", COUNTER(scanned)},
    {"pages reclaimed", COUNTER(reclaimed)},
    {"refaults", COUNTER(refaults)},
    {"calls", COUNTER(calls)},
    {"messages", COUNTER(messages)},
    {"context switches", COUNTER(switches)},
    {"shootdowns", COUNTER(shootdowns)},
    {"ASID roll-overs", COUNTER(asid_rollovers)},
    {"system calls", COUNTER(system_calls)},
    {"interrupts", COUNTER(interrupts)},
};

static unsigned long number_at(const struct look *look, size_t offset)
{
    return *(const unsigned long *)(const void *)((const char *)look + offset);
}

/* Ends the program if the system does not tell. */
static void look(struct look *look)
{
    long error = sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)&look->memory, 0, 0);

    if (error >= 0)
        error = sys_system(H_SYSTEM, SYSTEM_COUNTERS, (long)&look->counters, 0, 0);
    if (error < 0) {
        util_warn("the system does not show its memory: %s", strerror((int)-error));
        exit(1);
    }
    look->when = (unsigned long)sys_clock(ABI_CLOCK_MONOTONIC);
    look->swap_used = look->memory.swap_total - look->memory.swap_free - look->memory.swap_bad;
}

static unsigned long value(const struct column *column, const struct look *from,
                           const struct look *to)
{
    unsigned long number = number_at(to, column->offset);
    unsigned long passed = to->when - from->when;

    if (!column->rate)
        return number;
    number -= number_at(from, column->offset);
    return passed ? (unsigned long)((double)number * SECOND / (double)passed + 0.5) : 0;
}

/* A number that is too long for its column moves the next ones only as far as it must. */
static int blanks(size_t i, int at, int length)
{
    int width = columns[i].end - at - length;

    return width > (i > 0) ? width : (i > 0);
}

static void print_header(void)
{
    int at = 0;

    puts(groups);
    for (size_t i = 0; i < COLUMNS; i++)
        at += printf("%*s%s", blanks(i, at, (int)strlen(columns[i].name)), "", columns[i].name);
    putchar('\n');
}

static void print_line(const struct look *from, const struct look *to)
{
    int at = 0;

    for (size_t i = 0; i < COLUMNS; i++) {
        char digits[24];
        int length = snprintf(digits, sizeof(digits), "%lu", value(&columns[i], from, to));

        at += printf("%*s%s", blanks(i, at, length), "", digits);
    }
    putchar('\n');
}

static int print_totals(void)
{
    struct look now;

    look(&now);
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
        printf("%12lu %s\n", number_at(&now, totals[i].offset), totals[i].words);
    return util_finish();
}

static struct timespec read_interval(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);

    /* Digits and a point: strtod alone would take "inf" and "0x1", too. */
    if (*end || text[strspn(text, "0123456789.")] || seconds < INTERVAL_MIN ||
        seconds > INTERVAL_MAX) {
        util_warn("%s: an interval is seconds, from 0.1 to 1000000", text);
        util_usage(usage);
    }
    return (struct timespec){(time_t)seconds, (long)(fmod(seconds, 1) * (double)SECOND)};
}

static unsigned long read_count(const char *text)
{
    unsigned long count;

    if (!util_number(text, &count) || !count) {
        util_warn("%s: a count is a whole number, 1 or more", text);
        util_usage(usage);
    }
    return count;
}

int main(int argc, char **argv)
{
    static struct look before, now; /* before: all 0, the start */
    struct timespec interval = {0};
    unsigned long count = 1;
    bool sum = false;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "s")) != -1) {
        if (option != 's')
            util_usage(usage);
        sum = true;
    }
    if (argc - optind > (sum ? 0 : 2))
        util_usage(usage);
    if (sum)
        return print_totals();
    if (optind < argc) {
        interval = read_interval(argv[optind]);
        count = optind + 1 < argc ? read_count(argv[optind + 1]) : 0; /* 0: for ever */
    }
    for (unsigned long i = 0; !count || i < count; i++) {
        if (i)
            nanosleep(&interval, NULL);
        look(&now);
        if (i % HEADER_EVERY == 0)
            print_header();
        print_line(&before, &now);
        if (fflush(stdout))
            util_output_failed(1);
        before = now;
    }
    return util_finish();
}
