/*
 * read: a line of standard input into variables. See builtin.h.
 */
#include <string.h>
#include <unistd.h>

#include "user/sh/builtin.h"
#include "user/sh/input.h"
#include "user/sh/shell.h"
#include "user/sh/terminal.h"
#include "user/sh/vars.h"

/* A line, with a parallel string: 'q' for bytes that a backslash kept from
 * being a separator. */
struct line {
    struct strbuf bytes, kinds;
};

static void put(struct line *line, char byte, char kind)
{
    strbuf_put(&line->bytes, byte);
    strbuf_put(&line->kinds, kind);
}

/* Returns 0, or 1 at the end of the input and 2 after an error. */
static int read_line(struct line *line, bool raw)
{
    bool escaped = false;

    for (;;) {
        char byte;
        int got = input_read_byte(STDIN_FILENO, &byte);

        if (got < 0)
            shell_error("read: %s", reason(-got));
        if (got <= 0)
            return got < 0 ? 2 : 1;
        if (!byte)
            continue;
        if (escaped) {
            if (byte != '\n')
                put(line, byte, 'q');
            escaped = false;
        } else if (byte == '\\' && !raw) {
            escaped = true;
        } else if (byte == '\n') {
            return 0;
        } else {
            put(line, byte, 'p');
        }
    }
}

static bool is_separator(const struct line *line, size_t i, const char *ifs)
{
    return line->kinds.data[i] == 'p' && strchr(ifs, line->bytes.data[i]);
}

static bool is_space(const struct line *line, size_t i, const char *ifs)
{
    return is_separator(line, i, ifs) && strchr(" \t\n", line->bytes.data[i]);
}

/* After a field: the white space around at most one other separator. */
static size_t skip_separators(const struct line *line, size_t i, const char *ifs)
{
    size_t length = line->bytes.length;

    while (i < length && is_space(line, i, ifs))
        i++;
    if (i < length && is_separator(line, i, ifs)) {
        i++;
        while (i < length && is_space(line, i, ifs))
            i++;
    }
    return i;
}

/* The last name gets the rest of the line; where that is one field, without
 * the separator that ends it. Returns the end. */
static size_t last_field_end(const struct line *line, size_t start, const char *ifs)
{
    size_t end = line->bytes.length, i = start;

    while (end > start && is_space(line, end - 1, ifs))
        end--;
    while (i < end && !is_separator(line, i, ifs))
        i++;
    if (i < end && skip_separators(line, i, ifs) >= end)
        return i;
    return end;
}

static bool assign_fields(const struct line *line, int count, char **names)
{
    const char *ifs = var_get("IFS") ? var_get("IFS") : " \t\n";
    size_t length = line->bytes.length, i = 0, end;

    ifs = arena_copy(shell.stack, ifs, strlen(ifs));
    while (i < length && is_space(line, i, ifs))
        i++;
    for (int n = 0; n < count; n++) {
        if (n + 1 == count) {
            end = last_field_end(line, i, ifs);
        } else {
            end = i;
            while (end < length && !is_separator(line, end, ifs))
                end++;
        }
        if (!var_set(names[n], arena_copy(shell.stack, line->bytes.data + i, end - i), 0))
            return false;
        i = skip_separators(line, end, ifs);
    }
    return true;
}

/* read [-r] [-p PROMPT] [NAME...] */
int builtin_read(int argc, char **argv)
{
    static char *default_names[] = {"REPLY"};
    bool raw = false;
    struct line line;
    int i = 1, status, count;

    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (!strcmp(argv[i], "-r")) {
            raw = true;
        } else if (!strcmp(argv[i], "-p") && i + 1 < argc) {
            i++;
            if (isatty(STDIN_FILENO))
                shell_write(STDERR_FILENO, argv[i], strlen(argv[i]));
        } else {
            shell_error("read: %s: unknown option", argv[i]);
            return 2;
        }
    }
    for (int n = i; n < argc; n++) {
        if (!shell_is_name(argv[n], strlen(argv[n]))) {
            shell_error("read: %s: not a name", argv[n]);
            return 2;
        }
    }
    strbuf_init(&line.bytes, shell.stack);
    strbuf_init(&line.kinds, shell.stack);
    status = read_line(&line, raw);
    if (status == 2)
        return 2;
    if (shell.job_control && terminal_interrupted()) {
        shell.unwind = UNWIND_ABORT;
        return 130;
    }
    strbuf_text(&line.bytes);
    strbuf_text(&line.kinds);
    count = i < argc ? argc - i : 1;
    return assign_fields(&line, count, i < argc ? argv + i : default_names) ? status : 1;
}
