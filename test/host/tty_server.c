/*
 * The terminal server whole, on a kernel and a UART that are played here: its
 * loop is given messages and interrupts in a chosen order, and every answer and
 * every byte on the line is looked at.
 *
 * host-test: user/tty/discipline.c user/tty/ready.c user/tty/output.c user/tty/klog.c
 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernel/messages.h"
#include "test/host/lib_server.h"

static long sys_system(int system, long op, long a, long b, long c);
static long sys_kill(int handle, int pid, int sig);
static long sys_sleep(unsigned long ns);
static long sys_port_info(int port, struct abi_port_info *info);
static long sys_port_list(int port, unsigned what, unsigned long cursor, unsigned long *entries,
                          unsigned room);

#include "user/lib/due.c"
#include "user/tty/readers.c"
#include "user/tty/requests.c"
#include "user/tty/resume.c"
#include "user/tty/server.c"

/* ------------------------------------------------------- the fake machine */

#define EVENTS 512

static struct event {
    struct message m; /* id 0: a notification of bits w[0] */
    char data[256];
    unsigned long len, big; /* big: this many '\n' in place of data */
    unsigned handles;
} events[EVENTS];
static unsigned events_in, events_out;

static struct answer {
    long id, status;
    unsigned long w[IPC_WORDS], w1, w2, len;
    char data[128];
    bool session;
    unsigned rights;
} answers[EVENTS];
static unsigned answers_in;

static struct tty tty;
static char typed[256], line[1 << 18], kernel_log[4096];
static unsigned typed_in, typed_out;
static unsigned long line_len, now_ns, timer_ns[8], slept;
static unsigned uart_takes; /* bytes the UART takes before it is blocked */
static bool uart_busy, irq_acked, kill_fails;
static int killed_pid, killed_signal, closed, dumps;
static long dead_id, refuses_id;
static bool no_room;       /* in the kernel, for data */
static unsigned wait_long; /* so often nothing moves on the line for two seconds */
static unsigned beats;
static unsigned long in_service[2]; /* numbers, as the kernel has them */

/* Where the server is killed: at the byte, or at the answer, that makes the count 0. */
static jmp_buf killed;
static unsigned puts_left, answers_left;
static bool answer_arrives; /* the one at which it is killed */

int uart_get(struct uart *uart)
{
    (void)uart;
    return typed_out == typed_in ? -1 : (unsigned char)typed[typed_out++ % sizeof(typed)];
}

unsigned uart_room(struct uart *uart)
{
    (void)uart;
    return uart_takes < 16 ? uart_takes : 16;
}

void uart_put(struct uart *uart, char byte, unsigned *count)
{
    (void)uart;
    if (puts_left && --puts_left == 0)
        longjmp(killed, 1);
    uart_takes--;
    ++*count;
    if (line_len < sizeof(line) - 1)
        line[line_len++] = byte;
    line[line_len] = '\0';
}

bool uart_idle(struct uart *uart)
{
    (void)uart;
    return !uart_busy;
}

void uart_transmit_interrupt(struct uart *uart, bool on)
{
    uart->transmit_interrupt = on;
}

void uart_acknowledge(struct uart *uart)
{
    (void)uart;
}

long ipc_receive(int port, struct message *m, struct ipc_ext *ext)
{
    struct event *e = &events[events_out % EVENTS];

    CHECK(port == PORT);
    if (events_out == events_in)
        return -EPIPE; /* the script is over: the server returns */
    events_out++;
    *m = e->m;
    ext->recv_len = 0;
    ext->recv_handle_count = 0;
    if (!m->id)
        return 0;
    CHECK(ext->recv_cap == IPC_BUFFER_MAX);
    ext->recv_len = e->big ? e->big : e->len;
    if (e->big)
        memset((void *)ext->recv_addr, '\n', e->big);
    else
        memcpy((void *)ext->recv_addr, e->data, e->len);
    ext->recv_handle_count = e->handles;
    for (unsigned i = 0; i < e->handles; i++)
        ext->recv_handles[i] = 70 + (int)i;
    return m->id;
}

long ipc_reply(int port, long id, const struct message *m, struct ipc_ext *ext)
{
    struct answer *a = &answers[answers_in % EVENTS];

    CHECK(port == PORT && id > 0);
    if (id == dead_id)
        return -ECANCELED;
    if (id == refuses_id && ext && (ext->send_len || ext->gifts.make_session))
        return -EMSGSIZE;
    if (no_room && ext && ext->send_len)
        return -EAGAIN;
    for (unsigned i = 0; i < answers_in; i++)
        CHECK(answers[i].id != id); /* each request is answered once */
    if (answers_left && --answers_left == 0 && !answer_arrives)
        longjmp(killed, 1);
    *a = (struct answer){.id = id, .status = (long)m->w[0], .w1 = m->w[1], .w2 = m->w[2]};
    memcpy(a->w, m->w, sizeof(a->w));
    if (ext) {
        a->len = ext->send_len;
        if (a->len)
            memcpy(a->data, (void *)ext->send_addr, a->len < 128 ? a->len : 128);
        a->session = ext->gifts.make_session;
        a->rights = ext->gifts.session.rights;
    }
    answers_in++;
    if (answer_arrives && answers_left == 0) {
        answer_arrives = false;
        longjmp(killed, 1);
    }
    return 0;
}

