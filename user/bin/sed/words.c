/*
 * What stands between the delimiters of a script: expressions, replacements,
 * the two strings of y, texts and file names.
 */
#include <stdlib.h>
#include <string.h>

#include "user/bin/sed/sed.h"

/* The character that a letter after a backslash stands for, or -1. */
static int escape(int letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'f':
        return '\f';
    case 'v':
        return '\v';
    case 'a':
        return '\a';
    default:
        return -1;
    }
}

/* Past the '[' of a bracket expression: its bytes as they are, "]" included. A
 * delimiter inside is an ordinary character, and so is a backslash, but for \n
 * and the like. */
static void copy_bracket(struct reader *reader, struct text *text)
{
    bool first = true;
    int c;

    text_add_char(text, '[');
    if (reader_peek(reader) == '^')
        text_add_char(text, (char)reader_next(reader));
    while ((c = reader_next(reader)) >= 0 && c != '\n') {
        int next = reader_peek(reader);

        if (c == '\\' && escape(next) >= 0) {
            text_add_char(text, (char)escape(reader_next(reader)));
        } else if (c == '[' && (next == ':' || next == '.' || next == '=')) {
            int before = 0; /* up to ":]" and the like */

            text_add_char(text, '[');
            text_add_char(text, (char)reader_next(reader));
            while ((c = reader_next(reader)) >= 0 && c != '\n') {
                text_add_char(text, (char)c);
                if (c == ']' && before == next)
                    break;
                before = c;
            }
        } else {
            text_add_char(text, (char)c);
            if (c == ']' && !first)
                return;
        }
        first = false;
    }
    reader_fail(reader, "`[' without `]'");
}

/* The bytes of a regular expression up to the delimiter, which is passed over. */
static void copy_regex(struct reader *reader, int delimiter, struct text *text)
{
    int c;

    text_clear(text);
    while ((c = reader_next(reader)) != delimiter) {
        if (c < 0 || c == '\n')
            reader_fail(reader, "a regular expression is not closed by its delimiter");
        if (c == '[') {
            copy_bracket(reader, text);
        } else if (c != '\\') {
            text_add_char(text, (char)c);
        } else {
            c = reader_next(reader);
            if (c < 0)
                reader_fail(reader, "a backslash ends the script");
            if (c == delimiter) { /* it stands for itself, even where it is special */
                if (strchr(".*^$[]", c))
                    text_add_char(text, '\\');
                text_add_char(text, (char)c);
            } else if (escape(c) >= 0) {
                text_add_char(text, (char)escape(c));
            } else {
                text_add_char(text, '\\');
                text_add_char(text, (char)c);
            }
        }
    }
}

static const regex_t *compile(struct reader *reader, const char *pattern, int flags)
{
    regex_t *regex = sed_grow(NULL, sizeof(*regex));
    char message[128];
    int error;

    error = regcomp(regex, pattern, flags | (reader->script->extended ? REG_EXTENDED : 0));
    if (error) {
        regerror(error, regex, message, sizeof(message));
        reader_fail(reader, message);
    }
    return regex;
}

const regex_t *words_regex(struct reader *reader, int delimiter, bool flags_follow)
{
    const regex_t *regex = NULL;
    struct text pattern = {0};
    int flags = 0;

    copy_regex(reader, delimiter, &pattern);
    while (flags_follow && (reader_peek(reader) == 'I' || reader_peek(reader) == 'M'))
        flags |= reader_next(reader) == 'I' ? REG_ICASE : REG_NEWLINE;
    if (pattern.length)
        regex = compile(reader, pattern.bytes, flags);
    free(pattern.bytes);
    return regex;
}

static struct piece *add_piece(struct substitution *s, int group)
{
    struct piece *piece;

    s->pieces = sed_grow(s->pieces, (s->piece_count + 1) * sizeof(*s->pieces));
    piece = &s->pieces[s->piece_count++];
    *piece = (struct piece){.group = group};
    return piece;
}

static void add_literal(struct substitution *s, int c)
{
    struct piece *last = s->piece_count ? &s->pieces[s->piece_count - 1] : NULL;

    if (!last || last->group >= 0)
        last = add_piece(s, -1);
    text_add_char(&last->text, (char)c);
}

static void read_replacement(struct reader *reader, int delimiter, struct substitution *s)
{
    int c;

    while ((c = reader_next(reader)) != delimiter) {
        if (c < 0 || c == '\n')
            reader_fail(reader, "`s' is not closed by its delimiter");
        if (c == '&') {
            add_piece(s, 0);
        } else if (c != '\\') {
            add_literal(s, c);
        } else {
            c = reader_next(reader);
            if (c < 0)
                reader_fail(reader, "a backslash ends the script");
            if (c >= '0' && c <= '9' && c != delimiter)
                add_piece(s, c - '0');
            else
                add_literal(s, escape(c) >= 0 && c != delimiter ? escape(c) : c);
        }
    }
}

