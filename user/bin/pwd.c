/*
 * pwd: the path of the working directory.
 */
#include "user/bin/util.h"

int main(int argc, char **argv)
{
    char *path;

    util_begin(argv);
    if (getopt(argc, argv, "LP") == '?' || optind > argc)
        util_usage("");
    path = getcwd(NULL, 0);
    if (!path) {
        util_error(".");
        return 1;
    }
    puts(path);
    free(path);
    return util_finish();
}
