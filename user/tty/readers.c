/* Reads that wait for input, and requests that wait for output to drain. */
#include "user/tty/tty.h"
#include <errno.h>

#define IDLE_LOOK_NS  1000000ul
#define DECISECOND_NS 100000000ul

/* A queue full of readers is one of dead ones, which are noticed only when they
 * are answered: so the first is told to ask again, which costs a live one little. */
void readers_add(struct tty *tty, long id, unsigned long room)
{
    struct reader *reader;

    if (tty->readers_in - tty->readers_out == READERS_MAX)
        tty_answer(tty, tty->reader[tty->readers_out++ % READERS_MAX].id, -EAGAIN, 0, 0);
    reader = &tty->reader[tty->readers_in++ % READERS_MAX];
    *reader = (struct reader){id, room, (unsigned long)sys_clock(ABI_CLOCK_MONOTONIC)};
}

/* VMIN 0 and VTIME > 0: has the reader waited long enough? If not, be called
 * again when it has. */
static bool reader_timed_out(const struct tty *tty, const struct reader *reader)
{
    const struct msg_termios *t = &tty->discipline.termios;
    unsigned long end = reader->since + t->cc[TTY_VTIME] * DECISECOND_NS;
    unsigned long now;

    if ((t->lflag & TTY_ICANON) || t->cc[TTY_VMIN] || !t->cc[TTY_VTIME])
        return false;
    now = (unsigned long)sys_clock(ABI_CLOCK_MONOTONIC);
    if (now >= end)
        return true;
    sys_port_timer(PORT, BIT_READ_TIMER, end - now);
    return false;
}

/* A server that takes over now knows what is being given to whom. */
static void reading_begin(struct tty *tty, long id, unsigned long count)
{
    tty->reading_count = count;
    tty->reading_head = tty->discipline.ready.head;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    tty->reading = IPC_NUMBER(id);
}

static void reading_end(struct tty *tty)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    tty->reading = 0;
}

/* What the first reader did not get, because it is dead or gave less room than it
 * said, stays for the next. */
void readers_serve(struct tty *tty)
{
    static char buf[READY_MAX];

    if (!resume_settle(tty))
        return;
    while (tty->readers_in != tty->readers_out) {
        struct reader *reader = &tty->reader[tty->readers_out % READERS_MAX];
        long n = discipline_peek(&tty->discipline, buf,
                                 reader->room < sizeof(buf) ? reader->room : sizeof(buf));

        if (n < 0 && !reader_timed_out(tty, reader))
            return;
        if (n < 0)
            n = 0;
        tty->readers_out++;
        reading_begin(tty, reader->id, (unsigned long)n);
        if (tty_answer_data(tty, reader->id, n, buf, (unsigned long)n) == 0)
            discipline_consume(&tty->discipline, (size_t)n);
        reading_end(tty);
    }
}

bool waiters_add(struct tty *tty, const struct waiter *waiter)
{
    struct waiter *w;

    if (tty->waiters == WAITERS_MAX)
        return false;
    w = &tty->waiter[tty->waiters++];
    *w = *waiter;
    w->log_first = true;
    w->writes = tty->output.writes_in;
    tty->log_grew = true;
    return true;
}

void waiters_log_taken(struct tty *tty)
{
    for (unsigned i = 0; i < tty->waiters; i++) {
        if (!tty->waiter[i].log_first)
            continue;
        tty->waiter[i].log_first = false;
        tty->waiter[i].urgent = tty->output.urgent_in;
    }
}

/* Has all that it waits for left? The UART counts only when nothing came after. */
static bool waiter_done(struct tty *tty, const struct waiter *w)
{
    const struct output *o = &tty->output;

    if (w->log_first || (long)(o->urgent_out - w->urgent) < 0 ||
        (long)(o->writes_out - w->writes) < 0)
        return false;
    if (o->load.len || o->urgent_out != o->urgent_in || o->writes_out != o->writes_in ||
        uart_idle(&tty->uart))
        return true;
    sys_port_timer(PORT, BIT_IDLE_TIMER, IDLE_LOOK_NS);
    return false;
}

void waiters_serve(struct tty *tty)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < tty->waiters; i++) {
        struct waiter *w = &tty->waiter[i];

        if (!waiter_done(tty, w)) {
            tty->waiter[kept++] = *w;
            continue;
        }
        if (w->then != WAITER_ANSWER)
            tty_set(tty, &w->termios, w->then == WAITER_SET_AND_FLUSH);
        tty_answer(tty, w->id, 0, 0, 0);
    }
    tty->waiters = kept;
}
