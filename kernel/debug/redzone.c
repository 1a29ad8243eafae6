/*
 * Red zones of kmalloc's blocks; the contract is in vm/redzone.h.
 *
 *   block handed out    size bytes | GUARD ... | the size, 8 bytes
 *   block free          chain, 8 bytes | REDZONE_POISON ...
 */
#include "vm/redzone.h"

#include <stdint.h>

#include "kernel/lib/printk.h"
#include "kernel/lib/string.h"

#define GUARD 0xfb

static uint64_t *size_word(const void *p, size_t block)
{
    return (uint64_t *)((char *)p + block) - 1;
}

/* The first of the bytes from `from` to before `to` that is not `byte`; -1: all are. */
static long first_other(const void *p, size_t from, size_t to, unsigned char byte)
{
    for (size_t i = from; i < to; i++)
        if (((const unsigned char *)p)[i] != byte)
            return (long)i;
    return -1;
}

void redzone_free(void *p, size_t block)
{
    memset(p, REDZONE_POISON, block);
}

void redzone_take(void *p, size_t size, size_t block)
{
    long at = first_other(p, sizeof(void *), block, REDZONE_POISON);
    if (at >= 0)
        panic("kmalloc: byte %ld of the free block %p (%lu bytes) was written to", at, p, block);
    memset((char *)p + size, GUARD, block - size);
    *size_word(p, block) = size;
}

void redzone_check(const void *p, size_t block)
{
    uint64_t size = *size_word(p, block);
    if (size > block - REDZONE_SIZE)
        panic("kfree: the block %p (%lu bytes) is free already, or was written past its end", p,
              block);
    long at = first_other(p, size, block - sizeof size, GUARD);
    if (at >= 0)
        panic("kfree: the block %p of %lu bytes was written to at %ld, past its end", p, size, at);
}
