/*
 * A script as an array of commands. Blocks and labels are turned into the
 * numbers of commands, so that running it is one loop.
 */
#include <string.h>

#include "user/bin/sed/sed.h"

#define DEPTH 100 /* blocks within blocks */

int reader_peek(const struct reader *reader)
{
    return reader->at < reader->length ? (unsigned char)reader->source[reader->at] : -1;
}

int reader_next(struct reader *reader)
{
    int c = reader_peek(reader);

    if (c >= 0)
        reader->at++;
    return c;
}

void reader_skip_blanks(struct reader *reader)
{
    while (reader_peek(reader) == ' ' || reader_peek(reader) == '\t')
        reader->at++;
}

void reader_fail(const struct reader *reader, const char *what)
{
    size_t line = 1, end = reader->at;

    /* What was found wrong only at the end of its line is of that line. */
    if (end && reader->source[end - 1] == '\n')
        end--;
    for (size_t i = 0; i < end; i++)
        line += reader->source[i] == '\n';
    sed_fail("script, line %zu: %s", line, what);
}

unsigned long reader_number(struct reader *reader)
{
    unsigned long number = 0;

    while (reader_peek(reader) >= '0' && reader_peek(reader) <= '9') {
        if (number > 1000000000000UL)
            reader_fail(reader, "a number is too large");
        number = number * 10 + (unsigned long)(reader_next(reader) - '0');
    }
    return number;
}

static bool at_digit(const struct reader *reader)
{
    return reader_peek(reader) >= '0' && reader_peek(reader) <= '9';
}

/* An address, if there is one. is_end: after the comma, where +N counts on. */
static struct address read_address(struct reader *reader, bool is_end)
{
    struct address address = {ADDRESS_NONE, 0, 0, NULL};
    int c = reader_peek(reader);

    if (at_digit(reader)) {
        address.kind = ADDRESS_LINE;
        address.line = reader_number(reader);
        if (!is_end && reader_peek(reader) == '~') {
            reader_next(reader);
            address.kind = ADDRESS_STEP;
            address.step = reader_number(reader);
        }
    } else if (c == '$') {
        reader_next(reader);
        address.kind = ADDRESS_LAST;
    } else if (c == '/' || c == '\\') {
        reader_next(reader);
        if (c == '\\')
            c = reader_next(reader);
        if (c < 0 || c == '\n' || c == '\\')
            reader_fail(reader, "a regular expression needs a delimiter");
        address.kind = ADDRESS_REGEX;
        address.regex = words_regex(reader, c, true);
    } else if (c == '+' && is_end) {
        reader_next(reader);
        if (!at_digit(reader))
            reader_fail(reader, "a number of lines must follow `+'");
        address.kind = ADDRESS_STEP;
        address.line = reader_number(reader);
    }
    return address;
}

static void read_addresses(struct reader *reader, struct command *command)
{
    command->from = read_address(reader, false);
    reader_skip_blanks(reader);
    if (command->from.kind != ADDRESS_NONE && reader_peek(reader) == ',') {
        reader_next(reader);
        reader_skip_blanks(reader);
        command->to = read_address(reader, true);
        if (command->to.kind == ADDRESS_NONE)
            reader_fail(reader, "an address must follow `,'");
        reader_skip_blanks(reader);
    }
    /* 0 is before the first line: only there can a range begin that ends in line 1. */
    if (command->from.kind == ADDRESS_LINE && !command->from.line) {
        if (command->to.kind != ADDRESS_REGEX)
            reader_fail(reader, "line 0 can only be the beginning of 0,/regex/");
        command->inside = command->begun = true;
    }
    while (reader_peek(reader) == '!') {
        command->negated = true;
        reader_next(reader);
        reader_skip_blanks(reader);
    }
}

static void read_label(struct reader *reader, struct text *label)
{
    int c;

    text_clear(label);
    reader_skip_blanks(reader);
    while ((c = reader_peek(reader)) >= 0 && c != '\n' && c != ';' && c != '}' && c != ' ')
        text_add_char(label, (char)reader_next(reader));
}

