/*
 * The terminal server: serves MSG_TTY_*, reads and writes on its port from one
 * UART, and prints the kernel log.
 *
 * Handles init starts it with: those of grants.h, and H_SYSTEM with SIGNAL (^C), DEVICE
 * (the log) and INSPECT (^P). The argument "marked" asks for framed kernel lines
 * (klog.h), "fresh" for a start that takes nothing over.
 *
 * One thread. It waits in one place (server_run) and never for the device: what
 * the UART does not take now is sent when its interrupt says so, and long output
 * is sent in steps between which requests are received. The exception: with both
 * write buffers full nothing can be received, and the UART is watched until one
 * is empty.
 */
#ifndef USER_TTY_TTY_H
#define USER_TTY_TTY_H

#include "user/include/banyan.h"
#include "user/include/due.h"
#include "user/include/grants.h"
#include "user/tty/discipline.h"
#include "user/tty/klog.h"
#include "user/tty/output.h"
#include "user/tty/uart.h"

/* Notification bits. */
#define BIT_INTERRUPT  0
#define BIT_LOG        1 /* the kernel log grew */
#define BIT_AGAIN      2 /* a timer: more output could be sent */
#define BIT_READ_TIMER 3 /* VTIME of the first reader */
#define BIT_IDLE_TIMER 4 /* look again whether the last bit has left */

#define TTY_BADGE   1
#define READERS_MAX 128
#define WAITERS_MAX 16

struct reader {
    long id;
    unsigned long room;
    unsigned long since; /* ns, monotonic */
};

enum waiter_then { WAITER_ANSWER, WAITER_SET, WAITER_SET_AND_FLUSH };

/* A request to be answered when all that was written before it has left. */
struct waiter {
    long id;
    enum waiter_then then;
    bool log_first;               /* kernel lines logged before it have not all been taken */
    unsigned long urgent, writes; /* how far output must have come */
    struct msg_termios termios;
};

/* It lies in the memory that init keeps. What a successor takes over, and what it does
 * with requests that were in service, is told in resume.c. */
struct tty {
    unsigned long magic; /* TTY_MAGIC once all is set up */
    struct discipline discipline;
    struct output output;
    struct klog klog;
    struct uart uart;
    int group;                /* that ^C kills; 0 = nobody */
    unsigned long interrupts; /* ^C typed with nobody to kill */
    unsigned rows, columns;
    bool log_grew;
    /* The read that is being answered, 0 = none: its number, the bytes that it gets, and
     * where they begin. */
    unsigned long reading, reading_count;
    unsigned reading_head;
    bool unsettled;        /* whether the read above was answered is not known yet */
    unsigned long highest; /* number of a request, so far */
    unsigned long readers_in, readers_out; /* free-running */
    struct reader reader[READERS_MAX];
    unsigned waiters;
    struct waiter waiter[WAITERS_MAX];
    struct due due; /* answers with data that could not be sent yet */
    /* An answer without data that goes out with the next receive; id 0 = none. */
    long held_id;
    unsigned long held_words[IPC_WORDS];
};

/* Answer a request: with up to two more words, or all of them, soon; or with data,
 * now. The latter returns 0, or a negated errno if the client will not get it (its
 * answer is then an error, or it is dead). */
void tty_answer(struct tty *tty, long id, long status, unsigned long w1, unsigned long w2);
void tty_answer_words(struct tty *tty, long id, const unsigned long words[IPC_WORDS]);
long tty_answer_data(struct tty *tty, long id, long status, const void *data, unsigned long len);
void tty_flush_answer(struct tty *tty);

/* readers.c: reads and drains that wait. waiters_add is false if too many do. */
void readers_add(struct tty *tty, long id, unsigned long room);
void readers_serve(struct tty *tty);
bool waiters_add(struct tty *tty, const struct waiter *waiter);
void waiters_log_taken(struct tty *tty);
void waiters_serve(struct tty *tty);

/* requests.c: a request arrived, len bytes of data in output_buffer. */
void request_dispatch(struct tty *tty, const struct message *m, unsigned long len);

/* resume.c: takes over what a server that died has left. False: there is nothing, or it
 * is nonsense, and all is to be set up anew (the memory is zeroed then). The pointers
 * in it are not set. resume_seen: a request was received; resume_settle: when the fate
 * of the last answer to a read is known, draws the conclusion; false: not yet. */
bool resume(struct tty *tty);
void resume_seen(struct tty *tty, long id);
bool resume_settle(struct tty *tty);

/* server.c: the loop, which returns a line on why it cannot go on; and settings change,
 * what was typed before is looked at anew. */
const char *server_run(struct tty *tty);
void tty_set(struct tty *tty, const struct msg_termios *termios, bool flush);

#endif
