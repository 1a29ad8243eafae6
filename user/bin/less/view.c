/* Places in the text, and drawing it. See less.h. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "user/bin/less/less.h"
#include "user/include/reason.h"

#define NUMBER_CELLS 8

unsigned view_body(const struct view *view)
{
    return view->screen->rows - 1;
}

static unsigned width(const struct view *view)
{
    unsigned cells = view->screen->columns;

    return view->numbers && cells > 2 * NUMBER_CELLS ? cells - NUMBER_CELLS : cells;
}

/* ----------------------------------------------------------------------- rows */

/* A walk over the characters of a line, as they are laid out in rows. */
struct walk {
    const char *bytes;
    size_t length, at, size; /* of the character it stands at */
    size_t row;
    unsigned column, cells; /* in the row */
};

static void look(struct walk *walk, const struct view *view)
{
    if (walk->at >= walk->length)
        return;
    walk->cells =
        screen_cells(walk->bytes + walk->at, walk->length - walk->at, walk->column, &walk->size);
    if (!view->chop && walk->column && walk->column + walk->cells > width(view)) {
        walk->row++;
        walk->column = 0;
        walk->cells = screen_cells(walk->bytes + walk->at, walk->length - walk->at, 0, &walk->size);
    }
}

static struct walk walk_begin(const struct view *view, size_t line)
{
    struct walk walk = {.row = 0};

    walk.bytes = text_line(&view->text, line, &walk.length);
    look(&walk, view);
    return walk;
}

static void walk_on(struct walk *walk, const struct view *view)
{
    walk->at += walk->size;
    walk->column += walk->cells;
    look(walk, view);
}

static size_t rows_of(const struct view *view, size_t line)
{
    struct walk walk;

    if (view->chop)
        return 1;
    walk = walk_begin(view, line);
    while (walk.at < walk.length)
        walk_on(&walk, view);
    return walk.row + 1;
}

/* --------------------------------------------------------------------- motions */

static bool next_row(struct view *view, struct place *place)
{
    if (!text_has_line(&view->text, place->line))
        return false;
    if (place->row + 1 < rows_of(view, place->line)) {
        place->row++;
        return true;
    }
    if (!text_has_line(&view->text, place->line + 1))
        return false;
    *place = (struct place){place->line + 1, 0};
    return true;
}

static bool previous_row(const struct view *view, struct place *place)
{
    if (place->row) {
        place->row--;
        return true;
    }
    if (!place->line)
        return false;
    place->line--;
    place->row = rows_of(view, place->line) - 1;
    return true;
}

bool view_is_at_end(struct view *view)
{
    struct place place = view->top;

    for (unsigned i = 0; i < view_body(view); i++)
        if (!next_row(view, &place))
            return true;
    return false;
}

bool view_forward(struct view *view, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        if (view_is_at_end(view))
            return i > 0;
        next_row(view, &view->top);
    }
    return true;
}

bool view_back(struct view *view, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        if (!previous_row(view, &view->top))
            return i > 0;
    return true;
}

void view_end(struct view *view)
{
    size_t lines = text_count(&view->text);

    view->top = (struct place){0, 0};
    if (!lines)
        return;
    view->top = (struct place){lines - 1, rows_of(view, lines - 1) - 1};
    view_back(view, view_body(view) - 1);
}

void view_go(struct view *view, size_t line)
{
    struct place end;

    if (text_has_line(&view->text, line)) {
        view->top = (struct place){line, 0};
        if (!view_is_at_end(view))
            return;
    }
    view_end(view);
    end = view->top;
    if (line < end.line)
        view->top = (struct place){line, 0};
}

/* --------------------------------------------------------------------- drawing */

/* The bytes that are to be marked: the next match that does not end before `at`. */
static void next_match(struct view *view, const struct walk *walk, size_t *start, size_t *end)
{
    if (*start == SIZE_MAX || walk->at < *end)
        return;
    if (!find_in(view, walk->bytes, walk->length, walk->at, start, end))
        *start = *end = SIZE_MAX;
}

/* One row of a line: row number `wanted` of it. */
static void draw_row(struct view *view, unsigned row, size_t line, size_t wanted)
{
    struct screen *screen = view->screen;
    struct walk walk = walk_begin(view, line);
    size_t start = 0, end = 0;
    char number[32];

    screen_row(screen, row);
    if (width(view) < screen->columns) {
        if (wanted)
            snprintf(number, sizeof(number), "%*s", NUMBER_CELLS, "");
        else
            snprintf(number, sizeof(number), "%*zu ", NUMBER_CELLS - 1, line + 1);
        screen_put(screen, number);
    }
    for (; walk.at < walk.length && walk.row <= wanted; walk_on(&walk, view)) {
        next_match(view, &walk, &start, &end);
        if (walk.row < wanted)
            continue;
        if (view->chop && walk.column >= view->left + width(view))
            break;
        screen_reverse(screen, walk.at >= start && walk.at < end);
        screen_put_text(screen, walk.bytes + walk.at, walk.length - walk.at, walk.column,
                        view->chop ? view->left : 0);
    }
    screen_reverse(screen, false);
}

static void draw_status(struct view *view, bool at_end)
{
    char status[200];

    screen_row(view->screen, view->screen->rows - 1);
    if (view->message[0])
        snprintf(status, sizeof(status), "%s", view->message);
    else if (view->text.error)
        snprintf(status, sizeof(status), "%s: %s", view->name, reason(view->text.error));
    else if (at_end)
        snprintf(status, sizeof(status), "%s (END)", view->name);
    else
        snprintf(status, sizeof(status), "%s: line %zu (h for help, q to leave)", view->name,
                 view->top.line + 1);
    view->message[0] = '\0';
    screen_reverse(view->screen, true);
    screen_put(view->screen, status);
    screen_reverse(view->screen, false);
}

void view_draw(struct view *view)
{
    struct place place = view->top;
    bool more = text_has_line(&view->text, place.line);
    unsigned row = 0;

    for (; row < view_body(view) && more; row++) {
        draw_row(view, row, place.line, place.row);
        more = next_row(view, &place);
    }
    for (; row < view_body(view); row++) {
        screen_row(view->screen, row);
        screen_put(view->screen, "~");
    }
    draw_status(view, !more);
    screen_flush(view->screen, view->screen->rows - 1, view->screen->columns - 1);
}
