/*
 * env [-i] [-u NAME]... [NAME=VALUE]... [COMMAND [ARG...]]: run a command in a
 * changed environment, or print it. -i: start with an empty one.
 */
#include "user/bin/util.h"

extern char **environ;

static const char usage[] = "[-i] [-u NAME]... [NAME=VALUE]... [COMMAND [ARG...]]";

int main(int argc, char **argv)
{
    static char *empty[] = {NULL};
    int i = 1;

    util_begin(argv);
    /* By hand: the command's own options are not ours. */
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (!strcmp(argv[i], "-i"))
            environ = empty;
        else if (!strcmp(argv[i], "-u") && i + 1 < argc)
            unsetenv(argv[++i]);
        else
            util_usage(usage);
    }
    for (; i < argc && strchr(argv[i], '='); i++) {
        char *equals = strchr(argv[i], '=');

        *equals = '\0';
        if (setenv(argv[i], equals + 1, 1)) {
            util_error(argv[i]);
            return 125;
        }
    }
    if (i < argc) {
        execvp(argv[i], argv + i);
        util_error(argv[i]);
        return errno == ENOENT ? 127 : 126;
    }
    for (char **entry = environ; *entry; entry++)
        puts(*entry);
    return util_finish();
}
