/*
 * Lists, pipelines and simple commands. See parse.h.
 */
#include <string.h>

#include "user/sh/parse.h"
#include "user/sh/shell.h"

struct node *parse_new_node(struct lexer *lx, enum node_kind kind)
{
    struct node *node = arena_zalloc(lx->arena, sizeof(*node));

    node->kind = kind;
    node->line = lex_peek_token(lx)->line;
    return node;
}

void parse_skip_newlines(struct lexer *lx)
{
    while (lex_peek_token(lx)->kind == TOKEN_NEWLINE)
        lex_take(lx);
}

bool parse_at_word(struct lexer *lx, const char *text)
{
    const struct token *token = lex_peek_token(lx);
    const char *plain = token->kind == TOKEN_WORD ? lex_plain_text(token->word) : NULL;

    return plain && !strcmp(plain, text);
}

bool parse_expect_word(struct lexer *lx, const char *text)
{
    if (!parse_at_word(lx, text)) {
        lex_unexpected(lx);
        return false;
    }
    lex_take(lx);
    return true;
}

bool parse_expect(struct lexer *lx, enum token_kind kind)
{
    if (lex_peek_token(lx)->kind != kind) {
        lex_unexpected(lx);
        return false;
    }
    lex_take(lx);
    return true;
}

struct word_list *parse_word_item(struct lexer *lx, struct word *word)
{
    struct word_list *item = arena_zalloc(lx->arena, sizeof(*item));

    item->word = word;
    return item;
}

/* -------------------------------------------------------------- redirections */

static bool redirect_kind(enum token_kind token, enum redirect_kind *kind, int *fd)
{
    *fd = 0;
    switch (token) {
    case TOKEN_LESS:
        *kind = REDIRECT_IN;
        return true;
    case TOKEN_LESSGREAT:
        *kind = REDIRECT_BOTH;
        return true;
    case TOKEN_LESSAND:
        *kind = REDIRECT_DUP;
        return true;
    case TOKEN_DLESS:
    case TOKEN_DLESSDASH:
        *kind = REDIRECT_HERE;
        return true;
    default:
        break;
    }
    *fd = 1;
    switch (token) {
    case TOKEN_GREAT:
        *kind = REDIRECT_OUT;
        return true;
    case TOKEN_CLOBBER:
        *kind = REDIRECT_CLOBBER;
        return true;
    case TOKEN_DGREAT:
        *kind = REDIRECT_APPEND;
        return true;
    case TOKEN_GREATAND:
        *kind = REDIRECT_DUP;
        return true;
    default:
        return false;
    }
}

static bool parse_redirect(struct lexer *lx, struct redirect ***end, int number)
{
    struct redirect *redirect = arena_zalloc(lx->arena, sizeof(*redirect));
    enum token_kind kind = lex_peek_token(lx)->kind;

    if (!redirect_kind(kind, &redirect->kind, &redirect->fd)) {
        lex_unexpected(lx);
        return false;
    }
    if (number >= 0)
        redirect->fd = number;
    lex_take(lx);
    if (lex_peek_token(lx)->kind != TOKEN_WORD) {
        lex_unexpected(lx);
        return false;
    }
    redirect->target = lx->token.word;
    if (redirect->kind == REDIRECT_HERE)
        lex_add_heredoc(lx, redirect, lx->token.word, kind == TOKEN_DLESSDASH);
    lex_take(lx);
    **end = redirect;
    *end = &redirect->next;
    return !lx->failed;
}

bool parse_redirects(struct lexer *lx, struct redirect ***end)
{
    for (;;) {
        struct token *token = lex_peek_token(lx);
        enum redirect_kind kind;
        int number = -1, fd;

        if (token->kind == TOKEN_IO_NUMBER) {
            number = token->number;
            lex_take(lx);
        } else if (!redirect_kind(token->kind, &kind, &fd)) {
            return !lx->failed;
        }
        if (!parse_redirect(lx, end, number))
            return false;
    }
}

/* ----------------------------------------------------------- simple commands */

