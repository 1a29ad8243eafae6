/* Output queues: see the header. */
#include "user/tty/output.h"

/* What was stored before it is there whenever the rest is. */
static void commit(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

char *output_buffer(struct output *o)
{
    if (o->writes_in - o->writes_out >= WRITES_MAX)
        return 0;
    return o->write[o->writes_in % WRITES_MAX].data;
}

void output_write(struct output *o, long id, unsigned long len)
{
    unsigned at = o->writes_in % WRITES_MAX;

    unsigned long done = 0;

    /* One that has been begun twice stands there twice. */
    for (unsigned i = 0; i < WRITES_MAX; i++)
        if (o->begun[i].number == IPC_NUMBER(id) && o->begun[i].len == len &&
            o->begun[i].done > done)
            done = o->begun[i].done;
    o->write[at].id = 0; /* what is said of the place is not this request's yet */
    commit();
    o->write[at].len = len;
    o->write[at].done = done;
    commit();
    o->write[at].id = id;
    commit();
    o->writes_in++;
}

bool output_urgent_waits(const struct output *o)
{
    return o->urgent_in != o->urgent_out;
}

bool output_urgent(struct output *o, const char *bytes, unsigned long n)
{
    if (n > URGENT_MAX - (o->urgent_in - o->urgent_out))
        return false;
    for (unsigned long i = 0; i < n; i++)
        o->urgent[(o->urgent_in + i) % URGENT_MAX] = bytes[i];
    commit();
    o->urgent_in += n;
    return true;
}

/* Prepares the next bytes for the device. Urgent ones and a write's are not mixed in
 * one load, so that a pair such as CR LF is never split by the former. */
static void load_fill(struct output *o)
{
    unsigned at = o->writes_out % WRITES_MAX;
    unsigned n = 0;
    size_t used;

    o->load.at = 0;
    for (; n < LOAD_MAX && o->urgent_out + n != o->urgent_in; n++)
        o->load.bytes[n] = o->urgent[(o->urgent_out + n) % URGENT_MAX];
    o->load.kind = n ? LOAD_URGENT : LOAD_WRITE;
    o->load.after = o->urgent_out + n;
    if (!n && o->writes_out != o->writes_in) {
        n = (unsigned)discipline_output(o->discipline, o->write[at].data + o->write[at].done,
                                        o->write[at].len - o->write[at].done, o->load.bytes,
                                        LOAD_MAX, &used);
        o->load.after = o->write[at].done + used;
    }
    commit();
    o->load.len = n;
}

/* All of the load is out. Doing it twice is as good as once. */
static void load_end(struct output *o)
{
    if (o->load.kind == LOAD_URGENT)
        o->urgent_out = o->load.after;
    else if (o->load.kind == LOAD_WRITE)
        o->write[o->writes_out % WRITES_MAX].done = o->load.after;
    commit();
    o->load.len = 0;
}

static bool write_done(const struct output *o)
{
    unsigned at = o->writes_out % WRITES_MAX;

    return o->writes_out != o->writes_in && o->write[at].done >= o->write[at].len;
}

/* All that was queued is out, whether or not the last write was reported yet. */
static bool nothing_left(const struct output *o)
{
    return o->urgent_in == o->urgent_out && !o->load.len &&
           (o->writes_in == o->writes_out || (o->writes_in - o->writes_out == 1 && write_done(o)));
}

enum output_state output_step(struct output *o, unsigned long budget)
{
    for (unsigned long sent = 0; sent < budget && !write_done(o) && !nothing_left(o);) {
        unsigned room = o->room(o->device);

        if (room < OUTPUT_ROOM)
            return OUTPUT_BLOCKED;
        if (!o->load.len)
            load_fill(o);
        for (; room && o->load.at < o->load.len; room--, sent++)
            o->put(o->device, o->load.bytes[o->load.at], &o->load.at);
        if (o->load.at == o->load.len)
            load_end(o);
    }
    return nothing_left(o) ? OUTPUT_EMPTY : OUTPUT_MORE;
}

long output_finished(struct output *o, unsigned long *len)
{
    unsigned at = o->writes_out % WRITES_MAX;

    if (!write_done(o))
        return 0;
    o->writes_out++;
    *len = o->write[at].len;
    return o->write[at].id;
}
