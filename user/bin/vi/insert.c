/* Taking keys into the text. See vi.h. */
#include <string.h>

#include "user/bin/vi/vi.h"
#include "user/include/utf8.h"

#define CODE_END 0x110000

static void insert_key(int key)
{
    char bytes[UTF8_MAX];
    size_t count = utf8_encode(bytes, key);

    vi.cursor = change_insert(&vi.history, vi.cursor, bytes, count);
}

/* Remove what is between the place and the cursor, in this line. */
static void remove_back(size_t at)
{
    struct place from = {vi.cursor.line, at};

    change_remove(&vi.history, from, vi.cursor);
    vi.cursor = from;
}

static void backspace(void)
{
    if (vi.cursor.at) {
        remove_back(utf8_previous(vi_line()->bytes, vi.cursor.at));
    } else if (vi.cursor.line) {
        struct place end = {vi.cursor.line - 1, vi.buffer.lines[vi.cursor.line - 1].length};

        change_remove(&vi.history, end, vi.cursor);
        vi.cursor = end;
    }
}

static void erase_word(void)
{
    size_t at = vi.cursor.at;
    const char *bytes = vi_line()->bytes;

    while (at && strchr(" \t", bytes[at - 1]))
        at--;
    while (at && !strchr(" \t", bytes[at - 1]))
        at--;
    remove_back(at);
}

/* Keys that move about; here the cursor may stand behind the last character. */
static bool move(int key)
{
    struct place to;

    if (key == KEY_END) {
        vi.cursor.at = vi_line()->length;
        return true;
    }
    if (key < CODE_END || motion(key, 1, &to) == SPAN_NONE)
        return false;
    vi.cursor = to;
    if (key != KEY_UP && key != KEY_DOWN)
        motion_set_want();
    return true;
}

static void delete_key(void)
{
    struct place end = vi.cursor;

    if (end.at < vi_line()->length)
        end.at = utf8_next(vi_line()->bytes, vi_line()->length, end.at);
    else if (end.line + 1 < vi.buffer.count)
        end = (struct place){end.line + 1, 0};
    change_remove(&vi.history, vi.cursor, end);
}

static void take(int key)
{
    if (key == KEY_BACKSPACE || key == KEY_CTRL('H'))
        backspace();
    else if (key == KEY_CTRL('W'))
        erase_word();
    else if (key == KEY_CTRL('U'))
        remove_back(0);
    else if (key == KEY_DELETE)
        delete_key();
    else if (key == KEY_CTRL('V'))
        key = vi_key(), insert_key(key < CODE_END ? key : ' ');
    else if (key == KEY_ENTER || key == '\t' || (key >= ' ' && key < CODE_END))
        insert_key(key);
    else if (!move(key) && key != KEY_UNKNOWN)
        screen_bell(&vi.screen);
}

void insert_mode(void)
{
    vi.mode = "insert";
    for (;;) {
        int key;

        if (!vi.playing)
            view_draw();
        key = vi_key();
        if (key == KEY_ESCAPE || key == KEY_CTRL('C') || key == KEY_END_OF_INPUT)
            break;
        take(key);
    }
    vi.mode = NULL;
    if (vi.cursor.at)
        vi.cursor.at = utf8_previous(vi_line()->bytes, vi.cursor.at);
}
