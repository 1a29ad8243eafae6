/*
 * touch [-acm] [-r FILE | -d SECONDS] PATH...: set times to now, make what is
 * not there. -c: make nothing, -a, -m: only the time of access, of change, -r:
 * the times of FILE, -d: seconds since 1970.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "user/bin/util.h"

static const char usage[] = "[-acm] [-r FILE | -d SECONDS] PATH...";

static void touch(const char *path, const struct timespec times[2], bool create)
{
    int fd;

    if (!utimensat(AT_FDCWD, path, times, 0))
        return;
    if (errno != ENOENT) {
        util_error(path);
        return;
    }
    if (!create)
        return;
    fd = open(path, O_WRONLY | O_CREAT, 0666);
    if (fd < 0 || futimens(fd, times))
        util_error(path);
    if (fd >= 0 && close(fd))
        util_error(path);
}

int main(int argc, char **argv)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    bool create = true, access_only = false, change_only = false;
    unsigned long seconds;
    struct stat info;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "acmr:d:")) != -1) {
        if (option == '?')
            util_usage(usage);
        create = create && option != 'c';
        access_only = access_only || option == 'a';
        change_only = change_only || option == 'm';
        if (option == 'r') {
            if (stat(optarg, &info)) {
                util_error(optarg);
                return 1;
            }
            times[0] = info.st_atim;
            times[1] = info.st_mtim;
        } else if (option == 'd') {
            if (!util_number(optarg, &seconds))
                util_usage(usage);
            times[0] = times[1] = (struct timespec){.tv_sec = (time_t)seconds};
        }
    }
    if (optind == argc)
        util_usage(usage);
    if (access_only && !change_only)
        times[1].tv_nsec = UTIME_OMIT;
    if (change_only && !access_only)
        times[0].tv_nsec = UTIME_OMIT;
    for (; optind < argc; optind++)
        touch(argv[optind], times, create);
    return util_finish();
}