long ipc_reply_receive(int port, long id, struct message *m, struct ipc_ext *ext)
{
    long err = ipc_reply(port, id, m, 0);

    return err ? err : ipc_receive(port, m, ext);
}

static unsigned long count(char c, const char *text, unsigned long n)
{
    unsigned long found = 0;

    while (n--)
        found += *text++ == c;
    return found;
}

static long sys_system(int system, long op, long a, long b, long c)
{
    unsigned long *position = (unsigned long *)c, n;

    CHECK(system == H_SYSTEM);
    if (op == SYSTEM_DUMP) {
        dumps++;
        return 0;
    }
    CHECK(op == SYSTEM_LOG_READ);
    if (*position <= strlen(kernel_log)) /* who reads on says that so much is printed */
        CHECK(count('\n', line, line_len) >= count('\n', kernel_log, *position));
    if (*position > strlen(kernel_log))
        *position = strlen(kernel_log);
    n = strlen(kernel_log + *position);
    n = n < (unsigned long)b ? n : (unsigned long)b;
    memcpy((void *)a, kernel_log + *position, n);
    *position += n;
    return (long)n;
}

static long sys_kill(int handle, int pid, int sig)
{
    CHECK(handle == H_SYSTEM);
    killed_pid = pid;
    killed_signal = sig;
    return kill_fails ? -ESRCH : 0;
}

long sys_clock(int clock)
{
    (void)clock;
    return (long)now_ns;
}

static long sys_sleep(unsigned long ns)
{
    if (wait_long) {
        wait_long--;
        now_ns += 2000000000ul;
        return 0;
    }
    now_ns += ns;
    slept++;
    uart_takes += 1000; /* time passes for the UART too */
    return 0;
}

static struct event *event_add(long id)
{
    struct event *e = &events[events_in++ % EVENTS];

    memset(e, 0, sizeof(*e));
    e->m.id = id;
    e->m.origin = RIGHT_READ | RIGHT_WRITE | RIGHT_CALL;
    return e;
}

long sys_port_timer(int port, unsigned bit, unsigned long ns)
{
    CHECK(port == PORT && bit < 8);
    timer_ns[bit] = ns;
    if (bit == BIT_AGAIN)
        event_add(0)->m.w[0] = 1ul << BIT_AGAIN; /* behind all that waits */
    return 0;
}

long sys_irq_ack(int interrupt)
{
    CHECK(interrupt == INTERRUPT);
    irq_acked = true;
    return 0;
}

long sys_close(int handle)
{
    CHECK(handle >= 70);
    closed++;
    return 0;
}

long sys_notify(int port, unsigned long bits)
{
    CHECK(port == HEART);
    CHECK(bits == 1ul << HEART_TTY);
    beats++;
    return 0;
}

/* Requests that wait: notifications are none. */
static long sys_port_info(int port, struct abi_port_info *info)
{
    CHECK(port == PORT);
    *info = (struct abi_port_info){.queued = 0};
    for (unsigned i = events_out; i != events_in; i++)
        info->queued += events[i % EVENTS].m.id != 0;
    return 0;
}

static long sys_port_list(int port, unsigned what, unsigned long cursor, unsigned long *entries,
                          unsigned room)
{
    long n = 0;

    CHECK(port == PORT && what == PORT_IN_SERVICE && room >= 2);
    for (unsigned i = 0; i < 2; i++)
        if (in_service[i] > cursor)
            entries[n++] = in_service[i];
    return n;
}

/* --------------------------------------------------------------- scripts */

static void echo(void *context, const char *bytes, size_t n)
{
    output_urgent(context, bytes, n);
}

static unsigned room(void *device)
{
    return uart_room(device);
}

static void put(void *device, char byte, unsigned *count)
{
    uart_put(device, byte, count);
}

static void connect(void)
{
    tty.discipline.echo = echo;
    tty.discipline.context = &tty.output;
    tty.output.discipline = &tty.discipline;
    tty.output.room = room;
    tty.output.put = put;
    tty.output.device = &tty.uart;
    tty.klog.output = &tty.output;
    tty.log_grew = true;
}

