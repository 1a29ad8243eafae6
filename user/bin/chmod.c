/*
 * chmod [-R] MODE PATH...: who may do what with files. MODE is octal, or like
 * u+x,go-w,a=r. -R: all that directories hold too.
 */
#include "user/bin/walk.h"

static const char usage[] = "[-R] MODE PATH...";
static const char *mode_text;
static bool recursive;

/* The bits of `who` letters; with none, everybody's. */
static mode_t read_who(const char **p)
{
    mode_t who = 0;

    for (;; (*p)++) {
        if (**p == 'u')
            who |= 04700;
        else if (**p == 'g')
            who |= 02070;
        else if (**p == 'o')
            who |= 01007;
        else if (**p == 'a')
            who |= 07777;
        else
            return who ? who : 07777;
    }
}

static mode_t read_permissions(const char **p, mode_t old, bool directory)
{
    mode_t bits = 0;

    for (;; (*p)++) {
        if (**p == 'r')
            bits |= 0444;
        else if (**p == 'w')
            bits |= 0222;
        else if (**p == 'x' || (**p == 'X' && (directory || (old & 0111))))
            bits |= 0111;
        else if (**p == 's')
            bits |= 06000;
        else if (**p == 't')
            bits |= 01000;
        else if (**p != 'X')
            return bits;
    }
}

/* The mode that old becomes; false if MODE is none. */
static bool apply(mode_t old, bool directory, mode_t *result)
{
    const char *p = mode_text;
    char *end;

    *result = old & 07777;
    if (*p >= '0' && *p <= '7') {
        unsigned long mode = strtoul(p, &end, 8);

        *result = (mode_t)mode;
        return !*end && mode <= 07777;
    }
    do {
        mode_t who = read_who(&p), bits;
        char sign = *p++;

        if (!sign || !strchr("+-=", sign))
            return false;
        bits = read_permissions(&p, *result, directory) & who;
        if (sign == '=')
            *result &= ~(who & 0777);
        *result = sign == '-' ? *result & ~bits : *result | bits;
    } while (*p == ',' && *++p);
    return !*p;
}

static void change(int dir, const char *name, const char *path);

static void change_inside(int dir, const char *name, const char *path)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY);
    struct walk_names list;

    if (fd < 0) {
        util_error(path);
        return;
    }
    if (walk_read(fd, &list))
        util_error(path);
    for (size_t i = 0; i < list.count; i++) {
        char *inner = util_join(path, list.names[i]);

        change(fd, list.names[i], inner);
        free(inner);
    }
    walk_free(&list);
    close(fd);
}

static void change(int dir, const char *name, const char *path)
{
    bool operand = dir == AT_FDCWD;
    struct stat info;
    mode_t mode;

    if (fstatat(dir, name, &info, operand ? 0 : AT_SYMLINK_NOFOLLOW)) {
        util_error(path);
        return;
    }
    if (S_ISLNK(info.st_mode))
        return; /* a link has no mode of its own */
    if (!apply(info.st_mode, S_ISDIR(info.st_mode), &mode))
        util_usage(usage);
    if (fchmodat(dir, name, mode, 0))
        util_error(path);
    if (recursive && S_ISDIR(info.st_mode))
        change_inside(dir, name, path);
}

int main(int argc, char **argv)
{
    int first = 1;
    mode_t mode;

    util_begin(argv);
    /* By hand: getopt would take a mode like -w for options. */
    for (; first < argc && !strcmp(argv[first], "-R"); first++)
        recursive = true;
    if (argc - first < 2)
        util_usage(usage);
    mode_text = argv[first++];
    if (!apply(0, false, &mode))
        util_usage(usage);
    for (; first < argc; first++)
        change(AT_FDCWD, argv[first], argv[first]);
    return util_finish();
}
