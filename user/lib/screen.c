/* The whole screen: see <screen.h>. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/include/screen.h"
#include "user/include/utf8.h"

#define LEAST 128

/* ---------------------------------------------------------------------- memory */

static void __attribute__((noreturn)) no_memory(struct screen *screen)
{
    static const char words[] = "out of memory\n";
    ssize_t written;

    screen_close(screen);
    written = write(STDERR_FILENO, words, sizeof(words) - 1);
    _exit(written < 0 ? 3 : 2);
}

static void add(struct screen *screen, struct screen_text *text, const char *bytes, size_t count)
{
    if (text->capacity - text->length < count) {
        size_t capacity = 2 * (text->length + count) + LEAST;
        char *bigger = realloc(text->bytes, capacity);

        if (!bigger)
            no_memory(screen);
        text->bytes = bigger;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
}

static void send_text(struct screen *screen, const char *text)
{
    add(screen, &screen->out, text, strlen(text));
}

static void send_all(struct screen *screen)
{
    const char *bytes = screen->out.bytes;
    size_t left = screen->out.length;

    while (left) {
        ssize_t written = write(screen->fd, bytes, left);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            break; /* the terminal is gone, which the next key will tell */
        bytes += written;
        left -= (size_t)written;
    }
    screen->out.length = 0;
}

static void free_rows(struct screen_text *rows, unsigned count)
{
    for (unsigned i = 0; rows && i < count; i++)
        free(rows[i].bytes);
    free(rows);
}

static void set_size(struct screen *screen, struct terminal_size size)
{
    free_rows(screen->shown, screen->rows);
    free_rows(screen->wanted, screen->rows);
    /* With less nothing could be shown; what is outside the terminal then does no harm. */
    screen->rows = size.rows < 2 ? 2 : size.rows;
    screen->columns = size.columns < SCREEN_TAB ? SCREEN_TAB : size.columns;
    screen->shown = calloc(screen->rows, sizeof(*screen->shown));
    screen->wanted = calloc(screen->rows, sizeof(*screen->wanted));
    if (!screen->shown || !screen->wanted)
        no_memory(screen);
    screen_forget(screen);
}

/* ------------------------------------------------------------------- beginning, end */

int screen_open(struct screen *screen, int fd)
{
    *screen = (struct screen){.fd = fd};
    if (keyboard_open(&screen->keyboard, fd, false))
        return -1;
    send_text(screen, "\033[?1049h");
    set_size(screen, terminal_size(fd));
    send_all(screen);
    terminal_ask_size(fd);
    return 0;
}

void screen_close(struct screen *screen)
{
    char last[32];

    if (!screen->keyboard.open)
        return;
    snprintf(last, sizeof(last), "\033[m\033[%u;1H\033[K\033[?1049l", screen->rows);
    screen->out.length = 0;
    send_text(screen, last);
    send_all(screen);
    keyboard_close(&screen->keyboard);
    free_rows(screen->shown, screen->rows);
    free_rows(screen->wanted, screen->rows);
    free(screen->out.bytes);
    screen->shown = screen->wanted = NULL;
    screen->out = (struct screen_text){NULL, 0, 0};
}

int screen_key(struct screen *screen, unsigned tenths)
{
    int key = keyboard_read(&screen->keyboard, tenths);

    if (key == KEY_SIZE) {
        struct terminal_size size = {screen->keyboard.decoder.rows,
                                     screen->keyboard.decoder.columns};

        terminal_set_size(screen->fd, &screen->keyboard.decoder);
        if (size.rows != screen->rows || size.columns != screen->columns)
            set_size(screen, size);
    }
    return key;
}

/* -------------------------------------------------------------------- composing */

void screen_row(struct screen *screen, unsigned row)
{
    screen->row = row < screen->rows ? row : screen->rows - 1;
    screen->column = 0;
    screen->reverse = false;
    screen->wanted[screen->row].length = 0;
}

void screen_reverse(struct screen *screen, bool on)
{
    if (on != screen->reverse)
        add(screen, &screen->wanted[screen->row], on ? "\033[7m" : "\033[m", on ? 4 : 3);
    screen->reverse = on;
}

/* Bytes that take that many cells, if there is room for them. */
static void put_cells(struct screen *screen, const char *bytes, size_t count, unsigned cells)
{
    if (screen->column + cells > screen->columns)
        return;
    add(screen, &screen->wanted[screen->row], bytes, count);
    screen->column += cells;
}

void screen_put(struct screen *screen, const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length;) {
        size_t size;

        screen_cells(text + i, length - i, screen->column, &size);
        screen_put_text(screen, text + i, length - i, screen->column, 0);
        i += size;
    }
}