static void fresh(bool marked)
{
    memset(&tty, 0, sizeof(tty));
    discipline_init(&tty.discipline, marked, echo, &tty.output);
    CHECK(!resume(&tty));
    discipline_init(&tty.discipline, marked, echo, &tty.output);
    connect();
    tty.log_grew = false;
    tty.klog.marked = marked;
    tty.rows = 24;
    tty.columns = 80;
    events_in = events_out = answers_in = typed_in = typed_out = 0;
    line_len = slept = 0;
    line[0] = kernel_log[0] = '\0';
    uart_takes = 1u << 20;
    uart_busy = irq_acked = kill_fails = false;
    killed_pid = killed_signal = closed = dumps = 0;
    dead_id = refuses_id = 0;
    no_room = answer_arrives = false;
    beats = puts_left = answers_left = 0;
    memset(timer_ns, 0, sizeof(timer_ns));
}

static struct event *request(long id, unsigned long number, unsigned long w1, const char *data)
{
    struct event *e = event_add(id);

    e->m.w[0] = number;
    e->m.w[1] = w1;
    e->len = strlen(data);
    memcpy(e->data, data, e->len);
    return e;
}

static void type(const char *keys)
{
    while (*keys)
        typed[typed_in++ % sizeof(typed)] = *keys++;
    event_add(0)->m.w[0] = 1ul << BIT_INTERRUPT;
}

static void kernel_says(const char *text)
{
    strcat(kernel_log, text);
    event_add(0)->m.w[0] = 1ul << BIT_LOG;
}

static void run(void)
{
    server_run(&tty);
    CHECK(events_in == events_out);
}

static void beats_come(unsigned n)
{
    while (n--)
        event_add(0)->m.w[0] = NOTIFY_HEARTBEAT;
    run();
}

/* The answer to request id, or 0. */
static const struct answer *answer_to(long id)
{
    for (unsigned i = 0; i < answers_in; i++)
        if (answers[i].id == id)
            return &answers[i];
    return 0;
}

static bool answered(long id, long status)
{
    const struct answer *a = answer_to(id);

    if (!a || a->status != status)
        printf("# request %ld: status %ld\n", id, a ? a->status : -99999);
    return a && a->status == status;
}

static bool got(long id, const char *text)
{
    const struct answer *a = answer_to(id);

    return answered(id, (long)strlen(text)) && a->len == strlen(text) &&
           memcmp(a->data, text, a->len) == 0;
}

/* ----------------------------------------------------------------- tests */

static void test_reading(void)
{
    fresh(false);
    request(1, MSG_READ, 100, "");
    request(2, MSG_READ, 2, "");
    run();
    CHECK(answers_in == 0);
    type("first\rsecond\r");
    run();
    CHECK(got(1, "first\n") && got(2, "se") && irq_acked);
    CHECK(strcmp(line, "first\r\nsecond\r\n") == 0);
    request(3, MSG_READ, 1ul << 40, "");
    run();
    CHECK(got(3, "cond\n"));
    request(4, MSG_READ, 0, "");
    type("\x04");
    request(5, MSG_READ, 9, "");
    run();
    CHECK(got(4, "") && got(5, ""));
    check_end("readers get lines in order");

    fresh(false);
    dead_id = 1;
    refuses_id = 2;
    request(1, MSG_READ, 100, "");
    request(2, MSG_READ, 100, "");
    request(3, MSG_READ, 100, "");
    type("line\r");
    run();
    CHECK(!answer_to(1) && answered(2, -EMSGSIZE) && got(3, "line\n"));
    check_end("the line of a reader that died, or cannot take it, is the next one's");

    fresh(false);
    no_room = true;
    request(1, MSG_READ, 100, "");
    request(2, MSG_READ, 100, "");
    request(3, MSG_READ, 100, "");
    type("one\rtwo\rthree\r");
    run();
    CHECK(answers_in == 0);
    event_add(0)->m.w[0] = NOTIFY_ROOM; /* too early: it is full again */
    run();
    CHECK(answers_in == 0);
    no_room = false;
    dead_id = 2;
    event_add(0)->m.w[0] = NOTIFY_ROOM;
    run();
    CHECK(got(1, "one\n") && got(3, "three\n") && answers_in == 2 && tty.due.count == 0);
    check_end("lines the kernel has no room for are sent when it has");

    fresh(false);
    for (long i = 1; i <= READERS_MAX + 2; i++)
        request(i, MSG_READ, 10, "");
    run();
    CHECK(answered(1, -EAGAIN) && answered(2, -EAGAIN) && answers_in == 2);
    type("x\r");
    run();
    CHECK(got(3, "x\n"));
    check_end("too many readers: the oldest asks again");
}

