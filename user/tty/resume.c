/*
 * A terminal server that takes over from one that died.
 *
 * It keeps the settings, what was typed, what is on its way out, and the place in the
 * kernel log. Requests that were in service come again, so readers, waiters and answers
 * are forgotten. A write that comes again goes on where it was (output.h). A read is
 * the difficult one: was it answered? Its bytes may be dropped only if it was. All that
 * come again are at the head of the queue, and were numbered before: so it is known when
 * a request comes with a number above all before, or none is left. By then the read has
 * come again, or it never will.
 */
#include "user/tty/tty.h"

#define TTY_MAGIC 0x7474792d73746174ul

static bool sane(const struct tty *tty)
{
    const struct output *o = &tty->output;
    const struct ready *ready = &tty->discipline.ready;

    return tty->magic == TTY_MAGIC && tty->discipline.line_len <= LINE_MAX_BYTES &&
           ready->tail - ready->head <= READY_MAX &&
           (!tty->reading || ready->tail - tty->reading_head <= READY_MAX) &&
           o->urgent_in - o->urgent_out <= URGENT_MAX && o->load.len <= LOAD_MAX &&
           (!o->load.len || o->load.at <= o->load.len) &&
           o->writes_in - o->writes_out <= WRITES_MAX;
}

/* How far each write had come that may be asked for again; none is queued now. */
static void keep_writes(struct output *o)
{
    /* What was loaded of a write still goes out, and counts now. */
    if (o->load.len && o->load.kind == LOAD_WRITE) {
        o->write[o->writes_out % WRITES_MAX].done = o->load.after;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        o->load.kind = LOAD_COUNTED;
    }
    for (unsigned i = 0; i < WRITES_MAX; i++) {
        bool valid = o->write[i].len <= IPC_BUFFER_MAX && o->write[i].done <= o->write[i].len;

        o->begun[i].number = valid ? IPC_NUMBER(o->write[i].id) : 0;
        o->begun[i].len = o->write[i].len;
        o->begun[i].done = o->write[i].done;
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    o->writes_in = o->writes_out = 0;
}

bool resume(struct tty *tty)
{
    if (!sane(tty)) {
        __builtin_memset(tty, 0, sizeof(*tty));
        tty->magic = TTY_MAGIC;
        return false;
    }
    keep_writes(&tty->output);
    discipline_resume(&tty->discipline);
    klog_resume(&tty->klog, &tty->output);
    tty->due = (struct due){0};
    tty->held_id = 0;
    tty->readers_in = tty->readers_out = 0;
    tty->waiters = 0;
    tty->unsettled = tty->reading != 0;
    if (tty->unsettled) /* it may have been dropped in part */
        tty->discipline.ready.head = tty->reading_head;
    return true;
}

/* The read was answered: what it got is dropped, unless ^C has dropped it. */
static void settle(struct tty *tty)
{
    if (tty->discipline.ready.head == tty->reading_head)
        discipline_consume(&tty->discipline, tty->reading_count);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    tty->reading = 0;
    tty->unsettled = false;
}

void resume_seen(struct tty *tty, long id)
{
    unsigned long number = IPC_NUMBER(id);

    if (tty->unsettled && number == tty->reading) { /* it was not answered */
        tty->reading = 0;
        tty->unsettled = false;
    } else if (tty->unsettled && number > tty->highest) {
        settle(tty);
    }
    if (number > tty->highest)
        tty->highest = number;
}

bool resume_settle(struct tty *tty)
{
    struct abi_port_info info;

    if (tty->unsettled && sys_port_info(PORT, &info) == 0 && !info.queued)
        settle(tty);
    return !tty->unsettled;
}
