/*
 * The disk driver: serves MSG_BLK_* on its port from one virtio block device.
 *
 * Handles init starts it with: those of grants.h, and H_SYSTEM for the log.
 *
 * It keeps nothing that a successor would need: when it dies, the kernel resets the
 * device, and all that was asked and not answered is asked again.
 *
 * A *slot* is 64 KiB of DMA memory and the request that is using it. A slot is
 *   free         -> lent to receive as the buffer a request's data arrives in
 *   in flight    -> submitted to the device; its memory is the device's
 *   held         -> answered, but the answer has not been sent yet (one at most:
 *                   it leaves with the next receive, in one system call)
 *   free again   when the client has its answer.
 * Requests are taken only while a slot is free. When none is, every slot is with
 * the device, whose completions are then awaited on a port of our own that no
 * client can send to, so that requests go on waiting in the kernel's queue.
 */
#ifndef USER_BLK_H
#define USER_BLK_H

#include <stdbool.h>
#include "user/include/banyan.h"
#include "user/include/due.h"
#include "user/include/grants.h"
#include "user/include/killpoint.h"

#define BIT_INTERRUPT 0 /* notification bits, on either port */
#define BIT_WATCH     1 /* a timer, on the quiet port */

#define WATCH_NS       1000000000ul /* between two looks at a device that says nothing */
#define PATIENCE_LOOKS 30           /* then a request is not waited for any more */

/* Code that a device's view of memory depends on. There is no IOMMU: a bit that is wrong
 * in it, in struct driver, on the stack, in the rings or in the registers may have the
 * device write anywhere. So these are spared when bits are flipped for a test; a jump or a
 * store that went wrong elsewhere could still hit them, and did not in thousands of faults. */
#define DMA_TEXT __attribute__((section(".text.dma"), noinline))

struct slot {
    char *memory;
    unsigned long paddr;
    long id;             /* of the request being served; 0 = the slot is free */
    unsigned long bytes; /* of reply data, if it succeeds */
    unsigned since;      /* looks before it went to the device */
    bool writes;         /* it is with the device, which may write the medium for it */
    unsigned awaits;     /* a flush: slots whose writes must end before, a bit for each */
};

struct driver {
    struct virtio_blk disk;
    volatile void *registers;
    void *queue_memory;
    unsigned long queue_paddr;
    int quiet_port; /* for completions when no slot is free */
    unsigned looks; /* at the device, one a second or a little more */
    unsigned slots;
    struct slot slot[BLK_SLOTS_MAX];
    struct slot *held; /* its answer is due with the next receive, or 0 */
    long held_status;
    struct due due; /* answers that could not be sent yet; their slots are free */
};

/* Start the device (again); its queue memory must not be in use. Logs why not
 * and returns a negated errno on failure. */
int driver_start(struct driver *driver);

/* Serve for ever. Returns only if the port is gone or the device is beyond help. */
void server_run(struct driver *driver);

/* One line of the kernel log: "blk: what: why". */
void log_line(const char *what, const char *why);

#endif
