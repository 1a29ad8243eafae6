/* The swap disk's driver; the contract is in swapdisk.h. */
#include "kernel/swapdisk.h"

#include "kernel/errno.h"
#include "kernel/interrupt.h"
#include "kernel/lib/machine.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/lib/virtq_blk.h"
#include "trap/timer.h"
#include "vm/frame.h"
#include "vm/swap.h"
#include "vm/vmalloc.h"

#define DESCRIPTORS 256          /* SWAP_IOS * (SWAP_IO_MAX + 2) fit */
#define PROBE_NS    2000000000ul /* to read the first page */
#define SECTORS     (PAGE_SIZE / VIRTIO_SECTOR)
#define TABLE_SHARE 32 /* of memory, one is for the table of slots at most */

_Static_assert(SWAP_IOS *(SWAP_IO_MAX + 2) <= DESCRIPTORS, "every transfer finds descriptors");
_Static_assert(SWAP_IO_MAX <= VIRTIO_BLK_SEGMENTS, "a transfer is one request");

/* What mkswap writes into the first page: util-linux, swapheader.h. */
struct header {
    char boot[1024];
    uint32_t version; /* 1 */
    uint32_t last_page;
    uint32_t bad_count;
    char uuid[16], label[16];
    uint32_t padding[117];
    uint32_t bad[637];
    char unused[2];
    char magic[10];
} __attribute__((packed));

_Static_assert(sizeof(struct header) == PAGE_SIZE, "the header is one page");

static struct spinlock lock = SPINLOCK_INIT(RANK_DEVICE);
static struct virtio_blk disk;              /* (lock) */
static struct swap_io *in_flight[SWAP_IOS]; /* (lock) by request number */
static bool dead;                           /* (lock) beyond help */

/* -------------------------------------------------------------- transfers */

/* Page 0 is the header's. */
static uint64_t sector_of(uint32_t slot)
{
    return ((uint64_t)slot + 1) * SECTORS;
}

static void start(struct swap_io *io)
{
    struct virtq_segment segments[SWAP_IO_MAX];
    for (unsigned i = 0; i < io->count; i++)
        segments[i] = (struct virtq_segment){.paddr = frame_paddr(io->frames[i]), .len = PAGE_SIZE};
    spin_lock(&lock);
    unsigned request = 0;
    while (in_flight[request])
        request++;
    int rc = dead ? -EIO
                  : virtio_blk_submit(&disk, request, io->out ? VIRTIO_BLK_WRITE : VIRTIO_BLK_READ,
                                      sector_of(io->first), segments, io->count);
    if (rc == 0) {
        in_flight[request] = io;
        virtio_blk_notify(&disk);
    }
    spin_unlock(&lock);
    if (rc < 0)
        swap_io_done(io, -EIO);
}

/* One transfer that has ended, and how; NULL if there is none. */
static struct swap_io *next_done(int *result)
{
    unsigned request;
    spin_lock(&lock);
    int got = dead ? 0 : virtio_blk_poll(&disk, &request, result);
    struct swap_io *io = got > 0 ? in_flight[request] : NULL;
    if (got > 0)
        in_flight[request] = NULL;
    if (got < 0) {
        dead = true;
        printk("swap: the disk broke the protocol; what is on it is lost");
        if (virtio_reset(disk.registers) < 0)
            printk("swap: and it cannot be reset");
    }
    /* Nothing in flight will complete any more. */
    for (unsigned i = 0; dead && i < SWAP_IOS && !io; i++) {
        io = in_flight[i];
        in_flight[i] = NULL;
        *result = -EIO;
    }
    spin_unlock(&lock);
    return io;
}

static void interrupted(void)
{
    virtio_interrupt(disk.registers);
    struct swap_io *io;
    int result;
    while ((io = next_done(&result))) {
        if (result < 0)
            printk("swap: the disk could not %s slots %u to %u", io->out ? "write" : "read",
                   io->first, io->first + io->count - 1);
        swap_io_done(io, result);
    }
}

