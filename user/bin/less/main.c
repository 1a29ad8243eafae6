/*
 * less [-NS] [FILE...]: text, a screen at a time. Without FILE, or for -, standard input.
 *
 * Keys come from the terminal, also when the text comes from a pipe. Where the output is
 * no terminal, the text is only copied.
 */
#include <fcntl.h>

#include "user/bin/less/less.h"
#include "user/bin/util.h"
#include "user/include/reason.h"

#define NUMBER_MAX 100000000
#define SIDEWAYS   8 /* columns, for the arrow keys */

static struct screen screen;
static struct view view = {.screen = &screen};
static size_t number; /* typed before a command; 0 = none */
static bool left;     /* the user wants to go */
static char **names;
static int name_count, name_now;

static const char *const help[] = {
    "less: keys                                    (any key goes back)",
    "",
    "  space  f  ^F  PageDown     a screen forward",
    "  b  ^B  PageUp              a screen back",
    "  d  ^D   u  ^U              half a screen forward, back",
    "  Enter  j  Down   k  y  Up  a line forward, back; with a number before it, so many",
    "  g  Home   G  End           the beginning, the end; with a number, that line",
    "  N%  or  Np                 N percent into the text",
    "  /PATTERN  ?PATTERN         the next, the previous line that matches (regular expression;",
    "                             small letters alone match capitals too)",
    "  n  N                       again, in that direction or the other",
    "  Left  Right                sideways, where long lines are cut (-S)",
    "  -S  -N                     cut or wrap long lines; line numbers",
    "  :n  :p                     the next, the previous file",
    "  =                          where this is",
    "  q  ^C                      leave",
};

static void show_help(void)
{
    for (unsigned row = 0; row < screen.rows; row++) {
        screen_row(&screen, row);
        if (row < sizeof(help) / sizeof(help[0]))
            screen_put(&screen, help[row]);
    }
    screen_flush(&screen, 0, 0);
    while (screen_key(&screen, 0) == KEY_SIZE)
        ;
}

/* Show file number `which`. What cannot be opened is said in the last row. */
static void show_file(int which)
{
    struct text text;

    if (which < 0 || which >= name_count) {
        strcpy(view.message, which < 0 ? "this is the first file" : "this is the last file");
        return;
    }
    if (text_open(&text, names[which])) {
        snprintf(view.message, sizeof(view.message), "%.100s: %s", names[which], reason(errno));
        return;
    }
    text_close(&view.text);
    view.text = text;
    view.name = strcmp(names[which], "-") ? names[which] : "standard input";
    view.top = (struct place){0, 0};
    view.left = 0;
    name_now = which;
}

static void go_percent(void)
{
    size_t lines = text_count(&view.text);

    view_go(&view, lines * (number < 100 ? number : 100) / 100);
}

static void tell_place(void)
{
    size_t lines = text_count(&view.text);

    snprintf(view.message, sizeof(view.message), "%.60s: line %zu of %zu, %zu bytes, file %d of %d",
             view.name, view.top.line + (lines > 0), lines, view.text.length, name_now + 1,
             name_count);
}

/* A second key, after - or :. */
static void two_keys(int first)
{
    int key;

    screen_row(&screen, screen.rows - 1);
    screen_put(&screen, first == '-' ? "-" : ":");
    screen_flush(&screen, screen.rows - 1, 1);
    key = screen_key(&screen, 0);
    if (first == '-' && key == 'S') {
        view.chop = !view.chop;
        view.left = 0;
        view.top.row = 0;
    } else if (first == '-' && key == 'N') {
        view.numbers = !view.numbers;
        view.top.row = 0;
    } else if (first == ':' && (key == 'n' || key == 'p')) {
        show_file(name_now + (key == 'n' ? 1 : -1));
    } else if (first == ':' && key == 'q') {
        left = true;
    } else {
        screen_bell(&screen);
    }
}

static void sideways(int key)
{
    if (key == KEY_RIGHT)
        view.left += SIDEWAYS;
    else
        view.left -= view.left < SIDEWAYS ? view.left : SIDEWAYS;
}

static void move(size_t rows, bool back)
{
    if (back ? !view_back(&view, rows) : !view_forward(&view, rows))
        screen_bell(&screen);
}

