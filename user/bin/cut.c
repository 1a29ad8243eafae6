/*
 * cut -b|-c LIST [FILE...], cut -f LIST [-d CHAR] [-s] [FILE...]: bytes or fields
 * of each line. LIST is like 1,3-5,7-. -d: what ends a field (a tab), -s: lines
 * without one are left out.
 */
#include "user/bin/util.h"

static const char usage[] = "-b LIST | -c LIST | -f LIST [-d CHAR] [-s] [FILE...]";

struct range {
    unsigned long first, last;
};

static struct range *ranges;
static size_t range_count;
static bool fields, delimited_only;
static char delimiter = '\t';

static void read_list(const char *p)
{
    do {
        struct range range = {1, -1UL};
        char *end;

        if (*p >= '0' && *p <= '9') {
            range.first = range.last = strtoul(p, &end, 10);
            p = end;
        } else if (*p != '-') {
            util_usage(usage);
        }
        if (*p == '-') {
            range.last = -1UL;
            if (*++p >= '0' && *p <= '9') {
                range.last = strtoul(p, &end, 10);
                p = end;
            }
        }
        if (!range.first || range.last < range.first || (*p && *p != ','))
            util_usage(usage);
        ranges = util_grow(ranges, (range_count + 1) * sizeof(range));
        ranges[range_count++] = range;
    } while (*p++ == ',');
}

static bool wanted(unsigned long number)
{
    for (size_t i = 0; i < range_count; i++)
        if (number >= ranges[i].first && number <= ranges[i].last)
            return true;
    return false;
}

static void cut_bytes(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (wanted(i + 1))
            putchar(line[i]);
    putchar('\n');
}

static void cut_fields(const char *line, size_t length)
{
    unsigned long number = 1;
    bool any = false;

    if (!memchr(line, delimiter, length)) {
        if (!delimited_only)
            printf("%.*s\n", (int)length, line);
        return;
    }
    for (size_t i = 0; i <= length; number++) {
        const char *next = memchr(line + i, delimiter, length - i);
        size_t end = next ? (size_t)(next - line) : length;

        if (wanted(number)) {
            if (any)
                putchar(delimiter);
            fwrite(line + i, 1, end - i, stdout);
            any = true;
        }
        i = end + 1;
    }
    putchar('\n');
}

static void cut(const char *path)
{
    FILE *file = util_open(path);
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (!file)
        return;
    while ((length = getline(&line, &room, file)) >= 0) {
        if (length && line[length - 1] == '\n')
            length--;
        if (fields)
            cut_fields(line, (size_t)length);
        else
            cut_bytes(line, (size_t)length);
    }
    free(line);
    util_close(file, path);
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "b:c:f:d:s")) != -1) {
        if (option == '?' || (option == 'd' && (!optarg[0] || optarg[1])))
            util_usage(usage);
        if (option == 'b' || option == 'c' || option == 'f') {
            fields = option == 'f';
            read_list(optarg);
        } else if (option == 'd') {
            delimiter = optarg[0];
        } else {
            delimited_only = true;
        }
    }
    if (!range_count)
        util_usage(usage);
    if (optind == argc)
        cut("-");
    for (; optind < argc; optind++)
        cut(argv[optind]);
    return util_finish();
}
