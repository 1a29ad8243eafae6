/*
 * Tokens and words out of an input.
 *
 * The lexer is driven by the parser and drives it in turn: a command
 * substitution inside a word is parsed by a call back into the parser, so its
 * end is where the grammar ends it, whatever quotes and parentheses it holds.
 */
#ifndef USER_SH_LEX_H
#define USER_SH_LEX_H

#include <stdbool.h>

#include "user/sh/ast.h"
#include "user/sh/input.h"

#define LEX_DEPTH 200 /* commands and substitutions inside each other */

enum token_kind {
    TOKEN_EOF,
    TOKEN_ERROR, /* a message was given; every later token is this one */
    TOKEN_NEWLINE,
    TOKEN_WORD,
    TOKEN_IO_NUMBER,
    TOKEN_SEMI,      /* ; */
    TOKEN_DSEMI,     /* ;; */
    TOKEN_AMP,       /* & */
    TOKEN_AND,       /* && */
    TOKEN_PIPE,      /* | */
    TOKEN_OR,        /* || */
    TOKEN_LPAREN,    /* ( */
    TOKEN_RPAREN,    /* ) */
    TOKEN_LESS,      /* < */
    TOKEN_GREAT,     /* > */
    TOKEN_DLESS,     /* << */
    TOKEN_DLESSDASH, /* <<- */
    TOKEN_DGREAT,    /* >> */
    TOKEN_LESSAND,   /* <& */
    TOKEN_GREATAND,  /* >& */
    TOKEN_LESSGREAT, /* <> */
    TOKEN_CLOBBER,   /* >| */
};

struct token {
    enum token_kind kind;
    size_t start; /* offset in the input's text */
    unsigned line;
    int number;        /* IO_NUMBER */
    struct word *word; /* WORD */
};

/* A here-document whose body has not been read yet. */
struct heredoc {
    struct heredoc *next;
    struct redirect *redirect; /* gets the body as its target */
    const char *delimiter;
    bool quoted;     /* the body is taken as it is */
    bool strip_tabs; /* <<- */
};

struct lexer {
    struct input *in;
    struct arena *arena; /* of the command being parsed */
    struct token token;
    bool have_token; /* token was looked at and not taken */
    bool fresh;      /* nothing of the command read yet: prompt with PS1 */
    bool failed;     /* a message was given */
    unsigned depth;
    struct heredoc *heredocs, **heredocs_end;
};

/* Begin a complete command in arena. */
void lex_begin(struct lexer *lx, struct input *in, struct arena *arena);

/* The next token, which stays the next one until lex_take(). */
struct token *lex_peek_token(struct lexer *lx);
void lex_take(struct lexer *lx);

/* Give a syntax error's message, the first one only. Returns NULL. */
void *lex_error(struct lexer *lx, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "unexpected TOKEN", about the next token. Returns NULL. */
void *lex_unexpected(struct lexer *lx);

/* The word's text if it is one unquoted piece of plain text, else NULL. */
const char *lex_plain_text(const struct word *word);
/* Ask for a here-document's body, read when the line ends. */
void lex_add_heredoc(struct lexer *lx, struct redirect *redirect, const struct word *delimiter,
                     bool strip_tabs);
/* The word after `NAME=` of the assignment word, whose name has length bytes;
 * tildes at the places where assignments expand them are marked. */
struct word *lex_assigned_word(struct lexer *lx, const struct word *word, size_t length);

/* ---- between the parts of the lexer: lex.c, lex_word.c, heredoc.c */

/* The next character, \newline skipped, or -1; lex_peek leaves it there. */
int lex_peek(struct lexer *lx);
int lex_next(struct lexer *lx);
/* The same, \newline seen as it is. */
int lex_raw(struct lexer *lx);
/* Read the word that starts here; NULL after an error. */
struct word *lex_word(struct lexer *lx);
/* Parse text as between double quotes, `"` itself excepted (here-documents). */
struct word *lex_document(struct lexer *lx, const char *text, size_t length);
/* Read the bodies of all here-documents asked for; a line has just ended. */
void lex_read_heredocs(struct lexer *lx);

#endif
