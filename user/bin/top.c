/*
 * top [-b] [-d SECONDS] [-n TIMES]: the processes, live: who uses the processors and
 * the memory.
 *
 * On a terminal the list fills the screen. Keys: q ends, space looks at once, P and M
 * order by processor and by memory. With -b, or where the output is no terminal, the
 * lists follow one another as plain text, one unless -n says otherwise.
 */
#include <banyan.h>
#include <screen.h>
#include <time.h>

#include "user/bin/util.h"

#define SECOND   1000000000ul
#define PERMILLE 1000
#define KIB      (PAGE_SIZE_ABI / 1024)

struct look {
    unsigned long when; /* ns */
    long count;
    struct abi_process *list;
};

struct row {
    const struct abi_process *process;
    unsigned long permille; /* of one processor */
};

static struct look before, now;
static struct row *rows;
static bool by_memory;

/* ---------------------------------------------------------------------- looking */

static unsigned long clock_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (unsigned long)time.tv_sec * SECOND + (unsigned long)time.tv_nsec;
}

/* The list may grow between two calls, so there is room to spare. Returns 0 or a
 * negated errno. */
static long look(struct look *look)
{
    long room = look->count + 16;

    for (;;) {
        look->list = util_grow(look->list, (size_t)room * sizeof(*look->list));
        look->when = clock_ns();
        look->count = sys_system(H_SYSTEM, SYSTEM_PROCESSES, (long)look->list, room, 0);
        if (look->count < 0)
            return look->count;
        if (look->count <= room)
            return 0;
        room = look->count + 16;
    }
}

/* What the process has used since the look before; all that it ever did, if it is
 * new. */
static unsigned long used_since(const struct abi_process *process)
{
    for (long i = 0; i < before.count; i++)
        if (before.list[i].pid == process->pid && before.list[i].cpu_ns <= process->cpu_ns)
            return process->cpu_ns - before.list[i].cpu_ns;
    return process->cpu_ns;
}

static int compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    unsigned long left = by_memory ? x->process->resident_pages : x->permille;
    unsigned long right = by_memory ? y->process->resident_pages : y->permille;

    if (left != right)
        return left < right ? 1 : -1;
    return x->process->pid - y->process->pid;
}

static void make_rows(void)
{
    unsigned long passed = before.when ? now.when - before.when : now.when;

    rows = util_grow(rows, (size_t)now.count * sizeof(*rows));
    for (long i = 0; i < now.count; i++) {
        rows[i].process = &now.list[i];
        rows[i].permille = passed ? used_since(&now.list[i]) * PERMILLE / passed : 0;
    }
    qsort(rows, (size_t)now.count, sizeof(*rows), compare);
}

/* --------------------------------------------------------------------- the text */

/* Line n of the report; false after the last. */
static bool report_line(unsigned n, const struct abi_memory *memory, char *line, size_t room)
{
    unsigned long up = now.when / SECOND, busy = 0;
    long running = 0;

    if (n == 0) {
        for (long i = 0; i < now.count; i++) {
            running += now.list[i].state == 'R';
            busy += rows[i].permille;
        }
        snprintf(line, room,
                 "up %lu:%02lu:%02lu, %ld processes, %ld running, processors %lu.%lu %%", up / 3600,
                 up / 60 % 60, up % 60, now.count, running, busy / 10, busy % 10);
    } else if (n == 1) {
        snprintf(line, room, "memory %lu KiB: %lu free, %lu anonymous, %lu of files, %lu kernel",
                 memory->total * KIB, memory->count[FRAME_FREE] * KIB,
                 memory->count[FRAME_ANON] * KIB, memory->count[FRAME_OBJECT] * KIB,
                 (memory->total - memory->count[FRAME_FREE] - memory->count[FRAME_ANON] -
                  memory->count[FRAME_OBJECT]) *
                     KIB);
    } else if (n == 2) {
        snprintf(line, room, "%5s %5s S THR %9s %9s %6s %9s NAME", "PID", "PPID", "VIRT-K", "RES-K",
                 "CPU-%", "TIME-s");
    } else if (n - 3 < (unsigned long)now.count) {
        const struct row *row = &rows[n - 3];
        const struct abi_process *p = row->process;

        snprintf(line, room, "%5d %5d %c %3u %9lu %9lu %4lu.%lu %6lu.%02lu %.*s", p->pid, p->ppid,
                 p->state, p->threads, p->virtual_pages * KIB, p->resident_pages * KIB,
                 row->permille / 10, row->permille % 10, p->cpu_ns / SECOND,
                 p->cpu_ns / (SECOND / 100) % 100, (int)sizeof(p->name), p->name);
    } else {
        return false;
    }
    return true;
}

