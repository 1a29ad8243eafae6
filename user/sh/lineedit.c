/*
 * Lines typed at the terminal. See lineedit.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "user/include/utf8.h"
#include "user/sh/history.h"
#include "user/sh/lineedit.h"
#include "user/sh/session.h"
#include "user/sh/shell.h"
#include "user/sh/terminal.h"
#include "user/sh/vars.h"

#define CODE_END 0x110000 /* keys below are characters */

/* One for the whole shell: what was cut out of a line can be put into the next,
 * and its memory is used again. */
static struct session session;

/* ---------------------------------------------------------------------- keys */

static void insert(struct session *s, int code)
{
    char bytes[UTF8_MAX];
    size_t count = utf8_encode(bytes, code);

    edit_insert(&s->edit, bytes, count);
    display_inserted(&s->display, &s->edit, count);
}

static void go(struct session *s, size_t to)
{
    s->edit.cursor = to;
    display_moved(&s->display, &s->edit);
}

static void key_left(struct session *s)
{
    go(s, edit_left(&s->edit));
}

static void key_right(struct session *s)
{
    go(s, edit_right(&s->edit));
}

static void key_home(struct session *s)
{
    go(s, 0);
}

static void key_end(struct session *s)
{
    go(s, s->edit.length);
}

static void key_word_left(struct session *s)
{
    go(s, edit_word_left(&s->edit));
}

static void key_word_right(struct session *s)
{
    go(s, edit_word_right(&s->edit));
}

static void erase(struct session *s, size_t from, size_t to)
{
    if (from == to)
        display_bell(&s->display);
    edit_remove(&s->edit, from, to);
    display_changed(&s->display, &s->edit, from);
}

static void cut(struct session *s, size_t from, size_t to)
{
    edit_cut(&s->edit, from, to);
    display_changed(&s->display, &s->edit, from);
}

static void key_backspace(struct session *s)
{
    erase(s, edit_left(&s->edit), s->edit.cursor);
}

static void key_delete(struct session *s)
{
    erase(s, s->edit.cursor, edit_right(&s->edit));
}

static void key_delete_or_end(struct session *s)
{
    if (s->edit.length)
        key_delete(s);
    else
        s->end = SESSION_END;
}

static void key_cut_before(struct session *s)
{
    cut(s, 0, s->edit.cursor);
}

static void key_cut_after(struct session *s)
{
    cut(s, s->edit.cursor, s->edit.length);
}

static void key_cut_blank_word(struct session *s)
{
    cut(s, edit_blank_left(&s->edit), s->edit.cursor);
}

static void key_cut_word_left(struct session *s)
{
    cut(s, edit_word_left(&s->edit), s->edit.cursor);
}

static void key_cut_word_right(struct session *s)
{
    cut(s, s->edit.cursor, edit_word_right(&s->edit));
}

static void key_paste(struct session *s)
{
    edit_paste(&s->edit);
    display_inserted(&s->display, &s->edit, s->edit.cut_length);
}

static void key_transpose(struct session *s)
{
    edit_transpose(&s->edit);
    display_changed(&s->display, &s->edit, 0);
}

static void key_literal(struct session *s)
{
    int key = session_key(s);

    if (key > 0 && key < CODE_END)
        insert(s, key);
}

static void key_clear(struct session *s)
{
    display_clear(&s->display, &s->edit);
    terminal_ask_size(s->display.fd); /* it may be a window that was resized */
}

static void key_enter(struct session *s)
{
    s->end = SESSION_LINE;
}

static void key_interrupt(struct session *s)
{
    s->end = SESSION_INTERRUPTED;
}

static void show_history(struct session *s, size_t at)
{
    if (s->history == history_count())
        edit_set(&s->typed, s->edit.text, s->edit.length);
    s->history = at;
    if (at == history_count())
        session_show_line(s, s->typed.text, s->typed.length);
    else
        session_show_line(s, history_line(at), strlen(history_line(at)));
}

static void key_up(struct session *s)
{
    if (s->history)
        show_history(s, s->history - 1);
    else
        display_bell(&s->display);
}

static void key_down(struct session *s)
{
    if (s->history < history_count())
        show_history(s, s->history + 1);
    else
        display_bell(&s->display);
}