/* -------------------------------------------------------------- the search */

/* Reads the first page of the disk that was just started. 0 or -EIO. */
static int read_header(struct frame *page)
{
    struct virtq_segment segment = {.paddr = frame_paddr(page), .len = PAGE_SIZE};
    uint64_t deadline = timer_now() + timer_ns_to_ticks(PROBE_NS);
    unsigned request;
    int result, got;
    if (disk.sectors < SECTORS || virtio_blk_submit(&disk, 0, VIRTIO_BLK_READ, 0, &segment, 1) < 0)
        return -EIO;
    virtio_blk_notify(&disk);
    while ((got = virtio_blk_poll(&disk, &request, &result)) == 0)
        if (timer_now() > deadline)
            return -EIO;
    virtio_interrupt(disk.registers);
    return got < 0 ? got : result;
}

/* Slots of a swap disk with that header; 0 if it is none, or none that we can use. */
static uint32_t header_slots(const struct header *h, const char *where)
{
    if (memcmp(h->magic, "SWAPSPACE2", sizeof h->magic) != 0)
        return 0;
    if (h->version != 1 || disk.read_only || h->last_page < SWAP_IO_MAX ||
        h->last_page >= disk.sectors / SECTORS || h->bad_count > sizeof h->bad / sizeof h->bad[0]) {
        printk("swap: %s has mkswap's signature but %s: not used", where,
               disk.read_only ? "is read-only" : "a header that makes no sense");
        return 0;
    }
    uint64_t most = frame_total() * PAGE_SIZE / TABLE_SHARE / SWAP_SLOT_BYTES;
    if (h->last_page > most)
        printk("swap: memory is too small for all of %s", where);
    return h->last_page > most ? (uint32_t)most : h->last_page;
}

/* Is it the swap disk? Then it is running. Otherwise it is as we found it. */
static bool try_device(struct machine_device *d, struct frame *memory, struct frame *page)
{
    uint32_t id;
    volatile void *registers = vmap_mmio(d->base, d->size);
    if (!registers || virtio_probe(registers, &id) != VIRTIO_MODERN || id != VIRTIO_ID_BLOCK)
        return false;
    if (virtio_blk_start(&disk, registers, frame_address(memory), frame_paddr(memory), SWAP_IOS,
                         DESCRIPTORS) < 0)
        return false;
    const struct header *h = frame_address(page);
    uint32_t slots = read_header(page) == 0 ? header_slots(h, "a disk") : 0;
    void *table = slots ? vmalloc((size_t)slots * SWAP_SLOT_BYTES) : NULL;
    if (slots && !table)
        printk("swap: no memory for the table of %u slots", slots);
    if (!table) {
        virtio_reset(registers);
        return false;
    }
    swap_enable(slots, table);
    for (unsigned i = 0; i < h->bad_count; i++)
        if (h->bad[i] > 0)
            swap_retire(h->bad[i] - 1);
    printk("swap: %u MiB", slots >> 8);
    return true;
}

void swapdisk_init(struct machine *m)
{
    unsigned order = 0;
    while (PAGE_SIZE << order < virtio_blk_bytes(SWAP_IOS, DESCRIPTORS))
        order++;
    struct frame *memory = frame_alloc(FRAME_DMA, order, FRAME_NORMAL);
    struct frame *page = frame_alloc(FRAME_DMA, 0, FRAME_NORMAL);
    bool found = false;
    for (unsigned i = 0; memory && page && i < m->device_count && !found; i++) {
        struct machine_device *d = &m->devices[i];
        if (strcmp(d->compatible, "virtio,mmio") != 0 || d->irq == 0)
            continue;
        found = try_device(d, memory, page);
        if (found) {
            d->taken = true;
            swap_start = start;
            interrupt_claim(d->irq, interrupted);
        }
    }
    if (page)
        frame_unref(page);
    if (memory && !found)
        frame_unref(memory);
}
