/*
 * The editor: what its parts work on.
 *
 * A command is a function that reads the keys it needs. Its keys are recorded, so that `.`
 * can play them again; its changes are one group for undo.
 */
#ifndef USER_BIN_VI_VI_H
#define USER_BIN_VI_VI_H

#include <regex.h>
#include <screen.h>

#include "user/bin/vi/buffer.h"
#include "user/bin/vi/undo.h"

#define KEYS_MAX 4096 /* of one command that can be repeated */
#define AT_END   ((size_t)-1)

struct keys {
    int key[KEYS_MAX];
    size_t count;
    bool overflow; /* there were more: it cannot be played */
};

struct editor {
    struct screen screen;
    struct buffer buffer;
    struct history history;
    struct place cursor;
    size_t want;         /* the column that j and k keep to, in cells; AT_END after $ */
    size_t top, left;    /* the first line and column on the screen */
    bool numbers;        /* shown before lines */
    const char *mode;    /* shown in the last row, such as "insert"; NULL */
    char message[200];   /* the same, once */
    char *path;          /* of the file; NULL: it has no name yet */
    unsigned long saved; /* history_state when text and file were the same */
    bool done;           /* the user wants to leave */
    size_t count;        /* typed before the command; 0 = none */
    char *cut;           /* what was deleted or yanked last */
    size_t cut_length;
    bool cut_lines; /* whole ones, the last newline included */
    bool searching, backward;
    regex_t pattern;
    int find_key, find_char; /* f F t T, for ; and , */
    struct keys now, last;   /* recorded: of this command, of the last change */
    size_t played;           /* of last; while playing */
    bool playing;
};

extern struct editor vi;

static inline struct line *vi_line(void)
{
    return &vi.buffer.lines[vi.cursor.line];
}

/* main.c */
int vi_key(void); /* the next key, typed or played */
void vi_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool vi_modified(void);

/* view.c: draw; and the cells before byte `at` of a line, and back. */
void view_draw(void);
unsigned view_body(void);
size_t view_column(const struct line *line, size_t at);
size_t view_byte(const struct line *line, size_t column);

/* motion.c. A motion goes from the cursor to a place, and says what an operator makes of
 * that: whole lines, or text to before the place, or that character too. */
enum span { SPAN_NONE, SPAN_LINES, SPAN_TO, SPAN_THROUGH };
enum span motion(int key, size_t count, struct place *to);
/* The cursor where it can stand: on a character, if the line has any. */
void motion_settle(void);
void motion_set_want(void);

/* search.c. Pattern from the user, or again (the other way if other); SPAN_NONE: not found. */
enum span search_ask(bool backward, struct place *to);
enum span search_again(bool other, struct place *to);
enum span search_word(struct place *to);
bool search_compile(const char *pattern);
/* The first match in the line from byte `from` on, as regexec. */
bool search_line(const struct line *line, size_t from, regmatch_t *matches, size_t count);

/* insert.c: take keys into the text until Escape. */
void insert_mode(void);

/* change.c: operators and other commands that change; false: the key is none of them. */
bool change_command(int key);
void change_keep(struct place from, struct place to, bool lines);
void change_lines(size_t first, size_t last, bool keep);

/* ex.c: a line after `:`. file.c: reading and writing. */
void ex_command(char *line);
bool file_read(const char *path, struct place at);
bool file_write(const char *path, size_t first, size_t last);
bool file_edit(const char *path);
/* End, with a message; what was changed is saved beside the file. */
void vi_give_up(const char *why) __attribute__((noreturn));

#endif
