/*
 * Keys typed at a terminal: its raw mode, and the meaning of the bytes it sends.
 *
 * A key is a Unicode code point, control characters included (^A is 1, Enter '\n',
 * Backspace 0x7f), or one of KEY_*. While a keyboard is open ^C is a key like any;
 * ^P still makes the system dump its threads. Bytes are taken one at a time, so
 * that what was typed ahead is left to whoever reads after keyboard_close.
 *
 * The size: a serial line cannot tell when its other end is resized. The terminal
 * is asked by an escape sequence, and its answer comes in as a key, KEY_SIZE,
 * whenever it comes, or never: nobody waits for it.
 */
#ifndef BANYAN_KEYBOARD_H
#define BANYAN_KEYBOARD_H

#include <stdbool.h>
#include <termios.h>

#define KEY_CTRL(c)   ((c)&0x1f)
#define KEY_ENTER     '\n'
#define KEY_ESCAPE    0x1b
#define KEY_BACKSPACE 0x7f

enum {
    KEY_END_OF_INPUT = 0x200000, /* the terminal is gone */
    KEY_TIMEOUT,
    KEY_UNKNOWN, /* bytes that mean nothing here: to be ignored */
    KEY_SIZE,    /* the terminal's answer: in rows and columns of the decoder */
    KEY_UP,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_WORD_LEFT, /* with Ctrl or Alt */
    KEY_WORD_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_INSERT,
    KEY_DELETE,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_BACK_TAB,
};
#define KEY_ALT 0x400000 /* added to a character typed with Alt */

/* ------------------------------------------------------------ bytes to keys */

#define KEY_MORE (-1) /* the key is not complete */

struct key_decoder {
    bool alt; /* ESC and a character are Alt with it; else two keys */
    unsigned count;
    unsigned char bytes[24];
    int held; /* a byte to be decoded next, or -1 */
    unsigned rows, columns;
};

void key_decoder_init(struct key_decoder *decoder, bool alt);
/* Take a byte: a key, or KEY_MORE. After each, a held byte is to be fed first. */
int key_decode(struct key_decoder *decoder, unsigned char byte);
/* No byte came for a while after KEY_MORE: what there is, is a key. */
int key_decode_end(struct key_decoder *decoder);

/* ------------------------------------------------------------- the terminal */

struct keyboard {
    int fd;
    bool open;
    struct termios saved, raw;
    struct key_decoder decoder;
};

/* Raw mode on fd. 0, or -1 with errno: it is no terminal. */
int keyboard_open(struct keyboard *keyboard, int fd, bool alt);
/* The mode from before. May be called twice. */
void keyboard_close(struct keyboard *keyboard);
/* The next key. tenths > 0 (at most 255): KEY_TIMEOUT after that many tenths of a
 * second without any. */
int keyboard_read(struct keyboard *keyboard, unsigned tenths);

struct terminal_size {
    unsigned rows, columns;
};

/* COLUMNS and LINES in the environment go before what the terminal's server knows,
 * which is 24 by 80 until somebody tells it otherwise. */
struct terminal_size terminal_size(int fd);
/* Ask the terminal; the answer is a KEY_SIZE. Nothing on the screen changes. */
void terminal_ask_size(int fd);
/* A KEY_SIZE came: tell the terminal's server, for programs that come later. */
void terminal_set_size(int fd, const struct key_decoder *decoder);

#endif
