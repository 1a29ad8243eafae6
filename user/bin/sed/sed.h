/*
 * sed, inside: a script is read whole into an array of commands (script.c, with
 * words.c for what stands between delimiters), and then run over the lines that
 * input.c gives (run.c, with subst.c for s and y). output.c writes.
 *
 * All memory lasts until the program ends, but for what grows with the lines.
 * Whatever goes wrong ends the program, except a file that cannot be read.
 */
#ifndef USER_BIN_SED_H
#define USER_BIN_SED_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define GROUPS 10 /* \0 (all that matched) to \9 */

/* Bytes that grow; always with a NUL after them that is not counted. */
struct text {
    char *bytes;
    size_t length, room;
};

/* A file that is written to; those of one path share it. */
struct out {
    const char *path;
    FILE *file;
    bool open_line; /* its last line had no newline, which must come before more */
};

enum address_kind { ADDRESS_NONE, ADDRESS_LINE, ADDRESS_LAST, ADDRESS_REGEX, ADDRESS_STEP };

struct address {
    enum address_kind kind;
    unsigned long line, step; /* STEP: lines line, line + step, ...; as an end: line more */
    const regex_t *regex;     /* NULL: the one that was used last */
};

/* What s puts in place of a match: literal text, or one of the groups. */
struct piece {
    int group; /* -1: text */
    struct text text;
};

struct substitution {
    const regex_t *regex; /* NULL: the one that was used last */
    struct piece *pieces;
    size_t piece_count;
    unsigned long first; /* the first match to be replaced, counted from 1 */
    bool all, print, writes;
    struct out *out; /* if it writes; NULL: `output` */
};

struct command {
    struct address from, to;
    bool negated;
    bool inside;        /* in the range from `from` to `to` */
    bool begun;         /* a range from a line by number: it has been there */
    unsigned long last; /* the last line of the range, if `to` gives it; else 0 */
    char name;
    struct text text;      /* a, c, i: the text; r: the path; b, t: the label */
    size_t target;         /* b, t, {: the command to go on with */
    unsigned long number;  /* q, Q: the exit status; l: the width */
    unsigned char *map;    /* y */
    struct substitution s; /* s */
    struct out *out;       /* w */
};

struct script {
    struct command *commands;
    size_t count;
    bool extended; /* -E */
    bool quiet;    /* -n, or a first line "#n" */
};

/* ------------------------------------------------------------ main.c: ends */

/* Tell of an error that concerns the script or the system, and end with status 1. */
void __attribute__((noreturn, format(printf, 1, 2))) sed_fail(const char *format, ...);
/* Tell of a file that cannot be used, with errno; the exit status becomes 2. */
void sed_warn(const char *path);
/* realloc that ends the program when memory is out. */
void *sed_grow(void *old, size_t size);

/* ----------------------------------------------------------- text.c: bytes */

void text_add(struct text *text, const char *bytes, size_t length);
void text_add_char(struct text *text, char c);
void text_clear(struct text *text);
void text_swap(struct text *a, struct text *b);

/* -------------------------------------------------------- script.c, words.c */

/* Where the parser is in the source. */
struct reader {
    const char *source;
    size_t length, at;
    struct script *script;
};

/* Read source into script, which begins as zeroes but for `extended` and `quiet`. */
void script_read(struct script *script, const char *source, size_t length);

/* The parser's character at hand, -1 at the end; and past it. */
int reader_peek(const struct reader *reader);
int reader_next(struct reader *reader);
void reader_skip_blanks(struct reader *reader);
/* Tell of an error in the script, with the number of the line, and end. */
void __attribute__((noreturn)) reader_fail(const struct reader *reader, const char *what);
/* A number in decimal, which must be there. */
unsigned long reader_number(struct reader *reader);

/* What follows up to the delimiter, as a regular expression and its flags I and
 * M; NULL if it is empty. */
const regex_t *words_regex(struct reader *reader, int delimiter, bool flags_follow);
/* All that follows s and y. */
void words_substitution(struct reader *reader, struct substitution *s);
unsigned char *words_map(struct reader *reader);
/* The text of a, c and i, with its newline. */
void words_text(struct reader *reader, struct text *text);
/* The rest of the line, blanks at its beginning left out: a file's name. */
void words_path(struct reader *reader, struct text *text);

/* ----------------------------------------------------------------- subst.c */

/* Does the text match? regex NULL stands for the one that was used last. */
bool subst_matches(const regex_t *regex, const struct text *text);
/* Replace in text; returns whether anything was. */
bool subst_run(const struct substitution *s, struct text *text);

/* ----------------------------------------------------------------- input.c */

struct input {
    char **paths; /* the operands that are left, NULL at the end */
    bool in_place, separate;
    const char *suffix;  /* of the copy that -i keeps; "" for none */
    unsigned long lines; /* read so far */
    FILE *file;          /* NULL: the next path is yet to be opened */
    char *path;          /* of file */
    char *next;          /* the line after this one, if it was looked for */
    size_t next_room;
    ssize_t next_length; /* -1: not looked for */
};

/* The next line into text, without its newline; *newline says if it had one.
 * False at the end of all files. */
bool input_line(struct input *input, struct text *text, bool *newline);
/* Is the line that was read last the last one ($)? */
bool input_at_last(struct input *input);
/* The rest of the file goes to the output unchanged: q under -i. */
void input_abandon(struct input *input);

/* ---------------------------------------------------------------- output.c */

extern struct out *output; /* standard output, or the file that -i makes */

void output_begin(void);
/* The file of that path, made empty once. NULL, which the functions below take for
 * `output`, if it is /dev/stdout. */
struct out *output_open(const char *path);
void output_bytes(struct out *out, const char *bytes, size_t length);
/* A line; without its newline if newline is false. */
void output_line(struct out *out, const struct text *text, bool newline);
/* l: visibly, in lines of that width (0 or 1: unbroken). */
void output_visibly(const struct text *text, unsigned long width);
void output_flush(struct out *out);
/* Everything is on its way to the disk, or the program ends with an error. */
void output_end(void);

/* ------------------------------------------------------------------- run.c */

/* Run script over the input; the exit status that q gave, or 0. */
int run_script(struct script *script, struct input *input);

#endif
