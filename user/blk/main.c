/* The disk driver, start: DMA memory, registers, device. See blk.h. */
#include "user/blk/blk.h"
#include <string.h>

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

/* Wired memory that the device may reach, mapped here for good; 0 if there is none. */
static void *dma_alloc(unsigned long bytes, unsigned long *paddr)
{
    long object = sys_object_dma(H_SYSTEM, bytes, paddr);
    long address;

    if (object < 0)
        return 0;
    address = sys_mmap(0, bytes, ABI_PROT_READ | ABI_PROT_WRITE, ABI_MAP_SHARED, (int)object, 0);
    sys_close((int)object); /* the mapping keeps it */
    return address < 0 ? 0 : (void *)address;
}

/* One object to each slot: 64 KiB in one piece can be had long after 512 KiB
 * cannot, and a machine short of memory runs with fewer. */
static int slots_alloc(struct driver *d)
{
    while (d->slots < SLOTS_MAX) {
        struct slot *slot = &d->slot[d->slots];

        slot->memory = dma_alloc(SLOT_BYTES, &slot->paddr);
        if (!slot->memory)
            break;
        d->slots++;
    }
    return d->slots >= SLOTS_MIN;
}

static unsigned long queue_bytes(void)
{
    unsigned long bytes = virtio_blk_bytes(SLOTS_MAX, DESCRIPTORS);

    return (bytes + PAGE_SIZE_ABI - 1) & ~(PAGE_SIZE_ABI - 1ul);
}

int driver_start(struct driver *d)
{
    int err = virtio_blk_start(&d->disk, d->registers, d->queue_memory, d->queue_paddr, d->slots,
                               DESCRIPTORS);

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
    d->queue_memory = dma_alloc(queue_bytes(), &d->queue_paddr);
    if (!d->queue_memory || !slots_alloc(d)) {
        log_line("cannot start", "no memory for DMA");
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

int main(void)
{
    if (set_up(&driver))
        return 1;
    server_run(&driver);
    return 1;
}
