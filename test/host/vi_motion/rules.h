/*
 * Where vi's motions lead: plain rules on one flat array of characters, in which a line's end
 * is a character like any. A place is an index into it.
 */
#ifndef TEST_HOST_VI_MOTION_RULES_H
#define TEST_HOST_VI_MOTION_RULES_H

#include "user/bin/vi/vi.h"

#define RULES_CHARS   200
#define RULES_NOWHERE ((size_t)-1)

extern int rules_text[RULES_CHARS];
extern size_t rules_length;

/* The character there; behind the last one stands, so to say, the end of the last line. */
int rules_at(size_t i);
/* Is it the end of a line that has nothing else? */
bool rules_empty(size_t i);
/* Cells of a character: a tab goes to the next multiple of 8. */
unsigned rules_cells(int code, unsigned column);
/* Where the key leads from i, given a count or 0: RULES_NOWHERE if it cannot. `wanted` is the
 * character after f, F, t, T; `;` does an f again, `,` a T the other way. vi.want is the column
 * that j and k keep to. */
size_t rules_motion(int key, size_t given, size_t i, int wanted);
/* What an operator takes of the way there. */
enum span rules_span(int key);

#endif
