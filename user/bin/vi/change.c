/* Operators and the other commands that change the text. See vi.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "user/bin/vi/vi.h"
#include "user/include/utf8.h"

#define CODE_END 0x110000

/* ----------------------------------------------------------------- what was cut */

void change_keep(struct place from, struct place to, bool lines)
{
    size_t length;
    char *text = buffer_copy(&vi.buffer, from, to, &length);

    if (lines) {
        text = buffer_memory(text, length + 1);
        text[length++] = '\n';
    }
    free(vi.cut);
    vi.cut = text;
    vi.cut_length = length;
    vi.cut_lines = lines;
}

/* Remove whole lines; the last one of all leaves an empty line behind. */
void change_lines(size_t first, size_t last, bool keep)
{
    struct place from = {first, 0}, to = {last, vi.buffer.lines[last].length};

    if (keep)
        change_keep(from, to, true);
    if (last + 1 < vi.buffer.count)
        to = (struct place){last + 1, 0};
    else if (first)
        from = (struct place){first - 1, vi.buffer.lines[first - 1].length};
    change_remove(&vi.history, from, to);
    vi.cursor = (struct place){first, 0};
    motion_settle();
}

static void put(bool after)
{
    struct place at = vi.cursor;
    size_t times = vi.count ? vi.count : 1;
    bool last = at.line + 1 == vi.buffer.count;

    if (!vi.cut_length) {
        vi_say("nothing was deleted or yanked yet");
        return;
    }
    for (; times; times--) {
        if (!vi.cut_lines) {
            if (after && at.at < vi_line()->length)
                at.at = utf8_next(vi_line()->bytes, vi_line()->length, at.at);
            at = change_insert(&vi.history, at, vi.cut, vi.cut_length);
            vi.cursor = at;
            after = false;
        } else if (after && last) {
            /* Behind the last line there is no newline to put lines after. */
            at.at = vi_line()->length;
            change_insert(&vi.history, at, "\n", 1);
            change_insert(&vi.history, (struct place){at.line + 1, 0}, vi.cut, vi.cut_length - 1);
            vi.cursor = (struct place){at.line + 1, 0};
        } else {
            vi.cursor = (struct place){at.line + after, 0};
            change_insert(&vi.history, vi.cursor, vi.cut, vi.cut_length);
        }
    }
    if (!vi.cut_lines && vi.cursor.at)
        vi.cursor.at = utf8_previous(vi_line()->bytes, vi.cursor.at);
}

/* -------------------------------------------------------------------- operators */

static void shift(size_t first, size_t last, bool right)
{
    for (size_t i = first; i <= last; i++) {
        const struct line *line = &vi.buffer.lines[i];
        size_t blanks = 0;

        if (right && line->length)
            change_insert(&vi.history, (struct place){i, 0}, "\t", 1);
        while (!right && blanks < line->length && blanks < SCREEN_TAB && line->bytes[blanks] == ' ')
            blanks++;
        if (!right && !blanks && line->length && line->bytes[0] == '\t')
            blanks = 1;
        change_remove(&vi.history, (struct place){i, 0}, (struct place){i, blanks});
    }
    vi.cursor = (struct place){first, 0};
}

static void operate_on_lines(int op, size_t first, size_t last)
{
    struct place from = {first, 0}, to = {last, vi.buffer.lines[last].length};

    if (op == '<' || op == '>') {
        shift(first, last, op == '>');
    } else if (op == 'y') {
        change_keep(from, to, true);
        if (first < vi.cursor.line)
            vi.cursor = from;
    } else if (op == 'd') {
        change_lines(first, last, true);
    } else {
        change_keep(from, to, true);
        change_remove(&vi.history, from, to);
        vi.cursor = from;
        insert_mode();
    }
}

static void operate_on_text(int op, struct place from, struct place to)
{
    if (op == '<' || op == '>') {
        shift(from.line, to.line, op == '>');
        return;
    }
    change_keep(from, to, false);
    vi.cursor = from;
    if (op != 'y')
        change_remove(&vi.history, from, to);
    if (op == 'c')
        insert_mode();
}

/* The span from the cursor to a place, the later one first or last. */
static void operate(int op, enum span span, struct place to)
{
    struct place from = vi.cursor;

    if (place_before(to, from)) {
        struct place swap = from;

        from = to;
        to = swap;
    }
    if (span == SPAN_LINES) {
        operate_on_lines(op, from.line, to.line);
        return;
    }
    if (span == SPAN_THROUGH && to.at < vi.buffer.lines[to.line].length)
        to.at = utf8_next(vi.buffer.lines[to.line].bytes, vi.buffer.lines[to.line].length, to.at);
    /* A word's end at the start of a later line is meant to be that of its own. */
    if (span == SPAN_TO && to.line > from.line && !to.at) {
        to.line--;
        to.at = vi.buffer.lines[to.line].length;
    }
    operate_on_text(op, from, to);
}

