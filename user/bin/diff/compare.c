/*
 * What two files have in common: Myers' O(ND) algorithm in its linear-space form.
 *
 * A step right in the grid of lines deletes a line of the first file (x), a step
 * down inserts one of the second (y), and where the lines are equal a diagonal
 * step is free. Searches from both corners extend the furthest paths of 1, 2, ...
 * steps on each diagonal x - y until they meet: there the cheapest path passes,
 * and both parts are solved in the same way.
 *
 * Lines that the other file does not have at all are changed whatever the path:
 * they are marked first and left out.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "user/bin/diff/diff.h"

#define PATIENCE 512 /* steps from each corner after which a good meeting point will do */

struct half {
    long *ids;
    struct line **lines; /* the line of each id */
    long count;
};

struct point {
    long x, y;
};

static struct half halves[2];
static long *forward, *backward; /* the furthest x on each diagonal */

static void mark(int side, long from, long to)
{
    for (long i = from; i < to; i++)
        halves[side].lines[i]->changed = true;
}

/* The best that the search from the front has reached. */
static struct point furthest(long low, long high, struct point end)
{
    struct point best = {-1, 0};

    for (long d = low; d <= high; d += 2) {
        long x = forward[d] < end.x ? forward[d] : end.x;
        long y = x - d;

        if (y > end.y) {
            y = end.y;
            x = y + d;
        }
        if (best.x < 0 || x + y > best.x + best.y)
            best = (struct point){x, y};
    }
    return best;
}

/* A range of diagonals that grows by one on each side, until it meets an edge of
 * the grid: there it shrinks, so that only every other diagonal is in it. */
struct fan {
    long low, high;
};

static void spread(struct fan *fan, struct fan grid, long *reach, long nothing)
{
    if (fan->low > grid.low)
        reach[--fan->low - 1] = nothing;
    else
        fan->low++;
    if (fan->high < grid.high)
        reach[++fan->high + 1] = nothing;
    else
        fan->high--;
}

static bool within(const struct fan *fan, long diagonal)
{
    return fan->low <= diagonal && diagonal <= fan->high;
}

/* One more step from the front. Returns whether it met the search from the back,
 * at *met; the back's fan is NULL when it is not its turn to be met. */
static bool step_forward(const struct fan *fan, const struct fan *back, struct point end,
                         struct point *met)
{
    const long *a = halves[0].ids, *b = halves[1].ids;

    for (long d = fan->high; d >= fan->low; d -= 2) {
        long x = forward[d - 1] < forward[d + 1] ? forward[d + 1] : forward[d - 1] + 1;

        while (x < end.x && x - d < end.y && a[x] == b[x - d])
            x++;
        forward[d] = x;
        if (back && within(back, d) && backward[d] <= x) {
            *met = (struct point){x, x - d};
            return true;
        }
    }
    return false;
}

static bool step_backward(const struct fan *fan, const struct fan *front, struct point start,
                          struct point *met)
{
    const long *a = halves[0].ids, *b = halves[1].ids;

    for (long d = fan->high; d >= fan->low; d -= 2) {
        long x = backward[d - 1] < backward[d + 1] ? backward[d - 1] : backward[d + 1] - 1;

        while (x > start.x && x - d > start.y && a[x - 1] == b[x - d - 1])
            x--;
        backward[d] = x;
        if (front && within(front, d) && x <= forward[d]) {
            *met = (struct point){x, x - d};
            return true;
        }
    }
    return false;
}

/* A point on the cheapest path from start to end, whose lines next to both differ. */
static struct point find_middle(struct point start, struct point end)
{
    struct fan grid = {start.x - end.y, end.x - start.y};
    struct fan front = {start.x - start.y, start.x - start.y};
    struct fan back = {end.x - end.y, end.x - end.y};
    bool odd = (front.low - back.low) & 1;
    struct point met;

    forward[front.low] = start.x;
    backward[back.low] = end.x;
    for (long steps = 1;; steps++) {
        spread(&front, grid, forward, -1);
        if (step_forward(&front, odd ? &back : NULL, end, &met))
            return met;
        spread(&back, grid, backward, LONG_MAX);
        if (step_backward(&back, odd ? NULL : &front, start, &met))
            return met;
        if (steps >= PATIENCE)
            return furthest(front.low, front.high, end);
    }
}

static void compare(struct point start, struct point end)
{
    const long *a = halves[0].ids, *b = halves[1].ids;
    struct point middle;

    while (start.x < end.x && start.y < end.y && a[start.x] == b[start.y]) {
        start.x++;
        start.y++;
    }
    while (start.x < end.x && start.y < end.y && a[end.x - 1] == b[end.y - 1]) {
        end.x--;
        end.y--;
    }
    if (start.x == end.x || start.y == end.y) {
        mark(0, start.x, end.x);
        mark(1, start.y, end.y);
        return;
    }
    middle = find_middle(start, end);
    compare(start, middle);
    compare(middle, end);
}

/* The lines of a side that the other one has too, into its half. */
static void take_common(struct side *side, const char *other_has, struct half *half)
{
    half->ids = diff_grow(NULL, ((size_t)side->count + 1) * sizeof(long));
    half->lines = diff_grow(NULL, ((size_t)side->count + 1) * sizeof(struct line *));
    half->count = 0;
    for (long i = 0; i < side->count; i++) {
        struct line *line = &side->lines[i];

        line->changed = !other_has[line->id];
        if (line->changed)
            continue;
        half->ids[half->count] = line->id;
        half->lines[half->count++] = line;
    }
}

void compare_lines(struct side sides[2])
{
    size_t ids = (size_t)(sides[0].count + sides[1].count) + 1, diagonals;
    char *present[2];
    long *memory;

    for (int s = 0; s < 2; s++) {
        present[s] = diff_grow(NULL, ids);
        memset(present[s], 0, ids);
        for (long i = 0; i < sides[s].count; i++)
            present[s][sides[s].lines[i].id] = 1;
    }
    take_common(&sides[0], present[1], &halves[0]);
    take_common(&sides[1], present[0], &halves[1]);
    /* Diagonals from -count of the second to count of the first, and one more. */
    diagonals = (size_t)(halves[0].count + halves[1].count) + 3;
    memory = diff_grow(NULL, 2 * diagonals * sizeof(long));
    forward = memory + halves[1].count + 1;
    backward = forward + diagonals;
    compare((struct point){0, 0}, (struct point){halves[0].count, halves[1].count});
    free(memory);
    for (int s = 0; s < 2; s++) {
        free(present[s]);
        free(halves[s].ids);
        free(halves[s].lines);
    }
}
