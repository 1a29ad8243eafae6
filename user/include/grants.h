/*
 * What init starts each service with: handles, by number. The memory behind some of
 * them outlives the service, and is its successor's.
 */
#ifndef USER_GRANTS_H
#define USER_GRANTS_H

#include "kernel/abi.h"
#include "kernel/lib/virtq_blk.h"

#define PORT      3
#define REGISTERS 4 /* tty, blk: of the device */
#define INTERRUPT 5 /* tty, blk */
#define DISK      4 /* fs: a session on blk */
#define HEART     6 /* init's port, for signs of life */

/* tty: the memory that struct tty lies in. */
#define TTY_STATE       7
#define TTY_STATE_BYTES (192ul << 10)

/* fs: the memory for its redo ring; and what opening a device's node gives. */
#define FS_STATE       7
#define FS_STATE_BYTES ((256ul << 10) + 4096)
#define FS_TTY         8 /* /dev/tty, /dev/console */
#define FS_SVC         9 /* /dev/svc */

/* blk: memory for DMA, for the queue and for each slot. It would be hard to find in one
 * piece when memory is short. */
#define BLK_QUEUE       7
#define BLK_FIRST_SLOT  8
#define BLK_SLOTS_MAX   8
#define BLK_SLOTS_MIN   2 /* one in flight, one to receive in */
#define BLK_SLOT_BYTES  IPC_BUFFER_MAX
#define BLK_DESCRIPTORS 32 /* three for each slot, and a power of two */

/* The switches of killpoint.h. */
#define KILL_PAGE 16

static inline unsigned long blk_queue_bytes(void)
{
    unsigned long bytes = virtio_blk_bytes(BLK_SLOTS_MAX, BLK_DESCRIPTORS);

    return (bytes + PAGE_SIZE_ABI - 1) & ~(PAGE_SIZE_ABI - 1ul);
}

#endif
