/* Lines typed after `:`. See vi.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/bin/vi/vi.h"

#define GROUPS 10 /* \0 to \9 */

struct range {
    size_t first, last; /* lines, from 0 */
    bool given;
};

/* ---------------------------------------------------------------------- ranges */

/* A number, . or $, and +N or -N behind it. False: there is none. */
static bool read_address(char **at, long *line)
{
    char *p = *at;

    if (isdigit((unsigned char)*p))
        *line = strtol(p, &p, 10) - 1;
    else if (*p == '.' || *p == '$')
        *line = *p++ == '.' ? (long)vi.cursor.line : (long)vi.buffer.count - 1;
    else if (*p == '+' || *p == '-')
        *line = (long)vi.cursor.line;
    else
        return false;
    while (*p == '+' || *p == '-') {
        long sign = *p++ == '+' ? 1 : -1;

        *line += sign * (isdigit((unsigned char)*p) ? strtol(p, &p, 10) : 1);
    }
    *at = p;
    return true;
}

/* False after a message. */
static bool read_range(char **at, struct range *range)
{
    long first = (long)vi.cursor.line, last;

    range->given = true;
    if (**at == '%') {
        ++*at;
        *range = (struct range){0, vi.buffer.count - 1, true};
        return true;
    }
    if (!read_address(at, &first))
        range->given = false;
    last = first;
    if (**at == ',') {
        ++*at;
        range->given = true;
        if (!read_address(at, &last))
            last = (long)vi.cursor.line;
    }
    if (first == -1)
        first = 0; /* line 0 is before the first */
    if (last < first || first < 0 || (size_t)last >= vi.buffer.count) {
        vi_say("no such lines: the text has %zu", vi.buffer.count);
        return false;
    }
    range->first = (size_t)first;
    range->last = (size_t)last;
    return true;
}

/* ---------------------------------------------------------------- substitution */

struct substitution {
    char *with;
    bool all; /* in a line, not the first alone */
    size_t done;
};

/* Insert what replaces a match: & and \0 to \9 are parts of it. */
static struct place insert_with(const struct substitution *s, struct place at, const char *line,
                                const regmatch_t *matches)
{
    for (const char *p = s->with; *p; p++) {
        int group = *p == '&' ? 0 : -1;

        if (*p == '\\' && p[1]) {
            p++;
            group = isdigit((unsigned char)*p) ? *p - '0' : -1;
        }
        if (group < 0)
            at = change_insert(&vi.history, at, p, 1);
        else if (matches[group].rm_so >= 0)
            at = change_insert(&vi.history, at, line + matches[group].rm_so,
                               (size_t)(matches[group].rm_eo - matches[group].rm_so));
    }
    return at;
}

static void substitute_in(struct substitution *s, size_t number)
{
    regmatch_t matches[GROUPS];
    size_t from = 0;

    while (search_line(&vi.buffer.lines[number], from, matches, GROUPS)) {
        size_t length, start = (size_t)matches[0].rm_so, end = (size_t)matches[0].rm_eo;
        struct place at = {number, start}, tail = {number, vi.buffer.lines[number].length};
        char *line = buffer_copy(&vi.buffer, (struct place){number, 0}, tail, &length);

        change_remove(&vi.history, at, (struct place){number, end});
        at = insert_with(s, at, line, matches);
        free(line);
        s->done++;
        vi.cursor = (struct place){number, 0};
        from = at.at + (end == start); /* an empty match must not come again */
        if (!s->all || from > vi.buffer.lines[number].length)
            break;
    }
}

/* The text up to the delimiter, which is cut off; \delimiter is one. */
static char *cut_part(char **at, char delimiter)
{
    char *start = *at, *to = start, *p = start;

    for (; *p && *p != delimiter; p++) {
        if (*p == '\\' && p[1] == delimiter)
            p++;
        else if (*p == '\\' && p[1])
            *to++ = *p++;
        *to++ = *p;
    }
    *at = p + (*p != '\0');
    *to = '\0';
    return start;
}

static void substitute(const struct range *range, char *p)
{
    char delimiter = *p++;
    struct substitution s = {.with = NULL};
    char *pattern;

    if (!ispunct((unsigned char)delimiter) || delimiter == '\\') {
        vi_say("how it is used: s/PATTERN/TEXT/ or s/PATTERN/TEXT/g");
        return;
    }
    pattern = cut_part(&p, delimiter);
    s.with = cut_part(&p, delimiter);
    s.all = *p == 'g';
    if (*pattern ? !search_compile(pattern) : !vi.searching)
        return;
    for (size_t i = range->first; i <= range->last; i++)
        substitute_in(&s, i);
    if (s.done)
        vi_say("%zu replaced", s.done);
    else
        vi_say("pattern not found");
}

