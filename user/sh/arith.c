/*
 * Arithmetic expansion: C's integer expressions on long, by precedence
 * climbing. Overflow wraps around. Declared in expand.h.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/sh/expand.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

#define ARITH_DEPTH 100

struct arith {
    const char *p; /* what is left to read */
    const char *text;
    unsigned depth;
    bool skip; /* not taken by && || ?: : evaluate without effect or error */
    bool failed;
};

/* Binary operators. Precedence 1 binds loosest; longer texts stand first. */
static const struct {
    const char *text;
    int precedence;
    int id;
} operators[] = {
    {"||", 1, 'o'}, {"&&", 2, 'a'}, {"==", 6, 'e'}, {"!=", 6, 'n'}, {"<=", 7, 'l'}, {">=", 7, 'g'},
    {"<<", 8, 'L'}, {">>", 8, 'R'}, {"|", 3, '|'},  {"^", 4, '^'},  {"&", 5, '&'},  {"<", 7, '<'},
    {">", 7, '>'},  {"+", 9, '+'},  {"-", 9, '-'},  {"*", 10, '*'}, {"/", 10, '/'}, {"%", 10, '%'},
};

static long parse_assignment(struct arith *a);
static long parse_unary(struct arith *a);

static long fail(struct arith *a, const char *reason)
{
    if (!a->failed)
        shell_abort("%s: %s", a->text, reason);
    a->failed = true;
    return 0;
}

static void skip_spaces(struct arith *a)
{
    while (isspace((unsigned char)*a->p))
        a->p++;
}

static bool accept(struct arith *a, char c)
{
    skip_spaces(a);
    if (*a->p != c)
        return false;
    a->p++;
    return true;
}

static long divide(struct arith *a, long left, long right, bool remainder)
{
    if (a->skip)
        return 0;
    if (right == 0)
        return fail(a, "division by zero");
    if (right == -1)
        return remainder ? 0 : (long)(0 - (unsigned long)left);
    return remainder ? left % right : left / right;
}

static long apply(struct arith *a, int id, long left, long right)
{
    unsigned long l = (unsigned long)left, r = (unsigned long)right;

    switch (id) {
    case 'e':
        return left == right;
    case 'n':
        return left != right;
    case 'l':
        return left <= right;
    case 'g':
        return left >= right;
    case '<':
        return left < right;
    case '>':
        return left > right;
    case 'L':
        return (long)(l << (r & 63));
    case 'R':
        return left >> (r & 63);
    case '|':
        return left | right;
    case '^':
        return left ^ right;
    case '&':
        return left & right;
    case '+':
        return (long)(l + r);
    case '-':
        return (long)(l - r);
    case '*':
        return (long)(l * r);
    default:
        return divide(a, left, right, id == '%');
    }
}

/* Index of the binary operator that is next, or -1. `+=` and its like are
 * assignments and have been seen by parse_assignment(). */
static int next_operator(struct arith *a)
{
    skip_spaces(a);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (!strncmp(a->p, operators[i].text, strlen(operators[i].text)))
            return (int)i;
    }
    return -1;
}

static long parse_binary(struct arith *a, int lowest)
{
    long left = parse_unary(a);

    while (!a->failed) {
        int i = next_operator(a);
        bool skip = a->skip;
        long right;

        if (i < 0 || operators[i].precedence < lowest)
            break;
        a->p += strlen(operators[i].text);
        if ((operators[i].id == 'a' && !left) || (operators[i].id == 'o' && left))
            a->skip = true;
        right = parse_binary(a, operators[i].precedence + 1);
        a->skip = skip;
        if (operators[i].id == 'a')
            left = left && right;
        else if (operators[i].id == 'o')
            left = left || right;
        else
            left = apply(a, operators[i].id, left, right);
    }
    return left;
}

static long parse_condition(struct arith *a)
{
    long condition = parse_binary(a, 1);
    bool skip = a->skip;
    long yes, no;

    if (a->failed || !accept(a, '?'))
        return condition;
    a->skip = skip || !condition;
    yes = parse_assignment(a);
    if (!a->failed && !accept(a, ':'))
        return fail(a, "missing `:'");
    a->skip = skip || condition;
    no = parse_assignment(a);
    a->skip = skip;
    return condition ? yes : no;
}