static void test_interrupt(void)
{
    fresh(false);
    request(1, MSG_TTY_SETPGRP, 42, "");
    request(2, MSG_READ, 10, "");
    run();
    type("half\x03");
    run();
    CHECK(answered(1, 0) && killed_pid == -42 && killed_signal == ABI_SIGINT && !answer_to(2));
    CHECK(strcmp(line, "half^C\r\n") == 0);
    request(3, MSG_TTY_SETPGRP, 0, "");
    run();
    killed_pid = 0;
    type("half\x03");
    run();
    CHECK(answered(3, 0) && killed_pid == 0 && got(2, "\n"));
    type("\x03");
    run();
    request(4, MSG_READ, 10, "");
    run();
    CHECK(got(4, "\n"));
    request(5, MSG_READ, 10, "");
    type("ok\r");
    run();
    CHECK(got(5, "ok\n"));
    check_end("^C kills the group; with none it gives the reader an empty line");

    fresh(false);
    kill_fails = true;
    request(1, MSG_TTY_SETPGRP, 42, "");
    request(2, MSG_READ, 10, "");
    run();
    type("\x03");
    run();
    CHECK(killed_pid == -42 && got(2, "\n"));
    type("\x10");
    run();
    CHECK(dumps == 1);
    check_end("a group that is gone counts as nobody; ^P dumps");
}

static void test_writing(void)
{
    fresh(false);
    request(1, MSG_WRITE, 6, "hello\n");
    request(2, MSG_WRITE, 0, "");
    run();
    CHECK(answered(1, 6) && answered(2, 0) && strcmp(line, "hello\r\n") == 0);
    request(3, MSG_WRITE, 3, "four");
    request(4, MSG_WRITE, 4, "four")->m.origin = RIGHT_READ | RIGHT_CALL;
    request(5, MSG_READ, 4, "")->m.origin = RIGHT_WRITE | RIGHT_CALL;
    run();
    CHECK(answered(3, -EINVAL) && answered(4, -EBADF) && answered(5, -EBADF));
    CHECK(strcmp(line, "hello\r\n") == 0);
    check_end("a write goes out, a bad one does not");

    fresh(false);
    request(1, MSG_WRITE, IPC_BUFFER_MAX, "")->big = IPC_BUFFER_MAX;
    request(2, MSG_WRITE, 3, "two");
    request(3, MSG_WRITE, 5, "three");
    request(4, MSG_READ, 10, "");
    type("in\r");
    uart_takes = 100;
    run();
    CHECK(slept > 10 && answered(1, IPC_BUFFER_MAX) && answered(2, 3) && answered(3, 5));
    CHECK(got(4, "in\n") && line_len == 2 * IPC_BUFFER_MAX + 8 + 4);
    CHECK(answers[0].id == 1 && answers[1].id == 2);
    check_end("with both buffers full the UART is watched, and nothing is lost");

    fresh(false);
    uart_takes = 0;
    request(1, MSG_WRITE, 2, "ab");
    request(2, MSG_TTY_GETPGRP, 0, "");
    run();
    CHECK(tty.uart.transmit_interrupt && !answer_to(1) && answered(2, 0));
    uart_takes = 100;
    type("");
    run();
    CHECK(!tty.uart.transmit_interrupt && answered(1, 2) && strcmp(line, "ab") == 0);
    check_end("a blocked UART does not keep other requests waiting");

    fresh(false);
    dead_id = 1;
    request(1, MSG_WRITE, 1, "a");
    request(2, MSG_WRITE, 1, "b");
    run();
    CHECK(answered(2, 1) && strcmp(line, "ab") == 0);
    check_end("a writer that died harms nobody");
}

static void test_drain(void)
{
    fresh(true);
    uart_takes = 0;
    request(1, MSG_WRITE, 2, "a\n");
    kernel_says("one\n");
    request(2, MSG_TTY_DRAIN, 0, "");
    run();
    CHECK(!answer_to(2));
    strcat(kernel_log, "two\n"); /* not announced yet, but logged before this: */
    request(3, MSG_FSYNC, 0, "");
    uart_takes = 1000;
    uart_busy = true;
    run();
    CHECK(strcmp(line, "\x1eone\na\n\x1etwo\n") == 0 && answered(1, 2));
    CHECK(!answer_to(2) && !answer_to(3) && timer_ns[BIT_IDLE_TIMER]);
    uart_busy = false;
    event_add(0)->m.w[0] = 1ul << BIT_IDLE_TIMER;
    run();
    CHECK(answered(2, 0) && answered(3, 0));
    check_end("a drain ends when kernel lines, writes and the last bit have left");

    fresh(false);
    uart_takes = 0;
    request(99, MSG_WRITE, 1, "a");
    for (long i = 1; i <= WAITERS_MAX + 1; i++)
        request(i, MSG_TTY_DRAIN, 0, "");
    run();
    CHECK(answered(WAITERS_MAX + 1, -EAGAIN) && answers_in == 1);
    uart_takes = 10;
    type("");
    run();
    CHECK(answered(1, 0) && answered(WAITERS_MAX, 0));
    check_end("too many drains: an error, the others go on");
}

