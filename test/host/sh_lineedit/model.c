/* What the keys of the line editor do. See model.h. */
#include <stdio.h>
#include <string.h>

#include "test/host/sh_lineedit/model.h"
#include "user/include/keyboard.h"
#include "user/include/utf8.h"
#include "user/sh/history.h"

#define ASK_ABOVE 120

/* ----------------------------------------------------------------------- texts */

struct text text_of(const char *bytes, size_t length)
{
    struct text text = {.length = 0};

    for (size_t i = 0; i < length;) {
        long code;
        size_t size = utf8_decode(bytes + i, length - i, &code);

        text.code[text.length++] = code < 0 ? BAD_BYTE + (unsigned char)bytes[i] : (int)code;
        i += size;
    }
    return text;
}

size_t text_bytes(const struct text *text, char *bytes)
{
    size_t length = 0;

    for (size_t i = 0; i < text->length; i++) {
        if (text->code[i] >= BAD_BYTE)
            bytes[length++] = (char)(text->code[i] - BAD_BYTE);
        else
            length += utf8_encode(bytes + length, text->code[i]);
    }
    return length;
}

static void insert(struct model *m, const int *codes, size_t count)
{
    struct text *line = &m->line;

    memmove(line->code + m->cursor + count, line->code + m->cursor,
            (line->length - m->cursor) * sizeof(int));
    memcpy(line->code + m->cursor, codes, count * sizeof(int));
    line->length += count;
    m->cursor += count;
}

static void remove_range(struct model *m, size_t from, size_t to)
{
    memmove(m->line.code + from, m->line.code + to, (m->line.length - to) * sizeof(int));
    m->line.length -= to - from;
    m->cursor = from;
}

static void cut(struct model *m, size_t from, size_t to)
{
    if (from == to)
        return;
    m->cut.length = to - from;
    memcpy(m->cut.code, m->line.code + from, (to - from) * sizeof(int));
    remove_range(m, from, to);
}

static void set_line(struct model *m, const struct text *text)
{
    m->line = *text;
    m->cursor = text->length;
}

/* ----------------------------------------------------------------------- words */

