/* Devices for drivers in user mode; the contract is in device.h. */
#include "kernel/device.h"

#include "kernel/errno.h"
#include "kernel/interrupt.h"
#include "kernel/lib/machine.h"
#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"
#include "kernel/lib/virtq_mmio.h"
#include "kernel/memobj.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "vm/usercopy.h"
#include "vm/vmalloc.h"

static const struct machine *machine;

/* The registers of each virtio transport: a device that can reach memory, and that must
 * be stopped when its driver is gone. NULL: another kind. */
static volatile void *registers[MACHINE_MAX_DEVICES];

void device_init(const struct machine *m)
{
    machine = m;
    for (unsigned i = 0; i < m->device_count; i++) {
        const struct machine_device *d = &m->devices[i];
        if (strcmp(d->compatible, "virtio,mmio") != 0)
            continue;
        registers[i] = vmap_mmio(d->base, d->size);
        if (!registers[i])
            panic("no memory for the devices' registers");
    }
}

static struct handle_table *my_handles(void)
{
    return &thread_self()->process->handles;
}

int64_t device_open(uint64_t index, uint64_t to)
{
    if (index >= machine->device_count)
        return -ENODEV;
    const struct machine_device *d = &machine->devices[index];
    if (d->taken)
        return -EBUSY;
    struct abi_device out = {.paddr = d->base,
                             .size = d->size,
                             .clock_hz = d->clock_hz,
                             .mmio = H_NONE,
                             .interrupt = H_NONE};
    strlcpy(out.compatible, d->compatible, sizeof out.compatible);
    struct object *o =
        object_create_physical(page_round_down(d->base),
                               page_round_up(d->base + d->size) - page_round_down(d->base), NULL);
    struct handle mmio, irq;
    int rc = o ? memobj_create(o, RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER, &mmio) : -ENOMEM;
    if (rc < 0)
        return rc;
    out.mmio = handle_install(my_handles(), mmio, 0);
    if (out.mmio < 0)
        return out.mmio;
    /* Without a line, or while another holds it, the device comes without. */
    rc = interrupt_open(d->irq, &irq);
    if (rc == 0)
        out.interrupt = handle_install(my_handles(), irq, 0);
    rc = out.interrupt < H_NONE ? out.interrupt
                                : copy_to_user(thread_self()->process->space, to, &out, sizeof out);
    if (rc < 0) {
        handle_close(my_handles(), out.mmio);
        if (out.interrupt >= 0)
            handle_close(my_handles(), out.interrupt);
    }
    return rc;
}

static void stop(paddr_t base)
{
    uint32_t id;
    for (unsigned i = 0; i < machine->device_count; i++) {
        const struct machine_device *d = &machine->devices[i];
        if (page_round_down(d->base) != base || !registers[i] ||
            virtio_probe(registers[i], &id) == VIRTIO_ABSENT)
            continue;
        if (virtio_reset(registers[i]) < 0)
            printk("the device at %#lx does not stop, and its driver is gone", d->base);
    }
}

void device_stop_all(struct space *s)
{
    space_for_each_driven(s, stop);
}
