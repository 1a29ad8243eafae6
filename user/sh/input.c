/*
 * Where commands come from. See input.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/sh/input.h"
#include "user/sh/job.h"
#include "user/sh/lineedit.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

#define AHEAD_SIZE 4096

void input_from_string(struct input *in, const char *text, size_t length)
{
    *in = (struct input){.kind = INPUT_STRING, .fd = -1, .line = 1};
    in->text = (char *)text; /* capacity 0: never written to */
    in->length = length;
}

void input_from_fd(struct input *in, enum input_kind kind, int fd, bool prompt)
{
    *in = (struct input){.kind = kind, .fd = fd, .prompt = prompt, .line = 1};
}

void input_close(struct input *in)
{
    if (in->kind == INPUT_FILE)
        close(in->fd);
    if (in->capacity)
        free(in->text);
    free(in->ahead);
}

int input_read_byte(int fd, char *byte)
{
    ssize_t got = read(fd, byte, 1);

    return got < 0 ? -errno : (int)got;
}

/* One byte of an INPUT_FILE, through the buffer. As input_read_byte. */
static int read_ahead_byte(struct input *in, char *byte)
{
    if (in->ahead_pos == in->ahead_length) {
        ssize_t got;

        if (!in->ahead)
            in->ahead = malloc(AHEAD_SIZE);
        if (!in->ahead)
            shell_no_memory();
        got = read(in->fd, in->ahead, AHEAD_SIZE);
        if (got <= 0)
            return got < 0 ? -errno : 0;
        in->ahead_pos = 0;
        in->ahead_length = (size_t)got;
    }
    *byte = in->ahead[in->ahead_pos++];
    return 1;
}

static void append(struct input *in, const char *bytes, size_t count)
{
    if (in->capacity - in->length < count) {
        size_t capacity = in->capacity * 2;
        char *bigger;

        if (capacity < in->length + count)
            capacity = in->length + count + 256;
        bigger = realloc(in->text, capacity);
        if (!bigger)
            shell_no_memory();
        in->text = bigger;
        in->capacity = capacity;
    }
    memcpy(in->text + in->length, bytes, count);
    in->length += count;
}

/* A terminal hands out at most one line for each read, so a large read takes
 * no more than the line; from a file, what follows the line is given back by
 * seeking. Anything else is read byte by byte. Returns as input_read_byte. */
static int read_shared_line(struct input *in)
{
    char chunk[256];
    bool terminal = isatty(in->fd);
    bool bulk = terminal || lseek(in->fd, 0, SEEK_CUR) >= 0;
    const char *newline;

    do {
        ssize_t got = read(in->fd, chunk, bulk ? sizeof(chunk) : 1);

        if (got <= 0)
            return got < 0 ? -errno : 0;
        newline = memchr(chunk, '\n', (size_t)got);
        if (newline && newline + 1 < chunk + got && !terminal) {
            lseek(in->fd, newline + 1 - (chunk + got), SEEK_CUR);
            got = newline + 1 - chunk;
        }
        append(in, chunk, (size_t)got);
    } while (!newline);
    return 1;
}

static int read_file_line(struct input *in)
{
    char byte;
    int got;

    do {
        got = read_ahead_byte(in, &byte);
        if (got <= 0)
            return got;
        append(in, &byte, 1);
    } while (byte != '\n');
    return 1;
}

/* Drop NUL bytes: the shell's words cannot hold them. */
static void drop_nuls(struct input *in, size_t from)
{
    size_t to = from;

    for (; from < in->length; from++) {
        if (in->text[from])
            in->text[to++] = in->text[from];
    }
    in->length = to;
}

/* A line typed at the terminal, with its editor. Returns as input_read_byte. */
static int read_edited_line(struct input *in, const char *prompt)
{
    const char *line;
    size_t length;
    int got = lineedit_read(in->fd, prompt, &line, &length);

    if (got > 0)
        append(in, line, length);
    return got;
}

/* A line, after its prompt. Returns as input_read_byte. */
static int read_line(struct input *in, bool first)
{
    const char *prompt = in->prompt ? var_get(first ? "PS1" : "PS2") : NULL;

    if (in->prompt && first)
        job_notify();
    if (in->prompt && lineedit_wanted(in->fd))
        return read_edited_line(in, prompt ? prompt : "");
    if (prompt)
        shell_write(STDERR_FILENO, prompt, strlen(prompt));
    return in->kind == INPUT_FILE ? read_file_line(in) : read_shared_line(in);
}

bool input_more(struct input *in, bool first)
{
    size_t from = in->length;
    int got;

    if (in->kind == INPUT_STRING || in->ended || in->interrupted)
        return false;
    got = read_line(in, first);
    drop_nuls(in, from);
    if (got == -EINTR) {
        in->interrupted = true;
        return false;
    }
    if (got < 0)
        shell_error("read: %s", reason(-got));
    if (got <= 0) {
        /* A terminal's end of file ends the shell at the prompt only; inside a
         * command it is the way to give the command up. */
        in->ended = !in->prompt || first || got < 0;
    }
    if (shell.opt_verbose)
        shell_write(STDERR_FILENO, in->text + from, in->length - from);
    return in->length > from;
}

void input_drop_consumed(struct input *in)
{
    in->interrupted = false;
    if (!in->capacity || in->pos < in->length) {
        /* A string is never moved, and text read ahead of a command is at most
         * the rest of one line. */
        return;
    }
    in->length = 0;
    in->pos = 0;
}

void input_drop_line(struct input *in)
{
    const char *newline = NULL;

    if (in->pos < in->length && (!in->pos || in->text[in->pos - 1] != '\n')) {
        newline = memchr(in->text + in->pos, '\n', in->length - in->pos);
        in->pos = newline ? (size_t)(newline + 1 - in->text) : in->length;
        in->line++;
    }
    input_drop_consumed(in);
}
