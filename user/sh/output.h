/*
 * What builtins print: gathered, and written at their end in one piece, so
 * that a failed write is seen and becomes the builtin's status.
 */
#ifndef USER_SH_OUTPUT_H
#define USER_SH_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

void output_bytes(const char *bytes, size_t count);
void output_text(const char *text);
/* Write what is gathered to standard output. False, with a message that begins
 * with name, if that failed. */
bool output_flush(const char *name);
/* Forget what is gathered (in a new child). */
void output_discard(void);

#endif
