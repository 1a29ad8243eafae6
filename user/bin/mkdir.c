/*
 * mkdir [-p] [-m MODE] DIRECTORY...: make directories. -p: those above them
 * too, and it is no error if one is there.
 */
#include <sys/stat.h>

#include "user/bin/util.h"

static bool is_directory(const char *path)
{
    struct stat info;

    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* Make path and all above it. Returns 0, or -1 with errno. */
static int make_all(char *path, mode_t mode)
{
    for (char *p = path + 1;; p++) {
        char kept = *p;

        if (kept && (kept != '/' || p[-1] == '/'))
            continue;
        *p = '\0';
        if (mkdir(path, kept ? 0777 : mode) && !is_directory(path)) {
            /* Something is there that is no directory, or it was refused. */
            *p = kept;
            return -1;
        }
        *p = kept;
        if (!kept)
            return 0;
    }
}

int main(int argc, char **argv)
{
    static const char usage[] = "[-p] [-m MODE] DIRECTORY...";
    bool all = false, exact = false;
    mode_t mode = 0777;
    char *end;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "pm:")) != -1) {
        if (option == 'p') {
            all = true;
        } else if (option == 'm') {
            mode = (mode_t)strtoul(optarg, &end, 8);
            if (*end || end == optarg || mode > 07777)
                util_usage(usage);
            exact = true;
        } else {
            util_usage(usage);
        }
    }
    if (optind == argc)
        util_usage(usage);
    for (; optind < argc; optind++) {
        const char *path = argv[optind];

        if (!*path) {
            errno = ENOENT;
            util_error("''");
        } else if (all ? make_all(argv[optind], mode) : mkdir(path, mode)) {
            util_error(path);
        } else if (exact && chmod(path, mode)) { /* whatever the umask is */
            util_error(path);
        }
    }
    return util_finish();
}
