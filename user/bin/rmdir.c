/*
 * rmdir [-p] DIRECTORY...: remove empty directories. -p: then those that the
 * path goes through too.
 */
#include "user/bin/util.h"

static void remove_path(char *path, bool parents)
{
    for (;;) {
        char *slash;

        if (rmdir(path)) {
            util_error(path);
            return;
        }
        if (!parents)
            return;
        while ((slash = strrchr(path, '/')) && slash != path && !slash[1])
            *slash = '\0'; /* slashes at the end */
        if (!slash || slash == path)
            return;
        *slash = '\0';
    }
}

int main(int argc, char **argv)
{
    bool parents = false;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "p")) != -1) {
        if (option != 'p')
            util_usage("[-p] DIRECTORY...");
        parents = true;
    }
    if (optind == argc)
        util_usage("[-p] DIRECTORY...");
    for (; optind < argc; optind++)
        remove_path(argv[optind], parents);
    return util_finish();
}
