/*
 * Redirections: opening what they name, and undoing them afterwards.
 */
#ifndef USER_SH_REDIRECT_H
#define USER_SH_REDIRECT_H

#include <stdbool.h>

#include "user/sh/ast.h"

/* Where redirect_undo() goes back to. */
typedef struct saved_fd *redirect_mark;

redirect_mark redirect_begin(void);
/* Do the redirections in order. save: keep what they replace, for
 * redirect_undo(); else for good (exec, a child). Returns false, with a
 * message, if one fails; those before it then stay until they are undone. */
bool redirect_apply(const struct redirect *list, bool save);
/* Put back all that was saved since the mark. */
void redirect_undo(redirect_mark mark);
/* Keep what is in force since the mark: forget what was saved. */
void redirect_keep(redirect_mark mark);

#endif
