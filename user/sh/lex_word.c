/*
 * Words: quotes, escapes and everything that begins with `$`. See lex.h.
 */
#include <ctype.h>
#include <string.h>

#include "user/sh/lex.h"
#include "user/sh/parse.h"
#include "user/sh/shell.h"

/* Where the text being read stands; it decides what is special in it. */
enum context {
    IN_WORD,         /* ends at a blank, newline or operator */
    IN_QUOTES,       /* "..." */
    IN_BRACE,        /* the argument of ${...}, outside quotes */
    IN_BRACE_QUOTED, /* the same inside "..." */
    IN_ARITH,        /* $((...)) */
    IN_DOCUMENT,     /* a here-document: to the end of the input */
};

struct builder {
    struct lexer *lx;
    struct part *first, **end;
    struct strbuf text; /* plain text not yet made a part */
    bool quoted;        /* of that text */
    bool have_text;     /* it counts even when empty: '' and "" */
};

static void builder_init(struct builder *wb, struct lexer *lx)
{
    *wb = (struct builder){.lx = lx};
    wb->end = &wb->first;
    strbuf_init(&wb->text, lx->arena);
}

static struct part *add_part(struct builder *wb, enum part_kind kind, bool quoted)
{
    struct part *part = arena_zalloc(wb->lx->arena, sizeof(*part));

    part->kind = kind;
    part->quoted = quoted;
    *wb->end = part;
    wb->end = &part->next;
    return part;
}

/* Make a part of the text gathered so far. */
static void flush_text(struct builder *wb)
{
    struct part *part;

    if (!wb->have_text)
        return;
    part = add_part(wb, PART_TEXT, wb->quoted);
    part->text = arena_copy(wb->lx->arena, wb->text.data, wb->text.length);
    wb->text.length = 0;
    wb->have_text = false;
}

static void put_text(struct builder *wb, int c, bool quoted)
{
    if (wb->have_text && wb->quoted != quoted)
        flush_text(wb);
    wb->quoted = quoted;
    wb->have_text = true;
    if (c >= 0)
        strbuf_put(&wb->text, (char)c);
}

static struct word *builder_word(struct builder *wb)
{
    struct word *word;

    if (wb->lx->failed)
        return NULL;
    flush_text(wb);
    word = arena_zalloc(wb->lx->arena, sizeof(*word));
    word->parts = wb->first;
    return word;
}

static void read_text(struct builder *wb, enum context context);

/* One more level of nesting; false, with a message, if there are too many. */
static bool enter(struct lexer *lx)
{
    if (lx->depth >= LEX_DEPTH) {
        lex_error(lx, "nested too deeply");
        return false;
    }
    lx->depth++;
    return true;
}

static struct word *read_inner(struct lexer *lx, enum context context)
{
    struct builder wb;

    if (!enter(lx))
        return NULL;
    builder_init(&wb, lx);
    read_text(&wb, context);
    lx->depth--;
    return builder_word(&wb);
}

/* ------------------------------------------------------------- what $ starts */

static bool is_special_param(int c)
{
    return c > 0 && strchr("@*#?-$!", c);
}

/* A parameter's name at this place, or NULL if there is none. */
static const char *read_name(struct lexer *lx, bool all_digits)
{
    struct strbuf name;
    int c = lex_peek(lx);

    strbuf_init(&name, lx->arena);
    if (is_special_param(c) || (isdigit(c) && !all_digits)) {
        strbuf_put(&name, (char)lex_next(lx));
        return strbuf_text(&name);
    }
    while (c == '_' || (c >= 0 && isalnum(c))) {
        if (name.length && isdigit((unsigned char)name.data[0]) && !isdigit(c))
            break;
        strbuf_put(&name, (char)lex_next(lx));
        c = lex_peek(lx);
    }
    return name.length ? strbuf_text(&name) : NULL;
}

static enum param_op read_operator(struct lexer *lx, struct part *part)
{
    static const char signs[] = "-=?+";
    static const enum param_op ops[] = {PARAM_DEFAULT, PARAM_ASSIGN, PARAM_ERROR, PARAM_REPLACE};
    int c = lex_peek(lx);

