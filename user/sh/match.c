/*
 * Matching of one string with one pattern. No recursion and no exponential
 * case: of all the *s seen only the last can need another try.
 */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "user/sh/glob.h"

static bool in_class(const char *name, size_t length, int c)
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
        if (strlen(classes[i].name) == length && !memcmp(classes[i].name, name, length))
            return classes[i].test(c) != 0;
    }
    return false;
}

/* One character of a bracket expression, unquoted; *p moves past it. */
static unsigned char bracket_char(const char **p)
{
    if (**p == '\\' && (*p)[1])
        (*p)++;
    return (unsigned char)*(*p)++;
}

/* *p is after a `[`. If a `]` ends the expression, *p is moved past it and
 * *matched tells whether c is in it; else false, and the `[` is plain. */
static bool match_bracket(const char **p, unsigned char c, bool *matched)
{
    const char *s = *p;
    bool negated = *s == '!' || *s == '^';
    bool found = false;

    s += negated;
    for (bool first = true; first || *s != ']'; first = false) {
        unsigned char low, high;
        const char *end;

        if (!*s)
            return false;
        if (s[0] == '[' && s[1] == ':' && (end = strstr(s + 2, ":]"))) {
            found = found || in_class(s + 2, (size_t)(end - s - 2), c);
            s = end + 2;
            continue;
        }
        low = high = bracket_char(&s);
        if (s[0] == '-' && s[1] && s[1] != ']') {
            s++;
            high = bracket_char(&s);
        }
        found = found || (low <= c && c <= high);
    }
    *p = s + 1;
    *matched = found != negated;
    return true;
}

/* Match one character of text with the pattern's next element, not a *. */
static bool match_one(const char **pattern, unsigned char c)
{
    const char *p = *pattern + 1;
    bool matched;

    switch (**pattern) {
    case '?':
        matched = true;
        break;
    case '[':
        if (!match_bracket(&p, c, &matched))
            matched = c == '[';
        break;
    case '\\':
        matched = (unsigned char)(*p ? *p++ : '\\') == c;
        break;
    default:
        matched = (unsigned char)**pattern == c;
    }
    *pattern = p;
    return matched;
}

bool match(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;

    while (*text) {
        const char *p = pattern;

        if (*p == '*') {
            star = ++pattern;
            retry = text;
        } else if (*p && match_one(&p, (unsigned char)*text)) {
            pattern = p;
            text++;
        } else if (star) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}
