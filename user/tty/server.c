/* The terminal server's loop: input, kernel log, output, then one message. */
#include "user/tty/tty.h"
#include <errno.h>
#include <string.h>
#include "user/include/heart.h"
#include "user/include/killpoint.h"

#define STEP_BYTES 2048      /* of output between two looks at the port */
#define INPUT_STEP 256       /* bytes typed, likewise */
#define WATCH_NS   1000000ul /* between two looks at a UART that is watched */
#define AGAIN_NS   50000ul
#define BEAT_NS    500000000ul /* so that each tick of init's sees one */
#define LIST_ROOM  32

/* --------------------------------------------------------------- answers */

void tty_flush_answer(struct tty *tty)
{
    struct message m;

    if (tty->held_id) {
        memcpy(m.w, tty->held_words, sizeof(m.w));
        kill_point_at(KILL_TTY_REPLY, &m, 0);
        ipc_reply(PORT, tty->held_id, &m, 0); /* a dead client needs none */
    }
    tty->held_id = 0;
}

void tty_answer_words(struct tty *tty, long id, const unsigned long words[IPC_WORDS])
{
    tty_flush_answer(tty);
    tty->held_id = id;
    memcpy(tty->held_words, words, sizeof(tty->held_words));
}

void tty_answer(struct tty *tty, long id, long status, unsigned long w1, unsigned long w2)
{
    const unsigned long words[IPC_WORDS] = {(unsigned long)status, w1, w2};

    tty_answer_words(tty, id, words);
}

long tty_answer_data(struct tty *tty, long id, long status, const void *data, unsigned long len)
{
    struct message m = {.w = {(unsigned long)status}};
    struct ipc_ext ext = {.send_addr = (unsigned long)data, .send_len = len};

    kill_point_at(KILL_TTY_REPLY, &m, &ext);
    return due_reply(&tty->due, PORT, id, &m, &ext);
}

/* ------------------------------------------------------------------ work */

/* ^C. With nobody to kill it is counted, which a shell asks for while it works, and
 * for whoever reads the line: he gets an empty one, also if he has printed a prompt
 * and is yet to ask. */
static void interrupt_key(struct tty *tty)
{
    if (tty->group > 1 && sys_kill(H_SYSTEM, -tty->group, ABI_SIGINT) >= 0)
        return;
    tty->interrupts++;
    if (tty->discipline.termios.lflag & TTY_ICANON)
        discipline_empty_line(&tty->discipline);
}

/* What the discipline asks for: INPUT_* bits. */
static void do_requests(struct tty *tty, unsigned requests)
{
    if (requests & INPUT_INTERRUPT)
        interrupt_key(tty);
    if (requests & INPUT_DUMP)
        sys_system(H_SYSTEM, SYSTEM_DUMP, 0, 0, 0);
}

void tty_set(struct tty *tty, const struct msg_termios *termios, bool flush)
{
    do_requests(tty, discipline_set(&tty->discipline, termios, flush));
}

/* Take what was typed. Returns whether there may be more. */
static bool input_step(struct tty *tty)
{
    for (unsigned i = 0; i < INPUT_STEP; i++) {
        int byte = uart_get(&tty->uart);

        if (byte < 0)
            return false;
        do_requests(tty, discipline_input(&tty->discipline, (unsigned char)byte));
    }
    return true;
}

/* Move kernel lines to the output if those before them are out; log_grew stays set
 * while there may be more. */
static void log_step(struct tty *tty)
{
    char text[KLOG_LINE_MAX];

    while (tty->log_grew && !output_urgent_waits(&tty->output)) {
        unsigned long position = tty->klog.position;
        long n = sys_system(H_SYSTEM, SYSTEM_LOG_READ, (long)text, sizeof(text), (long)&position);

        /* From where we were, but within the log: it begins later, and ends before a place that
         * is nonsense. */
        if (n >= 0) {
            tty->klog.position = position - (unsigned long)n;
            if (klog_take(&tty->klog, text, (unsigned long)n))
                continue;
        }
        tty->log_grew = false;
        waiters_log_taken(tty);
    }
}

/* Do all that can be done now. Returns the state of output; BLOCKED only after
 * the UART was asked to interrupt. */
static enum output_state work(struct tty *tty)
{
    bool more_input = input_step(tty);
    enum output_state state;
    unsigned long len;
    long id;

    log_step(tty);
    state = output_step(&tty->output, STEP_BYTES);
    while ((id = output_finished(&tty->output, &len)))
        tty_answer(tty, id, (long)len, 0, 0);
    if (state == OUTPUT_EMPTY)
        log_step(tty); /* most often to say that the line is out, and hear that it was the last */
    readers_serve(tty);
    waiters_serve(tty);
    uart_transmit_interrupt(&tty->uart, state == OUTPUT_BLOCKED);
    if (more_input || (tty->log_grew && state == OUTPUT_EMPTY))
        return OUTPUT_MORE;
    return state;
}

