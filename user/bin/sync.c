/*
 * sync [FILE...]: return when everything written so far is on the disk; or, with
 * names, when those files are.
 */
#include <banyan.h>
#include <fcntl.h>

#include "user/bin/util.h"

static void sync_file(const char *path)
{
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fsync(fd) != 0)
        util_error(path);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    util_begin(argv);
    if (getopt(argc, argv, "") != -1)
        util_usage("[FILE...]");
    if (optind == argc) {
        long err = sys_sync();

        if (err < 0)
            util_warn("%s", strerror((int)-err));
    }
    for (; optind < argc; optind++)
        sync_file(argv[optind]);
    return util_finish();
}
