/*
 * Changes on paper: the plain form ("2,3c2") and the unified one.
 */
#include <stdio.h>

#include "user/bin/diff/diff.h"

/* Lines first[s] up to last[s], the last not included, of each side s. */
struct change {
    long first[2], last[2];
};

/* The first change from the lines `at` on; false if there is none. */
static bool next_change(struct side sides[2], const long at[2], struct change *change)
{
    long i = at[0], j = at[1];

    while (i < sides[0].count && j < sides[1].count && !sides[0].lines[i].changed &&
           !sides[1].lines[j].changed) {
        i++;
        j++;
    }
    change->first[0] = i;
    change->first[1] = j;
    while (i < sides[0].count && sides[0].lines[i].changed)
        i++;
    while (j < sides[1].count && sides[1].lines[j].changed)
        j++;
    change->last[0] = i;
    change->last[1] = j;
    return i > change->first[0] || j > change->first[1];
}

static void print_line(const char *mark, const struct line *line)
{
    fputs(mark, stdout);
    fwrite(line->text, 1, line->length, stdout);
    if (!line->length || line->text[line->length - 1] != '\n')
        puts("\n\\ No newline at end of file");
}

static void print_lines(const char *mark, const struct side *side, long first, long last)
{
    for (long i = first; i < last; i++)
        print_line(mark, &side->lines[i]);
}

/* "3" or "3,5"; of no line, the one before. */
static void print_plain_range(long first, long last)
{
    if (last - first > 1)
        printf("%ld,%ld", first + 1, last);
    else
        printf("%ld", last > first ? first + 1 : first);
}

static void print_plain(struct side sides[2])
{
    struct change change;
    long at[2] = {0, 0};

    while (next_change(sides, at, &change)) {
        bool deleted = change.last[0] > change.first[0], added = change.last[1] > change.first[1];

        print_plain_range(change.first[0], change.last[0]);
        putchar(deleted && added ? 'c' : deleted ? 'd' : 'a');
        print_plain_range(change.first[1], change.last[1]);
        putchar('\n');
        print_lines("< ", &sides[0], change.first[0], change.last[0]);
        if (deleted && added)
            puts("---");
        print_lines("> ", &sides[1], change.first[1], change.last[1]);
        at[0] = change.last[0];
        at[1] = change.last[1];
    }
}

static void print_unified_range(long first, long last)
{
    if (last - first == 1)
        printf("%ld", first + 1);
    else
        printf("%ld,%ld", last > first ? first + 1 : first, last - first);
}

/* The changes from `at` on that lie close together, with the lines around them.
 * Moves `at` behind them; false if there is none. */
static bool print_hunk(struct side sides[2], long at[2])
{
    long context = (long)options.context, before, after;
    struct change change, next;
    long first[2], last[2];

    if (!next_change(sides, at, &change))
        return false;
    before = change.first[0] - at[0] < context ? change.first[0] - at[0] : context;
    for (int s = 0; s < 2; s++) {
        first[s] = change.first[s] - before;
        last[s] = change.last[s];
    }
    while (next_change(sides, last, &next) && next.first[0] - last[0] <= 2 * context) {
        last[0] = next.last[0];
        last[1] = next.last[1];
    }
    after = sides[0].count - last[0] < context ? sides[0].count - last[0] : context;
    printf("@@ -");
    print_unified_range(first[0], last[0] + after);
    printf(" +");
    print_unified_range(first[1], last[1] + after);
    puts(" @@");
    at[0] = first[0];
    at[1] = first[1];
    while (at[0] < last[0] || at[1] < last[1]) {
        next_change(sides, at, &change);
        print_lines(" ", &sides[0], at[0], change.first[0]);
        print_lines("-", &sides[0], change.first[0], change.last[0]);
        print_lines("+", &sides[1], change.first[1], change.last[1]);
        at[0] = change.last[0];
        at[1] = change.last[1];
    }
    print_lines(" ", &sides[0], last[0], last[0] + after);
    return true;
}

void print_changes(struct side sides[2], char *const labels[2])
{
    long at[2] = {0, 0};

    if (!options.unified) {
        print_plain(sides);
        return;
    }
    printf("--- %s\n+++ %s\n", labels[0], labels[1]);
    while (print_hunk(sides, at) && !ferror(stdout))
        continue;
}
