/*
 * The terminal's line discipline: what is typed against what is read and echoed,
 * the output side, the kernel log's lines, and a random run against a model.
 *
 * host-test: user/tty/discipline.c user/tty/ready.c user/tty/output.c user/tty/klog.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/errno.h"
#include "test/host/lib_check.h"
#include "user/tty/klog.h"

static struct discipline d;
static char echoed[1 << 20];
static size_t echoed_len;

static void echo(void *context, const char *bytes, size_t n)
{
    (void)context;
    if (n > sizeof(echoed) - 1 - echoed_len)
        n = sizeof(echoed) - 1 - echoed_len;
    memcpy(echoed + echoed_len, bytes, n);
    echoed_len += n;
    echoed[echoed_len] = '\0';
}

static void fresh(bool marked)
{
    discipline_init(&d, marked, echo, 0);
    echoed_len = 0;
    echoed[0] = '\0';
}

static unsigned type(const char *keys)
{
    unsigned requests = 0;

    while (*keys)
        requests |= discipline_input(&d, (unsigned char)*keys++);
    return requests;
}

/* Is the next read of up to room bytes exactly this? And take it. */
static bool reads(size_t room, const char *expected)
{
    char buf[READY_MAX];
    long n = discipline_peek(&d, buf, room);
    size_t len = strlen(expected);

    if (n < 0 || (size_t)n != len || memcmp(buf, expected, len) != 0) {
        printf("# read %ld: \"%.*s\"\n", n, n > 0 ? (int)n : 0, buf);
        return false;
    }
    discipline_consume(&d, (size_t)n);
    return true;
}

static bool waits(void)
{
    char buf[16];

    return discipline_peek(&d, buf, sizeof(buf)) == -EAGAIN;
}

static bool echo_is(const char *expected)
{
    bool same = strcmp(echoed, expected) == 0;

    if (!same)
        printf("# echoed \"%s\"\n", echoed);
    echoed_len = 0;
    echoed[0] = '\0';
    return same;
}

static void mode(unsigned clear, unsigned set, int vmin, int vtime)
{
    struct msg_termios t = d.termios;

    t.lflag = (t.lflag & ~clear) | set;
    t.cc[TTY_VMIN] = (unsigned char)vmin;
    t.cc[TTY_VTIME] = (unsigned char)vtime;
    discipline_set(&d, &t, false);
}

/* ------------------------------------------------------------- canonical */

static void test_lines(void)
{
    fresh(false);
    CHECK(waits());
    type("hello");
    CHECK(waits() && echo_is("hello"));
    type("\r");
    CHECK(echo_is("\r\n") && reads(100, "hello\n") && waits());
    type("one\ntwo\nthree");
    CHECK(reads(100, "one\n") && reads(100, "two\n") && waits());
    type("\n");
    CHECK(reads(3, "thr") && reads(3, "ee\n") && waits());
    type("\n\n");
    CHECK(reads(9, "\n") && reads(9, "\n") && waits());
    check_end("a read gets one line, the rest of it stays");

    fresh(false);
    type("lost?\n");
    CHECK(({
        char buf[3];
        discipline_peek(&d, buf, 3) == 3 && discipline_peek(&d, buf, 3) == 3;
    }));
    CHECK(reads(100, "lost?\n"));
    check_end("what is peeked at and not consumed is the next reader's");
}

static void test_erase(void)
{
    fresh(false);
    type("abc\x7f\x7fX\b\n");
    CHECK(echo_is("abc\b \b\b \bX\b \b\r\n") && reads(9, "a\n"));
    type("\x7f\x7f\n");
    CHECK(echo_is("\r\n") && reads(9, "\n"));
    type("ab\x01\x7f\n");
    CHECK(echo_is("ab^A\b \b\b \b\r\n") && reads(9, "ab\n"));
    type("\xc3\xa9\xe2\x82\xac");
    CHECK(echo_is("\xc3\xa9\xe2\x82\xac"));
    type("\x7f");
    CHECK(echo_is("\b \b"));
    type("\n");
    CHECK(echo_is("\r\n") && reads(9, "\xc3\xa9\n"));
    check_end("erase: characters, control characters, UTF-8");

    fresh(false);
    d.column = 2; /* after a prompt */
    type("a\t");
    CHECK(d.column == 8 && echo_is("a\t"));
    type("\x7f");
    CHECK(d.column == 3 && echo_is("\b \b\b \b\b \b\b \b\b \b"));
    type("\x7f\n");
    CHECK(echo_is("\b \b\r\n") && reads(9, "\n"));
    check_end("erase: a tab, where the prompt put it");

    fresh(false);
    type("rm -rf  two words  \x17");
    CHECK(echo_is("rm -rf  two words  \b \b\b \b\b \b\b \b\b \b\b \b\b \b"));
    type("\n");
    CHECK(reads(99, "rm -rf  two \n"));
    type("gone\x15kept\n");
    CHECK(reads(99, "kept\n"));
    type("\x17\x15\n");
    CHECK(reads(99, "\n"));
    check_end("word erase and line kill");
}