/* Nothing more than blanks and a comment may come before the next command. */
static void read_end(struct reader *reader)
{
    int c;

    reader_skip_blanks(reader);
    c = reader_peek(reader);
    if (c == '\n' || c == ';')
        reader_next(reader);
    else if (c >= 0 && c != '}' && c != '#')
        reader_fail(reader, "there is something after the command that does not belong to it");
}

/* What follows the command's name. */
static void read_arguments(struct reader *reader, struct command *command)
{
    switch (command->name) {
    case 'a':
    case 'c':
    case 'i':
        words_text(reader, &command->text);
        return;
    case 'r':
        words_path(reader, &command->text);
        return;
    case 'w':
        words_path(reader, &command->text);
        command->out = output_open(command->text.bytes);
        return;
    case 's':
        words_substitution(reader, &command->s);
        break;
    case 'y':
        command->map = words_map(reader);
        break;
    case ':':
    case 'b':
    case 't':
    case 'T':
        read_label(reader, &command->text);
        if (command->name == ':' && !command->text.length)
            reader_fail(reader, "a label must follow `:'");
        if (command->name == ':' && command->from.kind != ADDRESS_NONE)
            reader_fail(reader, "`:' takes no address");
        break;
    case 'q':
    case 'Q':
    case 'l':
        command->number = command->name == 'l' ? 70 : 0;
        reader_skip_blanks(reader);
        if (at_digit(reader))
            command->number = reader_number(reader);
        if (command->name != 'l' && command->to.kind != ADDRESS_NONE)
            reader_fail(reader, "`q' takes one address only");
        break;
    case '{':
        return;
    default:
        if (!strchr("=dDgGhHnNpPx", command->name))
            reader_fail(reader, "an unknown command; sed(1) lists them");
    }
    read_end(reader);
}

/* Blank lines, empty commands and comments; "#n" at the very start means -n. */
static void skip_nothing(struct reader *reader)
{
    for (;;) {
        int c = reader_peek(reader);

        if (c == '#') {
            if (!reader->at && reader->length >= 2 && reader->source[1] == 'n' &&
                (reader->length == 2 || reader->source[2] == '\n'))
                reader->script->quiet = true;
            while ((c = reader_peek(reader)) >= 0 && c != '\n')
                reader->at++;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == ';') {
            reader->at++;
        } else {
            return;
        }
    }
}

static void resolve_labels(struct script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        struct command *from = &script->commands[i];
        size_t found = script->count;

        if (from->name != 'b' && from->name != 't' && from->name != 'T')
            continue;
        for (size_t j = 0; j < script->count && from->text.length; j++)
            if (script->commands[j].name == ':' &&
                !strcmp(script->commands[j].text.bytes, from->text.bytes))
                found = j;
        if (from->text.length && found == script->count)
            sed_fail("script: there is no label `%s'", from->text.bytes);
        from->target = found; /* no label: the end */
    }
}

void script_read(struct script *script, const char *source, size_t length)
{
    struct reader reader = {source, length, 0, script};
    size_t open[DEPTH], depth = 0;

    for (;;) {
        struct command *command;
        int c;

        skip_nothing(&reader);
        if (reader_peek(&reader) < 0)
            break;
        script->commands =
            sed_grow(script->commands, (script->count + 1) * sizeof(*script->commands));
        command = &script->commands[script->count];
        memset(command, 0, sizeof(*command));
        read_addresses(&reader, command);
        c = reader_next(&reader);
        if (c < 0 || c == '\n')
            reader_fail(&reader, "a command must follow the address");
        if (c == '}') {
            if (!depth)
                reader_fail(&reader, "`}' without `{'");
            if (command->from.kind != ADDRESS_NONE)
                reader_fail(&reader, "`}' takes no address");
            script->commands[open[--depth]].target = script->count;
            read_end(&reader);
            continue;
        }
        command->name = (char)c;
        if (c == '{') {
            if (depth == DEPTH)
                reader_fail(&reader, "blocks are nested too deeply");
            open[depth++] = script->count;
        }
        read_arguments(&reader, command);
        script->count++;
    }
    if (depth)
        reader_fail(&reader, "`{' without `}'");
    resolve_labels(script);
}
