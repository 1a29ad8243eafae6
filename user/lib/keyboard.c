/* The terminal's raw mode, its keys and its size: see <keyboard.h>. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "user/include/keyboard.h"

#define ESCAPE_TENTHS   1 /* that a terminal needs at most between bytes of one key */
#define DEFAULT_ROWS    24
#define DEFAULT_COLUMNS 80
#define SIZE_MAX_SANE   1000

int keyboard_open(struct keyboard *keyboard, int fd, bool alt)
{
    struct termios *raw = &keyboard->raw;

    keyboard->fd = fd;
    keyboard->open = false;
    key_decoder_init(&keyboard->decoder, alt);
    if (tcgetattr(fd, &keyboard->saved))
        return -1;
    *raw = keyboard->saved;
    raw->c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    raw->c_iflag &= ~(tcflag_t)(IXON | ISTRIP | INLCR | IGNCR);
    raw->c_cc[VINTR] = raw->c_cc[VQUIT] = raw->c_cc[VSUSP] = _POSIX_VDISABLE;
    raw->c_cc[VMIN] = 1;
    raw->c_cc[VTIME] = 0;
    if (tcsetattr(fd, TCSANOW, raw))
        return -1;
    keyboard->open = true;
    return 0;
}

void keyboard_close(struct keyboard *keyboard)
{
    if (keyboard->open)
        tcsetattr(keyboard->fd, TCSANOW, &keyboard->saved);
    keyboard->open = false;
}

/* Reads wait for ever, or for that many tenths of a second. */
static int set_patience(struct keyboard *keyboard, unsigned tenths)
{
    struct termios *raw = &keyboard->raw;

    if (raw->c_cc[VTIME] == tenths)
        return 0;
    raw->c_cc[VMIN] = tenths == 0;
    raw->c_cc[VTIME] = (cc_t)tenths;
    return tcsetattr(keyboard->fd, TCSANOW, raw);
}

int keyboard_read(struct keyboard *keyboard, unsigned tenths)
{
    struct key_decoder *decoder = &keyboard->decoder;
    int key = KEY_MORE;

    while (key == KEY_MORE) {
        unsigned char byte = (unsigned char)decoder->held;
        ssize_t got = 1;

        if (decoder->held < 0) {
            if (set_patience(keyboard, decoder->count ? ESCAPE_TENTHS : tenths))
                return KEY_END_OF_INPUT;
            got = read(keyboard->fd, &byte, 1);
        }
        if (got > 0)
            key = key_decode(decoder, byte);
        else if (got == 0 && decoder->count)
            key = key_decode_end(decoder);
        else if (got == 0 && tenths)
            key = KEY_TIMEOUT;
        else if (got == 0 || errno != EINTR)
            key = KEY_END_OF_INPUT;
    }
    return key;
}

/* A number in the environment that can be a size, or 0. */
static unsigned size_from(const char *name)
{
    const char *text = getenv(name);
    long number = text ? strtol(text, NULL, 10) : 0;

    return number > 0 && number <= SIZE_MAX_SANE ? (unsigned)number : 0;
}

struct terminal_size terminal_size(int fd)
{
    struct terminal_size size = {size_from("LINES"), size_from("COLUMNS")};
    struct winsize known = {.ws_row = 0};

    if (ioctl(fd, TIOCGWINSZ, &known))
        known = (struct winsize){.ws_row = 0};
    if (!size.rows)
        size.rows = known.ws_row ? known.ws_row : DEFAULT_ROWS;
    if (!size.columns)
        size.columns = known.ws_col ? known.ws_col : DEFAULT_COLUMNS;
    return size;
}

void terminal_ask_size(int fd)
{
    /* Keep the cursor, go further than any screen reaches, ask where that is. */
    static const char question[] = "\0337\033[999;999H\033[6n\0338";
    ssize_t written = write(fd, question, sizeof(question) - 1);

    (void)written; /* a question that was not asked is one that is not answered */
}

void terminal_set_size(int fd, const struct key_decoder *decoder)
{
    struct winsize size = {.ws_row = (unsigned short)decoder->rows,
                           .ws_col = (unsigned short)decoder->columns};

    ioctl(fd, TIOCSWINSZ, &size);
}
