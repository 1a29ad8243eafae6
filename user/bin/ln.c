/*
 * ln [-sfn] SOURCE [TARGET], ln [-sfn] SOURCE... DIRECTORY: links. -s: symbolic,
 * -f: what has the name is removed first, -n: a TARGET that is a link to a
 * directory is replaced and not entered.
 */
#include <sys/stat.h>

#include "user/bin/util.h"

static bool symbolic, force;

static int make_link(const char *source, const char *path)
{
    return symbolic ? symlink(source, path) : link(source, path);
}

static void link_one(const char *source, const char *path)
{
    struct stat from, to;

    if (!make_link(source, path))
        return;
    if (errno == EEXIST && force) {
        /* A name must not be removed for a link to itself. */
        if (!symbolic && !lstat(source, &from) && !lstat(path, &to) && from.st_dev == to.st_dev &&
            from.st_ino == to.st_ino)
            return;
        if (!symbolic && lstat(source, &from)) {
            util_error(source);
            return;
        }
        if (!unlink(path) && !make_link(source, path))
            return;
    }
    util_warn("%s to %s: %s", path, source, reason(errno));
}

int main(int argc, char **argv)
{
    static const char usage[] = "[-sfn] SOURCE... [TARGET]";
    bool enter = true, into;
    struct stat info;
    const char *target;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "sfn")) != -1) {
        if (option == 's')
            symbolic = true;
        else if (option == 'f')
            force = true;
        else if (option == 'n')
            enter = false;
        else
            util_usage(usage);
    }
    if (optind == argc)
        util_usage(usage);
    target = argc - optind == 1 ? "." : argv[--argc];
    into = !(enter ? stat : lstat)(target, &info) && S_ISDIR(info.st_mode);
    if (argc - optind > 1 && !into) {
        util_warn("%s: is not a directory", target);
        return util_finish();
    }
    for (; optind < argc; optind++) {
        char *name = util_last_name(argv[optind]);
        char *path = into ? util_join(target, name) : util_copy(target);

        link_one(argv[optind], path);
        free(path);
        free(name);
    }
    return util_finish();
}
