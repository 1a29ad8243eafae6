/*
 * What the keys of user/sh/lineedit.h do, on a line that is a plain array of characters, and
 * how that looks on a terminal. The real ones must do the same, key by key.
 */
#ifndef TEST_HOST_SH_LINEEDIT_MODEL_H
#define TEST_HOST_SH_LINEEDIT_MODEL_H

#include "test/host/sh_lineedit/glass.h"

#define TEXT_MAX  400      /* characters of a line; who chooses keys keeps lines shorter */
#define LINES_MAX 4000     /* of the history, those forgotten included */
#define BAD_BYTE  0x110000 /* + a byte that is no part of a character */

struct text {
    int code[TEXT_MAX];
    size_t length;
};

enum mode { MODE_KEYS, MODE_LITERAL, MODE_SEARCH, MODE_ASKED };
enum done { DONE_NOT, DONE_LINE, DONE_END, DONE_INTERRUPT };

struct model {
    struct text line, cut, typed, wanted;
    size_t cursor;
    enum mode mode;
    enum done done;
    bool found, failed; /* of the search */
    size_t shown;       /* line of the history; = lines: none */
    bool tabbed;        /* the last key was Tab */
    bool table;         /* Tab has shown a table: the line is further down */
    struct text history[LINES_MAX];
    size_t lines, forgotten; /* lines 0..forgotten are not there any more */
};

/* What Tab may make of a word. Sorted. */
extern const char *model_words[];
extern const size_t model_word_count;

void model_begin(struct model *model);
void model_key(struct model *model, int key);
/* Is Tab's effect known to the model here? Only in a plain word that is no variable. */
bool model_knows_tab(const struct model *model);
/* Add a line to the history, as one that was typed. */
void model_remember(struct model *model, const struct text *line);

struct text text_of(const char *bytes, size_t length);
/* Into bytes, of 4 * TEXT_MAX; returns their number. */
size_t text_bytes(const struct text *text, char *bytes);
/* Prompt and the line's first `count` characters, written on an empty terminal. */
void model_draw(const struct model *model, const char *prompt, size_t count, struct glass *glass);

#endif
