/*
 * A line being edited: its bytes, the cursor, and what was last cut out of it.
 *
 * Pure but for memory: shell_no_memory() is called when that is out, with the line
 * as it was. Places are byte offsets, always at the start of a character.
 */
#ifndef USER_SH_EDIT_H
#define USER_SH_EDIT_H

#include <stdbool.h>
#include <stddef.h>

struct edit {
    char *text; /* not NUL-terminated; NULL until there was something in it */
    size_t length, cursor, capacity;
    char *cut; /* for edit_paste */
    size_t cut_length;
};

/* Empty it; what was cut out stays. */
void edit_clear(struct edit *edit);
/* Replace all of it, cursor at the end. text may lie in the line itself. */
void edit_set(struct edit *edit, const char *text, size_t length);
/* Insert at the cursor, and move it behind. */
void edit_insert(struct edit *edit, const char *bytes, size_t count);
/* Remove the bytes from..to; the cursor goes to `from` if it was among them. */
void edit_remove(struct edit *edit, size_t from, size_t to);
/* The same, and keep them. An empty range keeps what was cut before. */
void edit_cut(struct edit *edit, size_t from, size_t to);
void edit_paste(struct edit *edit);
/* Exchange the characters around the cursor, or the last two at the end. */
void edit_transpose(struct edit *edit);

/* Places: one character, or one word, to either side of the cursor, if there is
 * one. A word is of letters, digits and what is not ASCII; a blank-separated word
 * of anything but blanks. */
size_t edit_left(const struct edit *edit);
size_t edit_right(const struct edit *edit);
size_t edit_word_left(const struct edit *edit);
size_t edit_word_right(const struct edit *edit);
size_t edit_blank_left(const struct edit *edit);

#endif