static void test_eof(void)
{
    fresh(false);
    type("\x04");
    CHECK(reads(9, "") && waits());
    type("par\x04");
    CHECK(reads(9, "par") && waits());
    type("par\x04");
    CHECK(reads(3, "par") && waits());
    type("\x04\x04x\n\x04");
    CHECK(reads(9, "") && reads(9, "") && reads(9, "x\n") && reads(9, "") && waits());
    check_end("^D: an end of file, or a line without a newline");
}

static void test_signals(void)
{
    char buf[9];

    fresh(false);
    CHECK(type("ready\nhalf") == 0 && echo_is("ready\r\nhalf"));
    CHECK(type("\x03") == INPUT_INTERRUPT && echo_is("^C\r\n") && waits());
    discipline_empty_line(&d);
    CHECK(reads(9, "\n") && waits());
    type("abc");
    CHECK(type("\x10") == INPUT_DUMP && type("\n") == 0 && reads(9, "abc\n"));
    mode(TTY_ISIG, 0, 1, 0);
    CHECK(type("\x03\x10\n") == 0 && reads(9, "\x03\x10\n"));
    d.termios.lflag |= TTY_ISIG;
    d.termios.cc[TTY_VINTR] = 0;
    CHECK(discipline_input(&d, 0) == 0 && type("\x03\n") == 0);
    CHECK(discipline_peek(&d, buf, sizeof(buf)) == 3 && memcmp(buf, "\0\x03\n", 3) == 0);
    check_end("^C and ^P, and without ISIG neither");
}

static void test_limits(void)
{
    char line[LINE_MAX_BYTES + 1], buf[READY_MAX];

    fresh(false);
    for (unsigned i = 0; i < 2 * LINE_MAX_BYTES; i++)
        discipline_input(&d, 'x');
    CHECK(echoed_len == 2 * LINE_MAX_BYTES && echoed[LINE_MAX_BYTES - 2] == 'x' &&
          echoed[LINE_MAX_BYTES - 1] == '\a');
    type("\n");
    memset(line, 'x', sizeof(line));
    line[LINE_MAX_BYTES - 1] = '\n';
    line[LINE_MAX_BYTES] = '\0';
    CHECK(reads(sizeof(buf), line) && waits());
    check_end("a line has 4096 bytes at most, then the bell");

    fresh(false);
    for (unsigned i = 0; i < 3 * READY_MAX; i++)
        type(i % 2 ? "\n" : "y");
    CHECK(echoed[echoed_len - 1] == '\a');
    for (unsigned i = 0; i < READY_MAX / 2; i++)
        if (!reads(9, "y\n")) {
            CHECK(!"a line of the type-ahead is wrong");
            break;
        }
    CHECK(waits());
    CHECK(type("\x03") == INPUT_INTERRUPT && type("again\n") == 0 && reads(99, "again\n"));
    check_end("type-ahead is bounded, ^C comes through all the same");
}

/* ------------------------------------------------------------------- raw */

