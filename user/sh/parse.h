/*
 * The grammar: from tokens to trees (ast.h), by recursive descent.
 *
 *   list      : and_or ((`;` | `&` | newline) and_or)*
 *   and_or    : pipeline ((`&&` | `||`) pipeline)*
 *   pipeline  : `!`? command (`|` command)*
 *   command   : simple | compound redirect* | name `(` `)` compound
 *   compound  : `(` list `)` | `{` list `}` | if | while | until | for | case
 */
#ifndef USER_SH_PARSE_H
#define USER_SH_PARSE_H

#include "user/sh/ast.h"
#include "user/sh/lex.h"

enum parse_result {
    PARSE_COMMAND, /* *node is the tree; NULL for an empty line */
    PARSE_END,     /* no more input */
    PARSE_ERROR,   /* a message was given */
};

/* One complete command, to the end of its line, allocated in arena. */
enum parse_result parse_complete(struct input *in, struct arena *arena, struct node **node);

/* ---- for the lexer */

/* The list after `$(`, its `)` taken. NULL if empty or after an error. */
struct node *parse_substitution(struct lexer *lx);
/* A whole text, as a list. NULL if empty or after an error. */
struct node *parse_text(struct lexer *lx, const char *text, size_t length);

/* ---- between the parts of the parser: parse.c, parse_compound.c */

/* A list up to a token that cannot begin a command, which stays the next one.
 * An empty list is an error. */
struct node *parse_list(struct lexer *lx);
/* The compound command or function that begins with the next token, which is
 * not taken yet; *node stays NULL and false is returned if none begins. */
bool parse_compound(struct lexer *lx, struct node **node);
/* The command of a function whose `name (` has been taken. */
struct node *parse_function(struct lexer *lx, const char *name, unsigned line);
/* All redirections that stand here, added at *end. False after an error. */
bool parse_redirects(struct lexer *lx, struct redirect ***end);

struct node *parse_new_node(struct lexer *lx, enum node_kind kind);
void parse_skip_newlines(struct lexer *lx);
/* True if the next token is the reserved word text. */
bool parse_at_word(struct lexer *lx, const char *text);
/* Take the reserved word text, or token of that kind; else an error, false. */
bool parse_expect_word(struct lexer *lx, const char *text);
bool parse_expect(struct lexer *lx, enum token_kind kind);
struct word_list *parse_word_item(struct lexer *lx, struct word *word);

#endif
