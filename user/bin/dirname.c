/*
 * dirname PATH...: the paths without their last name.
 */
#include "user/bin/util.h"

static void print_directory(const char *path)
{
    size_t end = strlen(path);

    while (end > 1 && path[end - 1] == '/')
        end--;
    while (end && path[end - 1] != '/')
        end--;
    while (end > 1 && path[end - 1] == '/')
        end--;
    if (end)
        printf("%.*s\n", (int)end, path);
    else
        puts(".");
}

int main(int argc, char **argv)
{
    util_begin(argv);
    if (argc < 2)
        util_usage("PATH...");
    for (int i = 1; i < argc; i++)
        print_directory(argv[i]);
    return util_finish();
}
