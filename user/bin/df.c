/*
 * df [-hi] [PATH...]: how full the file system is that PATH is on. -h: in units
 * that suit, -i: inodes in place of blocks.
 */
#include <sys/statvfs.h>

#include "user/bin/util.h"

static bool human, inodes;

static void format(char *text, size_t room, unsigned long count, unsigned long unit)
{
    static const char letters[] = "BKMGTP";
    unsigned long long bytes = (unsigned long long)count * unit;
    unsigned power = 0;

    if (inodes) {
        snprintf(text, room, "%lu", count);
        return;
    }
    if (!human) {
        snprintf(text, room, "%llu", bytes / 1024);
        return;
    }
    while (bytes >= 10240 && power < sizeof(letters) - 2) {
        bytes /= 1024;
        power++;
    }
    snprintf(text, room, "%llu%c", bytes, letters[power]);
}

static void print(const char *path, const struct statvfs *fs)
{
    unsigned long total = inodes ? fs->f_files : fs->f_blocks;
    unsigned long unused = inodes ? fs->f_ffree : fs->f_bfree;
    unsigned long available = inodes ? fs->f_favail : fs->f_bavail;
    unsigned long used = total > unused ? total - unused : 0;
    unsigned long limit = used + available;
    char texts[3][32];

    format(texts[0], sizeof(texts[0]), total, fs->f_frsize);
    format(texts[1], sizeof(texts[1]), used, fs->f_frsize);
    format(texts[2], sizeof(texts[2]), available, fs->f_frsize);
    printf("%11s %11s %11s %3lu%% %s\n", texts[0], texts[1], texts[2],
           limit ? (used * 100 + limit - 1) / limit : 0, path);
}

int main(int argc, char **argv)
{
    static char root[] = "/";
    char *paths[] = {root, NULL};
    struct statvfs fs;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "hik")) != -1) {
        if (option == '?')
            util_usage("[-hi] [PATH...]");
        human = human || option == 'h';
        inodes = inodes || option == 'i';
    }
    printf("%11s %11s %11s %4s %s\n",
           inodes  ? "Inodes"
           : human ? "Size"
                   : "1K-blocks",
           "Used", "Available", "Use%", "Path");
    for (char **path = optind < argc ? argv + optind : paths; *path; path++) {
        if (statvfs(*path, &fs))
            util_error(*path);
        else
            print(*path, &fs);
    }
    return util_finish();
}