/* ------------------------------------------------------------------ loop */

/* Does the request of that number wait here somewhere? */
static bool is_known(const struct tty *tty, unsigned long number)
{
    const struct output *o = &tty->output;

    for (unsigned long i = tty->readers_out; i != tty->readers_in; i++)
        if (IPC_NUMBER(tty->reader[i % READERS_MAX].id) == number)
            return true;
    for (unsigned i = 0; i < tty->waiters; i++)
        if (IPC_NUMBER(tty->waiter[i].id) == number)
            return true;
    for (unsigned long i = o->writes_out; i != o->writes_in; i++)
        if (IPC_NUMBER(o->write[i % WRITES_MAX].id) == number)
            return true;
    return IPC_NUMBER(tty->held_id) == number || due_has(&tty->due, number);
}

/* Are all requests that the kernel says we have known here? If one is not, its client would
 * wait for ever. */
static bool all_known(const struct tty *tty)
{
    unsigned long numbers[LIST_ROOM], last = 0;
    long n;

    while ((n = sys_port_list(PORT, PORT_IN_SERVICE, last, numbers, LIST_ROOM)) > 0)
        for (long i = 0; i < n; i++) {
            last = numbers[i];
            if (!is_known(tty, last))
                return false;
        }
    return true;
}

/* Why it is better to begin anew, or 0. */
static const char *notified(struct tty *tty, unsigned long bits)
{
    if (bits & NOTIFY_HEARTBEAT && !all_known(tty))
        return "tty: the answer to a request got lost\n";
    if (bits & NOTIFY_HEARTBEAT)
        heart_beat(HEART_TTY);
    if (bits & (1ul << BIT_LOG | NOTIFY_HEARTBEAT))
        tty->log_grew = true;
    if (bits & NOTIFY_ROOM)
        due_retry(&tty->due, PORT);
    /* With the heartbeat, too: an interrupt that was lost is not missed for long. */
    if (bits & (1ul << BIT_INTERRUPT | NOTIFY_HEARTBEAT)) {
        /* Empty the receiver before the line is opened again, or it would fire at
         * once. More than a step's worth is left for that to happen. */
        uart_acknowledge(&tty->uart);
        input_step(tty);
        sys_irq_ack(INTERRUPT);
    }
    return 0;
}

/* Wait for a message, sending the answer that is held on the way. Returns as
 * ipc_receive does. */
static long next_message(struct tty *tty, char *buffer, struct message *m, struct ipc_ext *ext)
{
    long id;

    *ext = (struct ipc_ext){.recv_addr = (unsigned long)buffer, .recv_cap = IPC_BUFFER_MAX};
    if (tty->held_id) {
        memcpy(m->w, tty->held_words, sizeof(m->w));
        kill_point_at(KILL_TTY_REPLY, m, ext);
        id = ipc_reply_receive(PORT, tty->held_id, m, ext);
        tty->held_id = 0;
        if (id >= 0)
            return id;
        /* The client is dead; or the port is, and then this says so. */
        *ext = (struct ipc_ext){.recv_addr = (unsigned long)buffer, .recv_cap = IPC_BUFFER_MAX};
    }
    return ipc_receive(PORT, m, ext);
}

const char *server_run(struct tty *tty)
{
    struct message m = {0};
    struct ipc_ext ext;
    unsigned long last_beat = 0;
    volatile unsigned char *const registers = tty->uart.registers;

    for (;;) {
        if (tty->uart.registers != registers)
            return "tty: it has lost the UART\n";

        enum output_state state = work(tty);
        char *buffer = output_buffer(&tty->output);
        long id;

        if (!buffer) {
            tty_flush_answer(tty);
            if (state == OUTPUT_BLOCKED) {
                sys_sleep(WATCH_NS);
                if ((unsigned long)sys_clock(ABI_CLOCK_MONOTONIC) - last_beat > BEAT_NS) {
                    heart_beat(HEART_TTY); /* nothing is received here */
                    last_beat = (unsigned long)sys_clock(ABI_CLOCK_MONOTONIC);
                }
                tty->log_grew = true; /* its notification waits on the port */
            }
            continue;
        }
        /* A notification goes before requests, so one raised now would keep them
         * waiting for all of a long write; one that comes a little later does not. */
        if (state == OUTPUT_MORE)
            sys_port_timer(PORT, BIT_AGAIN, AGAIN_NS);
        id = next_message(tty, buffer, &m, &ext);
        if (id < 0)
            return "tty: the port is gone\n";
        if (id == 0) {
            const char *complaint = notified(tty, m.w[0]);
            if (complaint)
                return complaint;
            continue;
        }
        /* Handles sent to us would pile up in our table: nobody needs them. */
        for (unsigned i = 0; i < ext.recv_handle_count; i++)
            sys_close(ext.recv_handles[i]);
        kill_point(KILL_TTY_RECEIVED);
        resume_seen(tty, id);
        request_dispatch(tty, &m, ext.recv_len);
    }
}
