/*
 * The shell's line editor under random keys. A model does the same on a plain array of
 * characters; after each key, line, cursor and terminal must be as the model has them,
 * and at the end of each line what is read; at the end of all the file of the history.
 *
 * host-test: user/sh/lineedit.c user/sh/lineedit_search.c user/sh/lineedit_complete.c
 * host-test: user/sh/edit.c user/sh/display.c user/sh/history.c user/sh/complete.c
 * host-test: user/sh/arena.c user/sh/text.c user/lib/utf8.c -D_GNU_SOURCE
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/host/lib_check.h"
#include "test/host/lib_scratch.h"
#include "test/host/sh_lineedit/model.h"
#include "user/include/utf8.h"
#include "user/sh/complete.h"
#include "user/sh/history.h"
#include "user/sh/lineedit.h"
#include "user/sh/session.h"
#include "user/sh/shell.h"
#include "user/sh/terminal.h"
#include "user/sh/vars.h"

#define LINES_TYPED 3800 /* so that the history runs over, and its file is cut */
#define LINE_LONG   90   /* characters: from there on keys are chosen that add none */
#define ROWS_USED   30
#define MANY_WORDS  125

static uint64_t seed = 20240607;
static struct model model;
static struct glass glass, wanted, before;
static unsigned base;   /* row in which the prompt's last line begins */
static bool base_moves; /* the last key may put the line elsewhere */
static const char *prompt;
static int trail[20]; /* the last keys */
static size_t keys;
static char history_file[PATH_MAX];

/* ------------------------------------------------------ what the line editor needs */

struct shell shell;

static const char *const few_words[] = {"a",  "aa", "ab-cde",     "b0",         "b1",
                                        "b2", "bb", "c\xc3\xa4q", "c\xc3\xa9x", "eeee"};
#define FEW (sizeof(few_words) / sizeof(few_words[0]))
const char *model_words[FEW + MANY_WORDS];
const size_t model_word_count = FEW + MANY_WORDS;

/* Those, and so many that Tab asks before it shows them. */
static void make_words(void)
{
    static char many[MANY_WORDS][8];

    memcpy(model_words, few_words, sizeof(few_words));
    for (size_t i = 0; i < MANY_WORDS; i++) {
        snprintf(many[i], sizeof(many[i]), "f%03zu", i);
        model_words[FEW + i] = many[i];
    }
}

void complete_candidates(const struct complete_word *word, struct strlist *list)
{
    for (size_t i = 0; i < model_word_count; i++)
        if (!strncmp(model_words[i], word->text, strlen(word->text)))
            strlist_add(list, (char *)model_words[i]);
}

int shell_write(int fd, const char *bytes, size_t count)
{
    if (fd == STDERR_FILENO)
        glass_write(&glass, bytes, count);
    else if (write(fd, bytes, count) != (ssize_t)count)
        return -EIO;
    return 0;
}

void shell_no_memory(void)
{
    abort();
}

const char *var_get(const char *name)
{
    return !strcmp(name, "HISTFILE") ? history_file : NULL;
}

void terminal_forget_interrupts(void)
{
}

int keyboard_open(struct keyboard *keyboard, int fd, bool alt)
{
    keyboard->fd = fd;
    return alt ? 0 : -1;
}

void keyboard_close(struct keyboard *keyboard)
{
    keyboard->fd = -1;
}

struct terminal_size terminal_size(int fd)
{
    return (struct terminal_size){GLASS_ROWS, fd < 0 ? 80 : glass.columns};
}

void terminal_ask_size(int fd)
{
    CHECK(fd == STDERR_FILENO);
}

void terminal_set_size(int fd, const struct key_decoder *decoder)
{
    CHECK(fd == STDIN_FILENO && decoder);
}

/* ------------------------------------------------------------------- choosing keys */

static size_t below(size_t limit)
{
    return (size_t)(check_random(&seed) >> 11) % limit;
}

static int character(void)
{
    static const int often[] = {'a', 'b', 'c', 'e', 'f', '0', ' ', ' ', '-'};
    static const int rarely[] = {'$',    '\'',    '\\',  '=',    0xe4,     0xe9, 0x20ac,
                                 0x6f22, 0x1f600, 0x301, 0xff21, 0x10ffff, 0x9b};

    return below(5) ? often[below(sizeof(often) / sizeof(int))]
                    : rarely[below(sizeof(rarely) / sizeof(int))];
}

