/* Motions: from the cursor to a place. See vi.h. */
#include <string.h>

#include "user/bin/vi/vi.h"
#include "user/include/utf8.h"

static struct line *line_of(struct place place)
{
    return &vi.buffer.lines[place.line];
}

static size_t last_line(void)
{
    return vi.buffer.count - 1;
}

void motion_settle(void)
{
    struct line *line;

    if (vi.cursor.line > last_line())
        vi.cursor.line = last_line();
    line = vi_line();
    if (vi.cursor.at >= line->length)
        vi.cursor.at = line->length ? utf8_previous(line->bytes, line->length) : 0;
}

void motion_set_want(void)
{
    vi.want = view_column(vi_line(), vi.cursor.at);
}

static size_t first_nonblank(size_t number)
{
    const struct line *line = &vi.buffer.lines[number];
    size_t at = 0;

    while (at < line->length && strchr(" \t", line->bytes[at]))
        at++;
    return at < line->length ? at : 0;
}

/* --------------------------------------------------------------------- characters */

static bool step_right(struct place *place)
{
    struct line *line = line_of(*place);

    if (place->at >= line->length)
        return false;
    place->at = utf8_next(line->bytes, line->length, place->at);
    return true;
}

static bool step_left(struct place *place)
{
    if (!place->at)
        return false;
    place->at = utf8_previous(line_of(*place)->bytes, place->at);
    return true;
}

/* The same, from line to line; a line's end counts as a character. */
static bool next(struct place *place)
{
    if (step_right(place))
        return true;
    if (place->line == last_line())
        return false;
    *place = (struct place){place->line + 1, 0};
    return true;
}

static bool previous(struct place *place)
{
    if (step_left(place))
        return true;
    if (!place->line)
        return false;
    place->line--;
    place->at = line_of(*place)->length;
    return true;
}

/* ------------------------------------------------------------------------- words */

enum kind { KIND_BLANK, KIND_WORD, KIND_OTHER };

static enum kind kind_at(struct place place, bool big)
{
    const struct line *line = line_of(place);
    char c = place.at < line->length ? line->bytes[place.at] : ' ';

    if (c == ' ' || c == '\t')
        return KIND_BLANK;
    if (big || c == '_' || (c & 0x80) || (c >= '0' && c <= '9') ||
        ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        return KIND_WORD;
    return KIND_OTHER;
}

/* An empty line is a word, too. */
static bool empty_line(struct place place)
{
    return !line_of(place)->length;
}

static void word_forward(struct place *to, bool big)
{
    enum kind kind = kind_at(*to, big);
    size_t line = to->line;

    while (kind != KIND_BLANK && to->line == line && kind_at(*to, big) == kind)
        if (!next(to))
            return;
    while (kind_at(*to, big) == KIND_BLANK && !(empty_line(*to) && to->line != line))
        if (!next(to))
            return;
}

static void word_back(struct place *to, bool big)
{
    enum kind kind;

    do {
        if (!previous(to))
            return;
    } while (kind_at(*to, big) == KIND_BLANK && !empty_line(*to));
    kind = kind_at(*to, big);
    while (to->at) {
        struct place before = *to;

        step_left(&before);
        if (kind_at(before, big) != kind)
            return;
        *to = before;
    }
}

static void word_end(struct place *to, bool big)
{
    enum kind kind;

    do {
        if (!next(to))
            return;
    } while (kind_at(*to, big) == KIND_BLANK);
    kind = kind_at(*to, big);
    for (;;) {
        struct place after = *to;

        if (!step_right(&after) || kind_at(after, big) != kind)
            return;
        *to = after;
    }
}

static enum span words(int key, size_t count, struct place *to)
{
    bool big = key < 'a';

    for (; count; count--) {
        if ((key | 0x20) == 'w')
            word_forward(to, big);
        else if ((key | 0x20) == 'b')
            word_back(to, big);
        else
            word_end(to, big);
    }
    return (key | 0x20) == 'e' ? SPAN_THROUGH : SPAN_TO;
}

/* ------------------------------------------------------------ within the line */

/* f F t T: the count-th such character. */
static enum span find_character(int key, int wanted, size_t count, struct place *to)
{
    bool forward = key == 'f' || key == 't';
    struct place at = *to, before;

    for (; count; count--) {
        do {
            const struct line *line = line_of(at);
            long code = 0;

            before = at;
            if (!(forward ? step_right(&at) : step_left(&at)) || at.at >= line->length)
                return SPAN_NONE;
            utf8_decode(line->bytes + at.at, line->length - at.at, &code);
            if (code == wanted)
                break;
        } while (true);
    }
    *to = key == 't' || key == 'T' ? before : at;
    return forward ? SPAN_THROUGH : SPAN_TO;
}

static enum span find_again(int key, size_t count, struct place *to)
{
    int find = vi.find_key;

    if (!find)
        return SPAN_NONE;
    if (key == ',')
        find ^= 0x20; /* the same letter, large or small */
    return find_character(find, vi.find_char, count, to);
}

static enum span sideways(int key, size_t count, struct place *to)
{
    size_t moved = 0;

