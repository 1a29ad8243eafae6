/*
 * Red zones (DEBUG=1): kmalloc's blocks end in bytes that nobody may write, and blocks
 * that are free are poisoned. A write past the end shows when the block is freed, one
 * after that when it is handed out again, and so does a block that is freed twice.
 *
 * Without DEBUG all of this is nothing. The code is kernel/debug/redzone.c.
 */
#ifndef VM_REDZONE_H
#define VM_REDZONE_H

#include <stddef.h>

#define REDZONE_POISON 0xdb /* what freed memory holds */

#if defined DEBUG && !defined HOST_TEST

#define REDZONE_SIZE 16 /* bytes that a block needs beyond what was asked for */

/* A block, of `block` bytes, is free from now on: poisons it. */
void redzone_free(void *p, size_t block);
/* A free one is handed out for size <= block - REDZONE_SIZE bytes; its first word, which
 * chains free blocks, may hold anything. Panics if it was written to. */
void redzone_take(void *p, size_t size, size_t block);
/* It comes back. Panics if it is not one that was handed out and kept whole. */
void redzone_check(const void *p, size_t block);

#else

#define REDZONE_SIZE 0

static inline void redzone_free(void *p, size_t block)
{
    (void)p;
    (void)block;
}

static inline void redzone_take(void *p, size_t size, size_t block)
{
    (void)p;
    (void)size;
    (void)block;
}

static inline void redzone_check(const void *p, size_t block)
{
    (void)p;
    (void)block;
}

#endif

#endif
