/*
 * What a device was told, in order: writes and flushes; and what may be on its medium if
 * the power fails at some point of it.
 *
 * What was written before the last completed flush is there. Of what was written after
 * it any part may be there, whatever the order; only a sector is whole or not there.
 */
#ifndef TEST_HOST_FS_CRASH_TAPE_H
#define TEST_HOST_FS_CRASH_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tape_event {
    bool flush;
    unsigned count; /* sectors of a write */
    uint64_t sector;
    size_t at; /* of its bytes, in bytes */
};

struct tape {
    struct tape_event *events;
    size_t count, room;
    uint8_t *bytes;
    size_t used, bytes_room;
};

/* Which of the writes since the last flush are there. */
enum tape_mode {
    TAPE_ALL,
    TAPE_NONE,
    TAPE_LAST,
    TAPE_ALL_BUT_ONE,
    TAPE_SOME, /* each write or not */
    TAPE_TORN, /* each sector or not */
    TAPE_MODES
};

void tape_clear(struct tape *tape);
void tape_free(struct tape *tape);
/* A write that was done, a flush that has returned. Both abort for want of memory. */
void tape_write(struct tape *tape, uint64_t sector, unsigned count, const void *data);
void tape_flush(struct tape *tape);
/* The event behind the last flush among the first `point` events; 0 if there is none. */
size_t tape_settled(const struct tape *tape, size_t point);
/* Makes of `disk`, which holds what was there at the tape's start, what may be there if the
 * power fails after the first `point` events. Where the mode leaves a choice, seed makes it. */
void tape_play(const struct tape *tape, size_t point, enum tape_mode mode, uint64_t seed,
               uint8_t *disk);

#endif