    while (moved < count && (key == 'l' ? step_right(to) : step_left(to)))
        moved++;
    return moved ? SPAN_TO : SPAN_NONE;
}

static enum span line_end(size_t count, struct place *to)
{
    if (count - 1 > last_line() - to->line)
        return SPAN_NONE;
    to->line += count - 1;
    to->at = line_of(*to)->length;
    return SPAN_TO;
}

/* ----------------------------------------------------------------- from line to line */

static enum span to_line(size_t line, struct place *to)
{
    to->line = line < vi.buffer.count ? line : last_line();
    to->at = first_nonblank(to->line);
    return SPAN_LINES;
}

static enum span vertical(bool down, size_t count, bool keep, struct place *to)
{
    if (down ? to->line == last_line() : !to->line)
        return SPAN_NONE;
    if (down)
        to_line(to->line + (count < vi.buffer.count ? count : vi.buffer.count), to);
    else
        to_line(to->line > count ? to->line - count : 0, to);
    if (keep)
        to->at = view_byte(line_of(*to), vi.want);
    return SPAN_LINES;
}

static enum span paragraph(bool down, size_t count, struct place *to)
{
    for (; count; count--) {
        while (empty_line(*to) && (down ? to->line < last_line() : to->line > 0))
            to->line += down ? 1 : -1ul;
        while (!empty_line(*to) && (down ? to->line < last_line() : to->line > 0))
            to->line += down ? 1 : -1ul;
    }
    to->at = down && !empty_line(*to) ? line_of(*to)->length : 0;
    return SPAN_TO;
}

/* %: the bracket that belongs to the next one in the line. */
static enum span matching(struct place *to)
{
    static const char brackets[] = "()[]{}";
    struct place at = *to;
    const char *mine = NULL;
    size_t depth = 0;
    char other;

    for (; at.at < line_of(at)->length && !mine; at.at += !mine)
        mine = line_of(at)->bytes[at.at] ? strchr(brackets, line_of(at)->bytes[at.at]) : NULL;
    if (!mine)
        return SPAN_NONE;
    other = brackets[(mine - brackets) ^ 1];
    do {
        if (at.at < line_of(at)->length) {
            char c = line_of(at)->bytes[at.at];

            depth += c == *mine;
            depth -= c == other;
            if (!depth) {
                *to = at;
                return SPAN_THROUGH;
            }
        }
    } while ((mine - brackets) % 2 ? previous(&at) : next(&at));
    return SPAN_NONE;
}

static enum span of_screen(int key, size_t count, struct place *to)
{
    size_t last = vi.top + view_body() - 1;

    if (last > last_line())
        last = last_line();
    if (key == 'H')
        return to_line(vi.top + count - 1, to);
    if (key == 'M')
        return to_line((vi.top + last) / 2, to);
    return to_line(last > count - 1 ? last - (count - 1) : 0, to);
}

/* ------------------------------------------------------------------------- all */

static enum span find_motion(int key, size_t count, struct place *to)
{
    vi.find_key = key;
    vi.find_char = vi_key();
    return find_character(key, vi.find_char, count, to);
}

static enum span other_motion(int key, size_t given, size_t count, struct place *to)
{
    switch (key) {
    case 'G':
        return to_line(given ? given - 1 : last_line(), to);
    case 'g':
        return vi_key() == 'g' ? to_line(count - 1, to) : SPAN_NONE;
    case '|':
        to->at = view_byte(line_of(*to), count - 1);
        return SPAN_TO;
    case '%':
        return matching(to);
    case '{':
    case '}':
        return paragraph(key == '}', count, to);
    case 'H':
    case 'M':
    case 'L':
        return of_screen(key, count, to);
    case '/':
    case '?':
        return search_ask(key == '?', to);
    case 'n':
    case 'N':
        return search_again(key == 'N', to);
    case '*':
        return search_word(to);
    default:
        return SPAN_NONE;
    }
}

enum span motion(int key, size_t given, struct place *to)
{
    size_t count = given ? given : 1;

    *to = vi.cursor;
    switch (key) {
    case 'h':
    case KEY_LEFT:
    case KEY_BACKSPACE:
    case KEY_CTRL('H'):
        return sideways('h', count, to);
    case 'l':
    case ' ':
    case KEY_RIGHT:
        return sideways('l', count, to);
    case 'j':
    case KEY_DOWN:
    case KEY_CTRL('N'):
        return vertical(true, count, true, to);
    case 'k':
    case KEY_UP:
        return vertical(false, count, true, to);
    case '+':
    case KEY_ENTER:
        return vertical(true, count, false, to);
    case '-':
        return vertical(false, count, false, to);
    case '0':
    case KEY_HOME:
        to->at = 0;
        return SPAN_TO;
    case '^':
        to->at = first_nonblank(to->line);
        return SPAN_TO;
    case '$':
    case KEY_END:
        return line_end(count, to);
    case 'w':
    case 'W':
    case 'b':
    case 'B':
    case 'e':
    case 'E':
        return words(key, count, to);
    case 'f':
    case 'F':
    case 't':
    case 'T':
        return find_motion(key, count, to);
    case ';':
    case ',':
        return find_again(key, count, to);
    default:
        return other_motion(key, given, count, to);
    }
}
