/* Output queues: see the header. */
#include "user/tty/output.h"

#define LOAD_MAX 64 /* bytes prepared for the device at once */

char *output_buffer(struct output *o)
{
    if (o->writes_in - o->writes_out >= WRITES_MAX)
        return 0;
    return o->write[o->writes_in % WRITES_MAX].data;
}

void output_write(struct output *o, long id, unsigned long len)
{
    unsigned at = o->writes_in++ % WRITES_MAX;

    o->write[at].id = id;
    o->write[at].len = len;
    o->write[at].done = 0;
}

unsigned long output_urgent_room(const struct output *o)
{
    return URGENT_MAX - (o->urgent_in - o->urgent_out);
}

bool output_urgent(struct output *o, const char *bytes, unsigned long n)
{
    if (n > output_urgent_room(o))
        return false;
    while (n--)
        o->urgent[o->urgent_in++ % URGENT_MAX] = *bytes++;
    return true;
}

/* The next bytes for the device, at most room. Urgent ones and a write's are not
 * mixed in one load, so that a pair such as CR LF is never split by the former. */
static unsigned long next_load(struct output *o, char *load, unsigned long room)
{
    unsigned at = o->writes_out % WRITES_MAX;
    unsigned long n = 0;
    size_t used;

    for (; n < room && o->urgent_out != o->urgent_in; n++)
        load[n] = o->urgent[o->urgent_out++ % URGENT_MAX];
    if (n || o->writes_out == o->writes_in)
        return n;
    n = discipline_output(o->discipline, o->write[at].data + o->write[at].done,
                          o->write[at].len - o->write[at].done, load, room, &used);
    o->write[at].done += used;
    return n;
}

static bool write_done(const struct output *o)
{
    unsigned at = o->writes_out % WRITES_MAX;

    return o->writes_out != o->writes_in && o->write[at].done == o->write[at].len;
}

/* All that was queued is out, whether or not the last write was reported yet. */
static bool nothing_left(const struct output *o)
{
    return o->urgent_in == o->urgent_out &&
           (o->writes_in == o->writes_out || (o->writes_in - o->writes_out == 1 && write_done(o)));
}

enum output_state output_step(struct output *o, unsigned long budget)
{
    char load[LOAD_MAX];

    for (unsigned long sent = 0; sent < budget && !write_done(o) && !nothing_left(o);) {
        unsigned long room = o->room(o->device);
        unsigned long n;

        if (room < 2) /* a pair needs room for both */
            return OUTPUT_BLOCKED;
        n = next_load(o, load, room < LOAD_MAX ? room : LOAD_MAX);
        for (unsigned long i = 0; i < n; i++)
            o->put(o->device, load[i]);
        sent += n;
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
