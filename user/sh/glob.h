/*
 * Patterns: * ? [...] and backslash, and the file names that match them.
 */
#ifndef USER_SH_GLOB_H
#define USER_SH_GLOB_H

#include <stdbool.h>

#include "user/sh/arena.h"

/* True if the whole of text matches pattern. */
bool match(const char *pattern, const char *text);

/* Add the paths that match pattern to list, sorted. False if the pattern has
 * nothing special in it or no file matches. A leading dot of a name is matched
 * only by a dot. */
bool glob_expand(const char *pattern, struct strlist *list);

/* A copy of pattern without its backslashes. */
char *glob_unquote(struct arena *arena, const char *pattern);

#endif
