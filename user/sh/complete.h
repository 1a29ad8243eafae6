/*
 * Completion: what the word before the cursor can become.
 *
 * The first word of a command is completed from builtins, functions, words of the
 * grammar and programs on PATH; any other, and one with a slash in it, from files
 * (folders only after cd); $NAME and ${NAME from variables.
 */
#ifndef USER_SH_COMPLETE_H
#define USER_SH_COMPLETE_H

#include "user/sh/arena.h"

enum complete_kind { COMPLETE_COMMAND, COMPLETE_FILE, COMPLETE_FOLDER, COMPLETE_VARIABLE };

/* What is before the cursor. */
struct complete_word {
    enum complete_kind kind;
    char quote;       /* the word is inside ' or ", or 0 */
    bool brace;       /* a variable that began with ${ */
    const char *text; /* the word so far, quotes resolved; of a variable the name */
};

/* Find the word that ends at the end of line (length bytes). Allocated in arena,
 * as everything here. */
void complete_find_word(struct complete_word *word, const char *line, size_t length,
                        struct arena *arena);
/* Everything it can become, sorted, each once: whole names, a folder's with a slash
 * at its end; of files only what follows the last slash of the word. */
void complete_candidates(const struct complete_word *word, struct strlist *list);
/* How many bytes of the word the candidates replace: all, or those of a file's name. */
size_t complete_typed(const struct complete_word *word);
/* The length of the beginning that all candidates have in common. */
size_t complete_common(const struct strlist *list);
/* text as it is typed at the place of the word, escaped as its quotes need it, and
 * if it is the whole word, with what follows one. */
char *complete_escape(const struct complete_word *word, const char *text, size_t length,
                      bool whole);

#endif
