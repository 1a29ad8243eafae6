/*
 * vi's text and what undo knows of it, under random insertions and removals: the text must be
 * that of one flat string, undo and redo must lead to the very texts that were, and each
 * state of the text has a number of its own.
 *
 * host-test: user/bin/vi/buffer.c user/bin/vi/undo.c
 */
#include <stdlib.h>
#include <string.h>

#include "test/host/lib_check.h"
#include "user/bin/vi/undo.h"

#define STEPS      40000
#define TEXT_MAX   1500 /* bytes: from there on more is removed than inserted */
#define STATES_MAX 4000
#define LARGE      (3ul << 18)

/* The text as it was after a command that changed it. */
struct state {
    char *text;
    size_t length;
    unsigned long number; /* history_state() */
    size_t bytes;         /* of the changes that led to it */
};

static uint64_t seed = 77;
static struct buffer buffer;
static struct history history;
static char *text; /* the model of the buffer */
static size_t length;
static struct state states[STATES_MAX];
static size_t first, now, last; /* states that can be reached by undo and redo; where we are */
static bool changed;            /* in the command that runs */
static size_t command_bytes;
static unsigned long highest; /* number of any state so far */

void buffer_no_memory(void)
{
    abort();
}

static size_t below(size_t limit)
{
    return limit ? (size_t)(check_random(&seed) >> 11) % limit : 0;
}

/* ------------------------------------------------------------------------ model */

static struct place place_at(size_t offset)
{
    struct place place = {0, 0};

    for (size_t i = 0; i < offset; i++) {
        place.at++;
        if (text[i] == '\n')
            place = (struct place){place.line + 1, 0};
    }
    return place;
}

static void model_insert(size_t offset, const char *bytes, size_t count)
{
    char *bigger = malloc(length + count + 1);

    memcpy(bigger, text, offset);
    memcpy(bigger + offset, bytes, count);
    memcpy(bigger + offset + count, text + offset, length - offset);
    free(text);
    text = bigger;
    length += count;
    changed = changed || count;
    command_bytes += count;
}

static void model_remove(size_t from, size_t to)
{
    memmove(text + from, text + to, length - to);
    length -= to - from;
    changed = changed || to > from;
    command_bytes += to - from;
}

static void model_go(size_t state)
{
    now = state;
    length = states[now].length;
    free(text);
    text = memcpy(malloc(length + 1), states[now].text, length);
}

/* The command ends: a new state, and those that were undone are gone. */
static void model_end(void)
{
    size_t bytes = 0;

    if (!changed)
        return;
    for (; last > now; last--)
        free(states[last].text);
    last = ++now;
    states[now] = (struct state){memcpy(malloc(length + 1), text, length), length,
                                 history_state(&history), command_bytes};
    CHECK(states[now].number > highest);
    highest = states[now].number;
    changed = false;
    /* Too much to remember: the oldest go, but never the last. */
    for (size_t i = first + 1; i <= last; i++)
        bytes += states[i].bytes;
    for (; bytes > UNDO_BYTES && first + 1 < last; first++)
        bytes -= states[first + 1].bytes;
}

/* -------------------------------------------------------------------- comparing */

static bool same_text(const char *bytes, size_t count)
{
    return count == length && !memcmp(bytes, text, count);
}

static void compare(void)
{
    struct place end = {buffer.count - 1, buffer.lines[buffer.count - 1].length};
    size_t count;
    char *copy = buffer_copy(&buffer, (struct place){0, 0}, end, &count);

    CHECK(same_text(copy, count));
    if (!changed)
        CHECK(history_state(&history) == states[now].number);
    free(copy);
}

static void compare_part(void)
{
    size_t from = below(length + 1), to = from + below(length + 1 - from), count;
    char *copy = buffer_copy(&buffer, place_at(from), place_at(to), &count);

    CHECK(count == to - from && !memcmp(copy, text + from, count));
    CHECK(place_before(place_at(from), place_at(to)) == (from < to));
    free(copy);
}

static bool same_place(struct place a, struct place b)
{
    return a.line == b.line && a.at == b.at;
}

/* ------------------------------------------------------------------------- steps */

static void insert(size_t offset, size_t count)
{
    static const char often[] = "ab \n\n\xc3\xa9z";
    char bytes[40];
    struct place end;

    for (size_t i = 0; i < count; i++)
        bytes[i] = often[below(sizeof(often))]; /* with its NUL: a text may hold any byte */
    end = change_insert(&history, place_at(offset), bytes, count);
    model_insert(offset, bytes, count);
    CHECK(same_place(end, place_at(offset + count)));
}