static bool in_word(int code)
{
    return code >= 0x80 || (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') ||
           (code >= 'a' && code <= 'z');
}

static bool no_blank(int code)
{
    return code != ' ' && code != '\t';
}

static size_t back(const struct model *m, bool (*belongs)(int))
{
    size_t at = m->cursor;

    while (at && !belongs(m->line.code[at - 1]))
        at--;
    while (at && belongs(m->line.code[at - 1]))
        at--;
    return at;
}

static size_t forth(const struct model *m)
{
    size_t at = m->cursor;

    while (at < m->line.length && !in_word(m->line.code[at]))
        at++;
    while (at < m->line.length && in_word(m->line.code[at]))
        at++;
    return at;
}

static void transpose(struct model *m)
{
    size_t at = m->cursor == m->line.length && m->cursor ? m->cursor - 1 : m->cursor;
    int code;

    if (!at || m->line.length < 2)
        return;
    code = m->line.code[at - 1];
    m->line.code[at - 1] = m->line.code[at];
    m->line.code[at] = code;
    m->cursor = at + 1;
}

/* --------------------------------------------------------------------- history */

static bool same(const struct text *a, const struct text *b)
{
    return a->length == b->length && !memcmp(a->code, b->code, a->length * sizeof(int));
}

void model_remember(struct model *m, const struct text *line)
{
    if (!line->length || !no_blank(line->code[0]) ||
        (m->lines && same(line, &m->history[m->lines - 1])))
        return;
    m->history[m->lines++] = *line;
    if (m->lines - m->forgotten > HISTORY_MAX)
        m->forgotten++;
}

static void show_line(struct model *m, size_t at)
{
    if (at < m->forgotten || at > m->lines || at + 1 == 0)
        return;
    if (m->shown == m->lines)
        m->typed = m->line;
    m->shown = at;
    set_line(m, at == m->lines ? &m->typed : &m->history[at]);
}

static bool holds(const struct text *line, const struct text *wanted)
{
    for (size_t i = 0; i + wanted->length <= line->length; i++)
        if (!memcmp(line->code + i, wanted->code, wanted->length * sizeof(int)))
            return true;
    return false;
}

/* The newest line before `end` that holds what is wanted; none leaves the last find. */
static void search(struct model *m, size_t end)
{
    m->failed = false;
    if (!m->wanted.length)
        return;
    while (end > m->forgotten) {
        if (holds(&m->history[--end], &m->wanted)) {
            m->found = true;
            m->shown = end;
            set_line(m, &m->history[end]);
            return;
        }
    }
    m->failed = true;
}

static void search_end(struct model *m, int key)
{
    m->mode = MODE_KEYS;
    if (key == KEY_CTRL('G') || key == KEY_CTRL('C'))
        set_line(m, &m->typed);
    else if (key != KEY_ESCAPE)
        model_key(m, key);
}

/* `before`: where the history stood when the search began. */
static void search_key(struct model *m, int key)
{
    static size_t before;

    if (key == KEY_CTRL('R') && m->mode != MODE_SEARCH) {
        m->mode = MODE_SEARCH;
        m->wanted.length = 0;
        m->found = m->failed = false;
        m->typed = m->line;
        before = m->shown;
    } else if (key == KEY_CTRL('R')) {
        search(m, m->found ? m->shown : m->lines);
    } else if (key == KEY_BACKSPACE || key == KEY_CTRL('H')) {
        m->wanted.length -= m->wanted.length > 0;
        m->found = false;
        m->shown = before;
        search(m, m->lines);
    } else if (key >= ' ' && key < BAD_BYTE && (key < 0x80 || key >= 0xa0)) {
        m->wanted.code[m->wanted.length++] = key;
        search(m, m->found ? m->shown + 1 : m->lines);
    } else if (key != KEY_UNKNOWN && (key < 0x80 || key >= 0xa0)) {
        if (key == KEY_CTRL('G') || key == KEY_CTRL('C'))
            m->shown = before;
        search_end(m, key);
    }
}

/* ------------------------------------------------------------------ completion */

/* Where the word before the cursor begins. */
static size_t word_start(const struct model *m)
{
    size_t at = m->cursor;

    while (at && no_blank(m->line.code[at - 1]))
        at--;
    return at;
}

bool model_knows_tab(const struct model *m)
{
    for (size_t i = 0; i < m->cursor; i++)
        if (m->line.code[i] < 0x80 && strchr("\n\\'\"`$&;|<>()=/", m->line.code[i]))
            return false;
    return m->cursor > word_start(m);
}

/* The words that begin as the one before the cursor; returns their number. */
static size_t candidates(const struct model *m, size_t *first, size_t *common)
{
    struct text begin = {.length = m->cursor - word_start(m)};
    char bytes[4 * TEXT_MAX];
    size_t typed, count = 0;

    memcpy(begin.code, m->line.code + word_start(m), begin.length * sizeof(int));
    typed = text_bytes(&begin, bytes);
    for (size_t i = 0; i < model_word_count; i++) {
        if (strncmp(model_words[i], bytes, typed))
            continue;
        if (!count++) {
            *first = i;
            *common = strlen(model_words[i]);
        }
        while (strncmp(model_words[i], model_words[*first], *common))
            --*common;
    }
    while (count > 1 && (model_words[*first][*common] & 0xc0) == 0x80)
        --*common; /* not in the middle of a character */
    return count;
}

static void complete(struct model *m)
{
    size_t first = 0, common = 0, start = word_start(m);
    size_t count = candidates(m, &first, &common);
    struct text word = text_of(model_words[first], common);

    m->table = false;
    if (count == 1)
        word.code[word.length++] = ' ';
    if (count && word.length > m->cursor - start) {
        insert(m, word.code + (m->cursor - start), word.length - (m->cursor - start));
    } else if (count && m->tabbed) {
        m->table = true;
        m->mode = count > ASK_ABOVE ? MODE_ASKED : MODE_KEYS;
    }
}

/* ------------------------------------------------------------------------ keys */

static void cut_key(struct model *m, int key)
{
    size_t end = m->line.length, at = m->cursor;

    if (key == KEY_CTRL('U'))
        cut(m, 0, at);
    else if (key == KEY_CTRL('K'))
        cut(m, at, end);
    else if (key == KEY_CTRL('W'))
        cut(m, back(m, no_blank), at);
    else if (key == KEY_ALT + KEY_BACKSPACE)
        cut(m, back(m, in_word), at);
    else if (key == KEY_ALT + 'd')
        cut(m, at, forth(m));
    else if (key == KEY_CTRL('Y'))
        insert(m, m->cut.code, m->cut.length);
    else if (key == KEY_CTRL('T'))
        transpose(m);
    else if (key >= ' ' && key != KEY_BACKSPACE && key < BAD_BYTE)
        insert(m, &key, 1);
}

static bool move_key(struct model *m, int key)
{
    size_t end = m->line.length, at = m->cursor;

    if (key == KEY_LEFT || key == KEY_CTRL('B'))
        m->cursor -= at > 0;
    else if (key == KEY_RIGHT || key == KEY_CTRL('F'))
        m->cursor += at < end;
    else if (key == KEY_HOME || key == KEY_CTRL('A'))
        m->cursor = 0;
    else if (key == KEY_END || key == KEY_CTRL('E'))
        m->cursor = end;
    else if (key == KEY_WORD_LEFT || key == KEY_ALT + 'b')
        m->cursor = back(m, in_word);
    else if (key == KEY_WORD_RIGHT || key == KEY_ALT + 'f')
        m->cursor = forth(m);
    else if (key == KEY_UP)
        show_line(m, m->shown - 1);
    else if (key == KEY_DOWN || key == KEY_CTRL('N'))
        show_line(m, m->shown + 1);
    else
        return false;
    return true;
}

static void other_key(struct model *m, int key)
{
    size_t end = m->line.length, at = m->cursor;

    if (key == KEY_CTRL('D') && !end)
        m->done = DONE_END;
    else if ((key == KEY_CTRL('D') || key == KEY_DELETE) && at < end)
        remove_range(m, at, at + 1);
    else if ((key == KEY_BACKSPACE || key == KEY_CTRL('H')) && at)
        remove_range(m, at - 1, at);
    else if (key == KEY_CTRL('V'))
        m->mode = MODE_LITERAL;
    else if (key == KEY_CTRL('C'))
        m->done = DONE_INTERRUPT;
    else if (key == KEY_END_OF_INPUT)
        m->done = DONE_END;
    else if (key == KEY_ENTER)
        m->done = DONE_LINE;
    else if (key == KEY_CTRL('I'))
        complete(m);
    else if (!move_key(m, key))
        cut_key(m, key);
}

void model_key(struct model *m, int key)
{
    m->table = false;
    if (m->mode == MODE_SEARCH || (m->mode == MODE_KEYS && key == KEY_CTRL('R'))) {
        search_key(m, key);
    } else if (m->mode == MODE_LITERAL) {
        m->mode = MODE_KEYS;
        if (key > 0 && key < BAD_BYTE)
            insert(m, &key, 1);
    } else if (m->mode == MODE_ASKED) {
        if (key != KEY_UNKNOWN)
            m->mode = MODE_KEYS;
        return; /* Tab again is the second one still */
    } else {
        other_key(m, key);
    }
    m->tabbed = key == KEY_CTRL('I') && m->mode != MODE_SEARCH;
}

void model_begin(struct model *m)
{
    m->line.length = m->typed.length = m->cursor = 0;
    m->mode = MODE_KEYS;
    m->done = DONE_NOT;
    m->shown = m->lines;
    m->tabbed = m->table = false;
}

/* ------------------------------------------------------------------------ view */

void model_draw(const struct model *m, const char *prompt, size_t count, struct glass *glass)
{
    char bytes[4 * TEXT_MAX];

    if (m->mode == MODE_SEARCH) {
        prompt = m->failed ? "not found: " : "search: ";
        glass_write(glass, prompt, strlen(prompt));
        glass_write(glass, bytes, text_bytes(&m->wanted, bytes));
        prompt = " -> ";
    }
    glass_write(glass, prompt, strlen(prompt));
    for (size_t i = 0; i < count; i++) {
        int code = m->line.code[i];
        char control[] = {'^', (char)(code ^ 0x40)};

        if (code < ' ' || code == 0x7f)
            glass_write(glass, control, 2);
        else if (code >= BAD_BYTE || (code >= 0x80 && code < 0xa0) || (!i && !utf8_width(code)))
            glass_write(glass, "?", 1);
        else
            glass_write(glass, bytes, utf8_encode(bytes, code));
    }
}
