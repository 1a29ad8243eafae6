/*
 * What the disk driver is started with: its handles, and the DMA memory behind some of
 * them, which init makes once. It outlives each driver, so that one that starts when
 * memory is short has what it needs, and no device ever reaches frames that are others'.
 */
#ifndef USER_BLK_MEMORY_H
#define USER_BLK_MEMORY_H

#include "kernel/abi.h"
#include "kernel/lib/virtq_blk.h"

#define PORT      3
#define REGISTERS 4
#define INTERRUPT 5
/* HEART is 6 */
#define QUEUE      7 /* queue_bytes() */
#define FIRST_SLOT 8 /* and those after it: SLOT_BYTES each, SLOTS_MIN to SLOTS_MAX of them */

#define SLOTS_MAX   8
#define SLOTS_MIN   2 /* one in flight, one to receive in */
#define SLOT_BYTES  IPC_BUFFER_MAX
#define DESCRIPTORS 32 /* three for each slot, and a power of two */

static inline unsigned long queue_bytes(void)
{
    unsigned long bytes = virtio_blk_bytes(SLOTS_MAX, DESCRIPTORS);

    return (bytes + PAGE_SIZE_ABI - 1) & ~(PAGE_SIZE_ABI - 1ul);
}

#endif
