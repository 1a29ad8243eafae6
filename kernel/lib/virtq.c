/* The split virtqueue: see the header. Section numbers are VIRTIO 1.1's. */
#include "kernel/lib/virtq.h"
#include "kernel/errno.h"
#include "kernel/lib/virtq_order.h"

struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct virtq_avail {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[];
};

struct virtq_used {
    uint16_t flags;
    uint16_t index;
    struct {
        uint32_t id;
        uint32_t len;
    } ring[];
};

_Static_assert(sizeof(struct virtq_desc) == 16, "2.6.5");
_Static_assert(offsetof(struct virtq_avail, ring) == 4, "2.6.6");
_Static_assert(offsetof(struct virtq_used, ring) == 4, "2.6.8");

#define DESC_NEXT      1u
#define DESC_WRITE     2u
#define USED_NO_NOTIFY 1u

/* Where the three parts lie. Each ends with an event index that we do not use
 * but must leave room for. */
size_t virtq_driver_offset(unsigned size)
{
    return size * sizeof(struct virtq_desc);
}

size_t virtq_device_offset(unsigned size)
{
    size_t end = virtq_driver_offset(size) + sizeof(struct virtq_avail) + 2 * size + 2;

    return (end + 3) & ~(size_t)3;
}

size_t virtq_bytes(unsigned size)
{
    size_t end = virtq_device_offset(size) + sizeof(struct virtq_used) + 8 * size + 2;

    return (end + 15) & ~(size_t)15;
}

static void clear(volatile void *memory, size_t bytes)
{
    volatile unsigned char *p = memory;

    while (bytes--)
        *p++ = 0;
}

int virtq_init(struct virtq *queue, void *memory, unsigned size)
{
    if (size < 2 || size > VIRTQ_MAX || (size & (size - 1)))
        return -EINVAL;
    clear(memory, virtq_bytes(size));
    queue->desc = memory;
    queue->avail = (volatile struct virtq_avail *)((char *)memory + virtq_driver_offset(size));
    queue->used = (volatile struct virtq_used *)((char *)memory + virtq_device_offset(size));
    queue->size = (uint16_t)size;
    queue->free_head = 0;
    queue->free_count = (uint16_t)size;
    queue->avail_index = 0;
    queue->used_index = 0;
    queue->in_flight = 0;
    queue->broken = false;
    for (unsigned i = 0; i < size; i++) {
        queue->chain[i].next = (uint16_t)(i + 1);
        queue->chain[i].length = 0;
    }
    return 0;
}

/* Can the device take this chain? On success *writable is what it may write. */
static int chain_check(const struct virtq *queue, const struct virtq_segment *segments,
                       unsigned count, uint32_t *writable)
{
    uint64_t bytes = 0;

    if (queue->broken)
        return -EIO;
    if (!count || count > queue->size)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++) {
        if (!segments[i].len || (i && segments[i - 1].device_writes && !segments[i].device_writes))
            return -EINVAL;
        if (segments[i].device_writes)
            bytes += segments[i].len;
    }
    if (bytes > UINT32_MAX)
        return -EINVAL;
    if (count > queue->free_count)
        return -EAGAIN;
    *writable = (uint32_t)bytes;
    return 0;
}

int virtq_submit(struct virtq *queue, const struct virtq_segment *segments, unsigned count,
                 uint16_t token)
{
    uint32_t writable;
    int err = chain_check(queue, segments, count, &writable);
    uint16_t head = queue->free_head;
    uint16_t at = head;

    if (err)
        return err;
    for (unsigned i = 0; i < count; i++) {
        struct virtq_desc *desc = &queue->desc[at];
        bool last = i + 1 == count;

        desc->addr = segments[i].paddr;
        desc->len = segments[i].len;
        desc->flags = (last ? 0 : DESC_NEXT) | (segments[i].device_writes ? DESC_WRITE : 0);
        desc->next = last ? 0 : queue->chain[at].next;
        at = queue->chain[at].next;
    }
    queue->free_head = at;
    queue->free_count -= (uint16_t)count;
    queue->chain[head].length = (uint16_t)count;
    queue->chain[head].writable = writable;
    queue->chain[head].token = token;
    queue->in_flight++;

    queue->avail->ring[queue->avail_index & (queue->size - 1)] = head;
    dma_publish(); /* 2.6.13.3: descriptors and ring entry before the index */
    queue->avail->index = ++queue->avail_index;
    return 0;
}

bool virtq_wants_notify(const struct virtq *queue)
{
    dma_full(); /* 2.6.13.4.1: the index before the look at the flag */
    return !(queue->used->flags & USED_NO_NOTIFY);
}

static void chain_free(struct virtq *queue, uint16_t head)
{
    uint16_t last = head;

    for (unsigned i = 1; i < queue->chain[head].length; i++)
        last = queue->chain[last].next;
    queue->chain[last].next = queue->free_head;
    queue->free_head = head;
    queue->free_count += queue->chain[head].length;
    queue->chain[head].length = 0;
    queue->in_flight--;
}

int virtq_poll(struct virtq *queue, uint16_t *token, uint32_t *written)
{
    uint16_t ahead;
    uint32_t id, len;

    if (queue->broken)
        return -EIO;
    ahead = (uint16_t)(queue->used->index - queue->used_index);
    if (!ahead)
        return 0;
    dma_acquire(); /* the index before the entry and before the data it announces */
    id = queue->used->ring[queue->used_index & (queue->size - 1)].id;
    len = queue->used->ring[queue->used_index & (queue->size - 1)].len;
    if (ahead > queue->in_flight || id >= queue->size || !queue->chain[id].length ||
        len > queue->chain[id].writable) {
        queue->broken = true;
        return -EIO;
    }
    queue->used_index++;
    *token = queue->chain[id].token;
    *written = len;
    chain_free(queue, (uint16_t)id);
    return 1;
}
