/*
 * Boot: the machine's RAM becomes the kernel's tables and the frame allocator.
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include "vm/layout.h"

struct machine;

/* The boot hart's cycle counter at the kernel's first instruction. */
extern uint64_t boot_cycle;

/* Makes the kernel's final tables and the frame allocator out of the machine's
 * RAM. image: physical address of the kernel. Switches satp. */
void boot_memory(const struct machine *m, paddr_t image);
/* Gives back the memory of the initial RAM image. */
void boot_free_initrd(const struct machine *m);

#endif
