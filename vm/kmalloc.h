/*
 * Kernel logical memory: physically contiguous, reached through the direct map,
 * DMA-safe. Small sizes come from slabs (one frame each), larger ones from the
 * frame allocator. Never sleeps; callable under any lock below RANK_KMALLOC.
 */
#ifndef VM_KMALLOC_H
#define VM_KMALLOC_H

#include <stddef.h>
#include <stdint.h>

/* Before the first use, and before other harts run. */
void kmalloc_init(void);
/* size bytes, 16-byte aligned, undefined contents; NULL when there is none. */
void *kmalloc(size_t size);
/* The same, zeroed. */
void *kzalloc(size_t size);
/* Frees what kmalloc gave; NULL is allowed. */
void kfree(void *p);
/* Gives back slabs that are wholly free. */
void kmalloc_trim(void);
/* Bytes handed out, rounded to their size classes. */
uint64_t kmalloc_bytes(void);

#endif
