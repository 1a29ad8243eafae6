/*
 * Completion: the word before the cursor, and how text is put in its place. See
 * complete.h; what it can become is candidates.c's.
 */
#include <stdbool.h>
#include <string.h>

#include "user/sh/complete.h"
#include "user/sh/shell.h"

#define QUOTED_ESCAPES "$`\"\\\n" /* before others a backslash in "..." is itself */
#define SPECIAL        " \t\n\\'\"`$&;|<>()*?[#~!{}"

/* The line, seen from its start to the cursor. */
struct scan {
    struct strbuf word; /* resolved so far */
    bool in_word;
    bool quoted;      /* some of the word was quoted: it is no reserved word */
    char quote;       /* open quote or 0 */
    bool command;     /* a command's name is expected, or being read */
    bool redirection; /* the word is a file to redirect to */
    bool folder;      /* the command is cd */
    bool in_variable; /* word + variable is a $NAME that goes on */
    bool brace;
    size_t variable;
};

static bool is_name_byte(char c)
{
    return shell_is_name((char[]){'_', c}, 2);
}

/* Words after which a command begins all the same. */
static bool leads_to_command(const char *word)
{
    static const char *const words[] = {"if",      "then",  "elif", "else",  "while", "until",
                                        "do",      "!",     "{",    "time",  "exec",  "env",
                                        "command", "xargs", "type", "which", "man"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strcmp(words[i], word))
            return true;
    return false;
}

static bool is_assignment(const char *word)
{
    const char *equals = strchr(word, '=');

    return equals && shell_is_name(word, (size_t)(equals - word));
}

/* An unquoted character that is part of no word: the word before it has ended. */
static void end_word(struct scan *scan)
{
    const char *word = strbuf_text(&scan->word);

    if (!scan->in_word)
        return;
    if (scan->redirection)
        scan->redirection = false;
    else if (scan->command && !is_assignment(word)) {
        scan->folder = !strcmp(word, "cd");
        scan->command = !scan->quoted && leads_to_command(word);
    }
    scan->word.length = 0;
    scan->in_word = scan->quoted = scan->in_variable = false;
}

static void begin_command(struct scan *scan)
{
    scan->command = true;
    scan->folder = scan->redirection = false;
}

static void scan_operator(struct scan *scan, char c)
{
    end_word(scan);
    if (strchr(";&|(\n`", c))
        begin_command(scan);
    else if (strchr("<>", c))
        scan->redirection = true;
}

/* A $, not in single quotes: a variable's name may follow. Returns the bytes read. */
static size_t scan_dollar(struct scan *scan, const char *rest, size_t left)
{
    scan->in_word = true;
    if (left > 1 && rest[1] == '(') {
        /* A command of its own; what is before it is not looked at any more. */
        scan->word.length = 0;
        scan->in_word = false;
        scan->quote = 0;
        begin_command(scan);
        return 2;
    }
    strbuf_put(&scan->word, '$');
    scan->in_variable = true;
    scan->brace = left > 1 && rest[1] == '{';
    if (scan->brace)
        strbuf_put(&scan->word, '{');
    scan->variable = scan->word.length;
    return scan->brace ? 2 : 1;
}

static void scan_byte(struct scan *scan, char c)
{
    scan->in_word = true;
    if (scan->in_variable && !is_name_byte(c))
        scan->in_variable = false;
    strbuf_put(&scan->word, c);
}

/* Take the next character and return its length; left > 0. */
static size_t scan_one(struct scan *scan, const char *rest, size_t left)
{
    char c = *rest;

    if (scan->quote && c == scan->quote) {
        scan->quote = 0;
        scan->in_variable = false;
    } else if (scan->quote == '\'') {
        scan_byte(scan, c);
    } else if (c == '\\' && left > 1 && (!scan->quote || strchr(QUOTED_ESCAPES, rest[1]))) {
        scan->quoted = true;
        scan->in_variable = false;
        scan_byte(scan, rest[1]);
        return 2;
    } else if (c == '$') {
        return scan_dollar(scan, rest, left);
    } else if (scan->quote) {
        scan_byte(scan, c);
    } else if (c == '\'' || c == '"') {
        scan->quote = c;
        scan->in_word = scan->quoted = true;
        scan->in_variable = false;
    } else if (strchr(" \t\n;&|()<>`", c)) {
        scan_operator(scan, c);
    } else {
        scan_byte(scan, c);
    }
    return 1;
}

void complete_find_word(struct complete_word *word, const char *line, size_t length,
                        struct arena *arena)
{
    struct scan scan = {.command = true};

    strbuf_init(&scan.word, arena);
    for (size_t i = 0; i < length;)
        i += scan_one(&scan, line + i, length - i);
    word->quote = scan.quote;
    word->brace = false;
    word->text = strbuf_text(&scan.word);
    if (scan.in_variable) {
        word->kind = COMPLETE_VARIABLE;
        word->brace = scan.brace;
        word->text += scan.variable;
    } else if (scan.command && !scan.redirection && is_assignment(word->text)) {
        word->kind = COMPLETE_FILE;
        word->text = strchr(word->text, '=') + 1;
    } else if (scan.command && !scan.redirection && !strchr(word->text, '/')) {
        word->kind = COMPLETE_COMMAND;
    } else {
        word->kind = scan.folder && !scan.redirection ? COMPLETE_FOLDER : COMPLETE_FILE;
    }
}

size_t complete_typed(const struct complete_word *word)
{
    const char *slash = strrchr(word->text, '/');

    if (word->kind == COMPLETE_FILE || word->kind == COMPLETE_FOLDER)
        return strlen(slash ? slash + 1 : word->text);
    return strlen(word->text);
}

size_t complete_common(const struct strlist *list)
{
    size_t common = list->count ? strlen(list->items[0]) : 0;

    for (size_t i = 1; i < list->count; i++) {
        size_t same = 0;

        while (same < common && list->items[i][same] == list->items[0][same])
            same++;
        common = same;
    }
    /* A character is not cut in two. */
    while (common && list->count > 1 && (list->items[0][common] & 0xc0) == 0x80)
        common--;
    return common;
}

static void escape_byte(struct strbuf *out, char quote, char c)
{
    if (quote == '\'' && c == '\'') {
        strbuf_adds(out, "'\\''");
        return;
    }
    if (quote != '\'' && strchr(quote ? "\\\"$`" : SPECIAL, c))
        strbuf_put(out, '\\');
    strbuf_put(out, c);
}

char *complete_escape(const struct complete_word *word, const char *text, size_t length, bool whole)
{
    struct strbuf out;
    bool folder = whole && length && text[length - 1] == '/';

    strbuf_init(&out, shell.stack);
    for (size_t i = 0; i < length; i++) {
        if (word->kind == COMPLETE_VARIABLE)
            strbuf_put(&out, text[i]);
        else
            escape_byte(&out, word->quote, text[i]);
    }
    if (whole && !folder) {
        if (word->brace)
            strbuf_put(&out, '}');
        else if (word->quote)
            strbuf_put(&out, word->quote);
        if (word->kind != COMPLETE_VARIABLE)
            strbuf_put(&out, ' ');
    }
    return strbuf_text(&out);
}
