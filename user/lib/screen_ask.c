/* A line of text asked for in the last row of the screen: see <screen.h>. */
#include <string.h>

#include "user/include/screen.h"
#include "user/include/utf8.h"

#define CODE_END 0x110000

/* The prompt and the end of the text, as much of it as fits. */
static void show(struct screen *screen, const char *prompt, const char *text, size_t length)
{
    unsigned cells = 0;
    size_t from = length;

    while (from) {
        size_t before = utf8_previous(text, from), size;

        cells += screen_cells(text + before, length - before, 0, &size);
        if (cells + strlen(prompt) + 1 >= screen->columns)
            break;
        from = before;
    }
    screen_row(screen, screen->rows - 1);
    screen_put(screen, prompt);
    for (size_t i = from; i < length;) {
        size_t size;

        screen_cells(text + i, length - i, 0, &size);
        screen_put_text(screen, text + i, length - i, 0, 0);
        i += size;
    }
    screen_flush(screen, screen->rows - 1, screen->column);
}

int screen_ask(struct screen *screen, const char *prompt, char *text, size_t room)
{
    size_t length = 0;

    for (;;) {
        char bytes[UTF8_MAX];
        size_t count;
        int key;

        show(screen, prompt, text, length);
        key = screen_key(screen, 0);
        text[length] = '\0';
        if (key == KEY_ENTER)
            return (int)length;
        if (key == KEY_ESCAPE || key == KEY_CTRL('C') || key == KEY_END_OF_INPUT)
            return -1;
        if (key == KEY_BACKSPACE || key == KEY_CTRL('H')) {
            if (!length)
                return -1;
            length = utf8_previous(text, length);
        } else if (key == KEY_CTRL('U')) {
            length = 0;
        } else if (key == '\t' || (key >= ' ' && key < CODE_END)) {
            count = utf8_encode(bytes, key);
            if (length + count + 1 > room) {
                screen_bell(screen);
                continue;
            }
            memcpy(text + length, bytes, count);
            length += count;
        }
    }
}
