/* vi's motions on a flat array of characters. See rules.h. */
#include <string.h>

#include "test/host/vi_motion/rules.h"

int rules_text[RULES_CHARS];
size_t rules_length;

unsigned rules_cells(int code, unsigned column)
{
    return code == '\t' ? 8 - column % 8 : code == 0x6f22 ? 2 : 1;
}

int rules_at(size_t i)
{
    return i < rules_length ? rules_text[i] : '\n';
}

static size_t line_start(size_t i)
{
    while (i && rules_text[i - 1] != '\n')
        i--;
    return i;
}

static size_t line_end(size_t i)
{
    while (rules_at(i) != '\n')
        i++;
    return i;
}

static size_t first_text(size_t i)
{
    size_t start = line_start(i);

    for (i = start; rules_at(i) == ' ' || rules_at(i) == '\t'; i++)
        ;
    return rules_at(i) == '\n' ? start : i;
}

bool rules_empty(size_t i)
{
    return rules_at(i) == '\n' && line_start(i) == i;
}

/* 0 blank, 1 of a word, 2 other. */
static int kind(size_t i, bool big)
{
    int c = rules_at(i);

    if (c == ' ' || c == '\t' || c == '\n')
        return 0;
    return big || c == '_' || c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ? 1 : 2;
}

static size_t word(int key, size_t i, bool big)
{
    int mine = kind(i, big);
    size_t begin = i;

    switch (key) {
    case 'w':
        while (i < rules_length && mine && kind(i, big) == mine)
            i++;
        while (i < rules_length && !kind(i, big) &&
               (line_start(i) == line_start(begin) || !rules_empty(i)))
            i++;
        return i;
    case 'b':
        for (i -= i > 0; i && !kind(i, big) && !rules_empty(i); i--)
            ;
        while (i != line_start(i) && kind(i - 1, big) == kind(i, big))
            i--;
        return i;
    default:
        for (i += i < rules_length; i < rules_length && !kind(i, big); i++)
            ;
        while (i < rules_length && kind(i + 1, big) == kind(i, big) && kind(i, big))
            i++;
        return i;
    }
}

static size_t line_up(size_t i, size_t count)
{
    for (i = line_start(i); i && count; count--)
        i = line_start(i - 1);
    return i;
}

static size_t line_down(size_t i, size_t count)
{
    for (i = line_start(i); line_end(i) < rules_length && count; count--)
        i = line_end(i) + 1;
    return i;
}

/* The character that the column `want` of the line belongs to, or the line's end. */
static size_t in_column(size_t i, size_t want)
{
    unsigned column = 0;

    for (i = line_start(i); rules_at(i) != '\n'; i++) {
        column += rules_cells(rules_text[i], column);
        if (column > want)
            break;
    }
    return i;
}

static size_t paragraph(size_t i, bool down)
{
    size_t last = line_start(rules_length);

    i = line_start(i);
    while (rules_empty(i) && (down ? i < last : i > 0))
        i = down ? line_end(i) + 1 : line_start(i - 1);
    while (!rules_empty(i) && (down ? i < last : i > 0))
        i = down ? line_end(i) + 1 : line_start(i - 1);
    return down ? line_end(i) : i;
}

static size_t bracket(size_t i)
{
    static const char pairs[] = "([{)]}";
    const char *mine;
    long depth = 0;

    while (rules_at(i) != '\n' && (rules_at(i) >= 0x80 || !strchr(pairs, rules_at(i))))
        i++;
    if (rules_at(i) == '\n')
        return RULES_NOWHERE;
    mine = strchr(pairs, rules_at(i));
    for (bool back = mine >= pairs + 3; i < rules_length; i += back ? -1ul : 1) {
        depth += rules_at(i) == *mine;
        depth -= rules_at(i) == mine[back ? -3 : 3];
        if (!depth)
            return i;
    }
    return RULES_NOWHERE;
}

/* f F t T; RULES_NOWHERE if there are not so many in the line. */
static size_t find(int key, int wanted, size_t i, size_t count)
{
    bool forward = key == 'f' || key == 't';
    size_t start = line_start(i);

    for (; count; count--) {
        do {
            if (forward ? rules_at(i) == '\n' : i == start)
                return RULES_NOWHERE;
            i += forward ? 1 : -1ul;
        } while (rules_at(i) != wanted);
        if (rules_at(i) == '\n')
            return RULES_NOWHERE;
    }
    return key == 't' ? i - 1 : key == 'T' ? i + 1 : i;
}

static size_t sideways(int key, size_t i, size_t count)
{
    size_t from = i;

    for (; count && (key == 'l' ? rules_at(i) != '\n' : i != line_start(i)); count--)
        i += key == 'l' ? 1 : -1ul;
    return i == from ? RULES_NOWHERE : i;
}

static size_t vertical(int key, size_t i, size_t count)
{
    bool down = key == 'j' || key == '+';

    if (down ? line_end(i) == rules_length : !line_start(i))
        return RULES_NOWHERE;
    i = down ? line_down(i, count) : line_up(i, count);
    return key == 'j' || key == 'k' ? in_column(i, vi.want) : first_text(i);
}

static size_t end_of_line(size_t i, size_t count)
{
    for (; count > 1; count--) {
        if (line_end(i) == rules_length)
            return RULES_NOWHERE;
        i = line_end(i) + 1;
    }
    return line_end(i);
}

enum span rules_span(int key)
{
    return strchr("jk+-Gg", key) ? SPAN_LINES : strchr("eEft%;,", key) ? SPAN_THROUGH : SPAN_TO;
}

size_t rules_motion(int key, size_t given, size_t i, int wanted)
{
    size_t count = given ? given : 1;

    if (strchr("wbeWBE", key)) {
        for (; count; count--)
            i = word(key | 0x20, i, key < 'a');
        return i;
    }
    if (strchr("{}", key)) {
        for (; count; count--)
            i = paragraph(i, key == '}');
        return i;
    }
    if (strchr("fFtT;,", key))
        return find(key == ';' ? 'f' : key == ',' ? 't' : key, wanted, i, count);
    if (strchr("hl", key))
        return sideways(key, i, count);
    if (strchr("jk+-", key))
        return vertical(key, i, count);
    switch (key) {
    case '0':
        return line_start(i);
    case '^':
        return first_text(i);
    case '$':
        return end_of_line(i, count);
    case '|':
        return in_column(i, count - 1);
    case '%':
        return bracket(i);
    default: /* G, gg */
        return first_text(key == 'G' && !given ? rules_length : line_down(0, count - 1));
    }
}
