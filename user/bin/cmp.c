/*
 * cmp [-ls] FILE1 FILE2: whether two files have the same bytes. Status 0 if so,
 * 1 if not, 2 after an error. -l: every difference, -s: nothing is printed.
 */
#include "user/bin/util.h"

static const char usage[] = "[-ls] FILE1 FILE2";
static bool list, silent;

static FILE *open_file(const char *path)
{
    FILE *file = util_open(path);

    if (!file)
        exit(2);
    return file;
}

static void check_read(FILE *file, const char *path)
{
    if (ferror(file)) {
        util_error(path);
        exit(2);
    }
}

/* Returns the status. */
static int compare(FILE *a, const char *a_path, FILE *b, const char *b_path)
{
    unsigned long at = 0, line = 1;
    int status = 0;

    for (;;) {
        int x = getc(a), y = getc(b);

        at++;
        if (x == EOF || y == EOF) {
            check_read(a, a_path);
            check_read(b, b_path);
            if (x == y)
                return status;
            if (!silent)
                fprintf(stderr, "%s: %s ends after %lu bytes\n", util_name,
                        x == EOF ? a_path : b_path, at - 1);
            return 1;
        }
        if (x != y) {
            status = 1;
            if (list)
                printf("%lu %o %o\n", at, (unsigned)x, (unsigned)y);
            else if (!silent)
                printf("%s %s differ: byte %lu, line %lu\n", a_path, b_path, at, line);
            if (!list)
                return 1;
        }
        line += x == '\n';
    }
}

int main(int argc, char **argv)
{
    FILE *a, *b;
    int option, status;

    util_begin(argv);
    while ((option = getopt(argc, argv, "ls")) != -1) {
        if (option == '?')
            util_usage(usage);
        list = list || option == 'l';
        silent = silent || option == 's';
    }
    if (argc - optind != 2)
        util_usage(usage);
    a = open_file(argv[optind]);
    b = open_file(argv[optind + 1]);
    status = compare(a, argv[optind], b, argv[optind + 1]);
    if (fflush(stdout))
        util_output_failed(2);
    return status;
}
