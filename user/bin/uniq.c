/*
 * uniq [-cdu] [INPUT]: lines that are like the one before are left out. -c: with
 * their number, -d: only those that were repeated, -u: only those that were not.
 */
#include "user/bin/util.h"

struct line {
    char *text;
    size_t room;
    ssize_t length;
};

static bool counts, repeated_only, unique_only;

static void print(const struct line *line, unsigned long count)
{
    if (!count || (repeated_only && count == 1) || (unique_only && count > 1))
        return;
    if (counts)
        printf("%7lu ", count);
    fwrite(line->text, 1, (size_t)line->length, stdout);
    putchar('\n');
}

static void filter(FILE *file)
{
    struct line now = {NULL, 0, 0}, before = {NULL, 0, 0}, swap;
    unsigned long count = 0;

    while ((now.length = getline(&now.text, &now.room, file)) >= 0) {
        if (now.length && now.text[now.length - 1] == '\n')
            now.length--;
        if (count && now.length == before.length &&
            !memcmp(now.text, before.text, (size_t)now.length)) {
            count++;
            continue;
        }
        print(&before, count);
        count = 1;
        swap = before;
        before = now;
        now = swap;
    }
    print(&before, count);
    free(now.text);
    free(before.text);
}

int main(int argc, char **argv)
{
    const char *path;
    FILE *file;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "cdu")) != -1) {
        if (option == '?')
            util_usage("[-cdu] [INPUT]");
        counts = counts || option == 'c';
        repeated_only = repeated_only || option == 'd';
        unique_only = unique_only || option == 'u';
    }
    if (argc - optind > 1)
        util_usage("[-cdu] [INPUT]");
    path = optind < argc ? argv[optind] : "-";
    file = util_open(path);
    if (file) {
        filter(file);
        util_close(file, path);
    }
    return util_finish();
}
