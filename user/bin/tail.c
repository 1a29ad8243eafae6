/*
 * tail [-n [+]LINES | -c [+]BYTES] [-q] [FILE...]: the end of files, or with +
 * what there is from that line or byte on. -f: then wait for more, for ever.
 *
 * The end is kept in a ring of blocks while the file is read, so that a pipe of
 * any length takes no more memory than what is printed.
 */
#include <fcntl.h>

#include "user/bin/util.h"

static const char usage[] = "[-f] [-q] [-n [+]LINES | -c [+]BYTES] [FILE...]";

struct block {
    struct block *next;
    size_t length;
    unsigned long units; /* lines or bytes that end in it */
    char data[4096];
};

static bool bytes, from_start;
static unsigned long count = 10;

static unsigned long count_units(const char *data, size_t length)
{
    unsigned long units = 0;

    if (bytes)
        return length;
    for (size_t i = 0; i < length; i++)
        units += data[i] == '\n';
    return units;
}

static void print(const char *data, size_t length)
{
    if (util_write(STDOUT_FILENO, data, length))
        util_output_failed(1);
}

/* Everything after the first `skip` units. Returns false after a read error. */
static bool print_after(int fd, unsigned long skip)
{
    static char data[UTIL_BLOCK];
    ssize_t got;

    while ((got = read(fd, data, sizeof(data))) > 0) {
        size_t start = 0;

        for (; skip && start < (size_t)got; start++)
            if (bytes || data[start] == '\n')
                skip--;
        print(data + start, (size_t)got - start);
    }
    return got == 0;
}

/* Print what the blocks hold, without the first `skip` units. */
static void print_blocks(struct block *blocks, unsigned long skip)
{
    while (blocks) {
        struct block *next = blocks->next;
        size_t start = 0;

        for (; skip && start < blocks->length; start++)
            if (bytes || blocks->data[start] == '\n')
                skip--;
        print(blocks->data + start, blocks->length - start);
        free(blocks);
        blocks = next;
    }
}

static bool print_last(int fd)
{
    struct block *first = NULL, *last = NULL;
    unsigned long units = 0;
    ssize_t got = 1;
    bool open_line; /* the last line has no newline, and counts as well */

    while (got > 0) {
        struct block *block;

        if (!last || last->length == sizeof(last->data)) {
            block = util_grow(NULL, sizeof(*block));
            block->next = NULL;
            block->length = 0;
            block->units = 0;
            *(last ? &last->next : &first) = block;
            last = block;
        }
        got = read(fd, last->data + last->length, sizeof(last->data) - last->length);
        if (got <= 0)
            break;
        last->units += count_units(last->data + last->length, (size_t)got);
        units += count_units(last->data + last->length, (size_t)got);
        last->length += (size_t)got;
        while (first != last && units - first->units > count) {
            block = first;
            first = first->next;
            units -= block->units;
            free(block);
        }
    }
    open_line = !bytes && last->length && last->data[last->length - 1] != '\n';
    units += open_line;
    print_blocks(first, units > count ? units - count : 0);
    return got == 0;
}

/* -f: look for more each second. */
static void follow(int fd, const char *path)
{
    for (;;) {
        if (!print_after(fd, 0)) {
            util_error(path);
            return;
        }
        sleep(1);
    }
}

static void read_count(const char *text)
{
    from_start = *text == '+';
    if (*text == '+' || *text == '-')
        text++;
    if (!util_number(text, &count))
        util_usage(usage);
}

static void tail(const char *path, const char *title, bool following)
{
    bool standard = !strcmp(path, "-");
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY);

    if (fd < 0) {
        util_error(path);
        return;
    }
    if (title) {
        print(title, strlen(title));
        print(path, strlen(path));
        print(" <==\n", 5);
    }
    if (!(from_start ? print_after(fd, count ? count - 1 : 0) : print_last(fd)))
        util_error(path);
    else if (following)
        follow(fd, path);
    if (!standard)
        close(fd);
}

int main(int argc, char **argv)
{
    bool following = false, quiet = false;
    int option, files;

    util_begin(argv);
    if (argc > 1 && argv[1][0] == '-' && argv[1][1] >= '0' && argv[1][1] <= '9') {
        read_count(argv[1]); /* -5: an old way to write -n 5 */
        optind = 2;
    }
    while ((option = getopt(argc, argv, "n:c:fq")) != -1) {
        if (option == '?')
            util_usage(usage);
        if (option == 'n' || option == 'c') {
            bytes = option == 'c';
            read_count(optarg);
        }
        following = following || option == 'f';
        quiet = quiet || option == 'q';
    }
    files = argc - optind;
    if (!files)
        tail("-", NULL, following);
    for (int i = optind; i < argc; i++) {
        const char *title = i > optind ? "\n==> " : "==> ";

        tail(argv[i], files > 1 && !quiet ? title : NULL, following && i == argc - 1);
    }
    return util_finish();
}
