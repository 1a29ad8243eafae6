/*
 * Devices for drivers in user mode: their registers and interrupts as handles, and
 * what stops a device whose driver is no more.
 */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H

#include <stdint.h>

struct machine;
struct space;

void device_init(const struct machine *m);
/* SYSTEM_DEVICE: opens device `index` for the current process and copies a struct
 * abi_device to the user address. 0; -ENODEV: there are no more; -EBUSY: it is the
 * kernel's own; -ENOMEM, -EMFILE, -EFAULT. */
int64_t device_open(uint64_t index, uint64_t to);
/* The space's process ends or executes another program: resets each virtio device whose
 * registers it has mapped for writing, so that none reaches memory that will be another's. Never
 * sleeps. */
void device_stop_all(struct space *s);

#endif
