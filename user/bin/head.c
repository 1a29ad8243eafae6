/*
 * head [-n LINES | -c BYTES] [-q] [FILE...]: the beginning of files.
 */
#include "user/bin/util.h"

static const char usage[] = "[-n LINES | -c BYTES] [-q] [FILE...]";

static void print_start(FILE *file, unsigned long count, bool bytes)
{
    int c;

    while (count && (c = getc(file)) != EOF) {
        putchar(c);
        if (bytes || c == '\n')
            count--;
    }
}

/* -5 is an old way to write -n 5. Returns the count, or NULL. */
static const char *old_count(char **argv)
{
    return argv[1] && argv[1][0] == '-' && argv[1][1] >= '0' && argv[1][1] <= '9' ? argv[1] + 1
                                                                                  : NULL;
}

int main(int argc, char **argv)
{
    const char *text = "10";
    bool bytes = false, quiet = false;
    unsigned long count;
    int option, files;

    util_begin(argv);
    if (old_count(argv)) {
        text = old_count(argv);
        optind = 2;
    }
    while ((option = getopt(argc, argv, "n:c:q")) != -1) {
        if (option == '?')
            util_usage(usage);
        if (option == 'q')
            quiet = true;
        else
            text = optarg;
        if (option == 'c' || option == 'n')
            bytes = option == 'c';
    }
    if (!util_number(text, &count))
        util_usage(usage);
    files = argc - optind;
    for (int i = optind; i < argc || (!files && i == optind); i++) {
        const char *path = files ? argv[i] : "-";
        FILE *file = util_open(path);

        if (!file)
            continue;
        if (files > 1 && !quiet)
            printf("%s==> %s <==\n", i > optind ? "\n" : "", path);
        print_start(file, count, bytes);
        util_close(file, path);
    }
    return util_finish();
}
