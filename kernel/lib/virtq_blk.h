/*
 * A virtio block device (VIRTIO 1.1, 5.2): read, write and flush. See virtq.h for
 * who may call.
 *
 * Who owns DMA memory, and when:
 *  - The caller provides all of it, wired, each piece physically contiguous, with
 *    its physical address, and the register window as a pointer. The memory given
 *    to virtio_blk_start is this code's and the device's until virtio_reset has
 *    returned 0.
 *  - A data buffer is the caller's until virtio_blk_submit accepts it, then the
 *    device's until virtio_blk_poll reports that request, or virtio_reset has
 *    returned 0. Only then may it be read, reused or freed.
 *
 * Errors are negative errno.
 */
#ifndef KERNEL_LIB_VIRTQ_BLK_H
#define KERNEL_LIB_VIRTQ_BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/lib/virtq_mmio.h"

#define VIRTIO_SECTOR       512u
#define VIRTIO_BLK_REQUESTS 64u /* in flight at once, at most */
#define VIRTIO_BLK_SEGMENTS 32u /* data segments of one request, at most */

enum virtio_blk_op {
    VIRTIO_BLK_READ,
    VIRTIO_BLK_WRITE,
    VIRTIO_BLK_FLUSH,
};

struct virtio_blk_shared;

struct virtio_blk {
    volatile void *registers;
    struct virtq queue;
    uint64_t sectors; /* capacity, in 512-byte sectors */
    bool read_only;
    bool has_flush; /* it has a cache, and a command that empties it */
    unsigned requests;
    volatile struct virtio_blk_shared *shared; /* one per request */
    uint64_t shared_paddr;
    struct {
        uint32_t reads; /* data bytes the device must write for success */
        bool busy;
    } request[VIRTIO_BLK_REQUESTS];
};

/* Bytes of DMA memory for `requests` requests over `descriptors` descriptors. */
size_t virtio_blk_bytes(unsigned requests, unsigned descriptors);

/*
 * Reset the device, negotiate, set its queue up and start it. memory (16-byte
 * aligned, virtio_blk_bytes(requests, descriptors) long) is at paddr. A request
 * takes two descriptors and one for each data segment.
 *
 * -ENODEV no block device there; -EOPNOTSUPP a legacy transport or a device
 * that is not VIRTIO 1; -EINVAL bad numbers, or a queue smaller than asked;
 * -EIO the device does not answer as the specification says. After an error
 * the device is stopped (or beyond help).
 */
int virtio_blk_start(struct virtio_blk *blk, volatile void *registers, void *memory, uint64_t paddr,
                     unsigned requests, unsigned descriptors);

/*
 * Start request number `request` (below blk->requests, not in flight): op on
 * `count` data segments from `sector` on (none, for a flush). device_writes of
 * the segments is filled in here. The device is not told yet: virtio_blk_notify
 * does that for all that was submitted before it.
 *
 * -EINVAL: not whole sectors, beyond the end, or a bad number; -EROFS; -EBUSY:
 * that request is in flight; -EAGAIN: descriptors are short; -EIO: broken.
 */
int virtio_blk_submit(struct virtio_blk *blk, unsigned request, enum virtio_blk_op op,
                      uint64_t sector, struct virtq_segment *data, unsigned count);
void virtio_blk_notify(struct virtio_blk *blk);

/* Take one completed request: 1, with its number and its result (0, -EIO, or
 * -EOPNOTSUPP); 0 if there is none; -EIO if the device broke the protocol:
 * nothing in flight will complete, and virtio_reset is due. */
int virtio_blk_poll(struct virtio_blk *blk, unsigned *request, int *result);

#endif
