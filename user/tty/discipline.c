/* The line discipline: see the header. */
#include "user/tty/discipline.h"
#include "kernel/errno.h"
#include <string.h>

#define CTRL(c)  ((c)&0x1f)
#define DELETE   0x7f
#define BELL     "\a"
#define TAB_STOP 8

void discipline_init(struct discipline *d, bool marked,
                     void (*echo)(void *context, const char *bytes, size_t n), void *context)
{
    memset(d, 0, sizeof(*d));
    d->marked = marked;
    d->echo = echo;
    d->context = context;
    d->termios.iflag = TTY_ICRNL;
    d->termios.oflag = TTY_OPOST | TTY_ONLCR;
    d->termios.lflag = TTY_ISIG | TTY_ICANON | TTY_ECHO | TTY_ECHOE | TTY_ECHOK;
    d->termios.cc[TTY_VINTR] = CTRL('C');
    d->termios.cc[TTY_VERASE] = DELETE;
    d->termios.cc[TTY_VKILL] = CTRL('U');
    d->termios.cc[TTY_VEOF] = CTRL('D');
    d->termios.cc[TTY_VMIN] = 1;
    d->termios.cc[TTY_VDUMP] = CTRL('P');
}

/* ---------------------------------------------------------------- output */

/* Where the cursor is after c. Escape sequences are not understood: a program
 * that moves the cursor does its own line editing. */
static unsigned column_after(unsigned column, unsigned char c)
{
    if (c == '\r')
        return 0;
    if (c == '\b')
        return column ? column - 1 : 0;
    if (c == '\t')
        return column - column % TAB_STOP + TAB_STOP;
    if (c < ' ' || c == DELETE || (c & 0xc0) == 0x80) /* 10xxxxxx continues a UTF-8 character */
        return column;
    return column + 1;
}

/* What goes out so that the other end sees a c. Returns the number of bytes. */
static unsigned output_bytes(const struct discipline *d, char c, char bytes[2])
{
    bytes[0] = c;
    if (d->marked && c == MARK) {
        bytes[1] = MARK_AS_BYTE;
        return 2;
    }
    if (!d->marked && c == '\n' && (d->termios.oflag & TTY_OPOST) &&
        (d->termios.oflag & TTY_ONLCR)) {
        bytes[0] = '\r';
        bytes[1] = '\n';
        return 2;
    }
    return 1;
}

size_t discipline_output(struct discipline *d, const char *src, size_t n, char *dst, size_t room,
                         size_t *used)
{
    size_t in = 0, out = 0;

    for (; in < n && out < room; in++) {
        char bytes[2];
        unsigned count = output_bytes(d, src[in], bytes);

        if (room - out < count)
            break;
        for (unsigned i = 0; i < count; i++) {
            dst[out++] = bytes[i];
            d->column = column_after(d->column, (unsigned char)bytes[i]);
        }
    }
    *used = in;
    return out;
}

/* ------------------------------------------------------------------ echo */

static void echo_bytes(struct discipline *d, const char *bytes, size_t n)
{
    char processed[64];

    if (d->marked)
        return;
    while (n) {
        size_t used;
        size_t out = discipline_output(d, bytes, n, processed, sizeof(processed), &used);

        d->echo(d->context, processed, out);
        bytes += used;
        n -= used;
    }
}

/* Control characters show as ^X. */
static size_t visible_form(unsigned char c, char form[2])
{
    if ((c < ' ' && c != '\t' && c != '\n') || c == DELETE) {
        form[0] = '^';
        form[1] = (char)(c ^ 0x40);
        return 2;
    }
    form[0] = (char)c;
    return 1;
}

static void echo_key(struct discipline *d, unsigned char c)
{
    char form[2];
    size_t n = visible_form(c, form);

    if (d->termios.lflag & TTY_ECHO)
        echo_bytes(d, form, n);
}

static void bell(struct discipline *d)
{
    if (d->termios.lflag & TTY_ECHO)
        echo_bytes(d, BELL, 1);
}

/* The cursor's column after the first n bytes of the line, as they were echoed. */
static unsigned line_end_column(const struct discipline *d, unsigned n)
{
    unsigned column = d->line_column;

    for (unsigned i = 0; i < n; i++) {
        char form[2];
        size_t len = visible_form(d->line[i], form);

        for (size_t k = 0; k < len; k++)
            column = column_after(column, (unsigned char)form[k]);
    }
    return column;
}