static void test_raw(void)
{
    char buf[4];

    fresh(false);
    mode(TTY_ICANON | TTY_ECHO | TTY_ISIG, 0, 1, 0);
    CHECK(waits());
    type("ab\x03\x7f\x04");
    CHECK(reads(2, "ab") && reads(9, "\x03\x7f\x04") && waits() && echo_is(""));
    d.termios.iflag = 0;
    type("\r");
    CHECK(reads(9, "\r"));
    d.termios.iflag = TTY_ICRNL;
    type("\r");
    CHECK(reads(9, "\n"));
    mode(0, 0, 0, 0);
    CHECK(reads(9, ""));
    type("z");
    CHECK(reads(9, "z") && reads(9, ""));
    mode(0, 0, 0, 5);
    CHECK(discipline_peek(&d, buf, 4) == -EAGAIN);
    type("q");
    CHECK(reads(9, "q"));
    mode(0, 0, 3, 0);
    type("ab");
    CHECK(waits() && reads(2, "ab"));
    type("abc");
    CHECK(reads(9, "abc"));
    check_end("raw mode, VMIN and VTIME");
}

static void test_mode_changes(void)
{
    fresh(false);
    type("line\nhal");
    mode(TTY_ICANON, 0, 1, 0);
    CHECK(reads(99, "line\nhal") && waits());
    type("raw");
    mode(0, TTY_ICANON, 1, 0);
    type("more\n");
    CHECK(reads(99, "rawmore\n") && waits());
    type("\x04");
    mode(TTY_ICANON, 0, 1, 0);
    CHECK(reads(9, "\x04") && waits());
    type("a");
    CHECK(reads(9, "a"));
    mode(0, TTY_ICANON, 1, 0);
    type("gone\ngon");
    struct msg_termios t = d.termios;
    discipline_set(&d, &t, true);
    type("x\n");
    CHECK(reads(9, "x\n") && waits());
    check_end("what was typed before a change of mode stays readable");

    fresh(false);
    mode(TTY_ICANON | TTY_ECHO, 0, 1, 0);
    type("a\nb\x7f"
         "c\n\x04last");
    echoed_len = 0;
    mode(0, TTY_ICANON | TTY_ECHO, 1, 0);
    CHECK(echo_is("a\r\nb\b \bc\r\nlast"));
    CHECK(reads(99, "a\n") && reads(99, "c\n") && reads(99, "") && waits());
    type("\x7f!\n");
    CHECK(reads(99, "las!\n") && waits());
    d.termios.lflag |= TTY_ECHO;
    type("two\nlines\nha");
    mode(TTY_ICANON | TTY_ECHO, 0, 1, 0);
    CHECK(reads(4, "two\n"));
    echoed_len = 0;
    type("lf\n...");
    mode(0, TTY_ICANON | TTY_ECHO, 1, 0);
    CHECK(echo_is("lf\r\n..."));
    CHECK(reads(99, "lines\n") && reads(99, "half\n") && waits());
    check_end(
        "what was typed ahead of canonical mode is lines there, edited and ended by its keys");

    fresh(false);
    mode(TTY_ICANON | TTY_ISIG, 0, 1, 0);
    type("before\x03"
         "after\n");
    struct msg_termios cooked = d.termios;
    cooked.lflag |= TTY_ICANON | TTY_ISIG;
    CHECK(discipline_set(&d, &cooked, false) == INPUT_INTERRUPT);
    CHECK(reads(99, "after\n") && waits());
    mode(TTY_ICANON, 0, 1, 0);
    for (unsigned i = 0; i < 2 * READY_MAX; i++)
        discipline_input(&d, 'x');
    mode(0, TTY_ICANON, 1, 0);
    type("\x15short\n");
    CHECK(reads(99, "short\n") && waits());
    check_end("^C typed ahead is found then, and a full queue fits in a line");
}

/* ---------------------------------------------------------------- output */

static char sent[1 << 18];
static size_t sent_len;
static unsigned device_room = 16;
static struct output out;
static struct klog klog;

static unsigned room(void *device)
{
    (void)device;
    return device_room;
}

static void put(void *device, char byte, unsigned *count)
{
    ++*count;
    (void)device;
    if (sent_len < sizeof(sent) - 1)
        sent[sent_len++] = byte;
    sent[sent_len] = '\0';
}

static void fresh_output(bool marked)
{
    fresh(marked);
    memset(&out, 0, sizeof(out));
    out.discipline = &d;
    out.room = room;
    out.put = put;
    klog = (struct klog){.output = &out, .marked = marked};
    sent_len = 0;
    sent[0] = '\0';
    device_room = 16;
}