static void test_log(void)
{
    fresh(false);
    request(1, MSG_WRITE, 2, "$ ");
    run();
    for (unsigned i = 0; i < 300; i++)
        strcat(kernel_log, "0123456\n");
    uart_takes = 64;
    kernel_says("last\n");
    run();
    uart_takes = 1u << 20;
    type("");
    run();
    CHECK(strncmp(line, "$ \r\n0123456\r\n", 13) == 0 && line_len == 4 + 300 * 9 + 6);
    CHECK(strcmp(line + line_len - 6, "last\r\n") == 0);
    check_end("the kernel log goes out whole, however slow the line");
}

static void test_settings(void)
{
    struct msg_termios raw;
    struct event *e;

    fresh(false);
    raw = tty.discipline.termios;
    raw.lflag &= ~(unsigned)(TTY_ICANON | TTY_ECHO);
    raw.cc[TTY_VMIN] = 0;
    raw.cc[TTY_VTIME] = 3;
    request(1, MSG_TTY_GETATTR, 0, "");
    e = request(2, MSG_TTY_SETATTR, 0, "");
    memcpy(e->data, &raw, e->len = sizeof(raw));
    request(3, MSG_READ, 10, "");
    run();
    CHECK(answered(1, 0) && answer_to(1)->len == sizeof(struct msg_termios) && answered(2, 0));
    CHECK(!answer_to(3) && timer_ns[BIT_READ_TIMER] == 300000000);
    now_ns += 300000000;
    event_add(0)->m.w[0] = 1ul << BIT_READ_TIMER;
    run();
    CHECK(got(3, ""));
    request(4, MSG_READ, 10, "");
    type("k");
    run();
    CHECK(got(4, "k") && line_len == 0);
    check_end("raw mode with a timeout");

    fresh(false);
    type("stale\r");
    uart_takes = 0;
    e = request(1, MSG_TTY_SETATTR, 2, "");
    memcpy(e->data, &raw, e->len = sizeof(raw));
    request(2, MSG_TTY_SETATTR, 0, "short");
    e = request(3, MSG_TTY_SETATTR, 3, "");
    memcpy(e->data, &raw, e->len = sizeof(raw));
    run();
    CHECK(!answer_to(1) && answered(2, -EINVAL) && answered(3, -EINVAL));
    CHECK(tty.discipline.termios.lflag & TTY_ICANON);
    uart_takes = 100;
    type("");
    run();
    CHECK(answered(1, 0) && !(tty.discipline.termios.lflag & TTY_ICANON) &&
          !discipline_ready(&tty.discipline));
    check_end("settings after output has drained, input flushed");

    fresh(false);
    request(1, MSG_TTY_GETSIZE, 0, "");
    request(2, MSG_TTY_SETSIZE, 50, "")->m.w[2] = 132;
    request(3, MSG_TTY_GETSIZE, 0, "");
    request(4, MSG_TTY_SETSIZE, 0, "")->m.w[2] = 132;
    request(5, MSG_TTY_SETSIZE, 1ul << 33, "")->m.w[2] = 1;
    request(6, MSG_TTY_SETPGRP, 1, "");
    request(7, MSG_TTY_SETPGRP, 1ul << 32, "");
    request(8, MSG_TTY_SETPGRP, 77, "");
    request(9, MSG_TTY_GETPGRP, 0, "");
    run();
    CHECK(answered(1, 0) && answer_to(1)->w1 == 24 && answer_to(1)->w2 == 80);
    CHECK(answered(2, 0) && answer_to(3)->w1 == 50 && answer_to(3)->w2 == 132);
    CHECK(answered(4, -EINVAL) && answered(5, -EINVAL));
    CHECK(answered(6, -EINVAL) && answered(7, -EINVAL) && answer_to(9)->w1 == 77);
    check_end("size and foreground group");
}

static void test_interrupts_are_counted(void)
{
    struct msg_termios raw, cooked;

    fresh(false);
    cooked = raw = tty.discipline.termios;
    raw.lflag &= ~(unsigned)(TTY_ICANON | TTY_ISIG);
    request(1, MSG_TTY_INTERRUPTS, 0, "");
    run();
    type("\x03");
    run();
    request(2, MSG_TTY_INTERRUPTS, 0, "");
    request(3, MSG_TTY_INTERRUPTS, 0, "x");
    struct event *e = request(4, MSG_TTY_SETATTR, 0, "");
    memcpy(e->data, &raw, e->len = sizeof(raw));
    run();
    type("\x03");
    run();
    request(5, MSG_TTY_INTERRUPTS, 0, "");
    e = request(6, MSG_TTY_SETATTR, 0, "");
    memcpy(e->data, &cooked, e->len = sizeof(cooked));
    request(7, MSG_TTY_INTERRUPTS, 0, "");
    request(8, MSG_TTY_SETPGRP, 77, "");
    run();
    type("\x03");
    run();
    request(9, MSG_TTY_INTERRUPTS, 0, "");
    run();
    CHECK(answer_to(1)->w1 == 0 && answer_to(2)->w1 == 1 && answered(3, -EINVAL));
    CHECK(answer_to(5)->w1 == 1 && answer_to(7)->w1 == 2 && answer_to(9)->w1 == 2);
    check_end("^C with nobody in the foreground is counted, typed ahead of line mode too");
}

