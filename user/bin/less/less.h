/*
 * The pager's parts. A place is a line of the text and one of the rows that it takes
 * on the screen.
 */
#ifndef USER_BIN_LESS_LESS_H
#define USER_BIN_LESS_LESS_H

#include <regex.h>
#include <screen.h>

#include "user/bin/less/text.h"

struct place {
    size_t line, row;
};

struct view {
    struct screen *screen;
    struct text text;
    const char *name;
    struct place top;
    bool chop;     /* long lines are cut, not wrapped */
    bool numbers;  /* before each line */
    unsigned left; /* chop: columns gone to the left */
    bool searching;
    regex_t pattern;
    bool backward;     /* the last search was */
    char message[160]; /* for the last row, once */
};

/* view.c */
unsigned view_body(const struct view *view); /* rows for text */
void view_draw(struct view *view);
/* Go on by that many rows, or back; false if it could not. The end of the text stops at
 * the last row of the screen. */
bool view_forward(struct view *view, size_t rows);
bool view_back(struct view *view, size_t rows);
void view_go(struct view *view, size_t line);
void view_end(struct view *view);
bool view_is_at_end(struct view *view);

/* find.c. Ask for a pattern and look for it; or again, the other way if other. */
void find_ask(struct view *view, bool backward);
void find_again(struct view *view, bool other);
/* The first match in the line from byte `from` on: false if there is none. */
bool find_in(struct view *view, const char *line, size_t length, size_t from, size_t *start,
             size_t *end);

#endif
