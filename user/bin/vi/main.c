/*
 * vi [+LINE] [FILE]: edit a text on the whole screen.
 *
 * Commands are those of POSIX's vi, as far as they are here: see `man vi`.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/bin/vi/vi.h"

#define COUNT_MAX      1000000
#define LINE_MAX_BYTES 1024 /* after `:` */

struct editor vi;

void vi_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(vi.message, sizeof(vi.message), format, args);
    va_end(args);
}

bool vi_modified(void)
{
    return history_state(&vi.history) != vi.saved;
}

/* ------------------------------------------------------------------------ keys */

static void record(int key)
{
    if (vi.now.count < KEYS_MAX)
        vi.now.key[vi.now.count++] = key;
    else
        vi.now.overflow = true;
}

int vi_key(void)
{
    int key;

    if (vi.playing)
        return vi.played < vi.last.count ? vi.last.key[vi.played++] : KEY_ESCAPE;
    do {
        key = screen_key(&vi.screen, 0);
        if (key == KEY_SIZE)
            view_draw();
    } while (key == KEY_SIZE);
    record(key);
    return key;
}

/* ----------------------------------------------------------------------- views */

/* Move view and cursor by whole screens or parts of them. */
static bool scroll(int key)
{
    size_t body = view_body(),
           lines = key == KEY_CTRL('D') || key == KEY_CTRL('U') ? body / 2 : body;
    bool down = key == KEY_CTRL('F') || key == KEY_CTRL('D') || key == KEY_PAGE_DOWN;
    size_t last = vi.buffer.count - 1;

    if (!down && key != KEY_CTRL('B') && key != KEY_CTRL('U') && key != KEY_PAGE_UP)
        return false;
    if (lines > 2 && lines == body)
        lines -= 2;
    if (down) {
        vi.cursor.line = vi.cursor.line + lines < last ? vi.cursor.line + lines : last;
        vi.top = vi.top + lines < last ? vi.top + lines : last;
    } else {
        vi.cursor.line -= vi.cursor.line < lines ? vi.cursor.line : lines;
        vi.top -= vi.top < lines ? vi.top : lines;
    }
    vi.cursor.at = view_byte(vi_line(), vi.want);
    return true;
}

/* -------------------------------------------------------------------- commands */

static void ask_command(void)
{
    char line[LINE_MAX_BYTES];

    if (screen_ask(&vi.screen, ":", line, sizeof(line)) > 0)
        ex_command(line);
}

/* The last change again. */
static void play(void)
{
    size_t count = vi.count;

    if (!vi.last.count || vi.last.overflow) {
        vi_say(vi.last.overflow ? "that change was too long to be repeated"
                                : "nothing was changed yet");
        return;
    }
    vi.playing = true;
    vi.played = 0;
    vi.count = 0;
    for (;;) {
        int key = vi_key();

        if (!((key >= '1' && key <= '9') || (key == '0' && vi.count))) {
            vi.count = count ? count : vi.count;
            change_command(key);
            break;
        }
        vi.count = vi.count * 10 + (size_t)(key - '0');
    }
    vi.playing = false;
}

static void leave_command(void)
{
    char write[] = "x", quit[] = "q!";
    int key = vi_key();

    if (key == 'Z' || key == 'Q')
        ex_command(key == 'Z' ? write : quit);
}

/* Commands that neither move nor change. False: key is none of them. */
static bool other_command(int key)
{
    if (key == ':')
        ask_command();
    else if (key == '.')
        play();
    else if (key == 'Z')
        leave_command();
    else if (key == KEY_CTRL('G'))
        vi_say("%.100s: %zu lines%s", vi.path ? vi.path : "(no name)", vi.buffer.count,
               vi_modified() ? ", changed" : "");
    else if (key == KEY_CTRL('L'))
        screen_forget(&vi.screen), terminal_ask_size(vi.screen.fd);
    else if (key == KEY_END_OF_INPUT)
        vi.done = true;
    else
        return key == KEY_ESCAPE || key == KEY_UNKNOWN || key == KEY_CTRL('C');
    return true;
}

/* The count and the key of a command. */
static int read_command(void)
{
    int key;

    vi.now = (struct keys){.count = 0};
    vi.count = 0;
    key = vi_key();
    vi.message[0] = '\0'; /* it was seen; a new size alone draws it again */
    for (; (key >= '1' && key <= '9') || (key == '0' && vi.count); key = vi_key())
        if (vi.count < COUNT_MAX)
            vi.count = vi.count * 10 + (size_t)(key - '0');
    return key;
}

static void move(int key)
{
    struct place to;

    if (motion(key, vi.count, &to) == SPAN_NONE)
        screen_bell(&vi.screen);
    else
        vi.cursor = to;
}

static void do_command(int key)
{
    unsigned long before = history_state(&vi.history);
    bool keeps_want = key == 'j' || key == 'k' || key == KEY_UP || key == KEY_DOWN;

    history_begin(&vi.history);
    if (change_command(key)) {
        if (history_state(&vi.history) != before && key != 'u' && key != KEY_CTRL('R'))
            vi.last = vi.now;
    } else if (!other_command(key)) {
        if (scroll(key))
            keeps_want = true;
        else
            move(key);
    }
    motion_settle();
    if (key == '$' || key == KEY_END)
        vi.want = AT_END;
    else if (!keeps_want)
        motion_set_want();
}

/* ----------------------------------------------------------------------- start */

int main(int argc, char **argv)
{
    const char *line = argc > 1 && argv[1][0] == '+' ? argv[1] + 1 : NULL;
    int first = line ? 2 : 1;

    if (argc > first + 1 || (argc > first && argv[first][0] == '-' && argv[first][1])) {
        fprintf(stderr, "usage: vi [+LINE] [FILE]\n");
        return 2;
    }
    buffer_init(&vi.buffer);
    history_init(&vi.history, &vi.buffer);
    if (argc > first && !file_edit(argv[first])) {
        fprintf(stderr, "vi: %s\n", vi.message);
        return 1;
    }
    if (screen_open(&vi.screen, STDIN_FILENO)) {
        perror("vi: standard input is not a terminal");
        return 1;
    }
    if (line) {
        unsigned long number = strtoul(line, NULL, 10);

        vi.cursor.line = number ? number - 1 : vi.buffer.count - 1;
    }
    motion_settle();
    while (!vi.done) {
        view_draw();
        do_command(read_command());
    }
    screen_close(&vi.screen);
    return 0;
}
