/*
 * stat [-L] PATH...: all that is known of files. -L: of what a link leads to.
 */
#include <sys/stat.h>
#include <time.h>

#include "user/bin/util.h"

static const char *type_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "regular file";
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "symbolic link";
    case S_IFCHR:
        return "character device";
    case S_IFBLK:
        return "block device";
    case S_IFIFO:
        return "pipe";
    default:
        return "other";
    }
}

static void print_time(const char *what, struct timespec when)
{
    char text[40];
    struct tm tm;

    if (!gmtime_r(&when.tv_sec, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(text, sizeof(text), "%lld", (long long)when.tv_sec);
    printf("%s: %s.%09ld\n", what, text, (long)when.tv_nsec);
}

static void print_link(const char *path)
{
    char target[4096];
    ssize_t length = readlink(path, target, sizeof(target) - 1);

    if (length < 0)
        util_error(path);
    else
        printf(" -> %.*s", (int)length, target);
}

static void print(const char *path, const struct stat *info)
{
    printf("  File: %s", path);
    if (S_ISLNK(info->st_mode))
        print_link(path);
    printf("\n  Size: %llu\tBlocks: %llu\tIO Block: %lu\t%s\n", (unsigned long long)info->st_size,
           (unsigned long long)info->st_blocks, (unsigned long)info->st_blksize,
           type_name(info->st_mode));
    printf("Device: %lu\tInode: %lu\tLinks: %lu", (unsigned long)info->st_dev,
           (unsigned long)info->st_ino, (unsigned long)info->st_nlink);
    if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode))
        printf("\tDevice type: %u,%u", (unsigned)info->st_rdev >> 8,
               (unsigned)info->st_rdev & 0xff);
    printf("\nAccess: %04o\tUid: %u\tGid: %u\n", (unsigned)info->st_mode & 07777,
           (unsigned)info->st_uid, (unsigned)info->st_gid);
    print_time("Access", info->st_atim);
    print_time("Modify", info->st_mtim);
    print_time("Change", info->st_ctim);
}

int main(int argc, char **argv)
{
    bool follow = false;
    struct stat info;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "L")) != -1) {
        if (option == '?')
            util_usage("[-L] PATH...");
        follow = true;
    }
    if (optind == argc)
        util_usage("[-L] PATH...");
    for (; optind < argc; optind++) {
        if ((follow ? stat : lstat)(argv[optind], &info))
            util_error(argv[optind]);
        else
            print(argv[optind], &info);
    }
    return util_finish();
}
