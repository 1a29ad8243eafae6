/*
 * Kill points: the steps of a server that others can see, each with a switch. Set, it has
 * the server killed there, as from outside, the n-th time that it comes by; or the thread
 * sleeps or loops there for ever, as a bug might make it. A test goes through all of
 * KILL_POINTS, so that a step which is added here is tested, and one that is never reached
 * is found.
 *
 * The switches are in a page that init keeps (handle KILL_PAGE): its count of times that a
 * point was reached outlives the server. A point that is not set costs a load and a
 * branch; without a page, too.
 */
#ifndef USER_KILLPOINT_H
#define USER_KILLPOINT_H

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
    POINT(BLK_COMPLETED, "blk", "the device has done it")                                          \
    POINT(BLK_REPLY, "blk", "a reply is sent")

#define KILL_POINT_ENUM(name, service, what) KILL_##name,
enum kill_point { KILL_NOWHERE, KILL_POINTS(KILL_POINT_ENUM) KILL_POINT_COUNT };
#undef KILL_POINT_ENUM

enum kill_action { KILL_DIE, KILL_SLEEP, KILL_LOOP, KILL_ACTIONS };

struct kill_page {
    volatile unsigned long at;     /* the point that is set, or KILL_NOWHERE */
    volatile unsigned long action; /* enum kill_action */
    volatile unsigned long countdown;
    volatile unsigned long reached[KILL_POINT_COUNT];
};

extern struct kill_page *kill_page; /* NULL: none */

/* To be called once, at the start. */
void kill_points_open(void);
/* The point is set: counts down, and acts at the last. */
void kill_point_set(struct kill_page *page);

/* The server comes by. */
static inline void kill_point(enum kill_point point)
{
    struct kill_page *page = kill_page;

    if (!page)
        return;
    page->reached[point]++; /* several threads may lose one: it is there to tell from none */
    if (page->at == point)
        kill_point_set(page);
}

#endif
