/*
 * find [PATH...] [-name PATTERN] [-type f|d|l|c|b] [-maxdepth N] [-print0]: the
 * paths of all files below PATH that meet every condition. Links are not
 * followed.
 */
#include <fnmatch.h>

#include "user/bin/walk.h"

static const char usage[] =
    "[PATH...] [-name PATTERN] [-type f|d|l|c|b] [-maxdepth N] [-print] [-print0]";
static const char *name_pattern;
static unsigned long depth_limit = -1UL;
static char wanted_type, separator = '\n';

static char type_letter(mode_t mode)
{
    return "?pc?d?b?f?l?s???"[(mode & S_IFMT) >> 12];
}

static void visit(int dir, const char *name, const char *path, unsigned long depth)
{
    struct walk_names list;
    struct stat info;
    char *last;
    int fd;

    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW)) {
        util_error(path);
        return;
    }
    last = util_last_name(path);
    if ((!wanted_type || wanted_type == type_letter(info.st_mode)) &&
        (!name_pattern || !fnmatch(name_pattern, last, 0)))
        printf("%s%c", path, separator);
    free(last);
    if (!S_ISDIR(info.st_mode) || depth >= depth_limit || ferror(stdout))
        return;
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0 || walk_read(fd, &list)) {
        util_error(path);
    } else {
        for (size_t i = 0; i < list.count; i++) {
            char *inner = util_join(path, list.names[i]);

            visit(fd, list.names[i], inner, depth + 1);
            free(inner);
        }
        walk_free(&list);
    }
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    int paths = 1, i;

    util_begin(argv);
    while (paths < argc && argv[paths][0] != '-')
        paths++;
    for (i = paths; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (!strcmp(argv[i], "-print0"))
            separator = '\0';
        else if (!strcmp(argv[i], "-print"))
            separator = '\n';
        else if (!value)
            util_usage(usage);
        else if (!strcmp(argv[i], "-name"))
            name_pattern = argv[++i];
        else if (!strcmp(argv[i], "-type") && strchr("fdlcbps", *value) && !value[1])
            wanted_type = *argv[++i];
        else if (!strcmp(argv[i], "-maxdepth") && util_number(value, &depth_limit))
            i++;
        else
            util_usage(usage);
    }
    if (paths == 1)
        visit(AT_FDCWD, ".", ".", 0);
    for (i = 1; i < paths; i++)
        visit(AT_FDCWD, argv[i], argv[i], 0);
    return util_finish();
}
