/*
 * A terminal of many rows, as far as the shell's line editor uses one: what is on it
 * after the bytes that were sent. It never scrolls.
 */
#ifndef TEST_HOST_SH_LINEEDIT_GLASS_H
#define TEST_HOST_SH_LINEEDIT_GLASS_H

#include <stdbool.h>
#include <stddef.h>

#define GLASS_ROWS    80
#define GLASS_COLUMNS 132

struct cell {
    int code; /* 0: blank; CELL_HALF: the right half of the one before */
    int mark; /* of the character's, joined to it; the last one */
};
#define CELL_HALF (-2)

struct glass {
    struct cell cells[GLASS_ROWS][GLASS_COLUMNS];
    unsigned columns, row, column; /* column == columns: it hangs at the margin */
    unsigned bells;
    bool strange; /* bytes came that are none of those the line editor may send */
};

void glass_init(struct glass *glass, unsigned columns);
/* What is beyond the new margin stays where it is, out of reach. */
void glass_resize(struct glass *glass, unsigned columns);
void glass_write(struct glass *glass, const char *bytes, size_t count);
/* The row and column of the cursor, not hanging: then it is at the start of the next row. */
unsigned glass_row(const struct glass *glass);
unsigned glass_column(const struct glass *glass);
/* Is on the rows of `shown` from `row` on what is on those of `wanted` from 0 on, to the end? */
bool glass_same(const struct glass *shown, unsigned row, const struct glass *wanted);
/* The rows of it that have something, as comments. */
void glass_print(const struct glass *glass, const char *title);

#endif
