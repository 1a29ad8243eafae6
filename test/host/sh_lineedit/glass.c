/* A terminal of many rows. See glass.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/sh_lineedit/glass.h"
#include "user/include/utf8.h"

void glass_init(struct glass *glass, unsigned columns)
{
    memset(glass, 0, sizeof(*glass));
    glass->columns = columns;
}

void glass_resize(struct glass *glass, unsigned columns)
{
    glass->columns = columns;
    if (glass->column >= columns)
        glass->column = columns - 1;
}

unsigned glass_row(const struct glass *glass)
{
    return glass->row + (glass->column == glass->columns);
}

unsigned glass_column(const struct glass *glass)
{
    return glass->column == glass->columns ? 0 : glass->column;
}

static void line_feed(struct glass *glass)
{
    if (glass->row + 1 == GLASS_ROWS)
        glass->strange = true;
    else
        glass->row++;
    glass->column = 0;
}

/* A mark joins the character left of the cursor, be it in the row above. */
static void join(struct glass *glass, int mark)
{
    unsigned row = glass->row, column = glass->column;

    if (!column && row)
        column = glass->columns, row--;
    while (column && glass->cells[row][--column].code == CELL_HALF)
        ;
    glass->cells[row][column].mark = mark;
}

/* Half of a wide character that is written over leaves a blank. */
static void clear(struct glass *glass, unsigned row, unsigned column)
{
    if (glass->cells[row][column].code == CELL_HALF && column)
        glass->cells[row][column - 1] = (struct cell){0, 0};
    if (column + 1 < GLASS_COLUMNS && glass->cells[row][column + 1].code == CELL_HALF)
        glass->cells[row][column + 1] = (struct cell){0, 0};
    glass->cells[row][column] = (struct cell){0, 0};
}

static void put(struct glass *glass, int code)
{
    unsigned width = utf8_width(code);

    if (!width) {
        join(glass, code);
        return;
    }
    if (glass->column + width > glass->columns)
        line_feed(glass);
    for (unsigned i = 0; i < width; i++) {
        clear(glass, glass->row, glass->column);
        glass->cells[glass->row][glass->column++].code = i ? CELL_HALF : code == ' ' ? 0 : code;
    }
}

static void erase_below(struct glass *glass)
{
    unsigned column = glass->column < glass->columns ? glass->column : glass->columns - 1;

    for (unsigned i = column; i < GLASS_COLUMNS; i++)
        clear(glass, glass->row, i);
    memset(glass->cells[glass->row + 1], 0,
           (GLASS_ROWS - glass->row - 1) * sizeof(glass->cells[0]));
}

static void motion(struct glass *glass, unsigned number, char letter)
{
    unsigned column = glass->column < glass->columns ? glass->column : glass->columns - 1;

    if (letter == 'A' && number <= glass->row)
        glass->row -= number;
    else if (letter == 'B' && glass->row + number < GLASS_ROWS)
        glass->row += number;
    else if (letter == 'C')
        column = column + number < glass->columns ? column + number : glass->columns - 1;
    else
        glass->strange = true;
    glass->column = column;
}

/* What follows ESC [; returns its length. */
static size_t sequence(struct glass *glass, const char *bytes, size_t count)
{
    char *end;
    unsigned long number = strtoul(bytes, &end, 10);
    size_t length = (size_t)(end - bytes) + 1;

    if (length > count)
        glass->strange = true;
    else if (*end == 'J' && number == 2)
        memset(glass->cells, 0, sizeof(glass->cells));
    else if (*end == 'J' && !number)
        erase_below(glass);
    else if (*end == 'H' && end == bytes)
        glass->row = glass->column = 0;
    else
        motion(glass, (unsigned)number, *end);
    return length;
}

/* One character or sequence; returns its length. */
static size_t take(struct glass *glass, const char *bytes, size_t count)
{
    long code;
    size_t size = utf8_decode(bytes, count, &code);

    if (code == '\033' && count > 2 && bytes[1] == '[')
        return 2 + sequence(glass, bytes + 2, count - 2);
    if (code == '\n')
        line_feed(glass);
    else if (code == '\r')
        glass->column = 0;
    else if (code == '\a')
        glass->bells++;
    else if (code == '\b' && glass->column)
        glass->column -= 1 + (glass->column == glass->columns);
    else if (code < ' ' || (code >= 0x7f && code < 0xa0))
        glass->strange = true;
    else
        put(glass, (int)code);
    return size;
}

void glass_write(struct glass *glass, const char *bytes, size_t count)
{
    char *copy = malloc(count + 1); /* ended, for strtoul */

    if (count)
        memcpy(copy, bytes, count);
    copy[count] = '\0';
    for (size_t i = 0; i < count;)
        i += take(glass, copy + i, count - i);
    free(copy);
}

bool glass_same(const struct glass *shown, unsigned row, const struct glass *wanted)
{
    size_t rows = GLASS_ROWS - row;

    return !memcmp(shown->cells[row], wanted->cells[0], rows * sizeof(shown->cells[0]));
}

static void print_row(const struct glass *glass, unsigned row)
{
    char text[GLASS_COLUMNS * 2 * UTF8_MAX + 1];
    size_t length = 0;
    bool any = false;

    for (unsigned i = 0; i < GLASS_COLUMNS; i++) {
        const struct cell *cell = &glass->cells[row][i];

        any = any || cell->code;
        if (cell->code != CELL_HALF)
            length += utf8_encode(text + length, cell->code ? cell->code : ' ');
        if (cell->mark)
            length += utf8_encode(text + length, cell->mark);
    }
    if (any)
        printf("#  %3u |%.*s|\n", row, (int)length, text);
}

void glass_print(const struct glass *glass, const char *title)
{
    printf("# %s: %u columns, cursor %u,%u\n", title, glass->columns, glass->row, glass->column);
    for (unsigned row = 0; row < GLASS_ROWS; row++)
        print_row(glass, row);
}
