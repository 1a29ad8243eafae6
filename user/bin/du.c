/*
 * du [-ahs] [PATH...]: the space that directories take, in KiB. -a: each file
 * too, -s: only the operands, -h: in units that suit. A file with several names
 * is counted at each.
 */
#include "user/bin/walk.h"

static bool all, human, summary;

static void print(unsigned long blocks, const char *path)
{
    static const char letters[] = "KMGTP";
    unsigned long size = (blocks + 1) / 2;
    unsigned power = 0;

    if (!human) {
        printf("%lu\t%s\n", size, path);
        return;
    }
    while (size >= 10240 && power < sizeof(letters) - 2) {
        size /= 1024;
        power++;
    }
    printf("%lu%c\t%s\n", size, letters[power], path);
}

/* Blocks of 512 bytes at name in dir, with all below it. */
static unsigned long measure(int dir, const char *name, const char *path, bool operand)
{
    struct walk_names list;
    unsigned long blocks;
    struct stat info;
    int fd;

    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW)) {
        util_error(path);
        return 0;
    }
    blocks = (unsigned long)info.st_blocks;
    if (S_ISDIR(info.st_mode)) {
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY);
        if (fd < 0 || walk_read(fd, &list)) {
            util_error(path);
        } else {
            for (size_t i = 0; i < list.count; i++) {
                char *inner = util_join(path, list.names[i]);

                blocks += measure(fd, list.names[i], inner, false);
                free(inner);
            }
            walk_free(&list);
        }
        if (fd >= 0)
            close(fd);
    }
    if (operand || (!summary && (all || S_ISDIR(info.st_mode))))
        print(blocks, path);
    return blocks;
}

int main(int argc, char **argv)
{
    static char here[] = ".";
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "ahsk")) != -1) {
        if (option == '?')
            util_usage("[-ahs] [PATH...]");
        all = all || option == 'a';
        human = human || option == 'h';
        summary = summary || option == 's';
    }
    if (optind == argc)
        measure(AT_FDCWD, here, here, true);
    for (; optind < argc; optind++)
        measure(AT_FDCWD, argv[optind], argv[optind], true);
    return util_finish();
}
