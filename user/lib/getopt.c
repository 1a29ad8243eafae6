/*
 * getopt and getopt_long, as POSIX and GNU describe them, without reordering:
 * the first operand ends the options, and so does "--". A lone "-" is an operand
 * (picolibc's own getopt takes it for an option).
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

char *optarg;
int optind = 1, opterr = 1, optopt;

static const char *rest; /* what is left of a word of short options */

static int complain(char *const argv[], const char *opts, const char *why, const char *what)
{
    if (opterr && opts[0] != ':')
        fprintf(stderr, "%s: %s -- `%s'\n", argv[0], why, what);
    return '?';
}

/* The argument of an option that takes one: the rest of the word, or the next. */
static int take_argument(int argc, char *const argv[], const char *opts, const char *name,
                         const char *attached)
{
    if (attached)
        optarg = (char *)attached;
    else if (optind < argc)
        optarg = argv[optind++];
    else {
        complain(argv, opts, "option requires an argument", name);
        return opts[0] == ':' ? ':' : '?';
    }
    return 0;
}

static int short_option(int argc, char *const argv[], const char *opts)
{
    char name[2] = {*rest++, '\0'};
    const char *known = name[0] == ':' ? 0 : strchr(opts, name[0]);
    const char *attached = *rest ? rest : 0;

    optopt = (unsigned char)name[0];
    if (!attached)
        optind++;
    if (!known) {
        if (!attached)
            rest = 0;
        return complain(argv, opts, "invalid option", name);
    }
    if (known[1] == ':') {
        rest = 0;
        if (attached)
            optind++;
        if (attached || known[2] != ':') {
            int failed = take_argument(argc, argv, opts, name, attached);

            if (failed)
                return failed;
        }
    } else if (!attached) {
        rest = 0;
    }
    return optopt;
}

/* The long option that `word` names, also by a beginning that fits no other; -1
 * none, -2 several. */
static int find_long(const struct option *longs, const char *word, size_t n)
{
    int found = -1;

    for (int i = 0; longs[i].name; i++) {
        if (strncmp(longs[i].name, word, n) != 0)
            continue;
        if (strlen(longs[i].name) == n)
            return i;
        found = found == -1 ? i : -2;
    }
    return found;
}

static int long_option(int argc, char *const argv[], const char *opts, const struct option *longs,
                       int *index)
{
    const char *word = argv[optind++] + 2, *value = strchr(word, '=');
    int i = find_long(longs, word, value ? (size_t)(value - word) : strlen(word));

    optopt = 0;
    if (i < 0)
        return complain(argv, opts, i == -1 ? "unknown option" : "ambiguous option", word);
    if (value && longs[i].has_arg == no_argument)
        return complain(argv, opts, "option takes no argument", longs[i].name);
    if (value || longs[i].has_arg == required_argument) {
        int failed = take_argument(argc, argv, opts, longs[i].name, value ? value + 1 : 0);

        if (failed)
            return failed;
    }
    if (index)
        *index = i;
    if (longs[i].flag) {
        *longs[i].flag = longs[i].val;
        return 0;
    }
    return longs[i].val;
}

int getopt_long(int argc, char *const argv[], const char *opts, const struct option *longs,
                int *index)
{
    optarg = 0;
    if (optind == 0) { /* a new scan, as GNU has it */
        optind = 1;
        rest = 0;
    }
    if (!rest) {
        if (optind >= argc || argv[optind][0] != '-' || argv[optind][1] == '\0')
            return -1;
        if (strcmp(argv[optind], "--") == 0) {
            optind++;
            return -1;
        }
        if (longs && argv[optind][1] == '-')
            return long_option(argc, argv, opts, longs, index);
        rest = argv[optind] + 1;
    }
    return short_option(argc, argv, opts[0] == '+' ? opts + 1 : opts);
}

int getopt(int argc, char *const argv[], const char *opts)
{
    return getopt_long(argc, argv, opts, 0, 0);
}