static void test_file(void)
{
    struct msg_stat stat;

    fresh(false);
    request(1, MSG_OPEN, O_RDWR | O_CLOEXEC, "");
    request(2, MSG_OPEN, O_WRONLY, "")->m.origin = RIGHT_READ | RIGHT_CALL;
    request(3, MSG_OPEN, O_RDONLY, "x");
    request(4, MSG_OPEN, 3, "");
    request(5, MSG_STAT, 0, "");
    request(6, MSG_STAT, 0, "x");
    request(7, MSG_ACCESS, R_OK | W_OK, "");
    request(8, MSG_ACCESS, X_OK, "");
    request(9, MSG_READDIR, 0, "");
    request(10, MSG_TRUNCATE, 0, "");
    refuses_id = 11;
    request(11, MSG_OPEN, O_RDONLY, "");
    request(12, MSG_STAT, 0, "")->m.w[IPC_WORDS - 1] = 1ul << 56; /* a path in the words */
    request(13, MSG_OPEN, 0, "")->m.w[IPC_WORDS - 1] = 200ul << 56;
    run();
    CHECK(answered(12, -ENOTDIR) && answered(13, -EINVAL));
    CHECK(answered(1, 0) && answer_to(1)->session && answer_to(1)->w1 == S_IFCHR);
    CHECK(answer_to(1)->rights == (RIGHT_READ | RIGHT_WRITE | RIGHT_CALL | RIGHT_TRANSFER));
    CHECK(answered(2, -EACCES) && answered(3, -ENOTDIR) && answered(4, -EINVAL));
    memcpy(&stat, answer_to(5)->w, sizeof(stat));
    CHECK(stat.mode == (S_IFCHR | 0620) && stat.rdev == 0x500);
    CHECK(answered(6, -ENOTDIR) && answered(7, 0) && answered(8, -EACCES));
    CHECK(answered(9, -ENOTDIR) && answered(10, -EINVAL) && answered(11, -EMSGSIZE));
    check_end("the terminal as a file");

    fresh(false);
    request(1, MSG_CLOSE, 0, "");
    request(2, MSG_CLOSE, 0, "")->m.origin |= ORIGIN_KERNEL;
    request(3, MSG_SYNC, 0, "");
    request(4, MSG_SYNC, 0, "")->m.origin |= ORIGIN_KERNEL;
    request(5, 0, 0, "");
    request(6, ~0ul, 0, "junk");
    request(7, MSG_BLK_READ, 0, "");
    request(8, MSG_TTY_GETATTR, 0, "x");
    request(9, MSG_TTY_DRAIN, 0, "x");
    request(10, MSG_TTY_GETSIZE, 0, "")->handles = 4;
    run();
    CHECK(answered(1, -EPERM) && answered(2, 0) && answered(3, -EPERM) && answered(4, 0));
    CHECK(answered(5, -ENOSYS) && answered(6, -ENOSYS) && answered(7, -ENOSYS));
    CHECK(answered(8, -EINVAL) && answered(9, -EINVAL) && answered(10, 0) && closed == 4);
    check_end("malformed and forbidden messages are answered");
}

/* ------------------------------------------------------ servers that die */

#define NUMBER(n) ((long)(n) << 16) /* a request's id, but for its slot */

/* Runs until the server is killed, or has nothing to do. True if it was killed. */
static bool run_killed(void)
{
    if (setjmp(killed))
        return true;
    server_run(&tty);
    return false;
}

/* Another one takes over; what was received and not answered is asked for again first,
 * under other ids of the same numbers. */
static void take_over(void)
{
    static struct event waiting[EVENTS];
    unsigned count = 0;
    unsigned later = events_out;

    for (unsigned i = 0; i < events_in; i++) {
        struct event *e = &events[i % EVENTS];
        if (!e->m.id || (i < later && answer_to(e->m.id)))
            continue;
        if (i < later)
            e->m.id += 1 << 8;
        waiting[count++] = *e;
    }
    memcpy(events, waiting, count * sizeof(waiting[0]));
    events_in = count;
    events_out = 0;
    puts_left = 0;
    CHECK(resume(&tty));
    connect();
    tty.uart = (struct uart){0};
}

