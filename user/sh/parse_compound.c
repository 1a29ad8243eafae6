/*
 * Compound commands and functions. See parse.h.
 */
#include <string.h>

#include "user/sh/parse.h"
#include "user/sh/shell.h"

static struct node *parse_brackets(struct lexer *lx, enum node_kind kind)
{
    struct node *node = parse_new_node(lx, kind);
    bool closed;

    lex_take(lx);
    node->left = parse_list(lx);
    if (!node->left)
        return NULL;
    closed = kind == NODE_SUBSHELL ? parse_expect(lx, TOKEN_RPAREN) : parse_expect_word(lx, "}");
    return closed ? node : NULL;
}

/* After `if` or `elif`, to the `fi` included. */
static struct node *parse_if(struct lexer *lx)
{
    struct node *node = parse_new_node(lx, NODE_IF);

    lex_take(lx);
    if (lx->depth >= LEX_DEPTH)
        return lex_error(lx, "nested too deeply");
    node->left = parse_list(lx);
    if (!node->left || !parse_expect_word(lx, "then"))
        return NULL;
    node->right = parse_list(lx);
    if (!node->right)
        return NULL;
    if (parse_at_word(lx, "elif")) {
        lx->depth++;
        node->other = parse_if(lx);
        lx->depth--;
        return node->other ? node : NULL;
    }
    if (parse_at_word(lx, "else")) {
        lex_take(lx);
        node->other = parse_list(lx);
        if (!node->other)
            return NULL;
    }
    return parse_expect_word(lx, "fi") ? node : NULL;
}

static struct node *parse_do_group(struct lexer *lx)
{
    struct node *body;

    if (!parse_expect_word(lx, "do"))
        return NULL;
    body = parse_list(lx);
    return body && parse_expect_word(lx, "done") ? body : NULL;
}

static struct node *parse_while(struct lexer *lx, enum node_kind kind)
{
    struct node *node = parse_new_node(lx, kind);

    lex_take(lx);
    node->left = parse_list(lx);
    if (!node->left)
        return NULL;
    node->right = parse_do_group(lx);
    return node->right ? node : NULL;
}

static struct node *parse_for(struct lexer *lx)
{
    struct node *node = parse_new_node(lx, NODE_FOR);
    struct word_list **end = &node->words;

    lex_take(lx);
    if (lex_peek_token(lx)->kind != TOKEN_WORD)
        return lex_unexpected(lx);
    node->name = lex_plain_text(lx->token.word);
    if (!node->name || !shell_is_name(node->name, strlen(node->name)))
        return lex_unexpected(lx);
    lex_take(lx);
    if (lex_peek_token(lx)->kind == TOKEN_SEMI) {
        lex_take(lx);
        parse_skip_newlines(lx);
        node->right = parse_do_group(lx);
        return node->right ? node : NULL;
    }
    parse_skip_newlines(lx);
    if (parse_at_word(lx, "in")) {
        node->words_given = true;
        lex_take(lx);
        while (lex_peek_token(lx)->kind == TOKEN_WORD) {
            *end = parse_word_item(lx, lx->token.word);
            end = &(*end)->next;
            lex_take(lx);
        }
        if (lex_peek_token(lx)->kind != TOKEN_SEMI && lx->token.kind != TOKEN_NEWLINE)
            return lex_unexpected(lx);
        lex_take(lx);
        parse_skip_newlines(lx);
    }
    node->right = parse_do_group(lx);
    return node->right ? node : NULL;
}

/* `(`? pattern (`|` pattern)* `)` list? */
static struct case_item *parse_case_item(struct lexer *lx)
{
    struct case_item *item = arena_zalloc(lx->arena, sizeof(*item));
    struct word_list **end = &item->patterns;

    if (lex_peek_token(lx)->kind == TOKEN_LPAREN)
        lex_take(lx);
    for (;;) {
        if (lex_peek_token(lx)->kind != TOKEN_WORD)
            return lex_unexpected(lx);
        *end = parse_word_item(lx, lx->token.word);
        end = &(*end)->next;
        lex_take(lx);
        if (lex_peek_token(lx)->kind != TOKEN_PIPE)
            break;
        lex_take(lx);
    }
    if (!parse_expect(lx, TOKEN_RPAREN))
        return NULL;
    parse_skip_newlines(lx);
    if (lex_peek_token(lx)->kind != TOKEN_DSEMI && !parse_at_word(lx, "esac")) {
        item->body = parse_list(lx);
        if (!item->body)
            return NULL;
    }
    return item;
}

static struct node *parse_case(struct lexer *lx)
{
    struct node *node = parse_new_node(lx, NODE_CASE);
    struct case_item **end = &node->cases;

    lex_take(lx);
    if (lex_peek_token(lx)->kind != TOKEN_WORD)
        return lex_unexpected(lx);
    node->subject = lx->token.word;
    lex_take(lx);
    parse_skip_newlines(lx);
    if (!parse_expect_word(lx, "in"))
        return NULL;
    parse_skip_newlines(lx);
    while (!parse_at_word(lx, "esac")) {
        *end = parse_case_item(lx);
        if (!*end)
            return NULL;
        end = &(*end)->next;
        if (lex_peek_token(lx)->kind == TOKEN_DSEMI)
            lex_take(lx);
        else if (!parse_at_word(lx, "esac"))
            return lex_unexpected(lx);
        parse_skip_newlines(lx);
    }
    lex_take(lx);
    return node;
}

bool parse_compound(struct lexer *lx, struct node **node)
{
    if (lex_peek_token(lx)->kind == TOKEN_LPAREN)
        *node = parse_brackets(lx, NODE_SUBSHELL);
    else if (parse_at_word(lx, "{"))
        *node = parse_brackets(lx, NODE_GROUP);
    else if (parse_at_word(lx, "if"))
        *node = parse_if(lx);
    else if (parse_at_word(lx, "while"))
        *node = parse_while(lx, NODE_WHILE);
    else if (parse_at_word(lx, "until"))
        *node = parse_while(lx, NODE_UNTIL);
    else if (parse_at_word(lx, "for"))
        *node = parse_for(lx);
    else if (parse_at_word(lx, "case"))
        *node = parse_case(lx);
    else
        return false;
    return true;
}

struct node *parse_function(struct lexer *lx, const char *name, unsigned line)
{
    struct node *node = parse_new_node(lx, NODE_FUNCTION);
    struct redirect **redirects;

    node->name = name;
    node->line = line;
    if (!parse_expect(lx, TOKEN_RPAREN))
        return NULL;
    parse_skip_newlines(lx);
    if (!parse_compound(lx, &node->left))
        return lex_unexpected(lx);
    if (!node->left)
        return NULL;
    redirects = &node->left->redirects;
    return parse_redirects(lx, &redirects) ? node : NULL;
}
