/*
 * mv [-fn] SOURCE... TARGET: rename files and directories. -n: never replace.
 * From one file system to another: copied by cp, then removed by rm.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include "user/bin/util.h"

static bool keep_existing;

/* Run a program and wait for it. Returns true if it succeeded. */
static bool run(const char *path, const char *option, const char *first, const char *second)
{
    pid_t pid = fork();
    int status;

    if (pid < 0) {
        util_error("fork");
        return false;
    }
    if (pid == 0) {
        execl(path, path, option, "--", first, second, (char *)NULL);
        util_error(path);
        _exit(126);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void move_by_copy(const char *source, const char *target)
{
    if (run("/bin/cp", "-a", source, target) && run("/bin/rm", "-rf", source, NULL))
        return;
    util_warn("%s: was not moved", source);
}

static void move(const char *source, const char *target)
{
    struct stat from, to;

    if (lstat(source, &from)) {
        util_error(source);
        return;
    }
    if (!lstat(target, &to)) {
        if (keep_existing)
            return;
        if (from.st_dev == to.st_dev && from.st_ino == to.st_ino && !S_ISDIR(from.st_mode) &&
            !strcmp(source, target)) {
            util_warn("%s and %s are the same", source, target);
            return;
        }
    }
    if (!rename(source, target))
        return;
    if (errno == EXDEV)
        move_by_copy(source, target);
    else
        util_warn("%s to %s: %s", source, target, reason(errno));
}

int main(int argc, char **argv)
{
    static const char usage[] = "[-fn] SOURCE... TARGET";
    struct stat info;
    const char *target;
    bool into;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "fn")) != -1) {
        if (option == '?')
            util_usage(usage);
        keep_existing = option == 'n';
    }
    if (argc - optind < 2)
        util_usage(usage);
    target = argv[argc - 1];
    into = !stat(target, &info) && S_ISDIR(info.st_mode);
    if (argc - optind > 2 && !into) {
        util_warn("%s: is not a directory", target);
        return util_finish();
    }
    for (; optind < argc - 1; optind++) {
        char *name = util_last_name(argv[optind]);
        char *path = into ? util_join(target, name) : util_copy(target);

        move(argv[optind], path);
        free(path);
        free(name);
    }
    return util_finish();
}