/* A character that is not shown as it is: its form, and its length; or 0. */
static unsigned special_form(long code, unsigned char byte, unsigned column,
                             char form[SCREEN_TAB + 1])
{
    unsigned blanks = SCREEN_TAB - column % SCREEN_TAB;

    if (code == '\t') {
        memset(form, ' ', blanks);
        return blanks;
    }
    if (code >= 0 && (code < ' ' || code == 0x7f)) {
        form[0] = '^';
        form[1] = (char)(code ^ 0x40);
        return 2;
    }
    if (code == UTF8_INVALID || (code >= 0x80 && code < 0xa0))
        return (unsigned)snprintf(form, SCREEN_TAB, "\\%02x", code < 0 ? byte : (unsigned)code);
    return 0;
}

unsigned screen_cells(const char *text, size_t length, unsigned column, size_t *size)
{
    char form[SCREEN_TAB + 1];
    unsigned cells;
    long code;

    *size = utf8_decode(text, length, &code);
    cells = special_form(code, (unsigned char)*text, column, form);
    return cells ? cells : utf8_width(code);
}

void screen_put_text(struct screen *screen, const char *text, size_t length, unsigned column,
                     unsigned skip)
{
    char form[SCREEN_TAB + 1];
    long code;
    size_t size = utf8_decode(text, length, &code);
    unsigned cells = special_form(code, (unsigned char)*text, column, form);

    for (unsigned i = 0; i < cells; i++)
        if (column + i >= skip)
            put_cells(screen, form + i, 1, 1);
    if (cells)
        return;
    if (column >= skip)
        put_cells(screen, text, size, utf8_width(code));
    else if (column + utf8_width(code) > skip)
        put_cells(screen, " ", 1, 1); /* half of a wide one */
}

/* --------------------------------------------------------------------- showing */

void screen_forget(struct screen *screen)
{
    for (unsigned i = 0; i < screen->rows; i++)
        screen->shown[i].length = 0;
    send_text(screen, "\033[m\033[2J");
}

void screen_bell(struct screen *screen)
{
    send_text(screen, "\a");
    send_all(screen);
}

static void send_row(struct screen *screen, unsigned row)
{
    struct screen_text *wanted = &screen->wanted[row], *shown = &screen->shown[row];
    char place[32];

    if (wanted->length == shown->length &&
        (!wanted->length || !memcmp(wanted->bytes, shown->bytes, wanted->length)))
        return;
    snprintf(place, sizeof(place), "\033[%u;1H\033[2K", row + 1);
    send_text(screen, place);
    add(screen, &screen->out, wanted->bytes ? wanted->bytes : "", wanted->length);
    send_text(screen, "\033[m");
    shown->length = 0;
    add(screen, shown, wanted->bytes ? wanted->bytes : "", wanted->length);
}

void screen_flush(struct screen *screen, unsigned row, unsigned column)
{
    char place[32];

    for (unsigned i = 0; i < screen->rows; i++)
        send_row(screen, i);
    snprintf(place, sizeof(place), "\033[%u;%uH", row + 1,
             (column < screen->columns ? column : screen->columns - 1) + 1);
    send_text(screen, place);
    send_all(screen);
}