    if (c == '#' || c == '%') {
        lex_next(lx);
        if (lex_peek(lx) != c)
            return c == '#' ? PARAM_PREFIX : PARAM_SUFFIX;
        lex_next(lx);
        return c == '#' ? PARAM_PREFIX_L : PARAM_SUFFIX_L;
    }
    if (c == ':') {
        part->colon = true;
        lex_next(lx);
        c = lex_peek(lx);
    }
    if (c > 0 && strchr(signs, c)) {
        lex_next(lx);
        return ops[strchr(signs, c) - signs];
    }
    if (part->colon || c != '}')
        lex_error(lx, c < 0 ? "unterminated `${'" : "bad substitution");
    return PARAM_PLAIN;
}

/* After `${`. `${#` alone is $# unless a name follows. */
static void read_braces(struct builder *wb, bool quoted)
{
    struct lexer *lx = wb->lx;
    struct part *part = add_part(wb, PART_PARAM, quoted);

    part->text = read_name(lx, true);
    if (part->text && !strcmp(part->text, "#") && lex_peek(lx) != '}') {
        const char *name = read_name(lx, true);

        if (name && lex_peek(lx) == '}') {
            part->text = name;
            part->op = PARAM_LENGTH;
            lex_next(lx);
            return;
        }
        if (name) {
            lex_error(lx, "bad substitution");
            return;
        }
    }
    if (!part->text) {
        lex_error(lx, lex_peek(lx) < 0 ? "unterminated `${'" : "bad substitution");
        return;
    }
    part->op = read_operator(lx, part);
    if (lx->failed)
        return;
    if (part->op == PARAM_PLAIN) {
        lex_next(lx);
        return;
    }
    /* Patterns keep their own quoting inside "...". */
    part->arg = read_inner(lx, quoted && part->op < PARAM_PREFIX ? IN_BRACE_QUOTED : IN_BRACE);
}

static void read_dollar(struct builder *wb, bool quoted)
{
    struct lexer *lx = wb->lx;
    int c = lex_peek(lx);

    if (c == '{' || c == '(') {
        flush_text(wb);
        lex_next(lx);
        if (c == '{') {
            read_braces(wb, quoted);
        } else if (lex_peek(lx) == '(') {
            lex_next(lx);
            add_part(wb, PART_ARITH, quoted)->arg = read_inner(lx, IN_ARITH);
        } else if (enter(lx)) {
            add_part(wb, PART_COMMAND, quoted)->command = parse_substitution(lx);
            lx->depth--;
        }
    } else if (c == '_' || (c > 0 && isalnum(c)) || is_special_param(c)) {
        flush_text(wb);
        add_part(wb, PART_PARAM, quoted)->text = read_name(lx, false);
    } else {
        put_text(wb, '$', quoted);
    }
}

/* `...`: backslashes are undone first, then the text is parsed by itself. */
static void read_backquotes(struct builder *wb, bool quoted)
{
    struct lexer *lx = wb->lx;
    struct strbuf text;
    int c;

    flush_text(wb);
    strbuf_init(&text, lx->arena);
    while ((c = lex_raw(lx)) != '`') {
        if (c == '\\') {
            int next = lex_raw(lx);

            if (next < 0 || !strchr(quoted ? "$`\\\"" : "$`\\", next))
                strbuf_put(&text, '\\');
            c = next;
        }
        if (c < 0) {
            lex_error(lx, "unterminated ``'");
            return;
        }
        strbuf_put(&text, (char)c);
    }
    if (enter(lx)) {
        add_part(wb, PART_COMMAND, quoted)->command =
            parse_text(lx, strbuf_text(&text), text.length);
        lx->depth--;
    }
}

/* -------------------------------------------------------------------- quotes */

static void read_single_quotes(struct builder *wb)
{
    int c;

    put_text(wb, -1, true);
    while ((c = lex_raw(wb->lx)) != '\'') {
        if (c < 0) {
            lex_error(wb->lx, "unterminated quoted string");
            return;
        }
        put_text(wb, c, true);
    }
}

static void read_double_quotes(struct builder *wb)
{
    struct part **before;

    flush_text(wb);
    before = wb->end;
    read_text(wb, IN_QUOTES);
    flush_text(wb);
    if (!*before)
        put_text(wb, -1, true); /* "" is an empty word, not nothing */
}

/* After a backslash; \newline never gets here. */
static void read_escape(struct builder *wb, enum context context)
{
    static const char *const escaped[] = {[IN_QUOTES] = "$`\"\\",
                                          [IN_BRACE_QUOTED] = "$`\"\\}",
                                          [IN_ARITH] = "$`\"\\",
                                          [IN_DOCUMENT] = "$`\\"};
    bool anything = context == IN_WORD || context == IN_BRACE;
    int c = lex_peek(wb->lx);

    if (c < 0 || !(anything || strchr(escaped[context], c))) {
        put_text(wb, '\\', true);
        return;
    }
    put_text(wb, lex_raw(wb->lx), true);
}

