/*
 * What goes out on the line: a short queue of urgent bytes (echo, kernel lines),
 * then the writes of programs in the order they came. Pure like the discipline:
 * the device is behind two functions, and finished writes are reported to the
 * caller, who answers them.
 *
 * All this outlives the server (resume.c): a server can be killed between any two
 * instructions, so what a step changes becomes true with one store at its end.
 *
 * Two writes at most are held, each in a buffer of its own that a request's data
 * is received in: so one is on its way out while requests of other kinds, and one
 * more write, can still be received.
 */
#ifndef USER_TTY_OUTPUT_H
#define USER_TTY_OUTPUT_H

#include "user/tty/discipline.h"
#include "kernel/abi.h"

#define URGENT_MAX  8192 /* a power of two */
#define WRITES_MAX  2
#define LOAD_MAX    64 /* bytes prepared for the device at once */
#define OUTPUT_ROOM 2  /* bytes that the device must take, or it counts as blocked */

enum output_state {
    OUTPUT_EMPTY,   /* nothing is left */
    OUTPUT_MORE,    /* the step is over, the device would take more */
    OUTPUT_BLOCKED, /* the device takes nothing now */
};

struct output {
    struct discipline *discipline;
    unsigned (*room)(void *device);                        /* bytes the device takes now */
    void (*put)(void *device, char byte, unsigned *count); /* and count it, in one step */
    void *device;

    /* Bytes on their way to the device: at of them have been given to it. When all
     * have, urgent_out or the first write's done becomes `after`; if they are counted
     * already, nothing. */
    struct {
        char bytes[LOAD_MAX];
        unsigned at, len;
        enum { LOAD_URGENT, LOAD_WRITE, LOAD_COUNTED } kind;
        unsigned long after;
    } load;

    char urgent[URGENT_MAX];
    unsigned long urgent_in, urgent_out; /* bytes, free-running */

    unsigned long writes_in, writes_out; /* writes, free-running */
    struct {
        long id; /* of the request */
        unsigned long len, done;
        char data[IPC_BUFFER_MAX];
    } write[WRITES_MAX];

    /* How far the writes of a server that died had come: they are asked for again. */
    struct {
        unsigned long number; /* of the request; 0 = none */
        unsigned long len, done;
    } begun[WRITES_MAX];
};

/* The buffer the next write's data must be received in, or 0 if both are used. */
char *output_buffer(struct output *output);

/* Data of a write request (len bytes, > 0) is in output_buffer: queue it; of one that
 * was begun, the rest. */
void output_write(struct output *output, long id, unsigned long len);

/* Queue processed bytes ahead of all writes: all or none. False: no room. */
bool output_urgent(struct output *output, const char *bytes, unsigned long n);
/* Have any of them not come to the device yet? */
bool output_urgent_waits(const struct output *output);

/* Give the device up to `budget` bytes or a few more. */
enum output_state output_step(struct output *output, unsigned long budget);

/* A write that went out wholly: its request and length; 0 if there is none. Ask
 * after each step until 0; a write's buffer is free once it was reported. */
long output_finished(struct output *output, unsigned long *len);

#endif
