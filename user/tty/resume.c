/*
 * A terminal server that takes over from one that died.
 *
 * It keeps the settings, what was typed, what is on its way out, and the place in the
 * kernel log. Requests that were in service come again, so readers, waiters and answers
 * are forgotten. A write that comes again goes on where it was (output.h). A read is
 * the difficult one: was it answered? Its bytes may be dropped only if it was. All that
 * come again are at the head of the queue; so once as many requests have been received
 * as were queued when we began, it is known: its number has come, or it never will.
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
           o->writes_in - o->writes_out <= WRITES_MAX && tty->klog.len <= KLOG_LINE_MAX;
}

/* How far each write had come that may be asked for again; none is queued now. */
static void keep_writes(struct output *o)
{
    if (o->load.len && !o->load.urgent) {
        o->write[o->writes_out % WRITES_MAX].done = o->load.after;
        o->load.after = o->urgent_out;
        o->load.urgent = true; /* it goes out, and changes nothing more */
    }
    for (unsigned i = 0; i < WRITES_MAX; i++) {
        bool valid = o->write[i].len <= IPC_BUFFER_MAX && o->write[i].done <= o->write[i].len;

        o->begun[i].number = valid ? IPC_NUMBER(o->write[i].id) : 0;
        o->begun[i].len = o->write[i].len;
        o->begun[i].done = o->write[i].done;
    }
    o->writes_in = o->writes_out = 0;
}

bool resume(struct tty *tty)
{
    struct abi_port_info info = {.queued = 0};

    if (!sane(tty)) {
        __builtin_memset(tty, 0, sizeof(*tty));
        tty->magic = TTY_MAGIC;
        return false;
    }
    keep_writes(&tty->output);
    tty->due = (struct due){0};
    tty->held_id = 0;
    tty->readers_in = tty->readers_out = 0;
    tty->waiters = 0;
    sys_port_info(PORT, &info);
    tty->to_be_seen = info.queued;
    tty->unsettled = tty->reading != 0;
    if (tty->unsettled) /* it may have been dropped in part */
        tty->discipline.ready.head = tty->reading_head;
    return true;
}

void resume_seen(struct tty *tty, long id)
{
    if (!tty->unsettled)
        return;
    tty->to_be_seen -= tty->to_be_seen > 0;
    if (IPC_NUMBER(id) == tty->reading) { /* it was not */
        tty->reading = 0;
        tty->unsettled = false;
    }
}

bool resume_settle(struct tty *tty)
{
    struct abi_port_info info;

    if (!tty->unsettled)
        return true;
    /* Fewer come than were queued if clients were killed meanwhile. */
    if (tty->to_be_seen && sys_port_info(PORT, &info) == 0 && info.queued)
        return false;
    if (tty->discipline.ready.head == tty->reading_head) /* ^C has not dropped them */
        discipline_consume(&tty->discipline, tty->reading_count);
    tty->reading = 0;
    tty->unsettled = false;
    return true;
}