/* The flags of s; returns those of its expression. */
static int read_flags(struct reader *reader, struct substitution *s)
{
    int flags = 0;

    s->first = 1;
    for (;;) {
        int c = reader_peek(reader);

        if (c >= '0' && c <= '9') {
            s->first = reader_number(reader);
            if (!s->first)
                reader_fail(reader, "`s' cannot replace the match number 0: they count from 1");
            continue;
        }
        if (c == 'g')
            s->all = true;
        else if (c == 'p')
            s->print = true;
        else if (c == 'i' || c == 'I')
            flags |= REG_ICASE;
        else if (c == 'm' || c == 'M')
            flags |= REG_NEWLINE;
        else
            break;
        reader_next(reader);
    }
    if (reader_peek(reader) == 'w') {
        struct text path = {0};

        reader_next(reader);
        words_path(reader, &path);
        s->out = output_open(path.bytes);
        s->writes = true;
    }
    return flags;
}

void words_substitution(struct reader *reader, struct substitution *s)
{
    int delimiter = reader_next(reader);
    struct text pattern = {0};
    int flags;

    if (delimiter < 0 || delimiter == '\n' || delimiter == '\\')
        reader_fail(reader, "`s' needs a delimiter, as in s/this/that/");
    copy_regex(reader, delimiter, &pattern);
    read_replacement(reader, delimiter, s);
    flags = read_flags(reader, s);
    if (pattern.length)
        s->regex = compile(reader, pattern.bytes, flags);
    free(pattern.bytes);
    for (size_t i = 0; i < s->piece_count && s->regex; i++)
        if (s->pieces[i].group > (int)s->regex->re_nsub)
            reader_fail(reader, "the replacement names a group that the expression does not have");
}

/* One of the strings of y. */
static void read_string(struct reader *reader, int delimiter, struct text *text)
{
    int c;

    text_clear(text);
    while ((c = reader_next(reader)) != delimiter) {
        if (c < 0 || c == '\n')
            reader_fail(reader, "`y' is not closed by its delimiter");
        if (c == '\\') {
            c = reader_next(reader);
            if (c < 0)
                reader_fail(reader, "a backslash ends the script");
            if (c != '\\' && c != delimiter) {
                if (escape(c) < 0)
                    text_add_char(text, '\\');
                else
                    c = escape(c);
            }
        }
        text_add_char(text, (char)c);
    }
}

unsigned char *words_map(struct reader *reader)
{
    int delimiter = reader_next(reader);
    unsigned char *map = sed_grow(NULL, 256);
    struct text from = {0}, to = {0};

    if (delimiter < 0 || delimiter == '\n' || delimiter == '\\')
        reader_fail(reader, "`y' needs a delimiter, as in y/abc/xyz/");
    read_string(reader, delimiter, &from);
    read_string(reader, delimiter, &to);
    if (from.length != to.length)
        reader_fail(reader, "the strings of `y' have different lengths");
    for (int i = 0; i < 256; i++)
        map[i] = (unsigned char)i;
    for (size_t i = 0; i < from.length; i++)
        map[(unsigned char)from.bytes[i]] = (unsigned char)to.bytes[i];
    free(from.bytes);
    free(to.bytes);
    return map;
}

void words_text(struct reader *reader, struct text *text)
{
    int c;

    text_clear(text);
    reader_skip_blanks(reader);
    if (reader_peek(reader) == '\\') {
        size_t start;

        reader_next(reader);
        start = reader->at;
        reader_skip_blanks(reader);
        if (reader_peek(reader) == '\n')
            reader_next(reader);
        else if (reader_peek(reader) < 0)
            reader_fail(reader, "the text is missing");
        else
            reader->at = start; /* a\  text: the blanks belong to it */
    } else if (reader_peek(reader) < 0 || reader_peek(reader) == '\n') {
        reader_fail(reader, "the text is missing: it stands on the next line, after `\\'");
    }
    while ((c = reader_next(reader)) >= 0 && c != '\n') {
        if (c == '\\' && (c = reader_next(reader)) < 0)
            break;
        text_add_char(text, (char)c);
    }
    text_add_char(text, '\n');
}

void words_path(struct reader *reader, struct text *text)
{
    int c;

    text_clear(text);
    reader_skip_blanks(reader);
    while ((c = reader_next(reader)) >= 0 && c != '\n')
        text_add_char(text, (char)c);
    if (!text->length)
        reader_fail(reader, "the name of a file is missing");
}
