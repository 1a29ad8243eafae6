/* Drawing the text. See vi.h. */
#include <stdio.h>
#include <string.h>

#include "user/bin/vi/vi.h"

#define NUMBER_CELLS 8
#define SIDEWAYS     20 /* columns that are left in sight when the view moves sideways */

unsigned view_body(void)
{
    return vi.screen.rows - 1;
}

static unsigned width(void)
{
    unsigned columns = vi.screen.columns;

    return vi.numbers && columns > 2 * NUMBER_CELLS ? columns - NUMBER_CELLS : columns;
}

size_t view_column(const struct line *line, size_t at)
{
    unsigned column = 0;
    size_t size;

    for (size_t i = 0; i < at && i < line->length; i += size)
        column += screen_cells(line->bytes + i, line->length - i, column, &size);
    return column;
}

size_t view_byte(const struct line *line, size_t column)
{
    unsigned now = 0;
    size_t i = 0, size;

    for (; i < line->length; i += size) {
        now += screen_cells(line->bytes + i, line->length - i, now, &size);
        if (now > column)
            break;
    }
    return i;
}

static void draw_line(unsigned row, size_t number)
{
    const struct line *line = &vi.buffer.lines[number];
    unsigned column = 0;
    size_t size;

    screen_row(&vi.screen, row);
    if (width() < vi.screen.columns) {
        char text[32];

        snprintf(text, sizeof(text), "%*zu ", NUMBER_CELLS - 1, number + 1);
        screen_put(&vi.screen, text);
    }
    for (size_t i = 0; i < line->length && column < vi.left + width(); i += size) {
        unsigned cells = screen_cells(line->bytes + i, line->length - i, column, &size);

        screen_put_text(&vi.screen, line->bytes + i, line->length - i, column, (unsigned)vi.left);
        column += cells;
    }
}

static void draw_status(void)
{
    char text[300];

    if (vi.message[0])
        snprintf(text, sizeof(text), "%s", vi.message);
    else
        snprintf(text, sizeof(text), "%s%s%s%s  %zu,%zu of %zu", vi.mode ? "-- " : "",
                 vi.mode   ? vi.mode
                 : vi.path ? vi.path
                           : "(no name)",
                 vi.mode ? " --" : "", vi_modified() ? " [changed]" : "", vi.cursor.line + 1,
                 view_column(vi_line(), vi.cursor.at) + 1, vi.buffer.count);
    screen_row(&vi.screen, vi.screen.rows - 1);
    screen_put(&vi.screen, text);
}

/* Move the view so that the cursor is in it. */
static void follow(size_t column)
{
    if (vi.cursor.line < vi.top)
        vi.top = vi.top - vi.cursor.line < view_body() ? vi.cursor.line
                 : vi.cursor.line > view_body() / 2    ? vi.cursor.line - view_body() / 2
                                                       : 0;
    else if (vi.cursor.line >= vi.top + view_body())
        vi.top = vi.cursor.line - vi.top < 2 * (size_t)view_body()
                     ? vi.cursor.line - view_body() + 1
                     : vi.cursor.line - view_body() / 2;
    if (column < vi.left || column >= vi.left + width())
        vi.left = column < width() ? 0 : column - width() + SIDEWAYS;
    if (column < vi.left) /* narrower than what is left in sight */
        vi.left = column;
}

void view_draw(void)
{
    size_t column = view_column(vi_line(), vi.cursor.at);

    follow(column);
    for (unsigned row = 0; row < view_body(); row++) {
        if (vi.top + row < vi.buffer.count) {
            draw_line(row, vi.top + row);
        } else {
            screen_row(&vi.screen, row);
            screen_put(&vi.screen, "~");
        }
    }
    draw_status();
    screen_flush(&vi.screen, (unsigned)(vi.cursor.line - vi.top),
                 (unsigned)(column - vi.left) + vi.screen.columns - width());
}
