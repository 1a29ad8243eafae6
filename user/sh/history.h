/*
 * The lines typed before, the last HISTORY_MAX of them, and the file that keeps
 * them from one boot to the next: $HISTFILE, else .history in $HOME, else /.history.
 *
 * A line is added to the file when it is typed; a shell that is killed loses none,
 * and several shells share the file. Where it cannot be written, lines are kept
 * for this shell only, and nothing is said.
 */
#ifndef USER_SH_HISTORY_H
#define USER_SH_HISTORY_H

#include <stddef.h>

#define HISTORY_MAX 1000

/* Read the file, once; a file much too long is cut. */
void history_load(void);
/* A line was typed. Blank lines, those that begin with a blank, and a repetition
 * of the last one are left out. */
void history_add(const char *text, size_t length);
/* Forget all of it, the file too. */
void history_forget(void);

size_t history_count(void);
/* Line i, from the oldest (0) on. */
const char *history_line(size_t i);
/* The newest line before `before` that holds text; history_count() if there is
 * none. */
size_t history_search(size_t before, const char *text, size_t length);

/* The number that `history` shows for line i: it counts the lines forgotten. */
size_t history_number(size_t i);

#endif
