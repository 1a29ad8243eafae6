/*
 * Lines typed at the terminal: the keys that edit them.
 *
 *   Left ^B, Right ^F        a character       Ctrl or Alt with Left, Right; Alt-B, Alt-F: a word
 *   Home ^A, End ^E          the line's ends   Up, Down ^N: history      ^R: search in it
 *   Backspace ^H, Del ^D     remove            ^W, Alt-Backspace, Alt-D: a word
 *   ^U, ^K                   all before, after the cursor       ^Y: put back what was cut
 *   ^T exchange characters   ^V the next key as it is           Tab: complete
 *   ^L a fresh screen        ^C drop the line                   ^D on an empty line: the end
 *
 * ^P is the system's (it dumps every thread).
 */
#ifndef USER_SH_LINEEDIT_H
#define USER_SH_LINEEDIT_H

#include <stdbool.h>
#include <stddef.h>

/* Is fd a terminal that can be drawn on? TERM says so: it is set, and not dumb. */
bool lineedit_wanted(int fd);
/* Read a line. Returns 1 with the line, its newline included, which is good until the
 * next; 0 at the end of the input; -EINTR after ^C; or another negated errno. */
int lineedit_read(int fd, const char *prompt, const char **line, size_t *length);
/* Leave the terminal as it was before the line: memory was out in the midst of it. */
void lineedit_abandon(void);

#endif
