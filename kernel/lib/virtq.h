/*
 * The split virtqueue (VIRTIO 1.1, 2.6), with which every virtio device is fed.
 *
 * kernel/lib/virtq*.c are freestanding: no libc, no allocation, no locks, nothing
 * that sleeps, so that one source serves a user-mode driver and the kernel. One
 * caller at a time for one device; locking is the caller's.
 *
 * What the device may do to us: nothing. All bookkeeping lives in the structs
 * here, which the device cannot write; an id that names no chain in flight, a
 * length beyond the buffer or an index that runs ahead is reported as -EIO, and
 * ever after (`broken`); the way out is to reset the device and begin anew.
 *
 * Errors are negative errno.
 */
#ifndef KERNEL_LIB_VIRTQ_H
#define KERNEL_LIB_VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTQ_MAX 256u /* descriptors in one queue, at most */

struct virtq_desc;
struct virtq_avail;
struct virtq_used;

/* One piece of a chain. Pieces the device reads come before those it writes. */
struct virtq_segment {
    uint64_t paddr;
    uint32_t len;
    bool device_writes;
};

struct virtq {
    struct virtq_desc *desc; /* the three parts shared with the device */
    volatile struct virtq_avail *avail;
    volatile struct virtq_used *used;
    uint16_t size; /* a power of two */
    uint16_t free_head;
    uint16_t free_count;
    uint16_t avail_index; /* free-running, as in the specification */
    uint16_t used_index;
    uint16_t in_flight; /* chains */
    bool broken;
    struct {
        uint32_t writable; /* of a chain in flight: bytes the device may write */
        uint16_t token;
        uint16_t next;   /* of a free descriptor, or within a chain */
        uint16_t length; /* descriptors in the chain headed here; 0 = none */
    } chain[VIRTQ_MAX];
};

/* Bytes of DMA memory that a queue of `size` descriptors takes, and where in it
 * the driver's part (available ring) and the device's (used ring) begin; the
 * descriptors come first. */
size_t virtq_bytes(unsigned size);
size_t virtq_driver_offset(unsigned size);
size_t virtq_device_offset(unsigned size);

/* Make an empty queue in zeroed-by-us memory, 16-byte aligned, of virtq_bytes(size).
 * size is a power of two, 2 to VIRTQ_MAX. -EINVAL if it is not. */
int virtq_init(struct virtq *queue, void *memory, unsigned size);

/* Hand a chain of count segments to the device; token comes back from
 * virtq_poll. -EAGAIN: not enough free descriptors now. -EINVAL: an empty or
 * misordered chain, or more segments than the queue has. -EIO: broken. */
int virtq_submit(struct virtq *queue, const struct virtq_segment *segments, unsigned count,
                 uint16_t token);

/* Does the device want to be told of what was submitted? */
bool virtq_wants_notify(const struct virtq *queue);

/* Take one completed chain: 1, with its token and the bytes the device says it
 * wrote; 0 if there is none; -EIO if the device broke the protocol. */
int virtq_poll(struct virtq *queue, uint16_t *token, uint32_t *written);

#endif