/* Length of NAME if the word begins with an unquoted `NAME=`, else 0. */
static size_t assigned_name(const struct word *word)
{
    const struct part *part = word->parts;
    const char *equals;

    if (!part || part->kind != PART_TEXT || part->quoted)
        return 0;
    equals = strchr(part->text, '=');
    if (!equals || !shell_is_name(part->text, (size_t)(equals - part->text)))
        return 0;
    return (size_t)(equals - part->text);
}

static void add_assignment(struct lexer *lx, struct assignment ***end, struct word *word,
                           size_t length)
{
    struct assignment *assignment = arena_zalloc(lx->arena, sizeof(*assignment));

    assignment->name = arena_copy(lx->arena, word->parts->text, length);
    assignment->value = lex_assigned_word(lx, word, length);
    **end = assignment;
    *end = &assignment->next;
}

/* `name (`: the first word of a command, followed by a parenthesis. */
static bool at_function(struct lexer *lx, const struct node *node)
{
    const char *name;

    if (node->redirects || node->assignments || lex_peek_token(lx)->kind != TOKEN_LPAREN)
        return false;
    name = lex_plain_text(node->words->word);
    return name && shell_is_name(name, strlen(name));
}

static struct node *parse_simple(struct lexer *lx)
{
    struct node *node = parse_new_node(lx, NODE_SIMPLE);
    struct word_list **words = &node->words;
    struct assignment **assignments = &node->assignments;
    struct redirect **redirects = &node->redirects;

    for (;;) {
        struct word *word;
        size_t length;

        if (!parse_redirects(lx, &redirects))
            return NULL;
        if (lex_peek_token(lx)->kind != TOKEN_WORD)
            break;
        word = lx->token.word;
        lex_take(lx);
        length = node->words ? 0 : assigned_name(word);
        if (length) {
            add_assignment(lx, &assignments, word, length);
            continue;
        }
        *words = parse_word_item(lx, word);
        words = &(*words)->next;
        if (node->words->next == NULL && at_function(lx, node)) {
            lex_take(lx);
            return parse_function(lx, lex_plain_text(word), node->line);
        }
    }
    if (!node->words && !node->assignments && !node->redirects)
        return lex_unexpected(lx);
    return lx->failed ? NULL : node;
}

/* ------------------------------------------------------- pipelines and lists */

/* Words that end a list and cannot begin a command. */
static bool at_closing_word(struct lexer *lx)
{
    static const char *const words[] = {"then", "else", "elif", "fi", "do", "done", "esac", "}"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (parse_at_word(lx, words[i]))
            return true;
    }
    return false;
}

static struct node *parse_command(struct lexer *lx)
{
    struct node *node = NULL;

    if (lx->depth >= LEX_DEPTH)
        return lex_error(lx, "nested too deeply");
    if (at_closing_word(lx))
        return lex_unexpected(lx);
    lx->depth++;
    if (parse_compound(lx, &node)) {
        struct redirect **redirects;

        if (node) {
            redirects = &node->redirects;
            while (*redirects)
                redirects = &(*redirects)->next;
            if (!parse_redirects(lx, &redirects))
                node = NULL;
        }
    } else {
        node = parse_simple(lx);
    }
    lx->depth--;
    return node;
}

static struct node *parse_pipeline(struct lexer *lx)
{
    struct node *pipe, *node, **end;
    bool not = parse_at_word(lx, "!");

    if (not )
        lex_take(lx);
    pipe = parse_new_node(lx, NODE_PIPE);
    node = parse_command(lx);
    if (node && lex_peek_token(lx)->kind == TOKEN_PIPE) {
        pipe->items = node;
        end = &node->next;
        while (node && lex_peek_token(lx)->kind == TOKEN_PIPE) {
            lex_take(lx);
            parse_skip_newlines(lx);
            node = parse_command(lx);
            if (node) {
                *end = node;
                end = &node->next;
            }
        }
        node = node ? pipe : NULL;
    }
    if (node && not ) {
        pipe = parse_new_node(lx, NODE_NOT);
        pipe->left = node;
        node = pipe;
    }
    return node;
}