/* Killed at each byte of two writes, an echo and a kernel line: all come out, once. */
static void test_killed_writing(void)
{
    static const long lengths[] = {0, 30, 70, 2};
    unsigned cuts = 0;

    for (unsigned cut = 1; cut < 400; cut++) {
        bool died;
        fresh(false);
        request(NUMBER(1) + 3, MSG_WRITE, 30, "one\ntwo\nthree\nfour\nfive\nsix\nse");
        request(NUMBER(2) + 1, MSG_WRITE, 70,
                "0123456789012345678901234567890123456789012345678901234567890123456789");
        request(NUMBER(3) + 2, MSG_WRITE, 2, "ab");
        puts_left = cut;
        died = run_killed();
        cuts += died;
        if (died) {
            take_over();
            CHECK(!run_killed());
        }
        CHECK(strcmp(line, "one\r\ntwo\r\nthree\r\nfour\r\nfive\r\nsix\r\nse"
                           "0123456789012345678901234567890123456789012345678901234567890123456789"
                           "ab") == 0);
        CHECK(answers_in == 3);
        for (unsigned i = 0; i < 3; i++)
            CHECK(answers[i].status == lengths[IPC_NUMBER(answers[i].id)]);
    }
    CHECK(cuts == 108);
    check_end("killed at any byte of its output, it goes on there");

    /* Twice in one write, with another one before it. */
    for (unsigned cut = 1; cut < 9; cut++)
        for (unsigned again = 1; again < 8; again++) {
            fresh(false);
            request(NUMBER(1), MSG_WRITE, 1, "-");
            run();
            request(NUMBER(2), MSG_WRITE, 8, "abcdefgh");
            puts_left = cut;
            CHECK(run_killed());
            take_over();
            puts_left = again;
            if (run_killed()) {
                take_over();
                CHECK(!run_killed());
            }
            CHECK(strcmp(line, "-abcdefgh") == 0);
        }
    check_end("killed twice in one write");

    fresh(false);
    request(NUMBER(1), MSG_WRITE, 3, "abc");
    answers_left = 1;
    CHECK(run_killed() && strcmp(line, "abc") == 0);
    take_over();
    CHECK(!run_killed() && strcmp(line, "abc") == 0 && answered(NUMBER(1) + (1 << 8), 3));
    fresh(false);
    request(NUMBER(1), MSG_WRITE, 3, "abc");
    request(NUMBER(2), MSG_WRITE, 3, "def");
    puts_left = 5;
    CHECK(run_killed());
    take_over();
    events[0] = events[1]; /* the first one's client was killed, too */
    events_in = 1;
    CHECK(!run_killed());
    CHECK(strcmp(line, "abcdef") == 0 && answered(NUMBER(2) + (1 << 8), 3));
    check_end("killed before its answer, or with its client");
}

static void test_killed_reading(void)
{
    for (int delivered = 0; delivered < 2; delivered++) {
        fresh(false);
        request(NUMBER(7), MSG_READ, 100, "");
        request(NUMBER(8), MSG_READ, 100, "");
        type("first\rsecond\rthi");
        answers_left = 1;
        answer_arrives = delivered;
        CHECK(run_killed());
        take_over();
        if (!delivered)
            CHECK(answer_to(NUMBER(7)) == 0);
        CHECK(!run_killed());
        CHECK(got(delivered ? NUMBER(7) : NUMBER(7) + (1 << 8), "first\n"));
        CHECK(got(NUMBER(8), "second\n")); /* it had not been received yet */
        request(NUMBER(9), MSG_READ, 100, "");
        type("rd\r");
        CHECK(!run_killed());
        CHECK(got(NUMBER(9), "third\n"));
    }
    /* The reader got it, and went on to other settings before another server was there. */
    for (unsigned mode = 0; mode < 2; mode++) {
        struct msg_termios raw, cooked;
        struct event *e;
        fresh(false);
        cooked = raw = tty.discipline.termios;
        raw.lflag &= ~(unsigned)TTY_ICANON;
        tty_set(&tty, &raw, false);
        request(NUMBER(7), MSG_READ, 100, "");
        type("\r");
        answers_left = 1;
        answer_arrives = true;
        CHECK(run_killed());
        e = request(NUMBER(8), MSG_TTY_SETATTR, 0, "");
        e->len = sizeof(cooked);
        memcpy(e->data, &cooked, sizeof(cooked));
        request(NUMBER(9), MSG_READ, 100, "");
        take_over();
        CHECK(!run_killed());
        CHECK(answer_to(NUMBER(9)) == 0); /* it waits for what is typed next */
    }
    check_end("a line is read once, whether its reader got it before the kill or not");

    /* Nobody asks again, and nobody new: the next line is not held back. */
    fresh(false);
    request(NUMBER(7), MSG_READ, 100, "");
    type("first\r");
    answers_left = 1;
    answer_arrives = true;
    CHECK(run_killed());
    take_over();
    type("\003"); /* drops what was typed, also what was given away */
    type("next\r");
    CHECK(!run_killed());
    request(NUMBER(9), MSG_READ, 100, "");
    CHECK(!run_killed());
    CHECK(answered(NUMBER(9), 1) || got(NUMBER(9), "next\n")); /* ^C is an empty line */
    check_end("^C while it is not known what was read");
}