static int editing_key(void)
{
    static const int all[] = {
        KEY_LEFT,       KEY_CTRL('B'), KEY_RIGHT,     KEY_CTRL('F'), KEY_HOME,
        KEY_CTRL('A'),  KEY_END,       KEY_CTRL('E'), KEY_WORD_LEFT, KEY_ALT + 'b',
        KEY_WORD_RIGHT, KEY_ALT + 'f', KEY_BACKSPACE, KEY_CTRL('H'), KEY_DELETE,
        KEY_CTRL('D'),  KEY_CTRL('U'), KEY_CTRL('K'), KEY_CTRL('W'), KEY_ALT + KEY_BACKSPACE,
        KEY_ALT + 'd',  KEY_CTRL('Y'), KEY_CTRL('T'), KEY_CTRL('V'), KEY_UP,
        KEY_UP,         KEY_DOWN,      KEY_CTRL('N'), KEY_CTRL('R'), KEY_CTRL('R'),
        KEY_CTRL('G'),  KEY_ESCAPE,    KEY_UNKNOWN,   KEY_INSERT,    KEY_PAGE_UP,
        KEY_ALT + 'x',  KEY_CTRL('L'), KEY_BACKSPACE, KEY_CTRL('I'), KEY_CTRL('I'),
    };

    return all[below(sizeof(all) / sizeof(int))];
}

static int ending_key(void)
{
    switch (below(20)) {
    case 0:
        return KEY_END_OF_INPUT;
    case 1:
    case 2:
        return KEY_CTRL('C');
    default:
        return KEY_ENTER;
    }
}

/* Does the model know what it does here, and has it room? */
static bool is_fit(int key)
{
    if (model.mode == MODE_SEARCH && key >= ' ' && key < BAD_BYTE && model.wanted.length > 4)
        return key == KEY_BACKSPACE;
    if (key == KEY_CTRL('I') && model.mode != MODE_LITERAL && model.mode != MODE_ASKED)
        return model_knows_tab(&model) && glass.row < ROWS_USED;
    if (model.mode == MODE_LITERAL)
        return key != KEY_ENTER; /* the file of the history would have two lines of it */
    if (key == KEY_CTRL('Y'))
        return model.line.length + model.cut.length < LINE_LONG;
    return true;
}

static int choose(void)
{
    int key;

    if (model.mode == MODE_KEYS && model.tabbed && !below(2) && is_fit(KEY_CTRL('I')))
        return KEY_CTRL('I');
    do {
        if (!below(40))
            key = ending_key();
        else if (model.line.length < LINE_LONG && below(2))
            key = character();
        else
            key = editing_key();
    } while (!is_fit(key));
    return key;
}

/* ------------------------------------------------------------------------ checking */

static void complain(const char *what)
{
    printf("# line %zu of the history, after the keys", model.lines);
    for (size_t i = keys < 20 ? 0 : keys - 20; i < keys; i++)
        printf(" %#x", trail[i % 20]);
    printf("\n# %s\n", what);
    glass_print(&glass, "there is");
    glass_print(&wanted, "wanted");
    exit(1); /* what follows would only be the same */
}

/* After a key: the terminal against the model's. */
static void compare_view(void)
{
    const char *newline = strrchr(prompt, '\n');
    const char *last = newline ? newline + 1 : prompt; /* ^R replaces just that */
    unsigned row;

    glass_init(&before, glass.columns);
    model_draw(&model, last, model.cursor, &before);
    glass_init(&wanted, glass.columns);
    model_draw(&model, last, model.line.length, &wanted);
    row = glass_row(&before);
    if (base_moves)
        base = glass_row(&glass) - row;
    base_moves = false;
    if (glass.strange)
        complain("bytes that no terminal should be sent");
    if (glass_row(&glass) != base + row || glass_column(&glass) != glass_column(&before))
        complain("the cursor is at another place");
    if (!glass_same(&glass, base, &wanted))
        complain("something else is on the terminal");
}

/* The next key of the line editor: that is when it has done all that the one before does. */
int keyboard_read(struct keyboard *keyboard, unsigned tenths)
{
    int key;

    CHECK(keyboard->fd == STDIN_FILENO && !tenths);
    if (model.mode != MODE_ASKED)
        compare_view();
    else
        base_moves = true; /* the question, and its answer */
    if (glass.row < ROWS_USED && model.mode != MODE_ASKED && !below(60)) {
        glass_resize(&glass, 24 + (unsigned)below(GLASS_COLUMNS - 23));
        base_moves = true;
        trail[keys++ % 20] = KEY_SIZE;
        return KEY_SIZE;
    }
    key = choose();
    trail[keys++ % 20] = key;
    model_key(&model, key);
    base_moves = base_moves || model.table || key == KEY_CTRL('L');
    return key;
}

