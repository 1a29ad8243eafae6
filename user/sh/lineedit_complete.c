/*
 * Tab: completing the word before the cursor. See session.h.
 */
#include <stdio.h>
#include <string.h>

#include "user/include/utf8.h"
#include "user/sh/complete.h"
#include "user/sh/session.h"
#include "user/sh/shell.h"

#define SHOWN_UNASKED 120 /* candidates: as many as are shown without a question */
#define GAP           2   /* blanks between columns */

static void insert(struct session *s, const char *text)
{
    size_t count = strlen(text);

    edit_insert(&s->edit, text, count);
    if (count)
        display_inserted(&s->display, &s->edit, count);
}

static unsigned width_of(const char *text)
{
    size_t length = strlen(text);
    unsigned width = 0;

    for (size_t i = 0; i < length;) {
        long code;

        i += utf8_decode(text + i, length - i, &code);
        width += code == UTF8_INVALID ? 1 : utf8_width(code);
    }
    return width;
}

/* A name may hold what would drive the terminal. */
static void add_visibly(struct strbuf *out, const char *text)
{
    for (; *text; text++)
        strbuf_put(out, (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

/* In columns, each as wide as the widest name, sorted downwards. */
static void write_table(struct session *s, const struct strlist *list)
{
    unsigned widest = 0, across, down;
    struct strbuf out;

    for (size_t i = 0; i < list->count; i++)
        if (width_of(list->items[i]) > widest)
            widest = width_of(list->items[i]);
    across = s->display.columns / (widest + GAP);
    across = across ? across : 1;
    down = (unsigned)((list->count + across - 1) / across);
    strbuf_init(&out, shell.stack);
    for (unsigned row = 0; row < down; row++) {
        for (size_t i = row; i < list->count; i += down) {
            add_visibly(&out, list->items[i]);
            for (unsigned w = width_of(list->items[i]); i + down < list->count && w < widest + GAP;
                 w++)
                strbuf_put(&out, ' ');
        }
        strbuf_put(&out, '\n');
    }
    shell_write(s->display.fd, out.data, out.length);
}

/* May so many be shown? */
static bool ask(struct session *s, size_t count)
{
    char question[64];
    int key;

    snprintf(question, sizeof(question), "show all %zu? (y or n) ", count);
    shell_write(s->display.fd, question, strlen(question));
    do
        key = session_key(s);
    while (key == KEY_UNKNOWN);
    shell_write(s->display.fd, "\n", 1);
    return key == 'y' || key == 'Y' || key == ' ' || key == KEY_CTRL('I');
}

static void show_candidates(struct session *s, const struct strlist *list)
{
    display_leave(&s->display, &s->edit);
    if (list->count <= SHOWN_UNASKED || ask(s, list->count))
        write_table(s, list);
    display_again(&s->display, &s->edit);
}

void session_complete(struct session *s, bool again)
{
    struct arena_mark mark = arena_mark(shell.stack);
    struct complete_word word;
    struct strlist list;
    size_t typed, common;

    complete_find_word(&word, s->edit.text, s->edit.cursor, shell.stack);
    strlist_init(&list, shell.stack);
    complete_candidates(&word, &list);
    typed = complete_typed(&word);
    common = complete_common(&list);
    if (list.count && (common > typed || list.count == 1))
        insert(s, complete_escape(&word, list.items[0] + typed, common - typed, list.count == 1));
    else if (list.count && again)
        show_candidates(s, &list);
    else
        display_bell(&s->display);
    arena_release(shell.stack, mark);
}