/* Cut the line to n bytes and wipe what stood there, tabs and wide forms too. */
static void line_cut(struct discipline *d, unsigned n)
{
    unsigned from = line_end_column(d, d->line_len);
    unsigned to = line_end_column(d, n);

    d->line_len = n;
    if (!(d->termios.lflag & TTY_ECHO))
        return;
    for (; from > to; from--)
        echo_bytes(d, "\b \b", 3);
}

/* ------------------------------------------------------------- the line */

static unsigned shown_mark(const struct discipline *d)
{
    return d->termios.lflag & TTY_ECHO ? READY_SHOWN : 0;
}

/* What was stored before it is there whenever the rest is. */
static void commit(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* The line, ended by a newline (which is then part of it) or by ^D, becomes a
 * record. False: there is no room for it. */
static bool line_finish(struct discipline *d, bool newline)
{
    unsigned bytes = d->line_len + newline;

    if (ready_room(&d->ready) < (bytes ? bytes : 1))
        return false;
    if (newline)
        d->line[d->line_len] = '\n';
    for (unsigned i = 0; i < bytes; i++)
        ready_stage(&d->ready, i, d->line[i] | shown_mark(d) | (i + 1 == bytes ? READY_END : 0));
    if (!bytes)
        ready_stage(&d->ready, 0, READY_EOF);
    /* Killed from here on, the line is in one place only: see discipline_resume. */
    d->finished_tail = d->ready.tail + (bytes ? bytes : 1);
    commit();
    d->finishing = true;
    commit();
    ready_commit(&d->ready, bytes ? bytes : 1);
    commit();
    d->line_len = 0;
    commit();
    d->finishing = false;
    return true;
}

void discipline_resume(struct discipline *d)
{
    if (d->finishing && d->ready.tail == d->finished_tail)
        d->line_len = 0;
    d->finishing = false;
}

static void input_drop(struct discipline *d)
{
    d->line_len = 0;
    ready_clear(&d->ready);
}

void discipline_empty_line(struct discipline *d)
{
    if (ready_room(&d->ready))
        ready_push(&d->ready, '\n' | READY_END);
}

/* --------------------------------------------------------------- reading */

bool discipline_ready(const struct discipline *d)
{
    return !ready_empty(&d->ready);
}

long discipline_peek(const struct discipline *d, char *buf, size_t room)
{
    const unsigned char *cc = d->termios.cc;
    size_t need = cc[TTY_VMIN] < room ? cc[TTY_VMIN] : room;
    size_t n;

    if (d->termios.lflag & TTY_ICANON)
        return discipline_ready(d) ? ready_record(&d->ready, buf, room) : -EAGAIN;
    n = ready_bytes(&d->ready, buf, room);
    if (n >= need && (n || !cc[TTY_VTIME]))
        return (long)n;
    return n && cc[TTY_VTIME] ? (long)n : -EAGAIN;
}

void discipline_consume(struct discipline *d, size_t count)
{
    if (count || (d->termios.lflag & TTY_ICANON))
        ready_consume(&d->ready, count);
}

/* --------------------------------------------------------------- editing */

/* One character back: in UTF-8 its continuation bytes go with it. */
static unsigned character_start(const struct discipline *d, unsigned end)
{
    unsigned start = end - 1;

    while (start && end - start < 4 && (d->line[start] & 0xc0) == 0x80)
        start--;
    return start;
}

static void erase_character(struct discipline *d)
{
    if (d->line_len)
        line_cut(d, character_start(d, d->line_len));
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

static void erase_word(struct discipline *d)
{
    unsigned n = d->line_len;

    while (n && is_blank(d->line[n - 1]))
        n--;
    while (n && !is_blank(d->line[n - 1]))
        n--;
    line_cut(d, n);
}

/* A key that edits the line or ends it. False: it is an ordinary byte. */
static bool input_edit(struct discipline *d, unsigned char c)
{
    const unsigned char *cc = d->termios.cc;

    if (!c)
        return false; /* 0 in cc[] disables a key; NUL itself is a byte */
    if (c == cc[TTY_VERASE] || (c == '\b' && cc[TTY_VERASE] == DELETE)) {
        erase_character(d);
    } else if (c == cc[TTY_VKILL]) {
        line_cut(d, 0);
    } else if (c == CTRL('W')) {
        erase_word(d);
    } else if (c == cc[TTY_VEOF]) {
        if (!line_finish(d, false))
            bell(d);
    } else {
        return false;
    }
    return true;
}

static void input_canonical(struct discipline *d, unsigned char c)
{
    if (input_edit(d, c))
        return;
    if (c == '\n') {
        if (line_finish(d, true))
            echo_key(d, c);
        else
            bell(d);
        return;
    }
    if (d->line_len + 1 >= LINE_MAX_BYTES) {
        bell(d);
        return;
    }
    if (!d->line_len)
        d->line_column = d->column;
    d->line[d->line_len++] = c;
    echo_key(d, c);
}

static void input_raw(struct discipline *d, unsigned char c)
{
    if (!ready_room(&d->ready)) {
        bell(d);
        return;
    }
    ready_push(&d->ready, c | shown_mark(d));
    echo_key(d, c);
}

/* ^C and ^P: INPUT_* or 0. */
static unsigned input_signal(struct discipline *d, unsigned char c)
{
    const unsigned char *cc = d->termios.cc;

    if (!c || !(d->termios.lflag & TTY_ISIG))
        return 0;
    if (c == cc[TTY_VDUMP])
        return INPUT_DUMP;
    if (c != cc[TTY_VINTR])
        return 0;
    input_drop(d);
    echo_key(d, c);
    if (d->termios.lflag & TTY_ECHO)
        echo_bytes(d, "\n", 1);
    return INPUT_INTERRUPT;
}

unsigned discipline_input(struct discipline *d, unsigned char byte)
{
    unsigned request = input_signal(d, byte);

    if (request)
        return request;
    if (byte == '\r' && (d->termios.iflag & TTY_ICRNL))
        byte = '\n';
    if (d->termios.lflag & TTY_ICANON)
        input_canonical(d, byte);
    else
        input_raw(d, byte);
    return 0;
}

/* -------------------------------------------------------------- settings */

/* To raw: what is half typed can be read now, and a ^D is a byte like any. */
static void leave_canonical(struct discipline *d)
{
    ready_unmark(&d->ready, d->termios.cc[TTY_VEOF]);
    for (unsigned i = 0; i < d->line_len && ready_room(&d->ready); i++)
        ready_push(&d->ready, d->line[i] | shown_mark(d));
    d->line_len = 0;
}

/* Where the last line begins, which may still be edited. */
static unsigned last_line_start(const struct discipline *d, unsigned count)
{
    while (count) {
        unsigned char byte = d->retyped[count - 1] & READY_BYTE;

        if (byte == '\n' || byte == '\r' || (byte && byte == d->termios.cc[TTY_VEOF]))
            break;
        count--;
    }
    return count;
}

/* From raw: what was typed ahead is typed again. It was meant for whoever reads next,
 * and he reads lines. They are echoed if they have not been; the last one, if it is
 * not finished, as it stands in the end. Returns INPUT_* bits. */
static unsigned enter_canonical(struct discipline *d)
{
    unsigned count = ready_take(&d->ready, d->retyped);
    unsigned last = last_line_start(d, count);
    unsigned echo = d->termios.lflag & TTY_ECHO, requests = 0;

    for (unsigned i = 0; i < count; i++) {
        bool silent = i >= last || (d->retyped[i] & READY_SHOWN);

        d->termios.lflag = (d->termios.lflag & ~(unsigned)TTY_ECHO) | (silent ? 0 : echo);
        requests |= discipline_input(d, d->retyped[i] & READY_BYTE);
    }
    d->termios.lflag |= echo;
    d->line_column = d->column;
    for (unsigned i = 0; i < d->line_len; i++)
        echo_key(d, d->line[i]);
    return requests;
}

unsigned discipline_set(struct discipline *d, const struct msg_termios *termios, bool flush)
{
    bool was_canonical = d->termios.lflag & TTY_ICANON;
    bool canonical = termios->lflag & TTY_ICANON;

    if (flush)
        input_drop(d);
    if (was_canonical && !canonical)
        leave_canonical(d);
    d->termios = *termios;
    return !was_canonical && canonical ? enter_canonical(d) : 0;
}
