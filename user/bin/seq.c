/*
 * seq [-w] [-s TEXT] [FIRST [STEP]] LAST: numbers from FIRST to LAST. -w: all as
 * wide as the widest, -s: TEXT between them in place of a newline.
 */
#include "user/bin/util.h"

static const char usage[] = "[-w] [-s TEXT] [FIRST [STEP]] LAST";

static long number(const char *text)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno || end == text || *end) {
        util_warn("%s: not a whole number", text);
        exit(2);
    }
    return value;
}

static int width_of(long value)
{
    char text[24];

    return snprintf(text, sizeof(text), "%ld", value);
}

int main(int argc, char **argv)
{
    long first = 1, step = 1, last;
    const char *between = "\n";
    bool wide = false, any = false;
    int width = 1, i = 1;

    util_begin(argv);
    /* By hand: getopt would take -5 for an option. */
    for (; i < argc && argv[i][0] == '-' && (argv[i][1] == 'w' || argv[i][1] == 's'); i++) {
        if (argv[i][1] == 'w')
            wide = true;
        else if (argv[i][2])
            between = argv[i] + 2;
        else if (i + 1 < argc)
            between = argv[++i];
    }
    if (argc - i < 1 || argc - i > 3)
        util_usage(usage);
    if (argc - i > 1)
        first = number(argv[i]);
    if (argc - i > 2)
        step = number(argv[i + 1]);
    last = number(argv[argc - 1]);
    if (!step) {
        util_warn("a step of 0 gets nowhere");
        return 2;
    }
    if (wide)
        width = width_of(first) > width_of(last) ? width_of(first) : width_of(last);
    for (long value = first; step > 0 ? value <= last : value >= last;) {
        printf("%s%0*ld", any ? between : "", width, value);
        any = true;
        if (ferror(stdout) || __builtin_add_overflow(value, step, &value))
            break;
    }
    if (any)
        putchar('\n');
    return util_finish();
}
