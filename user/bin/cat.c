/*
 * cat [-nu] [FILE...]: files one after the other. -n: with line numbers.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "user/bin/util.h"

static char block[UTIL_BLOCK];

/* A file must not be appended to itself for ever. */
static bool is_output(int fd)
{
    struct stat in, out;

    return !fstat(fd, &in) && !fstat(STDOUT_FILENO, &out) && S_ISREG(in.st_mode) &&
           in.st_dev == out.st_dev && in.st_ino == out.st_ino &&
           lseek(fd, 0, SEEK_CUR) < in.st_size;
}

static void copy(int fd, const char *path)
{
    ssize_t got;

    while ((got = read(fd, block, sizeof(block))) > 0) {
        if (util_write(STDOUT_FILENO, block, (size_t)got))
            util_output_failed(1);
    }
    if (got < 0)
        util_error(path);
}

static void copy_numbered(int fd, const char *path)
{
    static unsigned long line;
    static bool inside; /* of a line that the file before did not end */
    ssize_t got;

    while ((got = read(fd, block, sizeof(block))) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (!inside)
                printf("%6lu\t", ++line);
            inside = block[i] != '\n';
            putchar(block[i]);
        }
        if (fflush(stdout))
            util_output_failed(1);
    }
    if (got < 0)
        util_error(path);
}

static void cat(const char *path, bool numbered)
{
    int fd = strcmp(path, "-") ? open(path, O_RDONLY) : STDIN_FILENO;

    if (fd < 0)
        util_error(path);
    else if (is_output(fd))
        util_warn("%s: is the output file", path);
    else if (numbered)
        copy_numbered(fd, path);
    else
        copy(fd, path);
    if (fd > STDIN_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    bool numbered = false;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "nu")) != -1) {
        if (option == 'n')
            numbered = true;
        else if (option != 'u')
            util_usage("[-nu] [FILE...]");
    }
    if (optind == argc)
        cat("-", numbered);
    for (; optind < argc; optind++)
        cat(argv[optind], numbered);
    return util_finish();
}