static const struct {
    int key;
    void (*work)(struct session *s);
} keys[] = {
    {KEY_LEFT, key_left},
    {KEY_CTRL('B'), key_left},
    {KEY_RIGHT, key_right},
    {KEY_CTRL('F'), key_right},
    {KEY_HOME, key_home},
    {KEY_CTRL('A'), key_home},
    {KEY_END, key_end},
    {KEY_CTRL('E'), key_end},
    {KEY_WORD_LEFT, key_word_left},
    {KEY_ALT + 'b', key_word_left},
    {KEY_WORD_RIGHT, key_word_right},
    {KEY_ALT + 'f', key_word_right},
    {KEY_BACKSPACE, key_backspace},
    {KEY_CTRL('H'), key_backspace},
    {KEY_DELETE, key_delete},
    {KEY_CTRL('D'), key_delete_or_end},
    {KEY_CTRL('U'), key_cut_before},
    {KEY_CTRL('K'), key_cut_after},
    {KEY_CTRL('W'), key_cut_blank_word},
    {KEY_ALT + KEY_BACKSPACE, key_cut_word_left},
    {KEY_ALT + 'd', key_cut_word_right},
    {KEY_CTRL('Y'), key_paste},
    {KEY_CTRL('T'), key_transpose},
    {KEY_CTRL('V'), key_literal},
    {KEY_CTRL('L'), key_clear},
    {KEY_ENTER, key_enter},
    {KEY_CTRL('C'), key_interrupt},
    {KEY_UP, key_up},
    {KEY_DOWN, key_down},
    {KEY_CTRL('N'), key_down},
};

static void do_key(struct session *s, int key)
{
    while (key == KEY_CTRL('R'))
        key = session_search(s);
    if (key == KEY_CTRL('I')) {
        session_complete(s, s->last_key == key);
        s->last_key = key;
        return;
    }
    s->last_key = key;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i].key == key) {
            keys[i].work(s);
            return;
        }
    }
    if (key == KEY_END_OF_INPUT)
        s->end = SESSION_END;
    else if (key >= ' ' && key < CODE_END)
        insert(s, key);
    else if (key != KEY_UNKNOWN)
        display_bell(&s->display);
}

/* ------------------------------------------------------------------- the size */

/* COLUMNS, as a variable of the shell, goes before all. */
static unsigned columns(int fd)
{
    const char *text = var_get("COLUMNS");
    int number = text ? shell_number(text) : -1;
    unsigned known = terminal_size(fd).columns;

    if (number > 0)
        known = (unsigned)number;
    return known < 4 ? 4 : known; /* what a wide character and its neighbours need */
}

int session_key(struct session *s)
{
    for (;;) {
        int key = keyboard_read(&s->keyboard, 0);

        if (key != KEY_SIZE)
            return key;
        terminal_set_size(s->keyboard.fd, &s->keyboard.decoder);
        display_resize(&s->display, &s->edit, columns(s->keyboard.fd));
    }
}

void session_show_line(struct session *s, const char *text, size_t length)
{
    edit_set(&s->edit, text, length);
    display_changed(&s->display, &s->edit, 0);
}

/* ------------------------------------------------------------------- one line */

bool lineedit_wanted(int fd)
{
    const char *term = var_get("TERM");

    return term && *term && strcmp(term, "dumb") != 0 && isatty(fd) && isatty(STDERR_FILENO);
}

void lineedit_abandon(void)
{
    keyboard_close(&session.keyboard);
}

int lineedit_read(int fd, const char *prompt, const char **line, size_t *length)
{
    static bool begun;
    struct session *s = &session;

    if (keyboard_open(&s->keyboard, fd, true))
        return -errno;
    if (!begun) {
        history_load();
        terminal_ask_size(STDERR_FILENO);
    }
    begun = true;
    edit_clear(&s->edit);
    edit_clear(&s->typed);
    s->end = SESSION_GOES_ON;
    s->history = history_count();
    s->last_key = KEY_UNKNOWN;
    terminal_forget_interrupts();
    display_begin(&s->display, STDERR_FILENO, columns(fd), prompt);
    while (s->end == SESSION_GOES_ON)
        do_key(s, session_key(s));
    if (s->end == SESSION_LINE)
        history_add(s->edit.text, s->edit.length);
    if (s->end == SESSION_INTERRUPTED)
        shell_write(STDERR_FILENO, "^C", 2);
    if (s->end != SESSION_END)
        display_leave(&s->display, &s->edit);
    if (s->end == SESSION_LINE) {
        s->edit.cursor = s->edit.length;
        edit_insert(&s->edit, "\n", 1);
    }
    keyboard_close(&s->keyboard);
    *line = s->edit.text;
    *length = s->edit.length;
    return s->end == SESSION_LINE ? 1 : s->end == SESSION_END ? 0 : -EINTR;
}
