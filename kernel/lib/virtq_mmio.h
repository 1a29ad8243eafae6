/*
 * The virtio MMIO transport, version 2 (VIRTIO 1.1, 4.2): finding a device,
 * agreeing with it, giving it its queue, its interrupt, its reset. A transport of
 * version 1 (legacy) is recognised, so that a driver can say so, and not driven.
 *
 * `registers` is the device's register window. Errors are negative errno. See
 * virtq.h for who may call.
 */
#ifndef KERNEL_LIB_VIRTQ_MMIO_H
#define KERNEL_LIB_VIRTQ_MMIO_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/lib/virtq.h"

#define VIRTIO_MAGIC              0x000
#define VIRTIO_VERSION            0x004
#define VIRTIO_DEVICE_ID          0x008
#define VIRTIO_DEVICE_FEATURES    0x010
#define VIRTIO_DEVICE_FEATURES_AT 0x014
#define VIRTIO_DRIVER_FEATURES    0x020
#define VIRTIO_DRIVER_FEATURES_AT 0x024
#define VIRTIO_QUEUE_AT           0x030
#define VIRTIO_QUEUE_SIZE_MAX     0x034
#define VIRTIO_QUEUE_SIZE         0x038
#define VIRTIO_QUEUE_READY        0x044
#define VIRTIO_QUEUE_NOTIFY       0x050
#define VIRTIO_INTERRUPT_STATUS   0x060
#define VIRTIO_INTERRUPT_ACK      0x064
#define VIRTIO_STATUS             0x070
#define VIRTIO_QUEUE_DESC         0x080 /* low word; the high one follows */
#define VIRTIO_QUEUE_DRIVER       0x090
#define VIRTIO_QUEUE_DEVICE       0x0a0
#define VIRTIO_GENERATION         0x0fc
#define VIRTIO_CONFIG             0x100

#define VIRTIO_MAGIC_VALUE 0x74726976u /* "virt" */
#define VIRTIO_ID_BLOCK    2u

/* Bits of VIRTIO_STATUS. */
#define VIRTIO_ACKNOWLEDGE 1u
#define VIRTIO_DRIVER      2u
#define VIRTIO_DRIVER_OK   4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_NEEDS_RESET 64u
#define VIRTIO_FAILED      128u

/* Bits of VIRTIO_INTERRUPT_STATUS. */
#define VIRTIO_IRQ_QUEUE  1u
#define VIRTIO_IRQ_CONFIG 2u

#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_BLK_F_RO    (1ull << 5)
#define VIRTIO_BLK_F_FLUSH (1ull << 9)

#ifdef HOST_TEST /* the test has the registers */
uint32_t virtio_read(const volatile void *registers, unsigned offset);
void virtio_write(volatile void *registers, unsigned offset, uint32_t value);
#else
static inline uint32_t virtio_read(const volatile void *registers, unsigned offset)
{
    return *(const volatile uint32_t *)((const volatile char *)registers + offset);
}

static inline void virtio_write(volatile void *registers, unsigned offset, uint32_t value)
{
    *(volatile uint32_t *)((volatile char *)registers + offset) = value;
}
#endif

/* What virtio_probe finds in a register window. */
enum virtio_kind {
    VIRTIO_ABSENT, /* no virtio transport, or one with nothing plugged in */
    VIRTIO_LEGACY, /* transport version 1: not driven */
    VIRTIO_MODERN, /* transport version 2 */
};

/* Look at a register window without changing anything (read access is enough).
 * *device_id is set to the device's id (0 if absent). */
enum virtio_kind virtio_probe(const volatile void *registers, uint32_t *device_id);

/* One sentence fragment on why a virtio_* function returned err, for a log. */
const char *virtio_explain(int err);

/* Reset the device and agree on features (3.1.1, steps 1 to 6): *features is in
 * those wanted beside VERSION_1, out those agreed on. -EOPNOTSUPP: not a VIRTIO 1
 * device; -EIO: it does not answer as specified. */
int virtio_negotiate(volatile void *registers, uint64_t *features);

/* Make `queue`, whose memory is at paddr, the device's queue 0. -EINVAL: the
 * device's queue cannot be that large; -EIO: it is in use already. */
int virtio_attach(volatile void *registers, const struct virtq *queue, uint64_t paddr);

/* The last step: the device may work from here on. */
void virtio_run(volatile void *registers);

/* Tell the device of what was submitted to queue 0, if it wants to be told. */
void virtio_notify(volatile void *registers, const struct virtq *queue);

/* After a failure: tell the device that its driver has given up. Returns err. */
int virtio_fail(volatile void *registers, int err);

/* Acknowledge the device's interrupt, before polling. Returns the VIRTIO_IRQ_*
 * bits that were set. With VIRTIO_IRQ_CONFIG among them, virtio_needs_reset says
 * whether the device has given up (then nothing in flight will complete). */
uint32_t virtio_interrupt(volatile void *registers);
bool virtio_needs_reset(const volatile void *registers);

/* Stop the device: after 0 it touches no memory. -EIO if it does not obey. */
int virtio_reset(volatile void *registers);

#endif
