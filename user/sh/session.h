/*
 * One line being typed: what the keys work on. Between the parts of the line
 * editor: lineedit.c, lineedit_search.c, lineedit_complete.c.
 */
#ifndef USER_SH_SESSION_H
#define USER_SH_SESSION_H

#include "user/include/keyboard.h"
#include "user/sh/display.h"
#include "user/sh/edit.h"

enum session_end { SESSION_GOES_ON, SESSION_LINE, SESSION_END, SESSION_INTERRUPTED };

struct session {
    struct keyboard keyboard;
    struct edit edit;
    struct display display;
    enum session_end end;
    size_t history;    /* the line of it that is shown; history_count(): none */
    struct edit typed; /* what was there before history was shown */
    int last_key;
};

/* Replace the line, and show that. */
void session_show_line(struct session *session, const char *text, size_t length);
/* The next key. Answers about the size are dealt with and not returned. */
int session_key(struct session *session);

/* ^R: look for a line while its text is typed. Returns the key that ended it and is
 * to be done with the line found, or KEY_UNKNOWN for nothing. */
int session_search(struct session *session);
/* Tab. again: the second time in a row, so show what there is. */
void session_complete(struct session *session, bool again);

#endif
