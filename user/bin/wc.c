/*
 * wc [-lwcm] [FILE...]: how many lines, words and bytes. -m counts bytes too:
 * a character is a byte here.
 */
#include <ctype.h>
#include <fcntl.h>

#include "user/bin/util.h"

struct counts {
    unsigned long lines, words, bytes;
};

static bool want_lines, want_words, want_bytes;

static bool count(int fd, struct counts *counts)
{
    static char block[UTIL_BLOCK];
    bool inside = false;
    ssize_t got;

    while ((got = read(fd, block, sizeof(block))) > 0) {
        counts->bytes += (unsigned long)got;
        for (ssize_t i = 0; i < got; i++) {
            bool space = isspace((unsigned char)block[i]);

            counts->lines += block[i] == '\n';
            counts->words += !space && !inside;
            inside = !space;
        }
    }
    return got == 0;
}

static void print(const struct counts *counts, const char *name)
{
    const unsigned long numbers[] = {counts->lines, counts->words, counts->bytes};
    const bool wanted[] = {want_lines, want_words, want_bytes};
    const char *separator = "";
    bool alone = want_lines + want_words + want_bytes == 1;

    for (int i = 0; i < 3; i++) {
        if (!wanted[i])
            continue;
        printf(alone ? "%s%lu" : "%s%7lu", separator, numbers[i]);
        separator = " ";
    }
    printf("%s%s\n", name ? " " : "", name ? name : "");
}

int main(int argc, char **argv)
{
    struct counts total = {0, 0, 0};
    int option, files;

    util_begin(argv);
    while ((option = getopt(argc, argv, "lwcm")) != -1) {
        if (option == '?')
            util_usage("[-lwcm] [FILE...]");
        want_lines = want_lines || option == 'l';
        want_words = want_words || option == 'w';
        want_bytes = want_bytes || option == 'c' || option == 'm';
    }
    if (!want_lines && !want_words && !want_bytes)
        want_lines = want_words = want_bytes = true;
    files = argc - optind;
    for (int i = optind; i < argc || (i == optind && !files); i++) {
        const char *name = files ? argv[i] : NULL;
        struct counts counts = {0, 0, 0};
        bool standard = !name || !strcmp(name, "-");
        int fd = standard ? STDIN_FILENO : open(name, O_RDONLY);

        if (fd < 0) {
            util_error(name);
            continue;
        }
        if (!count(fd, &counts))
            util_error(name ? name : "-");
        print(&counts, name);
        total.lines += counts.lines;
        total.words += counts.words;
        total.bytes += counts.bytes;
        if (!standard)
            close(fd);
    }
    if (files > 1)
        print(&total, "total");
    return util_finish();
}
