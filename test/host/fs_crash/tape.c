/* Writes and flushes, recorded and played. See tape.h. */
#include <stdlib.h>
#include <string.h>

#include "test/host/fs_crash/tape.h"
#include "test/host/lib_check.h"
#include "user/fs/core/fs.h"

void tape_clear(struct tape *tape)
{
    tape->count = tape->used = 0;
}

void tape_free(struct tape *tape)
{
    free(tape->events);
    free(tape->bytes);
    memset(tape, 0, sizeof(*tape));
}

static struct tape_event *add_event(struct tape *tape)
{
    if (tape->count == tape->room) {
        tape->room = tape->room ? 2 * tape->room : 256;
        tape->events = realloc(tape->events, tape->room * sizeof(*tape->events));
        if (tape->events == NULL)
            abort();
    }
    return memset(&tape->events[tape->count++], 0, sizeof(*tape->events));
}

void tape_write(struct tape *tape, uint64_t sector, unsigned count, const void *data)
{
    struct tape_event *event = add_event(tape);
    size_t bytes = (size_t)count * FS_SECTOR;

    *event = (struct tape_event){.count = count, .sector = sector, .at = tape->used};
    if (tape->bytes_room - tape->used < bytes) {
        tape->bytes_room = 2 * (tape->bytes_room + bytes);
        tape->bytes = realloc(tape->bytes, tape->bytes_room);
        if (tape->bytes == NULL)
            abort();
    }
    memcpy(tape->bytes + tape->used, data, bytes);
    tape->used += bytes;
}

void tape_flush(struct tape *tape)
{
    add_event(tape)->flush = true;
}

size_t tape_settled(const struct tape *tape, size_t point)
{
    while (point > 0 && !tape->events[point - 1].flush)
        point--;
    return point;
}

/* Of `event` the sectors first..first+count. */
static void put(const struct tape *tape, const struct tape_event *event, unsigned first,
                unsigned count, uint8_t *disk)
{
    memcpy(disk + (event->sector + first) * FS_SECTOR,
           tape->bytes + event->at + (size_t)first * FS_SECTOR, (size_t)count * FS_SECTOR);
}

void tape_play(const struct tape *tape, size_t point, enum tape_mode mode, uint64_t seed,
               uint8_t *disk)
{
    size_t settled = tape_settled(tape, point), chosen = settled;

    /* The state of the generator is never 0, and small seeds give small numbers first. */
    seed = seed * 0x9e3779b97f4a7c15ull | 1;
    check_random(&seed);
    if (point > settled)
        chosen += check_random(&seed) % (point - settled);
    for (size_t i = 0; i < point; i++) {
        const struct tape_event *event = &tape->events[i];
        bool there = true;

        if (event->flush)
            continue;
        if (i >= settled && mode == TAPE_TORN) {
            for (unsigned j = 0; j < event->count; j++)
                if (check_random(&seed) >> 20 & 1)
                    put(tape, event, j, 1, disk);
            continue;
        }
        if (i >= settled)
            there = mode == TAPE_ALL || (mode == TAPE_LAST && i + 1 == point) ||
                    (mode == TAPE_ALL_BUT_ONE && i != chosen) ||
                    (mode == TAPE_SOME && (check_random(&seed) >> 20 & 1));
        if (there)
            put(tape, event, 0, event->count, disk);
    }
}
