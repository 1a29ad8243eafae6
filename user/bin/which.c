/*
 * which [-a] NAME...: the files that the shell would run for these names: the
 * first in PATH that is executable, with -a all of them. Status 1 if a name has
 * none. The shell's own commands are no files; `type NAME` knows them too.
 */
#include <sys/stat.h>

#include "user/bin/util.h"

static bool all;

static bool is_program(const char *path)
{
    struct stat info;

    return !stat(path, &info) && S_ISREG(info.st_mode) && !access(path, X_OK);
}

/* Print what PATH has under name; false if nothing. */
static bool find(const char *name)
{
    const char *path = getenv("PATH");
    bool found = false;

    if (strchr(name, '/')) {
        if (is_program(name))
            puts(name);
        return is_program(name);
    }
    if (!path)
        path = "/bin";
    for (;;) {
        size_t length = strcspn(path, ":");
        char *folder = util_grow(NULL, length + 2), *file;

        memcpy(folder, path, length);
        strcpy(folder + length, length ? "" : "."); /* an empty entry is this folder */
        file = util_join(folder, name);
        free(folder);
        if (is_program(file) && (all || !found)) {
            puts(file);
            found = true;
        }
        free(file);
        if (!path[length])
            return found;
        path += length + 1;
    }
}

int main(int argc, char **argv)
{
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "a")) != -1) {
        if (option == '?')
            util_usage("[-a] NAME...");
        all = true;
    }
    if (optind == argc)
        util_usage("[-a] NAME...");
    for (; optind < argc; optind++)
        if (!find(argv[optind]))
            util_status = 1;
    return util_finish();
}
