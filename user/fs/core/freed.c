/* Sets of freed blocks: see freed.h. */
#include <stdlib.h>
#include <string.h>
#include "kernel/errno.h"
#include "user/fs/core/freed.h"

#define ROOM_KEPT 256 /* runs */

int freed_reserve(struct freed *freed, uint32_t more)
{
    uint32_t room = freed->room ? freed->room : 64;
    struct freed_run *runs;

    while (room < freed->count + more)
        room *= 2;
    if (room == freed->room)
        return 0;
    runs = realloc(freed->runs, room * sizeof(*runs));
    if (runs == NULL)
        return -ENOMEM;
    freed->runs = runs;
    freed->room = room;
    return 0;
}

/* The first run that ends behind block no. */
static uint32_t find_run(const struct freed *freed, uint32_t no)
{
    uint32_t low = 0, high = freed->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (freed->runs[middle].first + freed->runs[middle].count <= no)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void freed_add(struct freed *freed, uint32_t first, uint32_t count)
{
    uint32_t end = first + count, from = find_run(freed, first), to;
    struct freed_run *runs = freed->runs;

    /* Runs from `from` up to `to` touch the new one and become part of it. */
    if (from > 0 && runs[from - 1].first + runs[from - 1].count == first)
        from--;
    for (to = from; to < freed->count && runs[to].first <= end; to++) {
        uint32_t run_end = runs[to].first + runs[to].count;

        first = runs[to].first < first ? runs[to].first : first;
        end = run_end > end ? run_end : end;
    }
    memmove(&runs[from + 1], &runs[to], (freed->count - to) * sizeof(*runs));
    runs[from] = (struct freed_run){first, end - first};
    freed->count += 1 - (to - from);
}

bool freed_has(const struct freed *freed, uint32_t no)
{
    uint32_t i = find_run(freed, no);

    return i < freed->count && freed->runs[i].first <= no;
}

void freed_clear(struct freed *freed)
{
    freed->count = 0;
    if (freed->room > ROOM_KEPT)
        freed_destroy(freed);
}

void freed_destroy(struct freed *freed)
{
    free(freed->runs);
    *freed = (struct freed){0};
}
