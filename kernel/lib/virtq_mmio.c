/* The virtio MMIO transport: see the header. Section numbers are VIRTIO 1.1's. */
#include "kernel/lib/virtq_mmio.h"
#include "kernel/errno.h"
#include "kernel/lib/virtq_order.h"

static void write64(volatile void *registers, unsigned offset, uint64_t value)
{
    virtio_write(registers, offset, (uint32_t)value);
    virtio_write(registers, offset + 4, (uint32_t)(value >> 32));
}

enum virtio_kind virtio_probe(const volatile void *registers, uint32_t *device_id)
{
    uint32_t version;

    *device_id = 0;
    if (virtio_read(registers, VIRTIO_MAGIC) != VIRTIO_MAGIC_VALUE)
        return VIRTIO_ABSENT;
    version = virtio_read(registers, VIRTIO_VERSION);
    *device_id = virtio_read(registers, VIRTIO_DEVICE_ID);
    if (!*device_id || version < 1 || version > 2)
        return VIRTIO_ABSENT;
    return version == 1 ? VIRTIO_LEGACY : VIRTIO_MODERN;
}

const char *virtio_explain(int err)
{
    switch (err) {
    case -ENODEV:
        return "there is no virtio block device behind this transport";
    case -EOPNOTSUPP:
        return "the device speaks legacy virtio only; give QEMU "
               "-global virtio-mmio.force-legacy=false";
    case -EINVAL:
        return "its request queue is smaller than the driver needs";
    case -EROFS:
        return "the disk is read-only";
    default:
        return "the device does not answer as the virtio specification says";
    }
}

int virtio_reset(volatile void *registers)
{
    dma_to_mmio();
    virtio_write(registers, VIRTIO_STATUS, 0);
    /* 4.2.3.1.1: it is stopped when it says so. A sane one does at once. */
    for (unsigned tries = 0; tries < 1000000; tries++) {
        if (virtio_read(registers, VIRTIO_STATUS) == 0) {
            mmio_to_dma();
            return 0;
        }
    }
    return -EIO;
}

uint32_t virtio_interrupt(volatile void *registers)
{
    uint32_t bits = virtio_read(registers, VIRTIO_INTERRUPT_STATUS);

    if (bits)
        virtio_write(registers, VIRTIO_INTERRUPT_ACK, bits);
    mmio_to_dma(); /* what completes after this raises a new interrupt */
    return bits;
}

bool virtio_needs_reset(const volatile void *registers)
{
    return virtio_read(registers, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET;
}

int virtio_fail(volatile void *registers, int err)
{
    virtio_write(registers, VIRTIO_STATUS, virtio_read(registers, VIRTIO_STATUS) | VIRTIO_FAILED);
    return err;
}

int virtio_negotiate(volatile void *registers, uint64_t *features)
{
    uint64_t offered;
    uint32_t status = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER;

    if (virtio_reset(registers))
        return -EIO;
    virtio_write(registers, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE);
    virtio_write(registers, VIRTIO_STATUS, status);
    virtio_write(registers, VIRTIO_DEVICE_FEATURES_AT, 0);
    offered = virtio_read(registers, VIRTIO_DEVICE_FEATURES);
    virtio_write(registers, VIRTIO_DEVICE_FEATURES_AT, 1);
    offered |= (uint64_t)virtio_read(registers, VIRTIO_DEVICE_FEATURES) << 32;
    if (!(offered & VIRTIO_F_VERSION_1))
        return virtio_fail(registers, -EOPNOTSUPP);
    *features = offered & (*features | VIRTIO_F_VERSION_1);
    virtio_write(registers, VIRTIO_DRIVER_FEATURES_AT, 0);
    virtio_write(registers, VIRTIO_DRIVER_FEATURES, (uint32_t)*features);
    virtio_write(registers, VIRTIO_DRIVER_FEATURES_AT, 1);
    virtio_write(registers, VIRTIO_DRIVER_FEATURES, (uint32_t)(*features >> 32));
    virtio_write(registers, VIRTIO_STATUS, status | VIRTIO_FEATURES_OK);
    if (!(virtio_read(registers, VIRTIO_STATUS) & VIRTIO_FEATURES_OK))
        return virtio_fail(registers, -EIO);
    return 0;
}

/* 4.2.3.2 */
int virtio_attach(volatile void *registers, const struct virtq *queue, uint64_t paddr)
{
    virtio_write(registers, VIRTIO_QUEUE_AT, 0);
    if (virtio_read(registers, VIRTIO_QUEUE_READY))
        return virtio_fail(registers, -EIO);
    if (virtio_read(registers, VIRTIO_QUEUE_SIZE_MAX) < queue->size)
        return virtio_fail(registers, -EINVAL);
    virtio_write(registers, VIRTIO_QUEUE_SIZE, queue->size);
    write64(registers, VIRTIO_QUEUE_DESC, paddr);
    write64(registers, VIRTIO_QUEUE_DRIVER, paddr + virtq_driver_offset(queue->size));
    write64(registers, VIRTIO_QUEUE_DEVICE, paddr + virtq_device_offset(queue->size));
    dma_to_mmio();
    virtio_write(registers, VIRTIO_QUEUE_READY, 1);
    return 0;
}

void virtio_run(volatile void *registers)
{
    virtio_write(registers, VIRTIO_STATUS,
                 VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

void virtio_notify(volatile void *registers, const struct virtq *queue)
{
    if (!virtq_wants_notify(queue))
        return;
    dma_to_mmio();
    virtio_write(registers, VIRTIO_QUEUE_NOTIFY, 0);
}