static long parse_number(struct arith *a)
{
    unsigned long value;
    char *end;

    errno = 0;
    value = strtoul(a->p, &end, 0);
    if (errno || isalnum((unsigned char)*end) || *end == '_')
        return fail(a, "bad number");
    a->p = end;
    return (long)value;
}

/* A variable holds a number; one that is unset or empty counts as 0. */
static long variable_value(struct arith *a, const char *name)
{
    const char *text = param_value(shell.stack, name);
    char *end;
    long value;

    if (a->skip)
        return 0;
    if (!text && shell.opt_nounset)
        return fail(a, "parameter not set");
    if (!text || !*text)
        return 0;
    errno = 0;
    value = strtol(text, &end, 0);
    while (isspace((unsigned char)*end))
        end++;
    return *end || errno ? fail(a, "the variable's value is not a number") : value;
}

static size_t name_length(const char *p)
{
    size_t length = 0;

    if (isdigit((unsigned char)*p))
        return 0;
    while (isalnum((unsigned char)p[length]) || p[length] == '_')
        length++;
    return length;
}

static long parse_primary(struct arith *a)
{
    size_t length;

    if (accept(a, '(')) {
        long value = parse_assignment(a);

        if (!a->failed && !accept(a, ')'))
            return fail(a, "missing `)'");
        return value;
    }
    if (isdigit((unsigned char)*a->p))
        return parse_number(a);
    length = name_length(a->p);
    if (!length)
        return fail(a, *a->p ? "syntax error" : "an operand is missing");
    a->p += length;
    return variable_value(a, arena_copy(shell.stack, a->p - length, length));
}

static long parse_unary(struct arith *a)
{
    long value;

    if (a->failed || a->depth >= ARITH_DEPTH)
        return fail(a, "nested too deeply");
    a->depth++;
    skip_spaces(a);
    if (accept(a, '-'))
        value = (long)(0 - (unsigned long)parse_unary(a));
    else if (accept(a, '+'))
        value = parse_unary(a);
    else if (accept(a, '~'))
        value = ~parse_unary(a);
    else if (accept(a, '!'))
        value = !parse_unary(a);
    else
        value = parse_primary(a);
    a->depth--;
    return value;
}

/* The assignment operator at p: its length, and in *id what it applies. */
static size_t assignment_operator(const char *p, int *id)
{
    static const char simple[] = "*/%+-&^|";

    *id = 0;
    if (p[0] == '=' && p[1] != '=')
        return 1;
    if (p[0] && strchr(simple, p[0]) && p[1] == '=') {
        *id = p[0];
        return 2;
    }
    if ((!strncmp(p, "<<", 2) || !strncmp(p, ">>", 2)) && p[2] == '=') {
        *id = p[0] == '<' ? 'L' : 'R';
        return 3;
    }
    return 0;
}

static void assign(struct arith *a, const char *name, long value)
{
    char text[24];

    snprintf(text, sizeof(text), "%ld", value);
    if (!a->skip && !a->failed && !var_set(name, text, 0)) {
        shell.unwind = UNWIND_ABORT;
        shell.status = 2;
        a->failed = true;
    }
}

static long parse_assignment(struct arith *a)
{
    const char *start, *name;
    size_t length, operator_length;
    long value;
    int id;

    skip_spaces(a);
    start = a->p;
    length = name_length(a->p);
    a->p += length;
    skip_spaces(a);
    operator_length = length ? assignment_operator(a->p, &id) : 0;
    if (!operator_length) {
        a->p = start;
        return parse_condition(a);
    }
    if (a->depth >= ARITH_DEPTH)
        return fail(a, "nested too deeply");
    name = arena_copy(shell.stack, start, length);
    a->p += operator_length;
    a->depth++;
    value = parse_assignment(a);
    a->depth--;
    if (id && !a->failed)
        value = apply(a, id, variable_value(a, name), value);
    assign(a, name, value);
    return value;
}

bool arith_evaluate(const char *text, long *value)
{
    struct arith a = {.p = text, .text = text};

    skip_spaces(&a);
    if (!*a.p) {
        *value = 0;
        return true;
    }
    *value = parse_assignment(&a);
    skip_spaces(&a);
    if (!a.failed && *a.p)
        fail(&a, "syntax error");
    return !a.failed;
}
