/*
 * What the parser makes of a command, and the executor runs.
 *
 * Words are parsed to the last quote: a word is a list of parts, and a command
 * substitution in it is a tree of its own. All nodes live in the arena of the
 * complete command they belong to and are never changed after parsing.
 */
#ifndef USER_SH_AST_H
#define USER_SH_AST_H

#include <stdbool.h>
#include <stddef.h>

enum part_kind {
    PART_TEXT,    /* text, as it is */
    PART_TILDE,   /* ~ */
    PART_PARAM,   /* $text, ${text...} */
    PART_COMMAND, /* $(...), `...` */
    PART_ARITH,   /* $((arg)) */
};

/* What stands after the name in ${name...}. */
enum param_op {
    PARAM_PLAIN,
    PARAM_LENGTH,   /* ${#name} */
    PARAM_DEFAULT,  /* -   arg if unset */
    PARAM_ASSIGN,   /* =   the same, and assign it */
    PARAM_ERROR,    /* ?   a message and the end if unset */
    PARAM_REPLACE,  /* +   arg if set */
    PARAM_PREFIX,   /* #   without the shortest prefix that matches arg */
    PARAM_PREFIX_L, /* ##  the longest */
    PARAM_SUFFIX,   /* % */
    PARAM_SUFFIX_L, /* %% */
};

struct word {
    struct part *parts;
};

struct part {
    struct part *next;
    enum part_kind kind;
    bool quoted; /* its result is neither split nor matched with file names */
    bool colon;  /* PARAM: an empty value counts as unset */
    enum param_op op;
    const char *text;
    struct word *arg;
    struct node *command;
};

struct word_list {
    struct word_list *next;
    struct word *word;
};

enum redirect_kind {
    REDIRECT_IN,      /* < */
    REDIRECT_OUT,     /* > */
    REDIRECT_CLOBBER, /* >| */
    REDIRECT_APPEND,  /* >> */
    REDIRECT_BOTH,    /* <> */
    REDIRECT_DUP,     /* <& >& : target is a number or - */
    REDIRECT_HERE,    /* << <<- : target is the text */
};

struct redirect {
    struct redirect *next;
    enum redirect_kind kind;
    int fd;
    struct word *target;
};

struct assignment {
    struct assignment *next;
    const char *name;
    struct word *value;
};

struct case_item {
    struct case_item *next;
    struct word_list *patterns;
    struct node *body; /* may be NULL */
};

enum node_kind {
    NODE_SIMPLE,
    NODE_PIPE,     /* items, two or more */
    NODE_NOT,      /* ! left */
    NODE_AND,      /* left && right */
    NODE_OR,       /* left || right */
    NODE_LIST,     /* items one after the other; an async one with & */
    NODE_SUBSHELL, /* ( left ) */
    NODE_GROUP,    /* { left } */
    NODE_IF,       /* if left then right else other */
    NODE_WHILE,    /* while left do right */
    NODE_UNTIL,
    NODE_FOR, /* for name in words do right; words_given, else "$@" */
    NODE_CASE,
    NODE_FUNCTION, /* name() left */
};

struct node {
    enum node_kind kind;
    unsigned line;
    bool async;              /* item of a list: & after it */
    bool words_given;        /* FOR: there was an `in` */
    const char *name;        /* FOR, FUNCTION */
    const char *source;      /* async: its text, for `jobs` */
    struct node *next;       /* in items of a PIPE or LIST */
    struct node *items;      /* PIPE, LIST */
    struct node *left;       /* see above */
    struct node *right;      /* see above */
    struct node *other;      /* IF: the else part, may be NULL */
    struct word_list *words; /* SIMPLE, FOR */
    struct word *subject;    /* CASE */
    struct case_item *cases;
    struct assignment *assignments; /* SIMPLE */
    struct redirect *redirects;     /* SIMPLE and the compound ones */
};

#endif
