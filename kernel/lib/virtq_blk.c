/* Virtio block device: see the header. Section numbers are VIRTIO 1.1's. */
#include "kernel/lib/virtq_blk.h"
#include "kernel/errno.h"

#define BLK_IN    0u
#define BLK_OUT   1u
#define BLK_FLUSH 4u

#define BLK_OK          0u
#define BLK_UNSUPPORTED 2u
#define BLK_UNANSWERED  0xffu /* what we put there before the device does */

struct virtio_blk_shared { /* 5.2.6 */
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint8_t status;
    uint8_t padding[15];
};

#define BLK_HEADER_BYTES 16u
_Static_assert(offsetof(struct virtio_blk_shared, status) == BLK_HEADER_BYTES, "5.2.6");
_Static_assert(sizeof(struct virtio_blk_shared) == 32, "two to a cache line");

size_t virtio_blk_bytes(unsigned requests, unsigned descriptors)
{
    return virtq_bytes(descriptors) + requests * sizeof(struct virtio_blk_shared);
}

/* The capacity is two words that may change between the looks (2.4.1). */
static int read_capacity(volatile void *registers, uint64_t *sectors)
{
    for (unsigned tries = 0; tries < 100; tries++) {
        uint32_t generation = virtio_read(registers, VIRTIO_GENERATION);

        *sectors = virtio_read(registers, VIRTIO_CONFIG);
        *sectors |= (uint64_t)virtio_read(registers, VIRTIO_CONFIG + 4) << 32;
        if (generation == virtio_read(registers, VIRTIO_GENERATION))
            return 0;
    }
    return virtio_fail(registers, -EIO);
}

int virtio_blk_start(struct virtio_blk *blk, volatile void *registers, void *memory, uint64_t paddr,
                     unsigned requests, unsigned descriptors)
{
    uint64_t features = VIRTIO_BLK_F_RO | VIRTIO_BLK_F_FLUSH;
    enum virtio_kind kind;
    uint32_t id;
    int err;

    if (!requests || requests > VIRTIO_BLK_REQUESTS || descriptors < 3)
        return -EINVAL;
    kind = virtio_probe(registers, &id);
    if (kind == VIRTIO_ABSENT || id != VIRTIO_ID_BLOCK)
        return -ENODEV;
    if (kind == VIRTIO_LEGACY)
        return -EOPNOTSUPP;
    err = virtio_negotiate(registers, &features); /* resets it: from here memory is ours */
    if (!err)
        err = virtq_init(&blk->queue, memory, descriptors);
    if (!err)
        err = virtio_attach(registers, &blk->queue, paddr);
    if (!err)
        err = read_capacity(registers, &blk->sectors);
    if (err)
        return err;
    blk->registers = registers;
    blk->read_only = features & VIRTIO_BLK_F_RO;
    blk->has_flush = features & VIRTIO_BLK_F_FLUSH;
    blk->requests = requests;
    blk->shared = (void *)((char *)memory + virtq_bytes(descriptors));
    blk->shared_paddr = paddr + virtq_bytes(descriptors);
    for (unsigned i = 0; i < requests; i++)
        blk->request[i].busy = false;
    virtio_run(registers);
    return 0;
}

/* Is the request well-formed? *bytes is its data, in bytes. */
static int request_check(const struct virtio_blk *blk, unsigned request, enum virtio_blk_op op,
                         uint64_t sector, const struct virtq_segment *data, unsigned count,
                         uint32_t *bytes)
{
    uint64_t sum = 0;

    if (request >= blk->requests || count > VIRTIO_BLK_SEGMENTS)
        return -EINVAL;
    if (blk->request[request].busy)
        return -EBUSY;
    for (unsigned i = 0; i < count; i++)
        sum += data[i].len;
    *bytes = (uint32_t)sum;
    if (op == VIRTIO_BLK_FLUSH)
        return count ? -EINVAL : 0;
    if (!sum || sum % VIRTIO_SECTOR || sum > UINT32_MAX / 2)
        return -EINVAL;
    if (sector >= blk->sectors || sum / VIRTIO_SECTOR > blk->sectors - sector)
        return -EINVAL;
    return op == VIRTIO_BLK_WRITE && blk->read_only ? -EROFS : 0;
}

int virtio_blk_submit(struct virtio_blk *blk, unsigned request, enum virtio_blk_op op,
                      uint64_t sector, struct virtq_segment *data, unsigned count)
{
    static const uint32_t types[] = {BLK_IN, BLK_OUT, BLK_FLUSH};
    struct virtq_segment chain[VIRTIO_BLK_SEGMENTS + 2];
    volatile struct virtio_blk_shared *shared;
    uint64_t paddr = blk->shared_paddr + request * sizeof(*shared);
    uint32_t bytes;
    int err = request_check(blk, request, op, sector, data, count, &bytes);

    if (err)
        return err;
    shared = &blk->shared[request];
    shared->type = types[op];
    shared->reserved = 0;
    shared->sector = op == VIRTIO_BLK_FLUSH ? 0 : sector;
    shared->status = BLK_UNANSWERED;
    chain[0] = (struct virtq_segment){paddr, BLK_HEADER_BYTES, false};
    for (unsigned i = 0; i < count; i++) {
        data[i].device_writes = op == VIRTIO_BLK_READ;
        chain[1 + i] = data[i];
    }
    chain[1 + count] = (struct virtq_segment){paddr + BLK_HEADER_BYTES, 1, true};
    err = virtq_submit(&blk->queue, chain, count + 2, (uint16_t)request);
    if (err)
        return err;
    blk->request[request].reads = op == VIRTIO_BLK_READ ? bytes : 0;
    blk->request[request].busy = true;
    return 0;
}

void virtio_blk_notify(struct virtio_blk *blk)
{
    virtio_notify(blk->registers, &blk->queue);
}

int virtio_blk_poll(struct virtio_blk *blk, unsigned *request, int *result)
{
    uint16_t token;
    uint32_t written;
    uint8_t status;
    int got = virtq_poll(&blk->queue, &token, &written);

    if (got <= 0)
        return got;
    status = blk->shared[token].status;
    *request = token;
    if (status == BLK_OK && written >= blk->request[token].reads)
        *result = 0;
    else
        *result = status == BLK_UNSUPPORTED ? -EOPNOTSUPP : -EIO;
    blk->request[token].busy = false;
    return 1;
}
