/*
 * vi's motions from random places of random texts, against plain rules on one flat array of
 * characters, in which a line's end is a character like any.
 *
 * host-test: user/bin/vi/motion.c user/bin/vi/view.c user/bin/vi/buffer.c user/lib/utf8.c
 * host-test: -idirafteruser/include -D_GNU_SOURCE
 */
#include <stdlib.h>
#include <string.h>

#include "test/host/lib_check.h"
#include "test/host/vi_motion/rules.h"
#include "user/bin/vi/vi.h"
#include "user/include/utf8.h"

#define TEXTS   3000
#define MOTIONS 60 /* tried in each text */

static uint64_t seed = 4711;
static int next_key; /* what vi_key gives */

/* ---------------------------------------------------------- what the motions need */

struct editor vi;

void buffer_no_memory(void)
{
    abort();
}

int vi_key(void)
{
    return next_key;
}

bool vi_modified(void)
{
    return false;
}

enum span search_ask(bool backward, struct place *to)
{
    to->line += backward;
    return SPAN_NONE;
}

enum span search_again(bool other, struct place *to)
{
    to->line += other;
    return SPAN_NONE;
}

enum span search_word(struct place *to)
{
    *to = vi.cursor;
    return SPAN_NONE;
}

void screen_row(struct screen *screen, unsigned row)
{
    screen->row = row;
}

void screen_put(struct screen *screen, const char *bytes)
{
    screen->column += (unsigned)strlen(bytes);
}

void screen_put_text(struct screen *screen, const char *bytes, size_t count, unsigned column,
                     unsigned skip)
{
    screen->column += column + skip + (count && *bytes);
}

void screen_flush(struct screen *screen, unsigned row, unsigned column)
{
    screen->row = row;
    screen->column = column;
}

unsigned screen_cells(const char *bytes, size_t count, unsigned column, size_t *size)
{
    long code;

    *size = utf8_decode(bytes, count, &code);
    return rules_cells((int)code, column);
}

static size_t below(size_t limit)
{
    return (size_t)(check_random(&seed) >> 11) % limit;
}

/* ------------------------------------------------------------------------- comparing */

static struct place place_of(size_t i)
{
    struct place place = {0, 0};
    char bytes[UTF8_MAX];

    for (size_t j = 0; j < i; j++) {
        place.at += utf8_encode(bytes, rules_text[j]);
        if (rules_text[j] == '\n')
            place = (struct place){place.line + 1, 0};
    }
    return place;
}

static void make_text(void)
{
    static const int often[] = {'a', 'b', '_', ' ', ' ', '\n', '\n',   '\t', '.', '(',
                                ')', '[', ']', '{', '}', 0xe9, 0x6f22, 'a',  ' '};
    struct place end = {0, 0};
    char bytes[UTF8_MAX];

    buffer_free(&vi.buffer);
    buffer_init(&vi.buffer);
    rules_length = below(RULES_CHARS);
    for (size_t i = 0; i < rules_length; i++) {
        rules_text[i] = often[below(sizeof(often) / sizeof(int))];
        end = buffer_insert(&vi.buffer, end, bytes, utf8_encode(bytes, rules_text[i]));
    }
}

static void show_difference(int key, size_t given, size_t from, size_t wanted, struct place to)
{
    printf("# %zu%c (%c) from %zu:%zu leads to %zu:%zu, wanted character %zu of\n# ", given, key,
           next_key < 0x80 ? next_key : '?', place_of(from).line, place_of(from).at, to.line, to.at,
           wanted);
    for (size_t i = 0; i < rules_length; i++)
        if (rules_text[i] == '\n')
            printf("\\n");
        else
            printf("%s%c", i == from ? ">" : "", rules_text[i] < 0x80 ? rules_text[i] : '?');
    printf("\n");
}

static void try(int key, size_t given, size_t from)
{
    static const int searched[] = {'a', '(', 0xe9, '.'};
    struct place to, place;
    enum span span;
    size_t wanted;

    next_key = key == 'g' ? 'g' : searched[below(4)];
    vi.find_key = key == ';' ? 'f' : 'T';
    vi.find_char = next_key;
    vi.cursor = place_of(from);
    motion_set_want();
    if (!below(5))
        vi.want = AT_END;
    wanted = rules_motion(key, given, from, next_key);
    span = motion(key, given, &to);
    place = place_of(wanted == RULES_NOWHERE ? from : wanted);
    if (wanted == RULES_NOWHERE
            ? span != SPAN_NONE
            : span != rules_span(key) || to.line != place.line || to.at != place.at) {
        show_difference(key, given, from, wanted, to);
        CHECK(false);
    }
}

static void test_motions(void)
{
    static const char all[] = "hjkl+-wbeWBE0^$|fFtT;,Gg%{}";

    for (unsigned i = 0; i < TEXTS && !check_failing; i++) {
        make_text();
        for (unsigned j = 0; j < MOTIONS && !check_failing; j++)
            try(all[below(sizeof(all) - 1)], below(3) ? 0 : 1 + below(4), below(rules_length + 1));
    }
    check_end("motions lead where plain rules say");
}

/* The cursor comes to stand on a character, or in an empty line. */
static void test_settle(void)
{
    for (unsigned i = 0; i < TEXTS; i++) {
        size_t from;

        make_text();
        from = below(rules_length + 1);
        vi.cursor = place_of(from);
        motion_settle();
        if (rules_at(from) == '\n' && !rules_empty(from))
            from--;
        CHECK(vi.cursor.line == place_of(from).line && vi.cursor.at == place_of(from).at);
        vi.cursor = (struct place){vi.buffer.count + below(3), 5};
        motion_settle();
        CHECK(vi.cursor.line == vi.buffer.count - 1);
    }
    check_end("the cursor settles on a character");
}

int main(void)
{
    check_plan(2);
    buffer_init(&vi.buffer);
    vi.screen.rows = 24;
    vi.screen.columns = 80;
    test_motions();
    test_settle();
    buffer_free(&vi.buffer);
    return check_exit();
}