static struct node *parse_and_or(struct lexer *lx)
{
    struct node *left = parse_pipeline(lx);

    while (left) {
        enum token_kind kind = lex_peek_token(lx)->kind;
        struct node *node;

        if (kind != TOKEN_AND && kind != TOKEN_OR)
            break;
        lex_take(lx);
        parse_skip_newlines(lx);
        node = parse_new_node(lx, kind == TOKEN_AND ? NODE_AND : NODE_OR);
        node->left = left;
        node->right = parse_pipeline(lx);
        left = node->right ? node : NULL;
    }
    return left;
}

/* The text of an async item, on one line, for `jobs`. */
static const char *source_text(struct lexer *lx, size_t start, size_t end)
{
    struct strbuf text;

    strbuf_init(&text, lx->arena);
    while (end > start && strchr(" \t\n", lx->in->text[end - 1]))
        end--;
    for (; start < end; start++)
        strbuf_put(&text, lx->in->text[start] == '\n' ? ' ' : lx->in->text[start]);
    return strbuf_text(&text);
}

/* and_or items up to a token that starts none. line: a newline ends it too. */
static struct node *parse_items(struct lexer *lx, bool line)
{
    struct node *list = parse_new_node(lx, NODE_LIST);
    struct node **end = &list->items;

    for (;;) {
        struct token *token;
        size_t start;

        if (!line)
            parse_skip_newlines(lx);
        token = lex_peek_token(lx);
        if (token->kind == TOKEN_EOF || token->kind == TOKEN_NEWLINE ||
            token->kind == TOKEN_RPAREN || token->kind == TOKEN_DSEMI ||
            token->kind == TOKEN_ERROR || (!line && at_closing_word(lx)))
            break;
        start = token->start;
        *end = parse_and_or(lx);
        if (!*end)
            return NULL;
        token = lex_peek_token(lx);
        if (token->kind == TOKEN_AMP) {
            (*end)->async = true;
            (*end)->source = source_text(lx, start, token->start);
        }
        end = &(*end)->next;
        if (token->kind == TOKEN_SEMI || token->kind == TOKEN_AMP)
            lex_take(lx);
        else if (line || token->kind != TOKEN_NEWLINE)
            break;
    }
    return lx->failed ? NULL : list;
}

struct node *parse_list(struct lexer *lx)
{
    struct node *list = parse_items(lx, false);

    if (list && !list->items)
        return lex_unexpected(lx);
    return list;
}

struct node *parse_substitution(struct lexer *lx)
{
    struct node *list;

    lx->have_token = false; /* the word we are in is the token being read */
    list = parse_items(lx, false);
    if (!list || !parse_expect(lx, TOKEN_RPAREN))
        return NULL;
    return list->items ? list : NULL;
}

struct node *parse_text(struct lexer *lx, const char *text, size_t length)
{
    struct input in;
    struct lexer inner;
    struct node *list;

    input_from_string(&in, text, length);
    in.line = lx->in->line;
    lex_begin(&inner, &in, lx->arena);
    inner.depth = lx->depth;
    list = parse_items(&inner, false);
    if (list && lex_peek_token(&inner)->kind != TOKEN_EOF)
        lex_unexpected(&inner);
    if (inner.failed)
        lx->failed = true;
    return inner.failed || !list->items ? NULL : list;
}

enum parse_result parse_complete(struct input *in, struct arena *arena, struct node **node)
{
    struct lexer lx;
    struct node *list;
    enum token_kind kind;

    *node = NULL;
    input_drop_consumed(in);
    lex_begin(&lx, in, arena);
    kind = lex_peek_token(&lx)->kind;
    if (kind == TOKEN_EOF && !in->interrupted)
        return PARSE_END;
    list = parse_items(&lx, true);
    kind = lex_peek_token(&lx)->kind;
    if (list && kind != TOKEN_NEWLINE && kind != TOKEN_EOF)
        lex_unexpected(&lx);
    if (!list || lx.failed || in->interrupted) {
        input_drop_line(in);
        return PARSE_ERROR;
    }
    *node = list->items ? list : NULL;
    return PARSE_COMMAND;
}
