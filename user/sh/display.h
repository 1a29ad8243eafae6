/*
 * The line being edited, on the terminal: behind its prompt, over as many rows as
 * it needs, the cursor where it belongs.
 *
 * What is typed at the end of the line goes out as it is and nothing else, also at
 * the right margin: the terminal wraps by itself with the next character. Only
 * what is more than that needs escape sequences, those of a VT100.
 */
#ifndef USER_SH_DISPLAY_H
#define USER_SH_DISPLAY_H

#include "user/sh/edit.h"

/* A cell: row 0 is the one that the prompt's last line begins in. The column may be one
 * too many: the terminal hangs at the margin. */
struct place {
    unsigned row, column;
};

struct display {
    int fd;
    unsigned columns; /* of the terminal */
    const char *prompt;
    struct place start; /* behind the prompt */
    struct place now;   /* of the cursor */
    bool marks;         /* some character of the line joins the one before it */
    char *out;          /* bytes to be sent */
    size_t length, capacity;
};

/* Write the prompt at the cursor, which stands at the start of a row. The prompt
 * must stay as long as it is shown. */
void display_begin(struct display *display, int fd, unsigned columns, const char *prompt);
/* One or more characters were inserted: the cut bytes before the cursor. */
void display_inserted(struct display *display, const struct edit *edit, size_t count);
/* The line changed from byte `from` on: show that, and the cursor. */
void display_changed(struct display *display, const struct edit *edit, size_t from);
/* Only the cursor moved. */
void display_moved(struct display *display, const struct edit *edit);
/* Another prompt, of which the last line is shown, in the place of the old one's, and the
 * line anew. */
void display_prompt(struct display *display, const struct edit *edit, const char *prompt);
/* To a fresh row below the line: something else is to be written there. */
void display_leave(struct display *display, const struct edit *edit);
/* Write prompt and line where the cursor is now, the start of a row. */
void display_again(struct display *display, const struct edit *edit);
/* The terminal has another width than was thought. What is on it was laid out for
 * the old one, so it is written anew, below. */
void display_resize(struct display *display, const struct edit *edit, unsigned columns);
/* The same on an empty screen. */
void display_clear(struct display *display, const struct edit *edit);
void display_bell(struct display *display);

#endif
