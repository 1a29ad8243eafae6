/*
 * The swap disk: a virtio block device that bears mkswap's signature, driven here
 * and not by a server, because reclaim may wait for nothing else (docs/SWAP.md).
 *
 * All memory that a transfer needs is taken at boot. Only the signature makes a
 * disk ours: others are looked at once, read-only, and left alone.
 */
#ifndef KERNEL_SWAPDISK_H
#define KERNEL_SWAPDISK_H

struct machine;

/* Looks for the disk among the machine's devices, and turns swap on if there is
 * one. Once, at boot, before any program runs. */
void swapdisk_init(struct machine *m);

#endif
