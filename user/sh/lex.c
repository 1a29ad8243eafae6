/*
 * Characters and tokens. See lex.h; words are lex_word.c's.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/sh/lex.h"
#include "user/sh/shell.h"

void lex_begin(struct lexer *lx, struct input *in, struct arena *arena)
{
    *lx = (struct lexer){.in = in, .arena = arena, .fresh = true};
    lx->heredocs_end = &lx->heredocs;
}

void *lex_error(struct lexer *lx, const char *format, ...)
{
    char message[200];
    va_list args;

    if (!lx->failed && !lx->in->interrupted) {
        va_start(args, format);
        vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        if (shell.interactive)
            shell_error("syntax error: %s", message);
        else if (shell.script)
            shell_error("%s: line %u: syntax error: %s", shell.script, lx->in->line, message);
        else
            shell_error("line %u: syntax error: %s", lx->in->line, message);
    }
    lx->failed = true;
    lx->have_token = false;
    return NULL;
}

/* ---------------------------------------------------------------- characters */

/* True if a character is at pos + ahead; reads another line if needed. */
static bool available(struct lexer *lx, size_t ahead)
{
    struct input *in = lx->in;

    while (in->pos + ahead >= in->length) {
        if (!input_more(in, lx->fresh))
            return false;
        lx->fresh = false;
    }
    lx->fresh = false;
    return true;
}

int lex_raw(struct lexer *lx)
{
    struct input *in = lx->in;
    int c;

    if (!available(lx, 0))
        return -1;
    c = (unsigned char)in->text[in->pos++];
    if (c == '\n')
        in->line++;
    return c;
}

int lex_peek(struct lexer *lx)
{
    struct input *in = lx->in;

    while (available(lx, 0)) {
        if (in->text[in->pos] != '\\' || in->pos + 1 >= in->length || in->text[in->pos + 1] != '\n')
            return (unsigned char)in->text[in->pos];
        in->pos += 2;
        in->line++;
    }
    return -1;
}

int lex_next(struct lexer *lx)
{
    return lex_peek(lx) < 0 ? -1 : lex_raw(lx);
}

/* -------------------------------------------------------------------- tokens */

static const struct {
    const char *text;
    enum token_kind kind;
} operators[] = {
    {";;", TOKEN_DSEMI},      {";", TOKEN_SEMI},    {"&&", TOKEN_AND},      {"&", TOKEN_AMP},
    {"||", TOKEN_OR},         {"|", TOKEN_PIPE},    {"(", TOKEN_LPAREN},    {")", TOKEN_RPAREN},
    {"<<-", TOKEN_DLESSDASH}, {"<<", TOKEN_DLESS},  {"<&", TOKEN_LESSAND},  {"<>", TOKEN_LESSGREAT},
    {"<", TOKEN_LESS},        {">>", TOKEN_DGREAT}, {">&", TOKEN_GREATAND}, {">|", TOKEN_CLOBBER},
    {">", TOKEN_GREAT},
};

static void skip_blanks(struct lexer *lx)
{
    int c;

    while ((c = lex_peek(lx)) == ' ' || c == '\t')
        lex_next(lx);
    if (c != '#')
        return;
    while (available(lx, 0) && lx->in->text[lx->in->pos] != '\n')
        lx->in->pos++;
}

static bool find_operator(const char *text, enum token_kind *kind)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (!strcmp(operators[i].text, text)) {
            *kind = operators[i].kind;
            return true;
        }
    }
    return false;
}

/* Take the longest operator that starts here. False: there is none. Each
 * beginning of an operator is one itself, so it can be taken greedily. */
static bool read_operator(struct lexer *lx, struct token *token)
{
    char text[5] = "";
    size_t length = 0;
    int c;

    while ((c = lex_peek(lx)) > 0 && length < sizeof(text) - 1) {
        text[length] = (char)c;
        if (!find_operator(text, &token->kind))
            break;
        lex_next(lx);
        length++;
    }
    return length > 0;
}

/* A word of digits right before < or > is the descriptor they apply to. */
static void classify_word(struct lexer *lx, struct token *token)
{
    const char *text = lex_plain_text(token->word);
    int c = lex_peek(lx);

    token->kind = TOKEN_WORD;
    if (!text || (c != '<' && c != '>'))
        return;
    token->number = shell_number(text);
    if (token->number >= 0)
        token->kind = TOKEN_IO_NUMBER;
}

static void read_token(struct lexer *lx)
{
    struct token *token = &lx->token;
    size_t start;
    unsigned line;
    int c;

    skip_blanks(lx);
    c = lex_peek(lx);
    start = lx->in->pos;
    line = lx->in->line;
    if (c < 0) {
        token->kind = TOKEN_EOF;
        lex_read_heredocs(lx);
    } else if (c == '\n') {
        lex_raw(lx);
        token->kind = TOKEN_NEWLINE;
        lex_read_heredocs(lx);
    } else if (!read_operator(lx, token)) {
        /* A substitution in the word reads tokens too, into this same place. */
        token->word = lex_word(lx);
        if (token->word)
            classify_word(lx, token);
    }
    token->start = start;
    token->line = line;
}

struct token *lex_peek_token(struct lexer *lx)
{
    if (!lx->have_token && !lx->failed) {
        read_token(lx);
        lx->have_token = true;
    }
    if (lx->failed)
        lx->token.kind = TOKEN_ERROR;
    return &lx->token;
}

void lex_take(struct lexer *lx)
{
    lx->have_token = false;
}

void *lex_unexpected(struct lexer *lx)
{
    const struct token *token = lex_peek_token(lx);
    const struct input *in = lx->in;

    switch (token->kind) {
    case TOKEN_ERROR:
        return NULL;
    case TOKEN_EOF:
        return lex_error(lx, "unexpected end of file");
    case TOKEN_NEWLINE:
        lx->in->line--; /* it is the line that ended which is at fault */
        lex_error(lx, "unexpected newline");
        lx->in->line++;
        return NULL;
    default:
        return lex_error(lx, "unexpected `%.*s'", (int)(in->pos - token->start),
                         in->text + token->start);
    }
}

const char *lex_plain_text(const struct word *word)
{
    const struct part *part = word->parts;

    if (!part || part->next || part->kind != PART_TEXT || part->quoted)
        return NULL;
    return part->text;
}
