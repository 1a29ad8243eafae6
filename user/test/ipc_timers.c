/*
 * Many timers of a port at once, some called off or set anew while the others
 * run: each comes once and not early, none is lost, and none waits for a later one.
 *
 * test: points=2
 */
#include "user/test/ipc_util.h"

#define TIMERS 60
#define ROUNDS 25
#define LOST   (10 * SECOND) /* what is later than that does not come any more */
#define LOOK   63            /* the bit by which we look without waiting */

/* One round: when each timer is due, which bits must come, and which may. */
struct round {
    int port;
    long due[TIMERS];
    unsigned long wanted, allowed;
};

static unsigned long state = 0x2545f4914f6cdd1dul;

static unsigned long next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Sets a timer, for the first time or anew. */
static int set(struct round *r, unsigned bit)
{
    long in = 20 * MS + (long)(next_random() % (40 * MS)), old = r->due[bit], now = now_ns();

    CHECK_IS(sys_port_timer(r->port, bit, (unsigned long)in), 0);
    /* It may have come before that, and may come twice then. */
    r->due[bit] = old && now_ns() >= old ? old : now + in;
    r->wanted |= 1ul << bit;
    r->allowed |= 1ul << bit;
    return 0;
}

static int call_off(struct round *r, unsigned bit)
{
    CHECK_IS(sys_port_timer(r->port, bit, 0), 0);
    r->wanted &= ~(1ul << bit);
    if (now_ns() < r->due[bit])
        r->allowed &= ~(1ul << bit); /* it cannot have come before */
    return 0;
}

/* Takes what has come. *first is when the first bits did. */
static int look(struct round *r, long *first)
{
    struct message m;
    long now;

    CHECK_IS(sys_notify(r->port, 1ul << LOOK), 0);
    CHECK_IS(ipc_receive(r->port, &m, 0), 0);
    now = now_ns();
    m.w[0] &= ~(1ul << LOOK);
    CHECK_IS(m.w[0] & ~r->allowed, 0);
    for (unsigned bit = 0; bit < TIMERS; bit++)
        CHECK(!(m.w[0] >> bit & 1) || now >= r->due[bit]);
    if (m.w[0] && !*first)
        *first = now;
    r->wanted &= ~m.w[0];
    return 0;
}

static int many(void *unused)
{
    int port = (int)sys_port_create(), in_time = 0;

    (void)unused;
    CHECK(port >= 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct round r = {.port = port};
        long last = 0, first = 0;
        for (unsigned bit = 0; bit < TIMERS; bit++)
            if (set(&r, bit))
                return 1;
        for (int n = 0; n < TIMERS; n++) {
            unsigned bit = next_random() % TIMERS;
            if (n % 3 ? call_off(&r, bit) : set(&r, bit))
                return 1;
        }
        for (unsigned bit = 0; bit < TIMERS; bit++)
            if (r.wanted >> bit & 1 && r.due[bit] > last)
                last = r.due[bit];
        while (r.wanted) {
            CHECK(now_ns() < last + LOST);
            if (look(&r, &first))
                return 1;
            sys_yield();
        }
        in_time += first < last;
        /* What is still under way shall not come in the next round. */
        for (unsigned bit = 0; bit < TIMERS; bit++)
            CHECK_IS(sys_port_timer(port, bit, 0), 0);
        r.allowed = ~0ul;
        memset(r.due, 0, sizeof r.due);
        if (look(&r, &first))
            return 1;
    }
    CHECK(in_time > 0); /* the first do not wait for the last */
    CHECK_IS(sys_close(port), 0);
    return 0;
}

/* A heart-beat must not fail for want of memory: the timer that came is there for the next, and one
 * that has not come is moved. */
static int again(void *unused)
{
    int port = (int)sys_port_create(), constant = 0;
    struct message m;

    (void)unused;
    CHECK(port >= 0);
    for (int i = 0; i < 20; i++) {
        unsigned long set, moved, come;
        CHECK_IS(sys_port_timer(port, i % 3, SECOND), 0);
        set = kmalloc_bytes();
        CHECK_IS(sys_port_timer(port, i % 3, 2 * MS), 0);
        moved = kmalloc_bytes();
        CHECK_IS(ipc_receive(port, &m, 0), 0);
        CHECK_IS(m.w[0], 1ul << i % 3);
        come = kmalloc_bytes();
        constant += set == moved && set == come; /* now and then a server has something new */
    }
    CHECK(constant > 15);
    CHECK_IS(sys_close(port), 0);
    return 0;
}

/* Of many timers at once nothing stays when they have come, though the port does. */
static int none_stays(void *unused)
{
    int port = (int)sys_port_create(), constant = 0;
    struct message m;

    (void)unused;
    CHECK(port >= 0);
    for (int i = 0; i < 20; i++) {
        unsigned long before = kmalloc_bytes(), came = 0;
        for (unsigned bit = 0; bit < 5; bit++)
            CHECK_IS(sys_port_timer(port, bit, MS + bit * MS / 4), 0);
        while (came != 31) {
            CHECK_IS(ipc_receive(port, &m, 0), 0);
            came |= m.w[0];
        }
        constant += before == kmalloc_bytes();
    }
    CHECK(constant > 15);
    CHECK_IS(sys_close(port), 0);
    return 0;
}

static const struct proc_test tests[] = {
    {again, "a timer that is set again needs no memory"},
    {none_stays, "many that have come have left none"},
    {many, "many timers, set, called off and set anew"},
};

int main(void)
{
    return RUN_TESTS(tests);
}
