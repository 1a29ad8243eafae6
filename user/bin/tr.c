/*
 * tr [-cds] SET1 [SET2]: bytes of SET1 become those of SET2 at the same place,
 * whose last byte stands for what it lacks. -d: they are deleted, -s: repeats of
 * a byte of the last set become one, -c: SET1 is what is not in it.
 *
 * Sets know a-z, [:class:], and \n \t \\ \NNN and their like.
 */
#include <ctype.h>

#include "user/bin/util.h"

static const char usage[] = "[-cds] SET1 [SET2]";

struct set {
    unsigned char bytes[1024];
    size_t count;
};

static void add(struct set *set, int byte)
{
    if (set->count == sizeof(set->bytes)) {
        util_warn("a set is too long");
        exit(2);
    }
    set->bytes[set->count++] = (unsigned char)byte;
}

/* One byte of a set's text, escapes undone; *p moves past it. */
static int read_byte(const char **p)
{
    static const char names[] = "abfnrtv\\", codes[] = "\a\b\f\n\r\t\v\\";
    int c = (unsigned char)*(*p)++;
    const char *name;

    if (c != '\\' || !**p)
        return c;
    if (**p >= '0' && **p <= '7') {
        c = 0;
        for (int i = 0; i < 3 && **p >= '0' && **p <= '7'; i++)
            c = c * 8 + *(*p)++ - '0';
        return c & 0xff;
    }
    name = strchr(names, **p);
    c = name ? codes[name - names] : (unsigned char)**p;
    (*p)++;
    return c;
}

/* [:name:] at p: add it and return where it ends, or NULL. */
static const char *read_class(struct set *set, const char *p)
{
    static const struct {
        const char *name;
        int (*test)(int);
    } classes[] = {
        {"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
        {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
        {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
    };

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        size_t length = strlen(classes[i].name);

        if (strncmp(p, "[:", 2) || strncmp(p + 2, classes[i].name, length) ||
            strncmp(p + 2 + length, ":]", 2))
            continue;
        for (int c = 0; c < 128; c++)
            if (classes[i].test(c))
                add(set, c);
        return p + length + 4;
    }
    return NULL;
}

static void read_set(struct set *set, const char *p)
{
    while (*p) {
        const char *after = read_class(set, p);
        int first, last;

        if (after) {
            p = after;
            continue;
        }
        first = last = read_byte(&p);
        if (p[0] == '-' && p[1]) {
            p++;
            last = read_byte(&p);
        }
        if (last < first) {
            util_warn("a range runs backwards");
            exit(2);
        }
        for (int c = first; c <= last; c++)
            add(set, c);
    }
}

static void complement(struct set *set)
{
    bool in[256] = {false};

    for (size_t i = 0; i < set->count; i++)
        in[set->bytes[i]] = true;
    set->count = 0;
    for (int c = 0; c < 256; c++)
        if (!in[c])
            add(set, c);
}

static void filter(const unsigned char *map, const bool *deleted, const bool *squeezed)
{
    static unsigned char block[UTIL_BLOCK];
    ssize_t got;
    int last = -1;

    while ((got = read(STDIN_FILENO, block, sizeof(block))) > 0) {
        size_t length = 0;

        for (ssize_t i = 0; i < got; i++) {
            int c = map[block[i]];

            if (deleted[block[i]] || (squeezed[c] && c == last))
                continue;
            last = c;
            block[length++] = (unsigned char)c;
        }
        if (util_write(STDOUT_FILENO, (char *)block, length))
            util_output_failed(1);
    }
    if (got < 0)
        util_error("standard input");
}

int main(int argc, char **argv)
{
    static struct set from, to;
    bool inverted = false, delete = false, squeeze = false;
    bool deleted[256] = {false}, squeezed[256] = {false};
    unsigned char map[256];
    const struct set *last;
    int option, sets;

    util_begin(argv);
    while ((option = getopt(argc, argv, "cds")) != -1) {
        if (option == '?')
            util_usage(usage);
        inverted = inverted || option == 'c';
        delete = delete || option == 'd';
        squeeze = squeeze || option == 's';
    }
    sets = argc - optind;
    if (sets < 1 || sets > 2 || (sets == 1 && !delete &&!squeeze) ||
        (sets == 2 && delete &&!squeeze))
        util_usage(usage);
    read_set(&from, argv[optind]);
    if (inverted)
        complement(&from);
    if (sets == 2)
        read_set(&to, argv[optind + 1]);
    if (sets == 2 && !to.count)
        util_usage(usage);
    for (int c = 0; c < 256; c++)
        map[c] = (unsigned char)c;
    for (size_t i = 0; i < from.count; i++) {
        if (delete)
            deleted[from.bytes[i]] = true;
        else if (sets == 2)
            map[from.bytes[i]] = to.bytes[i < to.count ? i : to.count - 1];
    }
    last = sets == 2 ? &to : &from;
    for (size_t i = 0; squeeze && i < last->count; i++)
        squeezed[last->bytes[i]] = true;
    filter(map, deleted, squeezed);
    return util_finish();
}
