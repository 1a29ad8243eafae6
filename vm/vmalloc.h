/*
 * Kernel virtual memory: ranges contiguous in virtual space only, each with an
 * unmapped guard page below it; MMIO windows; and kernel stacks, which come from
 * a pool that stays mapped.
 *
 * A new mapping is fenced on every hart before it is handed out. Never sleeps.
 */
#ifndef VM_VMALLOC_H
#define VM_VMALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "vm/layout.h"

/* Pages for size bytes; contents undefined; NULL when memory or window is full. */
void *vmalloc(size_t size);
void vfree(void *p);
/* Maps device registers; NULL when the window is full. */
void *vmap_mmio(paddr_t pa, uint64_t size);
/* A kernel stack of KSTACK_SIZE: its lowest address; NULL when memory is out. */
void *kstack_alloc(void);
void kstack_free(void *low);
/* Unmaps and frees the stacks that are in the pool. Stacks freed. */
unsigned kstack_trim(void);

#endif
