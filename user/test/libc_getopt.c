/*
 * getopt and getopt_long: each row of arguments is scanned, and what comes out is
 * compared as text.
 *
 * test: points=2 cpus=1,2
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <getopt.h>

#define WORDS_MAX 12

static int flag;

static const struct option longs[] = {
    {"all", no_argument, 0, 'a'},
    {"name", required_argument, 0, 'n'},
    {"maybe", optional_argument, 0, 'm'},
    {"flag", no_argument, &flag, 7},
    {"verbose", no_argument, 0, 'v'},
    {"version", no_argument, 0, 'V'},
    {0, 0, 0, 0},
};

/* A scan as text: each option, =argument if it has one, a blank; then "|" and the
 * words that are left. A complaint shows optopt behind it. */
static void scan(char *line, const char *opts, const struct option *table, char *out, size_t room)
{
    char *argv[WORDS_MAX + 1] = {"prog"};
    int argc = 1, option, index = -1;
    size_t n = 0;

    for (char *word = strtok(line, " "); word && argc < WORDS_MAX; word = strtok(0, " "))
        argv[argc++] = strcmp(word, "''") == 0 ? "" : word;
    argv[argc] = 0;
    optind = 0;
    out[0] = '\0';
    while ((option = table ? getopt_long(argc, argv, opts, table, &index)
                           : getopt(argc, argv, opts)) != -1) {
        if (option == '?' || option == ':')
            n += (size_t)snprintf(out + n, room - n, "%c%c ", option, optopt ? optopt : '-');
        else if (option == 0)
            n += (size_t)snprintf(out + n, room - n, "<%s> ", table[index].name);
        else if (optarg)
            n += (size_t)snprintf(out + n, room - n, "%c=%s ", option, optarg);
        else
            n += (size_t)snprintf(out + n, room - n, "%c ", option);
    }
    n += (size_t)snprintf(out + n, room - n, "|");
    for (; optind < argc; optind++)
        n += (size_t)snprintf(out + n, room - n, " %s", argv[optind]);
}

struct row {
    const char *opts, *line, *want;
};

static int scan_rows(const struct row *rows, int count, const struct option *table)
{
    char line[100], got[200];

    opterr = 0;
    for (int i = 0; i < count; i++) {
        strcpy(line, rows[i].line);
        scan(line, rows[i].opts, table, got, sizeof(got));
        if (strcmp(got, rows[i].want) != 0) {
            dprintf(2, "# %s of \"%s\": \"%s\", not \"%s\"\n", rows[i].opts, rows[i].line, got,
                    rows[i].want);
            return 1;
        }
    }
    return 0;
}

#define SCAN_ROWS(rows, table) scan_rows(rows, (int)(sizeof(rows) / sizeof((rows)[0])), table)

static int short_options(void *unused)
{
    static const struct row rows[] = {
        {"ab", "", "|"},
        {"ab", "-a -b x", "a b | x"},
        {"ab", "-ab x", "a b | x"},
        {"ab", "-aba", "a b a |"},
        {"an:", "-n 5 x", "n=5 | x"},
        {"an:", "-n5 x", "n=5 | x"},
        {"an:", "-an5 -a", "a n=5 a |"},
        {"an:", "-an 5 -a", "a n=5 a |"},
        {"an:", "-n -a x", "n=-a | x"}, /* whatever follows is the argument */
        {"an:", "-n -- x", "n=-- | x"},
        {"an:", "-n '' x", "n= | x"},
        {"am::", "-m x", "m | x"},
        {"am::", "-mx -am y", "m=x a m | y"},
    };

    (void)unused;
    return SCAN_ROWS(rows, 0);
}

static int where_options_end(void *unused)
{
    static const struct row rows[] = {
        {"ab", "-a x -b", "a | x -b"}, /* the first operand ends them */
        {"ab", "-a -- -b x", "a | -b x"},
        {"ab", "-- -a", "| -a"},
        {"ab", "--", "|"},
        {"ab", "-", "| -"}, /* a lone - is an operand */
        {"ab", "-a - -b", "a | - -b"},
        {"n:", "-n - x", "n=- | x"},
        {"+ab", "-a x -b", "a | x -b"},
        {"ab", "'' -a", "|  -a"},
    };

    (void)unused;
    return SCAN_ROWS(rows, 0);
}

static int short_errors(void *unused)
{
    static const struct row rows[] = {
        {"ab", "-c -a", "?c a |"},  {"ab", "-acb x", "a ?c b | x"}, {"ab", "-a: -b", "a ?: b |"},
        {"an:", "-a -n", "a ?n |"}, {":an:", "-a -n", "a :n |"},    {":an:", "-c", "?c |"},
        {"ab", "-c", "?c |"},
    };

    (void)unused;
    return SCAN_ROWS(rows, 0);
}

static int long_options(void *unused)
{
    static const struct row rows[] = {
        {"an:", "--all x", "a | x"},
        {"an:", "--name=5 --name 6 x", "n=5 n=6 | x"},
        {"an:", "--name= x", "n= | x"},
        {"an:", "--maybe --maybe=3 x", "m m=3 | x"},
        {"an:", "-an5 --al -a", "a n=5 a a |"}, /* a beginning will do */
        {"an:", "--verb --vers", "v V |"},
        {"an:", "--flag x", "<flag> | x"},
        {"an:", "--all -- --all", "a | --all"},
        {"an:", "--all - --all", "a | - --all"},
        {"an:", "--ver", "?- |"}, /* of two */
        {"an:", "--none --all", "?- a |"},
        {"an:", "--all=1", "?- |"},
        {"an:", "--name", "?- |"},
        {":an:", "--name", ":- |"},
    };

    (void)unused;
    flag = 0;
    CHECK_IS(SCAN_ROWS(rows, longs), 0);
    CHECK_IS(flag, 7);
    return 0;
}

/* What is said on stderr, and what is not. */
static int complaint(const char *opts, int silent, char *said, size_t room)
{
    char line[] = "-c", out[40];
    int ends[2], saved = dup(2);
    long n;

    CHECK_IS(pipe(ends), 0);
    CHECK_IS(dup2(ends[1], 2), 2);
    close(ends[1]);
    opterr = !silent;
    scan(line, opts, 0, out, sizeof(out));
    CHECK_IS(dup2(saved, 2), 2);
    close(saved);
    n = read(ends[0], said, room - 1);
    said[n < 0 ? 0 : n] = '\0';
    return close(ends[0]);
}

static int complaints(void *unused)
{
    char said[100];

    (void)unused;
    CHECK_IS(complaint("ab", 0, said, sizeof(said)), 0);
    CHECK(strncmp(said, "prog: ", 6) == 0 && strchr(said + 6, 'c') && strchr(said, '\n'));
    CHECK_IS(complaint("ab", 1, said, sizeof(said)), 0);
    CHECK(said[0] == '\0');
    CHECK_IS(complaint(":ab", 0, said, sizeof(said)), 0);
    CHECK(said[0] == '\0');
    return 0;
}

static const struct proc_test tests[] = {
    {short_options, "options in one word and in several, with arguments and without"},
    {where_options_end, "operands, -- and a lone -"},
    {short_errors, "unknown options and missing arguments"},
    {long_options, "long options, whole and abbreviated"},
    {complaints, "complaints go to stderr, unless unwanted"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
