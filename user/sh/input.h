/*
 * Where commands come from: a string, a script, standard input, the terminal.
 *
 * Text is taken line by line into one buffer, in which the lexer moves about.
 * From standard input nothing beyond the line is taken, so that a command in
 * the line can read what follows it.
 */
#ifndef USER_SH_INPUT_H
#define USER_SH_INPUT_H

#include <stdbool.h>
#include <stddef.h>

enum input_kind {
    INPUT_STRING, /* text is all there is */
    INPUT_FILE,   /* a descriptor of our own: reads ahead */
    INPUT_SHARED, /* standard input: never reads ahead */
};

struct input {
    enum input_kind kind;
    int fd;
    bool prompt;        /* write PS1 and PS2 */
    bool ended;         /* nothing more will come */
    bool interrupted;   /* reading was broken off: give the command up */
    char *text;         /* lines taken and not dropped yet */
    size_t length, pos; /* pos is the lexer's */
    size_t capacity;    /* of text; 0 = borrowed */
    unsigned line;      /* number of the line that pos is in, from 1 */
    char *ahead;        /* INPUT_FILE: bytes read and not taken yet */
    size_t ahead_pos, ahead_length;
};

/* text must outlive the input. */
void input_from_string(struct input *in, const char *text, size_t length);
/* The input owns fd from now on if kind is INPUT_FILE. */
void input_from_fd(struct input *in, enum input_kind kind, int fd, bool prompt);
void input_close(struct input *in);

/* Append the next line to text; first: it begins a command (PS1), else PS2.
 * Returns false at the end, or when the read failed or was interrupted. */
bool input_more(struct input *in, bool first);
/* Forget the text before pos: a new command starts. */
void input_drop_consumed(struct input *in);
/* Forget the rest of the line as well, after a syntax error. */
void input_drop_line(struct input *in);

/* Read one byte of fd as `read` needs it. Returns 1, 0 at the end, or -errno. */
int input_read_byte(int fd, char *byte);

#endif
