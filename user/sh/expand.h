/*
 * From words to the strings a command gets.
 *
 * In order: tilde, parameters, command substitution and arithmetic; splitting
 * of their unquoted results by IFS; file names for unquoted patterns; removal
 * of quotes. Results lie in shell.stack. After a failure a message was given,
 * shell.unwind is set, and the result is NULL or false.
 */
#ifndef USER_SH_EXPAND_H
#define USER_SH_EXPAND_H

#include <stdbool.h>

#include "user/sh/arena.h"
#include "user/sh/ast.h"

/* Add the word's fields, none to many, to list. */
bool expand_fields(const struct word *word, struct strlist *list);
/* The word as one string: no splitting, no file names. */
char *expand_string(const struct word *word);
/* The same as a pattern for match(): what was quoted has a backslash. */
char *expand_pattern(const struct word *word);

/* What the commands of a substitution write, newlines at its end removed. Sets
 * shell.substitution. */
char *expand_command(const struct node *command);
/* Value of an arithmetic expression; false with a message if it is wrong. */
bool arith_evaluate(const char *text, long *value);

#endif