/* Keys that are not motions. */
static void other_key(int key)
{
    switch (key) {
    case '/':
    case '?':
        find_ask(&view, key == '?');
        break;
    case 'n':
    case 'N':
        find_again(&view, key == 'N');
        break;
    case 'h':
        show_help();
        break;
    case '=':
        tell_place();
        break;
    case '-':
    case ':':
        two_keys(key);
        break;
    case KEY_CTRL('L'):
    case 'r':
        screen_forget(&screen);
        terminal_ask_size(screen.fd);
        break;
    case KEY_SIZE:
        view.top.row = 0;
        break;
    case 'q':
    case 'Q':
    case KEY_CTRL('C'):
    case KEY_END_OF_INPUT:
        left = true;
        break;
    default:
        screen_bell(&screen);
    }
}

static void do_key(int key)
{
    size_t page = view_body(&view), times = number ? number : 1;

    if (key == ' ' || key == 'f' || key == KEY_CTRL('F') || key == KEY_PAGE_DOWN)
        move(number ? number : page, false);
    else if (key == 'b' || key == KEY_CTRL('B') || key == KEY_PAGE_UP)
        move(number ? number : page, true);
    else if (key == 'd' || key == KEY_CTRL('D'))
        move(number ? number : page / 2 + 1, false);
    else if (key == 'u' || key == KEY_CTRL('U'))
        move(number ? number : page / 2 + 1, true);
    else if (key == KEY_ENTER || key == 'j' || key == 'e' || key == KEY_DOWN)
        move(times, false);
    else if (key == 'k' || key == 'y' || key == KEY_UP)
        move(times, true);
    else if (key == 'g' || key == '<' || key == KEY_HOME)
        view_go(&view, times - 1);
    else if ((key == 'G' || key == '>' || key == KEY_END) && number)
        view_go(&view, number - 1);
    else if (key == 'G' || key == '>' || key == KEY_END)
        view_end(&view);
    else if (key == 'p' || key == '%')
        go_percent();
    else if ((key == KEY_LEFT || key == KEY_RIGHT) && view.chop)
        sideways(key);
    else
        other_key(key);
}

static int run(void)
{
    int tty = open("/dev/tty", O_RDWR);

    if (screen_open(&screen, tty < 0 ? STDERR_FILENO : tty)) {
        util_error("terminal");
        return 1;
    }
    while (!left) {
        int key;

        view_draw(&view);
        key = screen_key(&screen, 0);
        if (key >= '0' && key <= '9' && (number || key != '0')) {
            if (number < NUMBER_MAX)
                number = number * 10 + (size_t)(key - '0');
            snprintf(view.message, sizeof(view.message), "%zu", number);
            continue;
        }
        do_key(key);
        number = 0;
    }
    screen_close(&screen);
    return 0;
}

/* As cat does. */
static void copy(const char *name)
{
    struct text text;
    size_t length;

    if (text_open(&text, name)) {
        util_error(name);
        return;
    }
    text_count(&text);
    length = text.length;
    if (length && util_write(STDOUT_FILENO, text.bytes, length))
        util_output_failed(1);
    if (text.error) {
        errno = text.error;
        util_error(name);
    }
    text_close(&text);
}

int main(int argc, char **argv)
{
    static char dash[] = "-", *standard_input[] = {dash};
    int option;

    util_begin(argv);
    while ((option = getopt(argc, argv, "NS")) != -1) {
        if (option == '?')
            util_usage("[-NS] [FILE...]");
        view.numbers |= option == 'N';
        view.chop |= option == 'S';
    }
    names = argv + optind;
    name_count = argc - optind;
    if (!name_count) {
        if (isatty(STDIN_FILENO))
            util_usage("[-NS] [FILE...]     (or at the end of a pipe)");
        names = standard_input;
        name_count = 1;
    }
    if (!isatty(STDOUT_FILENO)) {
        for (int i = 0; i < name_count; i++)
            copy(names[i]);
        return util_finish();
    }
    view.text.fd = -1;
    for (int i = 0; i < name_count && !view.name; i++)
        show_file(i);
    if (!view.name) {
        util_warn("%s", view.message);
        return util_finish();
    }
    view.message[0] = '\0';
    return run();
}
