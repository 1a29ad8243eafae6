/*
 * Memory order between a driver and a device that shares memory with it.
 *
 * The device is another observer of memory, and a store to one of its registers
 * makes it look: that is an I/O access, which `fence w,w` does not order after
 * stores to memory. Hence one name per kind of edge.
 */
#ifndef KERNEL_LIB_VIRTQ_ORDER_H
#define KERNEL_LIB_VIRTQ_ORDER_H

#ifdef __riscv
#define dma_publish() __asm__ volatile("fence rw, w" ::: "memory")  /* data, then index */
#define dma_acquire() __asm__ volatile("fence r, rw" ::: "memory")  /* index, then data */
#define dma_full()    __asm__ volatile("fence rw, rw" ::: "memory") /* our index, then its flag */
#define dma_to_mmio() __asm__ volatile("fence rw, o" ::: "memory")  /* memory, then doorbell */
#define mmio_to_dma() __asm__ volatile("fence io, rw" ::: "memory") /* acknowledge, then memory */
#else
#define dma_publish() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define dma_acquire() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define dma_full()    __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define dma_to_mmio() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define mmio_to_dma() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#endif
