/*
 * ^R: looking for a line of the history while its text is typed. See session.h.
 */
#include <stdlib.h>
#include <string.h>

#include "user/include/utf8.h"
#include "user/sh/history.h"
#include "user/sh/session.h"
#include "user/sh/shell.h"

#define CODE_END   0x110000
#define WANTED_MAX 100 /* bytes looked for */

struct look {
    char wanted[WANTED_MAX];
    size_t length;
    size_t found; /* line of the history; history_count(): none yet */
    bool failed;
};

/* Look in the lines before `before`. Where there is none, the last find stays. */
static void look_before(struct look *look, size_t before)
{
    size_t found = history_search(before, look->wanted, look->length);

    look->failed = look->length && found == history_count();
    if (!look->failed && look->length)
        look->found = found;
}

/* The prompt says what is looked for, the line is what was found. */
static void show(struct session *s, const struct look *look)
{
    static const char before[] = "search: ", failed[] = "not found: ", after[] = " -> ";
    static char prompt[sizeof(failed) + sizeof(after) + WANTED_MAX];

    strcpy(prompt, look->failed ? failed : before);
    strncat(prompt, look->wanted, look->length);
    strcat(prompt, after);
    if (look->found < history_count())
        edit_set(&s->edit, history_line(look->found), strlen(history_line(look->found)));
    display_prompt(&s->display, &s->edit, prompt);
}

static void type(struct look *look, int key)
{
    char bytes[UTF8_MAX];
    size_t count = utf8_encode(bytes, key);

    if (look->length + count > WANTED_MAX)
        return;
    memcpy(look->wanted + look->length, bytes, count);
    look->length += count;
    look_before(look, look->found < history_count() ? look->found + 1 : history_count());
}

/* A key of the search itself? */
static bool search_key(struct look *look, int key)
{
    if (key == KEY_CTRL('R')) {
        look_before(look, look->found);
    } else if (key == KEY_BACKSPACE || key == KEY_CTRL('H')) {
        if (look->length)
            look->length = utf8_previous(look->wanted, look->length);
        look->found = history_count();
        look_before(look, history_count());
    } else if (key >= 0x80 && key < 0xa0) {
        return true; /* the prompt cannot show it: a terminal may take it for a command */
    } else if (key >= ' ' && key < CODE_END) {
        type(look, key);
    } else {
        return key == KEY_UNKNOWN;
    }
    return true;
}

int session_search(struct session *s)
{
    const char *prompt = s->display.prompt;
    struct look look = {.found = history_count()};
    int key;

    edit_set(&s->typed, s->edit.text, s->edit.length);
    do {
        show(s, &look);
        key = session_key(s);
    } while (search_key(&look, key));
    if (key == KEY_CTRL('G') || key == KEY_CTRL('C')) {
        edit_set(&s->edit, s->typed.text, s->typed.length);
        key = KEY_UNKNOWN;
    } else if (look.found < history_count()) {
        s->history = look.found;
    }
    display_prompt(&s->display, &s->edit, prompt);
    return key == KEY_ESCAPE ? KEY_UNKNOWN : key;
}