/* As typing does: each goes on where the last one ended. */
static void type(void)
{
    size_t offset = below(length + 1);

    for (size_t i = below(10); i; i--) {
        insert(offset, 1);
        offset++;
    }
}

static void remove_some(void)
{
    size_t from = below(length + 1), to = from + below(length + 1 - from);

    if (length < TEXT_MAX && to > from + 30)
        to = from + 30;
    change_remove(&history, place_at(from), place_at(to));
    model_remove(from, to);
}

static void step_back(void)
{
    struct place place = {0, 0};
    bool can = now > first;

    CHECK(history_undo(&history, &place) == can);
    if (can)
        model_go(now - 1);
    CHECK(place.line < buffer.count && place.at <= buffer.lines[place.line].length);
}

static void step_forth(void)
{
    struct place place = {0, 0};
    bool can = now < last;

    CHECK(history_redo(&history, &place) == can);
    if (can)
        model_go(now + 1);
    CHECK(place.line < buffer.count && place.at <= buffer.lines[place.line].length);
}

/* A command: some changes, or an undo, or nothing. */
static void command(void)
{
    size_t kind = below(10);

    history_begin(&history);
    command_bytes = 0;
    if (kind < 2) {
        step_back();
    } else if (kind < 3) {
        step_forth();
    } else {
        for (size_t i = below(4); i; i--) {
            if (below(3))
                remove_some();
            else if (below(2))
                type();
            else
                insert(below(length + 1), below(length < TEXT_MAX ? 40 : 2));
        }
        model_end();
    }
}

static void begin(void)
{
    buffer_init(&buffer);
    history_init(&history, &buffer);
    text = malloc(1);
    length = first = now = last = 0;
    highest = history_state(&history);
    states[0] = (struct state){malloc(1), 0, highest, 0};
}

static void end(void)
{
    for (size_t i = 0; i <= last; i++)
        free(states[i].text);
    free(text);
    history_free(&history);
    buffer_free(&buffer);
}

static void test_random(void)
{
    for (unsigned round = 0; round < 20; round++) {
        begin();
        for (unsigned i = 0; i < STEPS / 20; i++) {
            command();
            compare();
            compare_part();
        }
        while (now > first)
            step_back(), compare();
        CHECK(!length);
        while (now < last)
            step_forth(), compare();
        end();
    }
    check_end("insertions, removals, undo and redo agree with a string and its copies");
}

/* Large commands, of which not all can be kept. */
static void test_limit(void)
{
    char *bytes = memset(malloc(2 * LARGE), 'x', 2 * LARGE);

    begin();
    for (unsigned i = 0; i < 60; i++) {
        size_t count = LARGE + below(LARGE);

        history_begin(&history);
        command_bytes = 0;
        bytes[below(count)] = '\n';
        if (below(3)) {
            change_insert(&history, (struct place){0, 0}, bytes, count);
            model_insert(0, bytes, count);
        } else if (length) {
            count = count < length ? count : length;
            change_remove(&history, (struct place){0, 0}, place_at(count));
            model_remove(0, count);
        } else {
            step_back();
        }
        model_end();
        compare();
        for (size_t undone = below(4) ? 0 : 3; undone; undone--)
            step_back(), compare();
    }
    CHECK(first > 0);
    while (now > first)
        step_back(), compare();
    step_back();
    end();
    free(bytes);
    check_end("the oldest commands are forgotten, whole ones, and never the last");
}

/* One command that alone is more than is kept can be undone all the same. */
static void test_one_large(void)
{
    char *bytes = memset(malloc(LARGE), 'x', LARGE);

    begin();
    bytes[LARGE / 2] = '\n';
    history_begin(&history);
    for (unsigned i = 0; i < 14; i++) {
        change_insert(&history, (struct place){0, 0}, bytes, LARGE);
        model_insert(0, bytes, LARGE);
    }
    model_end();
    compare();
    step_back();
    compare();
    CHECK(!length && buffer.count == 1);
    end();
    free(bytes);
    check_end("one command is undone as a whole, however large");
}

int main(void)
{
    check_plan(3);
    test_random();
    test_limit();
    test_one_large();
    return check_exit();
}
