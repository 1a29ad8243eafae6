/*
 * test and [: conditions on files, strings and numbers. See builtin.h.
 *
 * With up to four arguments POSIX says what they mean by their number; longer
 * expressions are parsed: or, and, not, primary.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/sh/builtin.h"
#include "user/sh/shell.h"

#define TEST_DEPTH 100

struct test {
    char **args;
    int count, at;
    unsigned depth;
    bool failed;
};

static bool fail(struct test *t, const char *what, const char *reason)
{
    if (!t->failed)
        shell_error("test: %s: %s", what, reason);
    t->failed = true;
    return false;
}

static bool is_unary(const char *op)
{
    return op[0] == '-' && op[1] && !op[2] && strchr("bcdefghLnprsStuwxz", op[1]);
}

static bool is_binary(const char *op)
{
    static const char *const ops[] = {"=",   "==",  "!=",  "<",   ">",   "-eq", "-ne",
                                      "-gt", "-ge", "-lt", "-le", "-nt", "-ot", "-ef"};

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (!strcmp(ops[i], op))
            return true;
    return false;
}

static long number(struct test *t, const char *text)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    while (*end == ' ')
        end++;
    if (end == text || *end || errno)
        fail(t, text, "not a number");
    return value;
}

static bool test_mode(const char *path, char op)
{
    struct stat info;

    if ((op == 'h' || op == 'L' ? lstat : stat)(path, &info))
        return false;
    switch (op) {
    case 'b':
        return S_ISBLK(info.st_mode);
    case 'c':
        return S_ISCHR(info.st_mode);
    case 'd':
        return S_ISDIR(info.st_mode);
    case 'f':
        return S_ISREG(info.st_mode);
    case 'g':
        return info.st_mode & S_ISGID;
    case 'u':
        return info.st_mode & S_ISUID;
    case 'h':
    case 'L':
        return S_ISLNK(info.st_mode);
    case 'p':
        return S_ISFIFO(info.st_mode);
    case 'S':
        return S_ISSOCK(info.st_mode);
    case 's':
        return info.st_size > 0;
    default: /* e */
        return true;
    }
}

static bool test_unary(struct test *t, char op, const char *arg)
{
    switch (op) {
    case 'n':
        return *arg;
    case 'z':
        return !*arg;
    case 'r':
        return !access(arg, R_OK);
    case 'w':
        return !access(arg, W_OK);
    case 'x':
        return !access(arg, X_OK);
    case 't':
        return isatty((int)number(t, arg));
    default:
        return test_mode(arg, op);
    }
}

/* -nt, -ot, -ef. A file that is not there is older than any. */
static bool test_files(char op, const char *left, const char *right)
{
    struct stat l, r;
    bool have_l = !stat(left, &l), have_r = !stat(right, &r);
    bool newer;

    if (op == 'e')
        return have_l && have_r && l.st_ino == r.st_ino && l.st_dev == r.st_dev;
    if (!have_l || !have_r)
        return op == 'n' ? have_l && !have_r : have_r && !have_l;
    if (op == 'o') {
        struct stat other = l;

        l = r;
        r = other;
    }
    newer = l.st_mtim.tv_sec > r.st_mtim.tv_sec ||
            (l.st_mtim.tv_sec == r.st_mtim.tv_sec && l.st_mtim.tv_nsec > r.st_mtim.tv_nsec);
    return newer;
}

static bool test_numbers(struct test *t, const char *op, const char *left, const char *right)
{
    long l = number(t, left), r = number(t, right);

    if (t->failed)
        return false;
    switch (op[1] << 8 | op[2]) {
    case 'e' << 8 | 'q':
        return l == r;
    case 'n' << 8 | 'e':
        return l != r;
    case 'g' << 8 | 't':
        return l > r;
    case 'g' << 8 | 'e':
        return l >= r;
    case 'l' << 8 | 't':
        return l < r;
    default:
        return l <= r;
    }
}

static bool test_binary(struct test *t, const char *left, const char *op, const char *right)
{
    int order;

    if (op[0] == '-') {
        if (!strcmp(op, "-nt") || !strcmp(op, "-ot") || !strcmp(op, "-ef"))
            return test_files(op[1], left, right);
        return test_numbers(t, op, left, right);
    }
    order = strcmp(left, right);
    if (op[0] == '<')
        return order < 0;
    if (op[0] == '>')
        return order > 0;
    return (order == 0) == (op[0] == '=');
}

/* ------------------------------------------------------------ long expressions */

static bool parse_or(struct test *t);

static const char *peek(const struct test *t, int ahead)
{
    return t->at + ahead < t->count ? t->args[t->at + ahead] : NULL;
}

static bool accept(struct test *t, const char *word)
{
    if (!peek(t, 0) || strcmp(peek(t, 0), word))
        return false;
    t->at++;
    return true;
}

static bool parse_primary(struct test *t)
{
    const char *first = peek(t, 0);
    bool result;

    if (!first)
        return fail(t, t->args[t->count - 1], "an argument is missing after it");
    if (peek(t, 1) && peek(t, 2) && is_binary(peek(t, 1))) {
        t->at += 3;
        return test_binary(t, first, t->args[t->at - 2], t->args[t->at - 1]);
    }
    if (accept(t, "(")) {
        result = parse_or(t);
        if (!t->failed && !accept(t, ")"))
            return fail(t, "(", "nothing closes it");
        return result;
    }
    if (is_unary(first) && peek(t, 1)) {
        t->at += 2;
        return test_unary(t, first[1], t->args[t->at - 1]);
    }
    t->at++;
    return *first;
}

static bool parse_not(struct test *t)
{
    bool negate = false;

    while (peek(t, 1) && accept(t, "!"))
        negate = !negate;
    return parse_primary(t) != negate;
}

static bool parse_and(struct test *t)
{
    bool result = parse_not(t);

    while (!t->failed && accept(t, "-a"))
        result = parse_not(t) && result;
    return result;
}

static bool parse_or(struct test *t)
{
    bool result;

    if (t->depth >= TEST_DEPTH)
        return fail(t, "(", "nested too deeply");
    t->depth++;
    result = parse_and(t);
    while (!t->failed && accept(t, "-o"))
        result = parse_and(t) || result;
    t->depth--;
    return result;
}

static bool parse_whole(struct test *t)
{
    bool result = parse_or(t);

    if (!t->failed && t->at < t->count)
        return fail(t, t->args[t->at], "unexpected");
    return result;
}

/* The meaning by number of arguments. */
static bool evaluate(struct test *t, int count)
{
    char **a = t->args + t->at;

    if (count == 0)
        return false;
    if (count == 1)
        return *a[0];
    if (count == 3 && is_binary(a[1]))
        return test_binary(t, a[0], a[1], a[2]);
    if (count <= 4 && !strcmp(a[0], "!")) {
        t->at++;
        return !evaluate(t, count - 1);
    }
    if (count == 2) {
        if (!is_unary(a[0]))
            return fail(t, a[0], "unknown condition");
        return test_unary(t, a[0][1], a[1]);
    }
    return parse_whole(t);
}

int builtin_test(int argc, char **argv)
{
    struct test t = {.args = argv + 1, .count = argc - 1};
    bool result;

    if (!strcmp(argv[0], "[")) {
        if (argc < 2 || strcmp(argv[argc - 1], "]")) {
            shell_error("[: missing `]'");
            return 2;
        }
        t.count--;
    }
    result = evaluate(&t, t.count);
    return t.failed ? 2 : !result;
}
