/*
 * basename PATH [SUFFIX]: the last name of a path, without SUFFIX at its end.
 */
#include "user/bin/util.h"

int main(int argc, char **argv)
{
    size_t length, suffix;
    char *name;

    util_begin(argv);
    if (argc < 2 || argc > 3)
        util_usage("PATH [SUFFIX]");
    name = util_last_name(argv[1]);
    length = strlen(name);
    suffix = argc > 2 ? strlen(argv[2]) : 0;
    if (suffix && suffix < length && !strcmp(name + length - suffix, argv[2]))
        name[length - suffix] = '\0';
    puts(name);
    free(name);
    return util_finish();
}