/* -------------------------------------------------------------------------- a line */

static void compare_line(int result, const char *line, size_t length)
{
    char bytes[4 * TEXT_MAX];
    size_t count = text_bytes(&model.line, bytes);
    int expected = model.done == DONE_LINE ? 1 : model.done == DONE_END ? 0 : -EINTR;

    bytes[count] = '\n';
    if (result != expected)
        complain("the line ended in another way");
    if (result == 1 && (length != count + 1 || memcmp(line, bytes, length)))
        complain("another line was read");
    if (result && glass.column)
        complain("the cursor is not at the start of a row below");
    if (result && !glass_same(&glass, glass.row, (glass_init(&wanted, 80), &wanted)))
        complain("there is something below the line");
}

static void read_lines(void)
{
    static const char *const prompts[] = {"$ ",
                                          "> ",
                                          "",
                                          "\xc3\xa4 \xe6\xbc\xa2 $ ",
                                          "two\nrows$ ",
                                          "wider than the narrowest \xe6\xbc\xa2 terminal$ "};

    for (unsigned i = 0; i < LINES_TYPED; i++) {
        const char *line;
        size_t length;
        int result;

        prompt = prompts[below(6)];
        glass_init(&glass, below(2) ? 80 : 24 + (unsigned)below(GLASS_COLUMNS - 23));
        base = strchr(prompt, '\n') != NULL;
        base_moves = false;
        model_begin(&model);
        result = lineedit_read(STDIN_FILENO, prompt, &line, &length);
        compare_line(result, line, length);
        if (result == 1)
            model_remember(&model, &model.line);
    }
    printf("# %zu keys, %zu lines in the history, %zu forgotten\n", keys, model.lines,
           model.forgotten);
    check_end("every key does with line and terminal what the model does");
}

/* ------------------------------------------------------------------------- history */

static void write_history(void)
{
    static const char *const lines[] = {"older",
                                        "b\xff"
                                        "0 c",
                                        "aa \xe6\xbc\xa2", "\xc3\xa9 last"};
    FILE *file = fopen(history_file, "w");

    for (size_t i = 0; i < 4; i++) {
        struct text text = text_of(lines[i], strlen(lines[i]));

        fprintf(file, "%s\n", lines[i]);
        model_remember(&model, &text);
    }
    fclose(file);
}

/* Is what the shell would read now the model's last lines? */
static void compare_history(void)
{
    CHECK(history_count() == model.lines - model.forgotten);
    for (size_t i = 0; i < history_count(); i++) {
        char bytes[4 * TEXT_MAX];
        size_t length = text_bytes(&model.history[model.forgotten + i], bytes);

        bytes[length] = '\0';
        if (strcmp(bytes, history_line(i))) {
            printf("# line %zu is %s, wanted %s\n", i, history_line(i), bytes);
            CHECK(false);
            return;
        }
    }
}

static size_t lines_of_file(void)
{
    FILE *file = fopen(history_file, "r");
    size_t lines = 0;

    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

static void read_again(void)
{
    char real[PATH_MAX];

    compare_history();
    CHECK(history_number(0) == model.forgotten + 1);
    CHECK(lines_of_file() > 2 * HISTORY_MAX);
    strcpy(real, history_file);
    strcat(history_file, ".none");
    history_forget(); /* the lines in memory, and a file that is not there */
    CHECK(!history_count());
    strcpy(history_file, real);
    history_load();
    compare_history();
    CHECK(lines_of_file() == HISTORY_MAX);
    history_forget();
    CHECK(!history_count() && access(history_file, F_OK));
    check_end("the file gives the lines back, and is cut when it is too long");
}

int main(void)
{
    char folder[PATH_MAX - 16];

    check_plan(2);
    if (scratch_make(folder, sizeof(folder)))
        return 1;
    snprintf(history_file, sizeof(history_file), "%s/history", folder);
    shell.stack = arena_create();
    make_words();
    write_history();
    read_lines();
    read_again();
    arena_drop(shell.stack);
    scratch_remove(folder);
    return check_exit();
}