static void submit(long id, const char *text)
{
    char *buffer = output_buffer(&out);

    CHECK(buffer != 0);
    memcpy(buffer, text, strlen(text));
    output_write(&out, id, strlen(text));
}

static bool finished(long id, unsigned long len)
{
    unsigned long got;

    return output_finished(&out, &got) == id && (!id || got == len);
}

static void test_writes(void)
{
    fresh_output(false);
    CHECK(output_step(&out, 100) == OUTPUT_EMPTY);
    submit(7, "a\nb\n");
    submit(8, "c");
    CHECK(output_buffer(&out) == 0);
    CHECK(output_step(&out, 100) == OUTPUT_MORE && strcmp(sent, "a\r\nb\r\n") == 0);
    CHECK(finished(7, 4) && finished(0, 0) && output_buffer(&out) != 0);
    output_urgent(&out, "!", 1);
    CHECK(output_step(&out, 100) == OUTPUT_EMPTY && strcmp(sent, "a\r\nb\r\n!c") == 0);
    CHECK(finished(8, 1) && output_step(&out, 100) == OUTPUT_EMPTY);
    check_end("writes in order, urgent bytes first");

    fresh_output(false);
    for (unsigned i = 0; i < IPC_BUFFER_MAX; i++)
        output_buffer(&out)[i] = '\n';
    output_write(&out, 9, IPC_BUFFER_MAX);
    device_room = 0;
    CHECK(output_step(&out, 100) == OUTPUT_BLOCKED && sent_len == 0);
    device_room = 3; /* a pair must not be torn */
    for (unsigned i = 0; i < 4; i++)
        CHECK(output_step(&out, 10) == OUTPUT_MORE);
    CHECK(sent_len >= 40 && sent_len < 60 && finished(0, 0));
    while (!finished(9, IPC_BUFFER_MAX))
        if (output_step(&out, 2000) != OUTPUT_MORE)
            break;
    CHECK(sent_len == 2 * IPC_BUFFER_MAX);
    for (unsigned i = 0; i < sent_len; i += 2)
        if (memcmp(sent + i, "\r\n", 2) != 0) {
            CHECK(!"CR LF was torn");
            break;
        }
    check_end("a large write in bounded steps");

    fresh_output(false);
    d.termios.oflag = 0;
    submit(1, "x\ny");
    output_step(&out, 100);
    CHECK(strcmp(sent, "x\ny") == 0);
    CHECK(output_urgent(&out, echoed, URGENT_MAX) && !output_urgent(&out, "x", 1));
    check_end("without OPOST bytes go out as they are");
}

/* The log grows by that; what the taker leaves stands there again the next time. */
static char log_left[KLOG_LINE_MAX + 1];

static void take(const char *text)
{
    unsigned long taken;

    strcat(log_left, text);
    while ((taken = klog_take(&klog, log_left, strlen(log_left))))
        memmove(log_left, log_left + taken, strlen(log_left + taken) + 1);
}

static void test_klog(void)
{
    char longest[3 * KLOG_LINE_MAX];

    fresh_output(false);
    take("half a ");
    CHECK(output_step(&out, 100) == OUTPUT_EMPTY);
    take("line\nnext\033[2J\n");
    output_step(&out, 100);
    CHECK(strcmp(sent, "half a line\r\nnext?[2J\r\n") == 0 && d.column == 0);
    submit(1, "$ ");
    output_step(&out, 100);
    CHECK(finished(1, 2));
    take("killed\n");
    output_step(&out, 100);
    CHECK(strcmp(sent, "half a line\r\nnext?[2J\r\n$ \r\nkilled\r\n") == 0);
    check_end("kernel lines begin in column 0");

    fresh_output(true);
    submit(1, "out\n\x1e");
    output_step(&out, 100);
    CHECK(finished(1, 5));
    submit(2, "!");
    take("one\n\x1etwo\n");
    type("typed\r");
    output_step(&out, 100);
    output_step(&out, 100);
    CHECK(strcmp(sent, "out\n\x1e\x1f\x1eone\n\x1e?two\n!") == 0);
    CHECK(reads(9, "typed\n") && echoed_len == 0);
    check_end("marked: kernel lines framed, program bytes exact, no echo");

    fresh_output(true);
    memset(longest, 'k', sizeof(longest));
    for (unsigned i = 0; i < 2; i++)
        CHECK(klog_take(&klog, longest, KLOG_LINE_MAX) == KLOG_LINE_MAX);
    CHECK(klog_take(&klog, longest, KLOG_LINE_MAX - 1) == 0);
    while (output_step(&out, 1000) == OUTPUT_MORE)
        ;
    CHECK(sent_len == 2 * KLOG_LINE_MAX + 4 && sent[0] == MARK && sent[KLOG_LINE_MAX + 1] == '\n' &&
          sent[KLOG_LINE_MAX + 2] == MARK);
    fresh_output(false);
    d.column = 5;
    memset(longest, '\n', sizeof(longest));
    CHECK(klog_take(&klog, longest, KLOG_LINE_MAX) == KLOG_LINE_MAX);
    CHECK(out.urgent_in - out.urgent_out == KLOG_LINE_MAX * 2 + 2 && output_urgent_waits(&out));
    CHECK(klog.position == KLOG_LINE_MAX);
    check_end("kernel lines that are too long, or very many");
}