static void operator_command(int op)
{
    size_t count = 0, times = vi.count ? vi.count : 1;
    struct place to;
    enum span span;
    int key = vi_key();

    for (; (key >= '1' && key <= '9') || (key == '0' && count); key = vi_key())
        count = count < 1000000 ? count * 10 + (size_t)(key - '0') : count;
    if (count || vi.count)
        count = times * (count ? count : 1);
    if (key == op) {
        size_t last = vi.cursor.line + (count ? count : 1) - 1;

        operate_on_lines(op, vi.cursor.line, last < vi.buffer.count ? last : vi.buffer.count - 1);
        return;
    }
    if (op == 'c' && (key == 'w' || key == 'W'))
        key = key == 'w' ? 'e' : 'E'; /* the blanks behind a word that is changed stay */
    span = motion(key, count, &to);
    if (span == SPAN_NONE)
        screen_bell(&vi.screen);
    else
        operate(op, span, to);
}

/* ------------------------------------------------------------- single commands */

static void join(void)
{
    size_t times = vi.count > 1 ? vi.count - 1 : 1;

    for (; times && vi.cursor.line + 1 < vi.buffer.count; times--) {
        const struct line *after = &vi.buffer.lines[vi.cursor.line + 1];
        struct place end = {vi.cursor.line, vi_line()->length};
        size_t blanks = 0;

        while (blanks < after->length && strchr(" \t", after->bytes[blanks]))
            blanks++;
        change_remove(&vi.history, end, (struct place){end.line + 1, blanks});
        if (end.at && end.at < vi_line()->length)
            change_insert(&vi.history, end, " ", 1);
        vi.cursor = end;
    }
}

/* The end of count characters from the cursor on, in its line. */
static struct place characters_on(size_t count)
{
    struct place to = vi.cursor;

    for (; count && to.at < vi_line()->length; count--)
        to.at = utf8_next(vi_line()->bytes, vi_line()->length, to.at);
    return to;
}

static void replace_characters(void)
{
    struct place to = characters_on(vi.count ? vi.count : 1), at = vi.cursor;
    size_t cells = vi.count ? vi.count : 1;
    char bytes[UTF8_MAX];
    int key = vi_key();
    size_t size;

    if (key == KEY_ESCAPE || key >= CODE_END || !place_before(vi.cursor, to))
        return;
    size = utf8_encode(bytes, key);
    change_remove(&vi.history, vi.cursor, to);
    for (; cells && at.at <= vi_line()->length; cells--)
        at = change_insert(&vi.history, at, bytes, size);
    if (key != KEY_ENTER && at.at)
        at.at = utf8_previous(vi_line()->bytes, at.at);
    vi.cursor = at;
}

static void toggle_case(void)
{
    struct place to = characters_on(vi.count ? vi.count : 1);
    size_t length;
    char *text;

    if (!place_before(vi.cursor, to))
        return;
    text = buffer_copy(&vi.buffer, vi.cursor, to, &length);
    for (size_t i = 0; i < length; i++)
        if (!(text[i] & 0x80) && isalpha((unsigned char)text[i]))
            text[i] = (char)(text[i] ^ 0x20);
    change_remove(&vi.history, vi.cursor, to);
    vi.cursor = change_insert(&vi.history, vi.cursor, text, length);
    free(text);
}

static void open_line(bool below)
{
    struct place at = {vi.cursor.line, below ? vi_line()->length : 0};
    struct place after = change_insert(&vi.history, at, "\n", 1);

    vi.cursor = below ? after : at;
    insert_mode();
}

static void undo(bool again)
{
    struct place place;

    if (again ? history_redo(&vi.history, &place) : history_undo(&vi.history, &place))
        vi.cursor = place;
    else
        vi_say(again ? "nothing was undone" : "nothing to undo");
}

/* Commands that begin to insert. */
static bool insert_command(int key)
{
    struct place to;

    if (key == 'I')
        motion('^', 1, &to);
    else if (key == 'A')
        to = (struct place){vi.cursor.line, vi_line()->length};
    else if (key == 'a')
        to = characters_on(1);
    else if (key == 'i' || key == KEY_INSERT)
        to = vi.cursor;
    else
        return false;
    vi.cursor = to;
    insert_mode();
    return true;
}

/* Short forms of an op and a motion. */
static bool short_command(int key)
{
    static const struct {
        int key, op, motion;
    } forms[] = {{'x', 'd', 'l'}, {'X', 'd', 'h'}, {'D', 'd', '$'},
                 {'C', 'c', '$'}, {'s', 'c', 'l'}, {KEY_DELETE, 'd', 'l'}};
    struct place to;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].key != key)
            continue;
        if (motion(forms[i].motion, vi.count, &to) != SPAN_NONE)
            operate(forms[i].op, SPAN_TO, to);
        else if (key == 's')
            insert_mode();
        else
            screen_bell(&vi.screen);
        return true;
    }
    if (key == 'S' || key == 'Y') {
        size_t last = vi.cursor.line + (vi.count ? vi.count : 1) - 1;

        operate_on_lines(key == 'S' ? 'c' : 'y', vi.cursor.line,
                         last < vi.buffer.count ? last : vi.buffer.count - 1);
        return true;
    }
    return false;
}

bool change_command(int key)
{
    if (key == 'd' || key == 'c' || key == 'y' || key == '<' || key == '>')
        operator_command(key);
    else if (key == 'p' || key == 'P')
        put(key == 'p');
    else if (key == 'J')
        join();
    else if (key == 'r')
        replace_characters();
    else if (key == '~')
        toggle_case();
    else if (key == 'o' || key == 'O')
        open_line(key == 'o');
    else if (key == 'u' || key == KEY_CTRL('R'))
        undo(key != 'u');
    else
        return insert_command(key) || short_command(key);
    return true;
}