/* ---------------------------------------------------------------- whole texts */

/* True if c ends the text in this context; the end is taken, a word's is not. */
static bool at_end(struct builder *wb, enum context context, int c, unsigned parens)
{
    struct lexer *lx = wb->lx;

    switch (context) {
    case IN_WORD:
        return c < 0 || strchr(" \t\n;&|<>()", c);
    case IN_DOCUMENT:
        return c < 0;
    case IN_QUOTES:
        if (c < 0)
            lex_error(lx, "unterminated quoted string");
        if (c == '"')
            lex_next(lx);
        return c < 0 || c == '"';
    case IN_ARITH:
        if (c < 0)
            lex_error(lx, "unterminated `$(('");
        if (c == ')' && !parens) {
            lex_next(lx);
            if (lex_peek(lx) == ')')
                lex_next(lx);
            else
                lex_error(lx, "missing `))'");
            return true;
        }
        return c < 0;
    default:
        if (c < 0)
            lex_error(lx, "unterminated `${'");
        if (c == '}')
            lex_next(lx);
        return c < 0 || c == '}';
    }
}

static void read_text(struct builder *wb, enum context context)
{
    struct lexer *lx = wb->lx;
    bool quoted = context != IN_WORD && context != IN_BRACE;
    unsigned parens = 0; /* open in an arithmetic expression */

    while (!lx->failed) {
        int c = lex_peek(lx);

        if (at_end(wb, context, c, parens))
            return;
        lex_raw(lx);
        if (c == '\\') {
            read_escape(wb, context);
        } else if (c == '$') {
            read_dollar(wb, quoted);
        } else if (c == '`') {
            read_backquotes(wb, quoted);
        } else if (c == '\'' && !quoted) {
            read_single_quotes(wb);
        } else if (c == '"' && context != IN_DOCUMENT) {
            if (context != IN_ARITH)
                read_double_quotes(wb);
        } else {
            parens += c == '(';
            parens -= c == ')' && parens;
            put_text(wb, c, quoted);
        }
    }
}

/* Mark an unquoted ~ before a `/` or the end as the home directory. last: no
 * part of the word follows the text. Returns how much of the text is left. */
static const char *split_tilde(struct builder *wb, const char *text, bool last)
{
    if (text[0] != '~' || (text[1] != '/' && text[1] != ':' && (text[1] || !last)))
        return text;
    flush_text(wb);
    add_part(wb, PART_TILDE, true);
    return text + 1;
}

struct word *lex_word(struct lexer *lx)
{
    struct builder wb;
    struct word *word = read_inner(lx, IN_WORD);
    struct part *part;

    if (!word || !word->parts)
        return word;
    part = word->parts;
    if (part->kind != PART_TEXT || part->quoted || part->text[0] != '~' || part->text[1] == ':')
        return word;
    builder_init(&wb, lx);
    part->text = split_tilde(&wb, part->text, !part->next);
    if (wb.first) {
        wb.first->next = part->text[0] ? part : part->next;
        word->parts = wb.first;
    }
    return word;
}

struct word *lex_assigned_word(struct lexer *lx, const struct word *word, size_t length)
{
    const struct part *part = word->parts;
    const char *text = part->text + length + 1;
    struct builder wb;
    bool start = true;

    builder_init(&wb, lx);
    for (; part; part = part->next, text = part ? part->text : NULL) {
        if (part->kind != PART_TEXT || part->quoted) {
            flush_text(&wb);
            *wb.end = arena_alloc(lx->arena, sizeof(*part));
            **wb.end = *part;
            (*wb.end)->next = NULL;
            wb.end = &(*wb.end)->next;
            start = false;
            continue;
        }
        while (*text) {
            if (start)
                text = split_tilde(&wb, text, !part->next);
            if (!*text)
                break;
            start = *text == ':';
            put_text(&wb, (unsigned char)*text++, false);
        }
    }
    return builder_word(&wb);
}

struct word *lex_document(struct lexer *lx, const char *text, size_t length)
{
    struct input in;
    struct lexer inner;
    struct word *word;

    input_from_string(&in, text, length);
    in.line = lx->in->line;
    lex_begin(&inner, &in, lx->arena);
    inner.depth = lx->depth;
    word = read_inner(&inner, IN_DOCUMENT);
    if (inner.failed)
        lx->failed = true;
    return word;
}
