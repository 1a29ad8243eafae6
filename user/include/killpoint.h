/*
 * Kill points: the steps of a server that others can see, each with a switch. Set, it has
 * the server killed there, as from outside, the n-th time that it comes by; or it does there
 * what a bug or a broken memory might: sleeps or loops for ever, has a bit of its memory
 * flipped, sends a message that is not what it should be, ignores an interrupt. A test goes
 * through all of KILL_POINTS, so that a step which is added here is tested, and one that is
 * never reached is found.
 *
 * The switches are in a page that init keeps (handle KILL_PAGE): its count of times that a
 * point was reached outlives the server. A point that is not set costs a load and a
 * branch; without a page, too.
 */
#ifndef USER_KILLPOINT_H
#define USER_KILLPOINT_H

#include <stdbool.h>

struct message;
struct ipc_ext;

#define KILL_POINTS(POINT)                                                                         \
    POINT(FS_RECEIVED, "fs", "a request was received")                                             \
    POINT(FS_SEND, "fs", "a request to the disk driver is sent")                                   \
    POINT(FS_DONE, "fs", "the disk driver has answered")                                           \
    POINT(FS_PUBLISH, "fs", "a record is published")                                               \
    POINT(FS_PUBLISHED, "fs", "a record was published")                                            \
    POINT(FS_REPLY, "fs", "a reply is sent")                                                       \
    POINT(FS_OPENED, "fs", "a reply with a session was sent")                                      \
    POINT(BLK_RECEIVED, "blk", "a request was received")                                           \
    POINT(BLK_SUBMITTED, "blk", "the device has it")                                               \
    POINT(BLK_INTERRUPT, "blk", "an interrupt came")                                               \
    POINT(BLK_COMPLETED, "blk", "the device has done it")                                          \
    POINT(BLK_REPLY, "blk", "a reply is sent")                                                     \
    POINT(TTY_RECEIVED, "tty", "a request was received")                                           \
    POINT(TTY_REPLY, "tty", "a reply is sent")

#define KILL_POINT_ENUM(name, service, what) KILL_##name,
enum kill_point { KILL_NOWHERE, KILL_POINTS(KILL_POINT_ENUM) KILL_POINT_COUNT };
#undef KILL_POINT_ENUM

enum kill_action {
    KILL_DIE,
    KILL_SLEEP,
    KILL_LOOP,
    KILL_FLIP,   /* a bit: `with` is KILL_FLIP_WITH() */
    KILL_GARBLE, /* what is sent there, if anything is: `with` seeds how */
    KILL_IGNORE, /* the interrupt that came: at BLK_INTERRUPT only */
    KILL_ACTIONS
};

/* Bit 0 to 7 of the byte at an address, in a page whose protection is prot. */
#define KILL_FLIP_WITH(address, bit, prot)                                                         \
    ((unsigned long)(address) << 3 | (unsigned long)(bit) | (unsigned long)(prot) << 60)

struct kill_page {
    volatile unsigned long at;     /* the point that is set, or KILL_NOWHERE */
    volatile unsigned long action; /* enum kill_action */
    volatile unsigned long countdown;
    volatile unsigned long with;
    volatile unsigned long faults; /* flips, garbled messages and ignored things so far */
    volatile unsigned long reached[KILL_POINT_COUNT];
};

extern struct kill_page *kill_page; /* NULL: none */

/* To be called once, at the start. */
void kill_points_open(void);
/* No bit is flipped there: what is damaged there may do harm that nothing can contain. */
void kill_spare(const volatile void *start, unsigned long bytes);
/* The point is set: counts down, and acts at the last. m and ext: what is to be sent, or
 * NULL. True: the server shall ignore what came. */
bool kill_point_set(struct kill_page *page, struct message *m, struct ipc_ext *ext);

/* The server comes by, and is about to send m with ext (NULL: nothing). True: it shall
 * ignore what came. */
static inline bool kill_point_at(enum kill_point point, struct message *m, struct ipc_ext *ext)
{
    struct kill_page *page = kill_page;

    if (!page)
        return false;
    page->reached[point]++; /* several threads may lose one: it is there to tell from none */
    return page->at == point && kill_point_set(page, m, ext);
}

static inline void kill_point(enum kill_point point)
{
    kill_point_at(point, 0, 0);
}

#endif
