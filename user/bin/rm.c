/*
 * rm [-rRf] PATH...: remove files. -r: directories with all they hold, -f: what
 * is not there is no error.
 */
#include "user/bin/walk.h"

static bool recursive, force;

static void remove_entry(int dir, const char *name, const char *path);

static void empty_directory(int fd, const char *path)
{
    struct walk_names list;

    if (walk_read(fd, &list))
        util_error(path);
    for (size_t i = 0; i < list.count; i++) {
        char *inner = util_join(path, list.names[i]);

        remove_entry(fd, list.names[i], inner);
        free(inner);
    }
    walk_free(&list);
}

/* name in the directory dir, or as a path if dir is AT_FDCWD; path is for
 * messages. */
static void remove_entry(int dir, const char *name, const char *path)
{
    struct stat info;
    int fd;

    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW)) {
        if (!force || (errno != ENOENT && errno != ENOTDIR))
            util_error(path);
        return;
    }
    if (!S_ISDIR(info.st_mode)) {
        if (unlinkat(dir, name, 0))
            util_error(path);
        return;
    }
    if (!recursive) {
        util_warn("%s: is a directory", path);
        return;
    }
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) {
        util_error(path);
        return;
    }
    empty_directory(fd, path);
    close(fd);
    if (unlinkat(dir, name, AT_REMOVEDIR))
        util_error(path);
}

static void remove_operand(const char *path)
{
    char *last = util_last_name(path);

    if (!strcmp(last, ".") || !strcmp(last, "..") || !strcmp(last, "/"))
        util_warn("%s: refusing to remove it", path);
    else
        remove_entry(AT_FDCWD, path, path);
    free(last);
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "rRf")) != -1) {
        if (option == 'r' || option == 'R')
            recursive = true;
        else if (option == 'f')
            force = true;
        else
            util_usage("[-rRf] PATH...");
    }
    if (optind == argc && !force)
        util_usage("[-rRf] PATH...");
    for (; optind < argc; optind++)
        remove_operand(argv[optind]);
    return util_finish();
}
