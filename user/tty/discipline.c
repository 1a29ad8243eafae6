/* The line discipline: see the header. */
#include "user/tty/discipline.h"
#include "kernel/errno.h"
#include <string.h>

#define READY_BYTE 0x0ff
#define READY_END  0x100
#define READY_EOF  0x200

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

/* What goes out before c, so that the other end sees a c: 0 = nothing. */
static char output_prefix(const struct discipline *d, char c)
{
    if (d->marked)
        return c == MARK ? MARK : 0;
    if (c == '\n' && (d->termios.oflag & TTY_OPOST) && (d->termios.oflag & TTY_ONLCR))
        return '\r';
    return 0;
}

size_t discipline_output(struct discipline *d, const char *src, size_t n, char *dst, size_t room,
                         size_t *used)
{
    size_t in = 0, out = 0;

    for (; in < n && out < room; in++) {
        char prefix = output_prefix(d, src[in]);

        if (prefix) {
            if (room - out < 2)
                break;
            dst[out++] = prefix;
            d->column = column_after(d->column, (unsigned char)prefix);
        }
        dst[out++] = src[in];
        d->column = column_after(d->column, (unsigned char)src[in]);
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

/* ----------------------------------------------------------- ready queue */

static unsigned ready_room(const struct discipline *d)
{
    return READY_MAX - (d->ready_tail - d->ready_head);
}

static void ready_push(struct discipline *d, unsigned entry)
{
    d->ready[d->ready_tail++ % READY_MAX] = (unsigned short)entry;
}

bool discipline_ready(const struct discipline *d)
{
    return d->ready_head != d->ready_tail;
}

/* The line, ended by a newline (which is then part of it) or by ^D, becomes a
 * record. False: there is no room for it. */
static bool line_finish(struct discipline *d, bool newline)
{
    unsigned bytes = d->line_len + newline;

    if (ready_room(d) < (bytes ? bytes : 1))
        return false;
    if (newline)
        d->line[d->line_len] = '\n';
    for (unsigned i = 0; i < bytes; i++)
        ready_push(d, d->line[i] | (i + 1 == bytes ? READY_END : 0));
    if (!bytes)
        ready_push(d, READY_EOF);
    d->line_len = 0;
    return true;
}

static void input_drop(struct discipline *d)
{
    d->line_len = 0;
    d->ready_head = d->ready_tail;
}

void discipline_empty_line(struct discipline *d)
{
    if (ready_room(d))
        ready_push(d, '\n' | READY_END);
}

/* --------------------------------------------------------------- reading */

static long peek_record(const struct discipline *d, char *buf, size_t room)
{
    unsigned at = d->ready_head;
    size_t n = 0;

    if (d->ready[at % READY_MAX] == READY_EOF)
        return 0;
    while (n < room && at != d->ready_tail) {
        unsigned entry = d->ready[at++ % READY_MAX];

        buf[n++] = (char)(entry & READY_BYTE);
        if (entry & READY_END)
            break;
    }
    return (long)n;
}

/* In raw mode records mean nothing, and an end of file typed before is no byte. */
static size_t peek_bytes(const struct discipline *d, char *buf, size_t room)
{
    size_t n = 0;

    for (unsigned at = d->ready_head; n < room && at != d->ready_tail; at++) {
        unsigned entry = d->ready[at % READY_MAX];

        if (entry != READY_EOF)
            buf[n++] = (char)(entry & READY_BYTE);
    }
    return n;
}

long discipline_peek(const struct discipline *d, char *buf, size_t room)
{
    const unsigned char *cc = d->termios.cc;
    size_t need = cc[TTY_VMIN] < room ? cc[TTY_VMIN] : room;
    size_t n;

    if (d->termios.lflag & TTY_ICANON)
        return discipline_ready(d) ? peek_record(d, buf, room) : -EAGAIN;
    n = peek_bytes(d, buf, room);
    if (n >= need && (n || !cc[TTY_VTIME]))
        return (long)n;
    return n && cc[TTY_VTIME] ? (long)n : -EAGAIN;
}

void discipline_consume(struct discipline *d, size_t count)
{
    if (!count && (d->termios.lflag & TTY_ICANON) && discipline_ready(d) &&
        d->ready[d->ready_head % READY_MAX] == READY_EOF)
        d->ready_head++;
    while (count && discipline_ready(d))
        if (d->ready[d->ready_head++ % READY_MAX] != READY_EOF)
            count--;
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
    if (!ready_room(d)) {
        bell(d);
        return;
    }
    ready_push(d, c);
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

void discipline_set(struct discipline *d, const struct msg_termios *termios, bool flush)
{
    bool was_canonical = d->termios.lflag & TTY_ICANON;
    bool canonical = termios->lflag & TTY_ICANON;

    if (flush)
        input_drop(d);
    d->termios = *termios;
    if (was_canonical && !canonical) {
        /* What is half typed can be read now. */
        for (unsigned i = 0; i < d->line_len && ready_room(d); i++)
            ready_push(d, d->line[i]);
        d->line_len = 0;
    }
    if (!was_canonical && canonical && discipline_ready(d)) {
        /* Bytes typed raw end with a record, or a canonical read would run on
         * into the next line. */
        unsigned short *last = &d->ready[(d->ready_tail - 1) % READY_MAX];

        if (*last != READY_EOF)
            *last |= READY_END;
    }
}