/* -------------------------------------------------------------------- commands */

/* Write, to the file's own name or another. False after a message. */
static bool write_command(const struct range *range, const char *path, bool force)
{
    bool own = !*path || (vi.path && !strcmp(path, vi.path));
    size_t first = range->given ? range->first : 0;
    size_t last = range->given ? range->last : vi.buffer.count - 1;
    struct stat info;

    if (!*path && !vi.path) {
        vi_say("the text has no name yet: use :w NAME");
        return false;
    }
    if (!force && ((own && range->given) || (!own && !stat(path, &info)))) {
        vi_say("%.100s is there already: :w! overwrites it", own ? vi.path : path);
        return false;
    }
    if (!file_write(own ? vi.path : path, first, last))
        return false;
    if (!vi.path && !(vi.path = strdup(path)))
        buffer_no_memory();
    if (vi.path && (own || !strcmp(vi.path, path)) && !range->given)
        vi.saved = history_state(&vi.history);
    return true;
}

static void quit(bool force)
{
    if (!force && vi_modified())
        vi_say("the text was changed: :w writes it, :q! leaves all the same");
    else
        vi.done = true;
}

static void edit(const char *path, bool force)
{
    if (!*path && !vi.path)
        vi_say("which file? use :e NAME");
    else if (!force && vi_modified())
        vi_say("the text was changed: :w writes it, :e! drops the changes");
    else
        file_edit(*path ? path : vi.path);
}

static void set(const char *what)
{
    if (!strcmp(what, "number") || !strcmp(what, "nu"))
        vi.numbers = true;
    else if (!strcmp(what, "nonumber") || !strcmp(what, "nonu"))
        vi.numbers = false;
    else
        vi_say("set: number and nonumber are all there is");
}

static void run(const char *command)
{
    struct keyboard keyboard;

    screen_close(&vi.screen);
    if (system(command) < 0)
        perror("vi");
    dprintf(STDOUT_FILENO, "[any key goes back to the text]");
    if (!keyboard_open(&keyboard, STDIN_FILENO, false)) {
        keyboard_read(&keyboard, 0);
        keyboard_close(&keyboard);
    }
    if (screen_open(&vi.screen, STDIN_FILENO))
        vi_give_up("the terminal is gone");
}

static bool is(const char *name, const char *given)
{
    return !strcmp(name, given);
}

/* name and its argument; force: ! behind the name. */
static void do_command(const char *name, const struct range *range, char *argument, bool force)
{
    if (is(name, "w")) {
        write_command(range, argument, force);
    } else if (is(name, "wq") || is(name, "x")) {
        if ((is(name, "x") && !vi_modified()) || write_command(range, argument, force))
            vi.done = true;
    } else if (is(name, "q")) {
        quit(force);
    } else if (is(name, "e")) {
        edit(argument, force);
    } else if (is(name, "r") && *argument) {
        file_read(argument, (struct place){range->last, 0});
    } else if (is(name, "d")) {
        change_lines(range->first, range->last, true);
    } else if (is(name, "set") || is(name, "se")) {
        set(argument);
    } else if (is(name, "") && range->given) {
        vi.cursor = (struct place){range->last, 0};
    } else if (!is(name, "")) {
        vi_say("%.40s: no such command; there are w q wq x e r d s set !COMMAND and NUMBER", name);
    }
}

void ex_command(char *line)
{
    struct range range;
    char name[16], *p = line;
    size_t length = 0;
    bool force;

    while (strchr(" \t:", *p) && *p)
        p++;
    if (!read_range(&p, &range))
        return;
    if (*p == '!') {
        run(p + 1);
        return;
    }
    if (*p == 's' && p[1] && !isalnum((unsigned char)p[1]) && !isspace((unsigned char)p[1])) {
        substitute(&range, p + 1);
        return;
    }
    for (; isalpha((unsigned char)*p) && length + 1 < sizeof(name); p++)
        name[length++] = *p;
    name[length] = '\0';
    force = *p == '!';
    p += force;
    while (*p == ' ' || *p == '\t')
        p++;
    do_command(name, &range, p, force);
}
