/* Changes that can be undone. See undo.h. */
#include <stdlib.h>
#include <string.h>

#include "user/bin/vi/undo.h"

void history_init(struct history *history, struct buffer *buffer)
{
    *history = (struct history){.buffer = buffer};
}

static void forget(struct history *history, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        history->bytes -= history->changes[i].length;
        free(history->changes[i].text);
    }
}

void history_free(struct history *history)
{
    forget(history, 0, history->count);
    free(history->changes);
    history_init(history, history->buffer);
}

void history_begin(struct history *history)
{
    history->group++;
}

/* Drop the oldest groups while there is too much, but never the one that grows. */
static void limit(struct history *history)
{
    size_t gone = 0;

    while (history->bytes > UNDO_BYTES && gone < history->count) {
        unsigned long group = history->changes[gone].group;

        if (group == history->group)
            break;
        history->base = group;
        while (gone < history->count && history->changes[gone].group == group) {
            forget(history, gone, gone + 1);
            gone++;
        }
    }
    memmove(history->changes, history->changes + gone,
            (history->count - gone) * sizeof(struct change));
    history->count -= gone;
    history->done -= gone;
}

/* Does this insertion go on where the last one of the same command ended? */
static bool extend(struct history *history, struct place from, struct place to, const char *text,
                   size_t length)
{
    struct change *last = history->done ? &history->changes[history->done - 1] : NULL;

    if (!last || !last->insertion || last->group != history->group || last->to.line != from.line ||
        last->to.at != from.at)
        return false;
    last->text = buffer_memory(last->text, last->length + length);
    memcpy(last->text + last->length, text, length);
    last->length += length;
    last->to = to;
    history->bytes += length;
    return true;
}

/* text is the history's from here on. */
static void add(struct history *history, struct change change)
{
    forget(history, history->done, history->count);
    history->count = history->done;
    if (history->count == history->room) {
        size_t room = history->room ? 2 * history->room : 64;

        history->changes = buffer_memory(history->changes, room * sizeof(struct change));
        history->room = room;
    }
    change.group = history->group;
    history->changes[history->count++] = change;
    history->done = history->count;
    history->bytes += change.length;
    limit(history);
}

struct place change_insert(struct history *history, struct place place, const char *bytes,
                           size_t count)
{
    struct place end;
    char *text;

    if (!count)
        return place;
    text = memcpy(buffer_memory(NULL, count), bytes, count);
    end = buffer_insert(history->buffer, place, text, count);
    if (history->done == history->count && extend(history, place, end, text, count))
        free(text);
    else
        add(history, (struct change){true, 0, place, end, text, count});
    return end;
}

void change_remove(struct history *history, struct place from, struct place to)
{
    size_t count;
    char *text;

    if (!place_before(from, to))
        return;
    text = buffer_copy(history->buffer, from, to, &count);
    buffer_remove(history->buffer, from, to);
    add(history, (struct change){false, 0, from, to, text, count});
}

/* Make the text of a change be there, or not. */
static void apply(struct history *history, const struct change *change, bool there)
{
    if (there)
        buffer_insert(history->buffer, change->from, change->text, change->length);
    else
        buffer_remove(history->buffer, change->from, change->to);
}

bool history_undo(struct history *history, struct place *place)
{
    unsigned long group;

    if (!history->done)
        return false;
    group = history->changes[history->done - 1].group;
    while (history->done && history->changes[history->done - 1].group == group) {
        const struct change *change = &history->changes[--history->done];

        apply(history, change, !change->insertion);
        *place = change->from;
    }
    return true;
}

bool history_redo(struct history *history, struct place *place)
{
    unsigned long group;

    if (history->done == history->count)
        return false;
    group = history->changes[history->done].group;
    while (history->done < history->count && history->changes[history->done].group == group) {
        const struct change *change = &history->changes[history->done++];

        apply(history, change, change->insertion);
        *place = change->from;
    }
    return true;
}

unsigned long history_state(const struct history *history)
{
    return history->done ? history->changes[history->done - 1].group : history->base;
}