/* Look anew. Returns 0 or a negated errno. */
static long refresh(struct abi_memory *memory)
{
    struct look old = before;
    long error;

    before = now;
    now = old;
    error = look(&now);
    if (error)
        return error;
    make_rows();
    return sys_system(H_SYSTEM, SYSTEM_MEMORY, (long)memory, 0, 0);
}

/* ------------------------------------------------------------------ on a terminal */

static void draw(struct screen *screen, const struct abi_memory *memory)
{
    char line[256];

    for (unsigned row = 0; row < screen->rows; row++) {
        screen_row(screen, row);
        if (!report_line(row, memory, line, sizeof(line)))
            continue;
        screen_reverse(screen, row == 2);
        screen_put(screen, line);
        screen_reverse(screen, false);
    }
    screen_flush(screen, 0, 0);
}

/* Wait, and draw anew for keys that ask for it. False: the user wants to leave. */
static bool wait_for_keys(struct screen *screen, struct abi_memory *memory, unsigned tenths)
{
    for (;;) {
        int key = screen_key(screen, tenths);

        if (key == 'q' || key == KEY_CTRL('C') || key == KEY_END_OF_INPUT)
            return false;
        if (key == KEY_TIMEOUT || key == ' ')
            return true;
        if (key == 'M' || key == 'P')
            by_memory = key == 'M';
        else if (key == KEY_CTRL('L'))
            screen_forget(screen), terminal_ask_size(screen->fd);
        make_rows();
        draw(screen, memory);
    }
}

static long run_screen(unsigned tenths, unsigned long times)
{
    struct screen screen;
    struct abi_memory memory;
    long error = 0;

    if (screen_open(&screen, STDOUT_FILENO))
        return -errno;
    for (unsigned long i = 0; !times || i < times; i++) {
        error = refresh(&memory);
        if (error)
            break;
        draw(&screen, &memory);
        if (!wait_for_keys(&screen, &memory, tenths))
            break;
    }
    screen_close(&screen);
    return error;
}

/* -------------------------------------------------------------------- as plain text */

static long run_plain(unsigned tenths, unsigned long times)
{
    struct timespec pause = {tenths / 10, (long)(tenths % 10) * (long)(SECOND / 10)};
    struct abi_memory memory;
    char line[256];

    for (unsigned long i = 0; i < times; i++) {
        long error = refresh(&memory);

        if (error)
            return error;
        if (i)
            putchar('\n');
        for (unsigned n = 0; report_line(n, &memory, line, sizeof(line)); n++)
            puts(line);
        if (fflush(stdout))
            util_output_failed(1);
        if (i + 1 < times)
            nanosleep(&pause, NULL);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const char usage[] = "[-b] [-d SECONDS, 1 to 25] [-n TIMES]";
    unsigned long seconds = 2, times = 0;
    bool batch = false;
    long error;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "bd:n:")) != -1) {
        if (option == 'b')
            batch = true;
        else if (option == 'd' && (!util_number(optarg, &seconds) || !seconds || seconds > 25))
            util_usage(usage);
        else if (option == 'n' && (!util_number(optarg, &times) || !times))
            util_usage(usage);
        else if (option == '?')
            util_usage(usage);
    }
    if (optind < argc)
        util_usage(usage);
    if (batch || !isatty(STDOUT_FILENO))
        error = run_plain((unsigned)seconds * 10, times ? times : 1);
    else
        error = run_screen((unsigned)seconds * 10, times);
    if (error)
        util_warn("the system does not show its processes: %s", strerror((int)-error));
    return util_finish();
}
