/* Looking for a pattern. See less.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/bin/less/less.h"

#define PATTERN_MAX 256

/* A line as regexec takes it: ended by NUL, none inside. NULL: memory is out. */
static const char *as_string(const char *line, size_t length)
{
    static char *copy;
    static size_t room;

    if (room < length + 1) {
        char *bigger = realloc(copy, 2 * length + 256);

        if (!bigger)
            return NULL;
        copy = bigger;
        room = 2 * length + 256;
    }
    for (size_t i = 0; i < length; i++)
        copy[i] = line[i] ? line[i] : ' ';
    copy[length] = '\0';
    return copy;
}

bool find_in(struct view *view, const char *line, size_t length, size_t from, size_t *start,
             size_t *end)
{
    regmatch_t match;
    const char *text;

    if (!view->searching || from > length)
        return false;
    text = as_string(line + from, length - from);
    if (!text || regexec(&view->pattern, text, 1, &match, from ? REG_NOTBOL : 0) ||
        match.rm_eo == match.rm_so)
        return false;
    *start = from + (size_t)match.rm_so;
    *end = from + (size_t)match.rm_eo;
    return true;
}

static bool matches(struct view *view, size_t n)
{
    size_t length;
    const char *line = text_line(&view->text, n, &length), *text = as_string(line, length);

    return text && !regexec(&view->pattern, text, 0, NULL, 0);
}

/* The next line that matches, after the top or before it. */
static void look(struct view *view, bool backward)
{
    size_t line = view->top.line;

    if (backward) {
        while (line-- > 0) {
            if (matches(view, line)) {
                view_go(view, line);
                return;
            }
        }
    } else {
        while (text_has_line(&view->text, ++line)) {
            if (matches(view, line)) {
                view_go(view, line);
                return;
            }
        }
    }
    strcpy(view->message, "pattern not found");
}

void find_again(struct view *view, bool other)
{
    if (view->searching)
        look(view, view->backward != other);
    else
        strcpy(view->message, "no pattern yet: type / and one");
}

/* Small letters alone find capitals too. */
static bool set_pattern(struct view *view, const char *pattern)
{
    int flags = REG_EXTENDED | REG_ICASE, error;
    char words[100];

    for (const char *p = pattern; *p; p++)
        if (isupper((unsigned char)*p))
            flags &= ~REG_ICASE;
    if (view->searching)
        regfree(&view->pattern);
    error = regcomp(&view->pattern, pattern, flags);
    view->searching = !error;
    if (error) {
        regerror(error, &view->pattern, words, sizeof(words));
        snprintf(view->message, sizeof(view->message), "%.40s: %s", pattern, words);
    }
    return !error;
}

void find_ask(struct view *view, bool backward)
{
    char pattern[PATTERN_MAX];
    int length = screen_ask(view->screen, backward ? "?" : "/", pattern, sizeof(pattern));
    struct place top = view->top;

    if (length < 0)
        return;
    view->backward = backward;
    if (!length) {
        find_again(view, false);
        return;
    }
    if (!set_pattern(view, pattern))
        return;
    /* What is in the first line counts, if that is where one starts. */
    if (!backward && !top.line && !top.row && text_has_line(&view->text, 0) && matches(view, 0))
        return;
    look(view, backward);
}
