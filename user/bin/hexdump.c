/*
 * hexdump [-C] [-v] [-n BYTES] [-s OFFSET] [FILE...]: bytes in hexadecimal and
 * as text, sixteen a line; lines like the one before are one `*` unless -v. -C
 * is how it always looks.
 */
#include <ctype.h>

#include "user/bin/util.h"

#define WIDTH 16

static const char usage[] = "[-C] [-v] [-n BYTES] [-s OFFSET] [FILE...]";

/* The files as one stream. */
static struct {
    char **paths;
    FILE *file;
} input;

static int next_byte(void)
{
    for (;;) {
        int c = input.file ? getc(input.file) : EOF;

        if (c != EOF)
            return c;
        if (input.file)
            util_close(input.file, input.paths[-1]);
        input.file = NULL;
        if (!*input.paths)
            return EOF;
        input.file = util_open(*input.paths++);
    }
}

static void print_line(unsigned long at, const unsigned char *bytes, size_t length)
{
    printf("%08lx ", at);
    for (size_t i = 0; i < WIDTH; i++) {
        if (i == WIDTH / 2)
            putchar(' ');
        if (i < length)
            printf(" %02x", bytes[i]);
        else
            fputs("   ", stdout);
    }
    fputs("  |", stdout);
    for (size_t i = 0; i < length; i++)
        putchar(bytes[i] < 0x7f && isprint(bytes[i]) ? bytes[i] : '.');
    fputs("|\n", stdout);
}

static void dump(unsigned long at, unsigned long most, bool all)
{
    unsigned char now[WIDTH], before[WIDTH];
    bool starred = false, first = true;
    size_t length;

    do {
        int c;

        for (length = 0; length < WIDTH && most && (c = next_byte()) != EOF; most--)
            now[length++] = (unsigned char)c;
        if (length == WIDTH && !first && !all && !memcmp(now, before, WIDTH)) {
            if (!starred)
                puts("*");
            starred = true;
        } else if (length) {
            print_line(at, now, length);
            starred = false;
        }
        memcpy(before, now, length);
        first = false;
        at += length;
    } while (length == WIDTH && !ferror(stdout));
    if (at)
        printf("%08lx\n", at);
}

int main(int argc, char **argv)
{
    static char standard[] = "-";
    static char *standard_only[] = {standard, NULL};
    unsigned long most = -1UL, skip = 0, at = 0;
    bool all = false;
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "Cvn:s:")) != -1) {
        if (option == '?' || (option == 'n' && !util_number(optarg, &most)) ||
            (option == 's' && !util_number(optarg, &skip)))
            util_usage(usage);
        all = all || option == 'v';
    }
    input.paths = optind < argc ? argv + optind : standard_only;
    while (at < skip && next_byte() != EOF)
        at++;
    dump(at, most, all);
    return util_finish();
}
