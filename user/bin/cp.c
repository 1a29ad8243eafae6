/*
 * cp [-rRpf] SOURCE... TARGET: copy files. -r: directories with all they hold
 * and symbolic links as links; -p: mode and times too; -f: a target that cannot
 * be opened is removed and tried again.
 *
 * Trees are walked by descriptors on both sides, so the length of a path does
 * not matter.
 */
#include "user/bin/walk.h"

static bool recursive, preserve, force;

/* One side of a copy: a name in an open directory, and how messages call it. */
struct place {
    int dir;
    const char *name;
    const char *path;
};

/* The first directory that this copy made: copying a directory into itself
 * meets it again among the sources, and must not go in. */
static struct {
    bool set;
    dev_t dev;
    ino_t ino;
} top;

static void copy_entry(const struct place *from, const struct place *to);

static void keep_attributes(int fd, const struct stat *info, const char *path)
{
    struct timespec times[2] = {info->st_atim, info->st_mtim};

    if (futimens(fd, times) || fchmod(fd, info->st_mode & 07777))
        util_error(path);
}

static int open_target(const struct place *to, mode_t mode)
{
    int fd = openat(to->dir, to->name, O_WRONLY | O_CREAT | O_TRUNC, mode);

    if (fd < 0 && force && !unlinkat(to->dir, to->name, 0))
        fd = openat(to->dir, to->name, O_WRONLY | O_CREAT | O_TRUNC, mode);
    return fd;
}

/* Returns the path at fault, or NULL; errno says why. */
static const char *copy_bytes(int in, int out, const struct place *from, const struct place *to)
{
    static char block[UTIL_BLOCK];
    ssize_t got;

    while ((got = read(in, block, sizeof(block))) > 0)
        if (util_write(out, block, (size_t)got))
            return to->path;
    return got < 0 ? from->path : NULL;
}

static void copy_file(const struct place *from, const struct place *to, const struct stat *info)
{
    int in = openat(from->dir, from->name, O_RDONLY);
    const char *wrong;
    int out;

    if (in < 0) {
        util_error(from->path);
        return;
    }
    out = open_target(to, info->st_mode & 0777);
    if (out < 0) {
        util_error(to->path);
    } else {
        wrong = copy_bytes(in, out, from, to);
        if (wrong)
            util_error(wrong);
        else if (preserve)
            keep_attributes(out, info, to->path);
        if (close(out))
            util_error(to->path);
    }
    close(in);
}

static void copy_link(const struct place *from, const struct place *to)
{
    char target[4096];
    ssize_t length = readlinkat(from->dir, from->name, target, sizeof(target) - 1);

    if (length < 0) {
        util_error(from->path);
        return;
    }
    target[length] = '\0';
    if (!symlinkat(target, to->dir, to->name))
        return;
    if (errno != EEXIST || !force || unlinkat(to->dir, to->name, 0) ||
        symlinkat(target, to->dir, to->name))
        util_error(to->path);
}

static void copy_names(int in, int out, const struct place *from, const struct place *to)
{
    struct walk_names list;

    if (walk_read(in, &list))
        util_error(from->path);
    for (size_t i = 0; i < list.count; i++) {
        char *from_path = util_join(from->path, list.names[i]);
        char *to_path = util_join(to->path, list.names[i]);
        struct place inner_from = {in, list.names[i], from_path};
        struct place inner_to = {out, list.names[i], to_path};

        copy_entry(&inner_from, &inner_to);
        free(from_path);
        free(to_path);
    }
    walk_free(&list);
}

/* Make the directory, usable by us while it is filled, and open it. */
static int make_directory(const struct place *to, const struct stat *info, bool *made)
{
    int fd;
    struct stat now;

    *made = !mkdirat(to->dir, to->name, (info->st_mode & 0777) | 0700);
    if (!*made && errno != EEXIST)
        return -1;
    fd = openat(to->dir, to->name, O_RDONLY | O_DIRECTORY);
    if (fd >= 0 && !top.set && !fstat(fd, &now)) {
        top.set = true;
        top.dev = now.st_dev;
        top.ino = now.st_ino;
    }
    return fd;
}

static void copy_directory(const struct place *from, const struct place *to,
                           const struct stat *info)
{
    int in, out;
    bool made;

    if (!recursive) {
        util_warn("%s: is a directory", from->path);
        return;
    }
    if (top.set && info->st_dev == top.dev && info->st_ino == top.ino) {
        util_warn("%s: cannot be copied into itself", from->path);
        return;
    }
    in = openat(from->dir, from->name, O_RDONLY | O_DIRECTORY);
    if (in < 0) {
        util_error(from->path);
        return;
    }
    out = make_directory(to, info, &made);
    if (out < 0) {
        util_error(to->path);
    } else {
        copy_names(in, out, from, to);
        if (preserve)
            keep_attributes(out, info, to->path);
        else if (made && (info->st_mode & 0700) != 0700 && fchmod(out, info->st_mode & 0777))
            util_error(to->path);
        close(out);
    }
    close(in);
}

static bool is_same(const struct stat *a, const struct place *to)
{
    struct stat b;

    return !fstatat(to->dir, to->name, &b, 0) && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

static void copy_entry(const struct place *from, const struct place *to)
{
    struct stat info;

    if (fstatat(from->dir, from->name, &info, recursive ? AT_SYMLINK_NOFOLLOW : 0))
        util_error(from->path);
    else if (!S_ISLNK(info.st_mode) && is_same(&info, to))
        util_warn("%s and %s are the same", from->path, to->path);
    else if (S_ISDIR(info.st_mode))
        copy_directory(from, to, &info);
    else if (S_ISLNK(info.st_mode))
        copy_link(from, to);
    else if (recursive && !S_ISREG(info.st_mode))
        util_warn("%s: not a file, directory or link", from->path);
    else
        copy_file(from, to, &info);
}

static bool is_directory(const char *path)
{
    struct stat info;

    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

static void copy_operand(const char *source, const char *target, bool into)
{
    char *name = into ? util_last_name(source) : NULL;
    char *path = into ? util_join(target, name) : util_copy(target);
    struct place from = {AT_FDCWD, source, source};
    struct place to = {AT_FDCWD, path, path};

    top.set = false;
    copy_entry(&from, &to);
    free(path);
    free(name);
}

int main(int argc, char **argv)
{
    static const char usage[] = "[-rRpf] SOURCE... TARGET";
    const char *target;
    bool into;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "rRapf")) != -1) {
        if (option == 'r' || option == 'R' || option == 'a')
            recursive = true;
        if (option == 'p' || option == 'a')
            preserve = true;
        if (option == 'f')
            force = true;
        if (option == '?')
            util_usage(usage);
    }
    if (argc - optind < 2)
        util_usage(usage);
    target = argv[argc - 1];
    into = is_directory(target);
    if (argc - optind > 2 && !into) {
        util_warn("%s: is not a directory", target);
        return util_finish();
    }
    for (; optind < argc - 1; optind++)
        copy_operand(argv[optind], target, into);
    return util_finish();
}
