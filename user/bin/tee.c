/*
 * tee [-a] [FILE...]: standard input to standard output and into files. An
 * output that fails is reported, and the others go on.
 */
#include <fcntl.h>

#include "user/bin/util.h"

int main(int argc, char **argv)
{
    static char block[UTIL_BLOCK];
    int mode = O_TRUNC, option, count = 1;
    const char **names;
    ssize_t got;
    int *fds;

    util_begin(argv);
    while ((option = getopt(argc, argv, "a")) != -1) {
        if (option == '?')
            util_usage("[-a] [FILE...]");
        mode = O_APPEND;
    }
    fds = util_grow(NULL, (size_t)(argc - optind + 1) * sizeof(int));
    names = util_grow(NULL, (size_t)(argc - optind + 1) * sizeof(char *));
    fds[0] = STDOUT_FILENO;
    names[0] = "standard output";
    for (; optind < argc; optind++) {
        fds[count] = open(argv[optind], O_WRONLY | O_CREAT | mode, 0666);
        names[count] = argv[optind];
        if (fds[count] < 0)
            util_error(argv[optind]);
        else
            count++;
    }
    while ((got = read(STDIN_FILENO, block, sizeof(block))) > 0) {
        for (int i = 0; i < count; i++) {
            if (fds[i] < 0 || !util_write(fds[i], block, (size_t)got))
                continue;
            util_error(names[i]);
            close(fds[i]);
            fds[i] = -1;
        }
    }
    if (got < 0)
        util_error("standard input");
    for (int i = 1; i < count; i++)
        if (fds[i] >= 0 && close(fds[i]))
            util_error(names[i]);
    free(fds);
    free(names);
    return util_status;
}
