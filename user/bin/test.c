/*
 * test EXPRESSION, or [ EXPRESSION ]: true (0), false (1) or nonsense (2).
 *
 * Up to four arguments are read as POSIX says, by their number, so that an
 * operand may look like an operator. More are parsed with -o lowest, then -a,
 * then !.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRUE_STATUS, FALSE_STATUS, ERROR_STATUS };

static char **arg; /* what comes next */
static int left;   /* how many there are */

static void die(const char *what, const char *text) __attribute__((noreturn));
static void die(const char *what, const char *text)
{
    fprintf(stderr, "test: %s%s%s\n", text ? text : "", text ? ": " : "", what);
    exit(ERROR_STATUS);
}

static const char *next(void)
{
    if (left == 0)
        die("argument expected", 0);
    left--;
    return *arg++;
}

static int next_is(const char *text)
{
    return left > 0 && strcmp(arg[0], text) == 0;
}

static long number(const char *text)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    end += strspn(end, " \t");
    if (end == text || *end || errno)
        die("not a number", text);
    return n;
}

static int is_unary(const char *op)
{
    return op[0] == '-' && op[1] && !op[2] && strchr("bcdefghLknprsStuwxz", op[1]);
}

static int unary(char op, const char *operand)
{
    struct stat st;

    switch (op) {
    case 'n':
        return operand[0] != '\0';
    case 'z':
        return operand[0] == '\0';
    case 't':
        return isatty((int)number(operand));
    case 'r':
        return access(operand, R_OK) == 0;
    case 'w':
        return access(operand, W_OK) == 0;
    case 'x':
        return access(operand, X_OK) == 0;
    case 'h':
    case 'L':
        return lstat(operand, &st) == 0 && S_ISLNK(st.st_mode);
    }
    if (stat(operand, &st) < 0)
        return 0;
    switch (op) {
    case 'b':
        return S_ISBLK(st.st_mode);
    case 'c':
        return S_ISCHR(st.st_mode);
    case 'd':
        return S_ISDIR(st.st_mode);
    case 'f':
        return S_ISREG(st.st_mode);
    case 'p':
        return S_ISFIFO(st.st_mode);
    case 'S':
        return S_ISSOCK(st.st_mode);
    case 's':
        return st.st_size > 0;
    case 'u':
        return (st.st_mode & S_ISUID) != 0;
    case 'g':
        return (st.st_mode & S_ISGID) != 0;
    case 'k':
        return (st.st_mode & S_ISVTX) != 0;
    default: /* 'e' */
        return 1;
    }
}

/* -nt and -ot: a file that is not there is older than any. */
static int newer(const char *a, const char *b)
{
    struct stat sa, sb;

    if (stat(a, &sa) < 0)
        return 0;
    if (stat(b, &sb) < 0)
        return 1;
    if (sa.st_mtim.tv_sec != sb.st_mtim.tv_sec)
        return sa.st_mtim.tv_sec > sb.st_mtim.tv_sec;
    return sa.st_mtim.tv_nsec > sb.st_mtim.tv_nsec;
}

static int same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

static const char *const binary_names[] = {"=",   "==",  "!=",  "<",   ">",   "-eq", "-ne",
                                           "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"};

enum { EQ, EQ2, NE, LT, GT, NUM_EQ, NUM_NE, NUM_LT, NUM_LE, NUM_GT, NUM_GE, NT, OT, EF, BINARIES };

/* The index of a binary operator, or -1. */
static int binary_index(const char *op)
{
    for (int i = 0; i < BINARIES; i++) {
        if (strcmp(op, binary_names[i]) == 0)
            return i;
    }
    return -1;
}

static int binary(const char *a, int op, const char *b)
{
    switch (op) {
    case EQ:
    case EQ2:
        return strcmp(a, b) == 0;
    case NE:
        return strcmp(a, b) != 0;
    case LT:
        return strcmp(a, b) < 0;
    case GT:
        return strcmp(a, b) > 0;
    case NUM_EQ:
        return number(a) == number(b);
    case NUM_NE:
        return number(a) != number(b);
    case NUM_LT:
        return number(a) < number(b);
    case NUM_LE:
        return number(a) <= number(b);
    case NUM_GT:
        return number(a) > number(b);
    case NUM_GE:
        return number(a) >= number(b);
    case NT:
        return newer(a, b);
    case OT:
        return newer(b, a);
    default:
        return same_file(a, b);
    }
}

/* ------------------------------------------------------- long expressions */

static int parse_or(void);

static int parse_primary(void)
{
    const char *first = next();
    int op, result;

    if (left > 0 && (op = binary_index(arg[0])) >= 0 && left > 1) {
        next();
        return binary(first, op, next());
    }
    if (strcmp(first, "!") == 0)
        return !parse_primary();
    if (strcmp(first, "(") == 0) {
        result = parse_or();
        if (!next_is(")"))
            die("missing )", 0);
        next();
        return result;
    }
    if (is_unary(first) && left > 0)
        return unary(first[1], next());
    return first[0] != '\0';
}

/* Both sides are parsed whatever the first says: nonsense is nonsense. */
static int parse_and(void)
{
    int result = parse_primary();

    while (next_is("-a")) {
        next();
        result &= parse_primary();
    }
    return result;
}

static int parse_or(void)
{
    int result = parse_and();

    while (next_is("-o")) {
        next();
        result |= parse_and();
    }
    return result;
}

/* ------------------------------------------------------ by number, as POSIX */

static int evaluate(int n, char **v)
{
    if (n == 0)
        return 0;
    if (n == 1)
        return v[0][0] != '\0';
    if (n == 2 && strcmp(v[0], "!") == 0)
        return v[1][0] == '\0';
    if (n == 2 && is_unary(v[0]))
        return unary(v[0][1], v[1]);
    if (n == 3 && binary_index(v[1]) >= 0)
        return binary(v[0], binary_index(v[1]), v[2]);
    if (n == 3 && strcmp(v[1], "-a") == 0)
        return v[0][0] != '\0' && v[2][0] != '\0';
    if (n == 3 && strcmp(v[1], "-o") == 0)
        return v[0][0] != '\0' || v[2][0] != '\0';
    if ((n == 3 || n == 4) && strcmp(v[0], "!") == 0)
        return !evaluate(n - 1, v + 1);
    if ((n == 3 || n == 4) && strcmp(v[0], "(") == 0 && strcmp(v[n - 1], ")") == 0)
        return evaluate(n - 2, v + 1);
    arg = v;
    left = n;
    n = parse_or();
    if (left > 0)
        die("unexpected argument", arg[0]);
    return n;
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : 0;
    const char *name = argc > 0 ? (slash ? slash + 1 : argv[0]) : "test";

    if (argc > 0) {
        argc--;
        argv++;
    }
    if (strcmp(name, "[") == 0) {
        if (argc == 0 || strcmp(argv[argc - 1], "]") != 0)
            die("missing ]", 0);
        argc--;
    }
    return evaluate(argc, argv) ? TRUE_STATUS : FALSE_STATUS;
}
