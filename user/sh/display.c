/*
 * The line being edited, on the terminal. See display.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/include/utf8.h"
#include "user/sh/display.h"
#include "user/sh/shell.h"

#define ESCAPE '\033'

/* --------------------------------------------------------------------- output */

static void out(struct display *display, const char *bytes, size_t count)
{
    if (!count)
        return;
    if (display->capacity - display->length < count) {
        size_t capacity = (display->length + count) * 2;
        char *bigger = realloc(display->out, capacity);

        if (!bigger)
            shell_no_memory();
        display->out = bigger;
        display->capacity = capacity;
    }
    memcpy(display->out + display->length, bytes, count);
    display->length += count;
}

static void out_text(struct display *display, const char *text)
{
    out(display, text, strlen(text));
}

/* ESC [ NUMBER LETTER, if there is anything to do. */
static void out_motion(struct display *display, unsigned number, char letter)
{
    char text[24];

    if (number)
        out(display, text, (size_t)snprintf(text, sizeof(text), "\033[%u%c", number, letter));
}

static void flush(struct display *display)
{
    shell_write(display->fd, display->out, display->length);
    display->length = 0;
}

/* --------------------------------------------------------------------- places */

static void advance(const struct display *display, struct place *place, unsigned width)
{
    if (place->column + width > display->columns) {
        place->row++;
        place->column = 0;
    }
    place->column += width;
}

/* Does it show as it is? Those above ASCII that control are commands to some terminals,
 * and a mark needs a character before it to join. */
static bool is_plain(long code, size_t at)
{
    return code != UTF8_INVALID && !(code >= 0x80 && code < 0xa0) && (at || utf8_width(code));
}

/* The character at byte `at` of the line as it is shown: place goes on. Control
 * characters show as ^X, what cannot be shown as ?. Returns its length. */
static size_t show(struct display *display, struct place *place, const struct edit *edit, size_t at,
                   bool write)
{
    const char *text = edit->text + at;
    long code;
    size_t size = utf8_decode(text, edit->length - at, &code);
    char form[2] = {'^', (char)(code ^ 0x40)};

    if (code >= 0 && (code < ' ' || code == 0x7f)) {
        advance(display, place, 1);
        advance(display, place, 1);
        if (write)
            out(display, form, 2);
    } else if (!is_plain(code, at)) {
        advance(display, place, 1);
        if (write)
            out(display, "?", 1);
    } else {
        /* A wide one that does not fit leaves a cell, with what was there before. */
        if (write && utf8_width(code) == 2 && place->column + 1 == display->columns)
            out(display, " ", 1);
        advance(display, place, utf8_width(code));
        display->marks = display->marks || !utf8_width(code);
        if (write)
            out(display, text, size);
    }
    return size;
}

/* Where byte `at` of the line stands. */
static struct place place_of(struct display *display, const struct edit *edit, size_t at)
{
    struct place place = display->start;

    for (size_t i = 0; i < at;)
        i += show(display, &place, edit, i, false);
    if (place.column >= display->columns)
        place = (struct place){place.row + 1, 0};
    return place;
}

/* A cursor that hangs at the margin goes to the row below, which may not be there
 * yet: writing into it is what makes one. */
static void unhang(struct display *display)
{
    if (display->now.column < display->columns)
        return;
    out_text(display, " \r");
    display->now = (struct place){display->now.row + 1, 0};
}

static void move_to(struct display *display, struct place place)
{
    unhang(display);
    if (place.row < display->now.row)
        out_motion(display, display->now.row - place.row, 'A');
    else
        out_motion(display, place.row - display->now.row, 'B');
    if (place.column + 1 == display->now.column) {
        out_text(display, "\b");
    } else if (place.column < display->now.column) {
        out_text(display, "\r");
        out_motion(display, place.column, 'C');
    } else {
        out_motion(display, place.column - display->now.column, 'C');
    }
    display->now = place;
}

/* From the cursor on: the line from byte `from`, and nothing behind it. */
static void write_rest(struct display *display, const struct edit *edit, size_t from)
{
    for (size_t i = from; i < edit->length;)
        i += show(display, &display->now, edit, i, true);
    unhang(display);
    out_text(display, "\033[J");
}

/* ---------------------------------------------------------------------- prompt */

