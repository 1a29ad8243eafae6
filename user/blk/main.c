/* The disk driver, start: DMA memory, registers, device. See blk.h. */
#include "user/blk/blk.h"
#include <string.h>
#include "user/include/heart.h"

#define STACK_SPARED (1ul << 20) /* to either side */

extern char __dma_text_start[], __dma_text_end[]; /* of user.ld */

static struct driver driver;

void log_line(const char *what, const char *why)
{
    char line[200] = "blk: ";
    unsigned long room = sizeof(line) - 2;

    strncat(line, what, room - strlen(line));
    strncat(line, ": ", room - strlen(line));
    strncat(line, why, room - strlen(line));
    strcat(line, "\n");
    sys_system(H_SYSTEM, SYSTEM_LOG_WRITE, (long)line, (long)strlen(line), 0);
}

/* Maps DMA memory that we were given, at least `bytes`, for good; 0 if handle h is none. */
static DMA_TEXT void *dma_map(int h, unsigned long bytes, unsigned long *paddr)
{
    struct abi_handle_info info;
    long address;

    if (sys_handle_info(h, &info) || info.type != HANDLE_OBJECT || !info.paddr || info.size < bytes)
        return 0;
    *paddr = info.paddr;
    address = sys_mmap(0, bytes, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, h, 0);
    return address < 0 ? 0 : (void *)address;
}

static DMA_TEXT int slots_map(struct driver *d)
{
    while (d->slots < BLK_SLOTS_MAX) {
        struct slot *slot = &d->slot[d->slots];

        slot->memory = dma_map(BLK_FIRST_SLOT + (int)d->slots, BLK_SLOT_BYTES, &slot->paddr);
        if (!slot->memory)
            break;
        d->slots++;
    }
    return d->slots >= BLK_SLOTS_MIN;
}

DMA_TEXT int driver_start(struct driver *d)
{
    int err = virtio_blk_start(&d->disk, d->registers, d->queue_memory, d->queue_paddr, d->slots,
                               BLK_DESCRIPTORS);

    if (err)
        log_line("cannot start the disk", virtio_explain(err));
    return err;
}

static int set_up(struct driver *d)
{
    struct abi_handle_info info;
    long address, port;

    if (sys_handle_info(REGISTERS, &info) || info.type != HANDLE_OBJECT || !info.size) {
        log_line("cannot start", "handle 4 is not a device's registers");
        return -1;
    }
    address = sys_mmap(0, info.size, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, REGISTERS, 0);
    if (address < 0) {
        log_line("cannot start", "the registers cannot be mapped");
        return -1;
    }
    d->registers = (volatile void *)address;
    d->queue_memory = dma_map(BLK_QUEUE, blk_queue_bytes(), &d->queue_paddr);
    if (!d->queue_memory || !slots_map(d)) {
        log_line("cannot start", "its memory for DMA cannot be mapped");
        return -1;
    }
    port = sys_port_create();
    if (port < 0 || sys_irq_bind(INTERRUPT, PORT, BIT_INTERRUPT)) {
        log_line("cannot start", "the interrupt cannot be bound");
        return -1;
    }
    d->quiet_port = (int)port;
    return driver_start(d);
}

/* See DMA_TEXT. */
static void spare_dma(const struct driver *d)
{
    const char *stack = __builtin_frame_address(0);

    kill_spare(__dma_text_start, (unsigned long)(__dma_text_end - __dma_text_start));
    kill_spare(d, sizeof(*d));
    kill_spare(stack - STACK_SPARED, 2 * STACK_SPARED);
    kill_spare(d->registers, PAGE_SIZE_ABI);
    kill_spare(d->queue_memory, blk_queue_bytes());
}

int main(void)
{
    kill_points_open();
    if (set_up(&driver))
        return 1;
    spare_dma(&driver);
    heart_beat(HEART_BLK);
    server_run(&driver);
    return 1;
}