/* ---------------------------------------------------------------- random */

/* The discipline in the simplest words, for keys that no limit concerns. */
static struct {
    char line[256], ready[4096];
    unsigned line_len, ready_len;
} model;

static void model_key(char c)
{
    if (c == '\x7f') {
        model.line_len -= model.line_len > 0;
    } else if (c == '\x15') {
        model.line_len = 0;
    } else if (c == '\x03') {
        model.line_len = model.ready_len = 0;
    } else {
        model.line[model.line_len++] = c;
        if (c != '\n')
            return;
        memcpy(model.ready + model.ready_len, model.line, model.line_len);
        model.ready_len += model.line_len;
        model.line_len = 0;
    }
}

static bool model_read(unsigned wanted)
{
    char buf[64];
    unsigned n = 0;
    long got = discipline_peek(&d, buf, wanted);

    if (!model.ready_len)
        return got == -EAGAIN;
    while (n < wanted && n < model.ready_len)
        if (model.ready[n++] == '\n')
            break;
    if (got != (long)n || memcmp(buf, model.ready, n) != 0)
        return false;
    if (rand() & 1)
        return true; /* that reader was dead */
    discipline_consume(&d, n);
    memmove(model.ready, model.ready + n, model.ready_len -= n);
    return true;
}

static void test_random(void)
{
    static const char keys[] = "abcdefgh\x7f\x7f\x15\n\n\x03";
    bool same = true;

    fresh(false);
    srand(1);
    for (unsigned i = 0; i < 300000 && same; i++) {
        char c = keys[(unsigned)rand() % (rand() % 8 ? sizeof(keys) - 2 : sizeof(keys) - 1)];

        echoed_len = 0;
        if (model.line_len < 200 && model.ready_len < 3000) {
            discipline_input(&d, (unsigned char)c);
            model_key(c);
        }
        if (rand() % 3 == 0)
            same = model_read(1 + (unsigned)rand() % 40);
    }
    CHECK(same);
    check_end("random keys and reads, as the model says");

    fresh(false);
    for (unsigned i = 0; i < 300000; i++) {
        char buf[100];
        long n;

        echoed_len = 0;
        discipline_input(&d, (unsigned char)rand());
        if (rand() % 50 == 0) {
            d.termios.iflag = (unsigned)rand();
            mode(~0u, (unsigned)rand(), rand() % 4, rand() % 4);
            for (unsigned k = 0; k < 3; k++)
                d.termios.cc[rand() % 32] = (unsigned char)rand();
        }
        n = discipline_peek(&d, buf, 1 + (unsigned)rand() % sizeof(buf));
        if (n >= 0 && rand() % 3)
            discipline_consume(&d, (size_t)n);
        if (d.line_len >= LINE_MAX_BYTES || d.ready.tail - d.ready.head > READY_MAX ||
            n > (long)sizeof(buf)) {
            CHECK(!"a bound is broken");
            break;
        }
    }
    check_end("any bytes under any settings stay within bounds");
}

int main(void)
{
    check_plan(21);
    test_lines();
    test_erase();
    test_eof();
    test_signals();
    test_limits();
    test_raw();
    test_mode_changes();
    test_writes();
    test_klog();
    test_random();
    return check_exit();
}