/* The last line of a prompt, which the line edited goes on. */
static const char *last_line(const char *prompt)
{
    const char *newline = strrchr(prompt, '\n');

    return newline ? newline + 1 : prompt;
}

/* Where such a line ends that begins a row; its colours take no place. */
static struct place prompt_end(const struct display *display, const char *prompt)
{
    size_t length = strlen(prompt);
    struct place place = {0, 0};

    for (size_t i = 0; i < length;) {
        long code;

        if (prompt[i] == ESCAPE && prompt[i + 1] == '[') {
            for (i += 2; prompt[i] && (prompt[i] < '@' || prompt[i] > '~'); i++)
                ;
            i += prompt[i] != '\0';
            continue;
        }
        i += utf8_decode(prompt + i, length - i, &code);
        if (code == UTF8_INVALID || code >= ' ')
            advance(display, &place, code == UTF8_INVALID ? 1 : utf8_width(code));
    }
    return place;
}

/* `shown` of it: all, or its last line. */
static void write_prompt(struct display *display, const char *prompt, const char *shown)
{
    display->prompt = prompt;
    display->now = display->start = prompt_end(display, last_line(prompt));
    out_text(display, shown);
}

/* ----------------------------------------------------------------------- parts */

void display_begin(struct display *display, int fd, unsigned columns, const char *prompt)
{
    display->fd = fd;
    display->columns = columns;
    display->length = 0;
    display->marks = false;
    write_prompt(display, prompt, prompt);
    flush(display);
}

void display_inserted(struct display *display, const struct edit *edit, size_t count)
{
    size_t from = edit->cursor - count;
    long code = ' ';

    if (count)
        utf8_decode(edit->text + from, count, &code);
    if (edit->cursor < edit->length || (code >= 0 && !utf8_width(code))) {
        display_changed(display, edit, from);
        return;
    }
    for (size_t i = from; i < edit->length;)
        i += show(display, &display->now, edit, i, true);
    flush(display);
}

/* Where writing must begin when the line changed from byte `from` on: marks there join, or
 * joined, the character before. */
static size_t joined(const struct display *display, const struct edit *edit, size_t from)
{
    long code = 0;

    while (display->marks && from && !(code > 0 && utf8_width(code))) {
        from = utf8_previous(edit->text, from);
        utf8_decode(edit->text + from, edit->length - from, &code);
        if (!is_plain(code, from))
            break;
    }
    return from;
}

void display_changed(struct display *display, const struct edit *edit, size_t from)
{
    from = joined(display, edit, from);
    move_to(display, place_of(display, edit, from));
    write_rest(display, edit, from);
    move_to(display, place_of(display, edit, edit->cursor));
    flush(display);
}

void display_moved(struct display *display, const struct edit *edit)
{
    move_to(display, place_of(display, edit, edit->cursor));
    flush(display);
}

void display_prompt(struct display *display, const struct edit *edit, const char *prompt)
{
    move_to(display, (struct place){0, 0});
    out_text(display, "\033[J");
    write_prompt(display, prompt, last_line(prompt));
    display_changed(display, edit, 0);
}

void display_leave(struct display *display, const struct edit *edit)
{
    struct place end = display->start;

    for (size_t i = 0; i < edit->length;)
        i += show(display, &end, edit, i, false);
    /* At its end already, perhaps hanging at the margin: a newline is all it takes. */
    if (end.row != display->now.row || end.column != display->now.column)
        move_to(display, place_of(display, edit, edit->length));
    out_text(display, "\n");
    flush(display);
}

void display_again(struct display *display, const struct edit *edit)
{
    write_prompt(display, display->prompt, display->prompt);
    display_changed(display, edit, 0);
}

void display_resize(struct display *display, const struct edit *edit, unsigned columns)
{
    struct place end = place_of(display, edit, edit->length);
    bool fits = end.row == 0 && end.column < columns;

    if (columns == display->columns)
        return;
    if (!fits)
        display_leave(display, edit);
    display->columns = columns;
    if (!fits)
        display_again(display, edit);
}

void display_clear(struct display *display, const struct edit *edit)
{
    out_text(display, "\033[H\033[2J");
    display_again(display, edit);
}

void display_bell(struct display *display)
{
    out_text(display, "\a");
    flush(display);
}
