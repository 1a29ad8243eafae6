/*
 * The whole screen, for editors, pagers and the like.
 *
 * A program composes each row as text and calls screen_flush; only rows that differ
 * from what is there are sent. It runs on the terminal's second screen, where it has
 * one, so that the shell's is there again afterwards. Memory that is out ends the
 * program, with a message and the terminal as it was.
 *
 *   screen_open, then again and again: screen_row, screen_put..., screen_flush; screen_close
 */
#ifndef BANYAN_SCREEN_H
#define BANYAN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "user/include/keyboard.h"

#define SCREEN_TAB 8

struct screen_text {
    char *bytes;
    size_t length, capacity;
};

struct screen {
    struct keyboard keyboard;
    int fd;
    unsigned rows, columns;
    struct screen_text *shown, *wanted; /* of each row: on the terminal, composed */
    struct screen_text out;
    unsigned row, column; /* where screen_put goes on */
    bool reverse;
};

/* Take the terminal that fd is; raw keys come from there too. 0, or -1 with errno. */
int screen_open(struct screen *screen, int fd);
/* Give it back. May be called twice. */
void screen_close(struct screen *screen);
/* The next key, as keyboard_read. KEY_SIZE has been dealt with: draw all anew. */
int screen_key(struct screen *screen, unsigned tenths);

/* Compose the row from its start; what is put beyond the right margin is left out. */
void screen_row(struct screen *screen, unsigned row);
/* Dark on light, or not. Every row begins without. */
void screen_reverse(struct screen *screen, bool on);
/* Characters of a program's own. */
void screen_put(struct screen *screen, const char *text);
/* A character of a text that may be anything: control characters show as ^X, bytes that are
 * none as \xx, tabs go to the next multiple of 8 of `column`, the column in the text; the
 * cells before `skip` are not shown. */
void screen_put_text(struct screen *screen, const char *text, size_t length, unsigned column,
                     unsigned skip);
/* The cells that the character takes when it stands there in the text; *size is its length
 * in bytes. */
unsigned screen_cells(const char *text, size_t length, unsigned column, size_t *size);
/* Send what changed, and put the cursor there. */
void screen_flush(struct screen *screen, unsigned row, unsigned column);
/* Ask for a line of text, in the last row, behind a prompt. The length, or -1 if the user
 * thought better of it (Escape, ^C, Backspace with nothing left). text, of room bytes, is
 * NUL-terminated. */
int screen_ask(struct screen *screen, const char *prompt, char *text, size_t room);
/* Nothing of what is on the terminal is known any more. */
void screen_forget(struct screen *screen);
void screen_bell(struct screen *screen);

#endif