static void test_taking_over(void)
{
    struct msg_termios raw;

    fresh(false);
    raw = tty.discipline.termios;
    raw.lflag &= ~(unsigned)TTY_ICANON;
    tty.rows = 50;
    tty.group = 12;
    kernel_says("one\ntwo\n");
    type("abc");
    run();
    tty_set(&tty, &raw, false);
    strcat(kernel_log, "three\n"); /* while nobody is there to hear of it */
    take_over();
    CHECK(tty.rows == 50 && tty.group == 12 && !(tty.discipline.termios.lflag & TTY_ICANON));
    request(NUMBER(1), MSG_READ, 10, "");
    run();
    CHECK(got(NUMBER(1), "abc") && strstr(line, "one\r\ntwo\r\n") && strstr(line, "three\r\n"));
    CHECK(strstr(strstr(line, "one") + 1, "one") == 0);
    check_end("settings, what was typed, and the place in the log are kept");

    fresh(false);
    kernel_says("one\n");
    run();
    tty.klog.position = 1ul << 40; /* damage */
    take_over();
    beats_come(1);
    kernel_says("two\n");
    run();
    CHECK(strstr(line, "two\r\n"));
    check_end("a place in the log that is none is its end");

    for (unsigned i = 0; i < 5; i++) {
        fresh(false);
        if (i == 0)
            tty.magic++;
        else if (i == 1)
            tty.discipline.line_len = LINE_MAX_BYTES + 1;
        else if (i == 2)
            tty.discipline.ready.tail = tty.discipline.ready.head + READY_MAX + 1;
        else if (i == 3)
            tty.output.urgent_in = tty.output.urgent_out + URGENT_MAX + 1;
        else
            tty.output.load.len = LOAD_MAX + 1;
        CHECK(!resume(&tty) && tty.rows == 0);
    }
    check_end("nonsense is not taken over");

    fresh(false);
    beats = 0;
    event_add(0)->m.w[0] = NOTIFY_HEARTBEAT;
    typed[typed_in++] = 'x';
    typed[typed_in++] = '\r'; /* whose interrupt was lost */
    request(1, MSG_READ, 10, "");
    run();
    CHECK(beats == 1 && got(1, "x\n"));
    check_end("a heartbeat is answered, and a lost interrupt made up for");

    fresh(false);
    beats = 0;
    request(NUMBER(5), MSG_READ, 10, ""); /* whose client is dead by then */
    request(NUMBER(6), MSG_READ, 10, "");
    request(NUMBER(7), MSG_TTY_DRAIN, 0, "");
    uart_busy = true;
    run();
    in_service[0] = 6;
    in_service[1] = 7;
    event_add(0)->m.w[0] = NOTIFY_HEARTBEAT;
    run();
    CHECK(beats == 1);
    in_service[1] = 8;
    event_add(0)->m.w[0] = NOTIFY_HEARTBEAT;
    event_add(0)->m.w[0] = NOTIFY_HEARTBEAT;
    CHECK(strstr(server_run(&tty), "got lost"));
    CHECK(beats == 1 && events_out == events_in - 1);
    events_out = events_in;
    in_service[0] = in_service[1] = 0;
    uart_busy = false;
    check_end("who has lost a request ends");

    fresh(false);
    uart_takes = 0; /* between two bytes: it is asked for nothing, and takes none */
    uart_busy = true;
    request(1, MSG_WRITE, 5, "hello");
    beats_come(5);
    CHECK(beats == 5);
    uart_takes = 100;
    beats_come(5);
    CHECK(beats == 10 && answer_to(1));
    check_end("who waits for the line is well, and goes on when it takes more");

    fresh(false);
    uart_takes = 0;
    uart_busy = true;
    request(1, MSG_WRITE, IPC_BUFFER_MAX, "")->big = IPC_BUFFER_MAX;
    request(2, MSG_WRITE, IPC_BUFFER_MAX, "")->big = IPC_BUFFER_MAX;
    wait_long = 5;
    run();
    CHECK(beats >= 5);
    check_end("also while it watches it");
}

int main(void)
{
    check_plan(31);
    test_reading();
    test_interrupt();
    test_writing();
    test_drain();
    test_log();
    test_settings();
    test_interrupts_are_counted();
    test_file();
    test_killed_writing();
    test_killed_reading();
    test_taking_over();
    return check_exit();
}
