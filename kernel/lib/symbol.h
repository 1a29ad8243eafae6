/*
 * Names for the kernel's own code addresses, for backtraces and panics.
 *
 * symtab.py makes the table from the linked kernel, and puts it where kernel.ld has left room:
 *
 *   count            entries
 *   addresses[count] where each function starts, from kernel_start on, ascending
 *   names[count]     where each one's name is in the strings
 *   strings          NUL-terminated names
 *
 * All but the strings are words of 32 bits.
 */
#ifndef KERNEL_LIB_SYMBOL_H
#define KERNEL_LIB_SYMBOL_H

#include <stdint.h>

extern const char kernel_start[], text_end[]; /* kernel.ld: the code, as linked */
extern const uint32_t symtab[];

/* The name of the function that addr is in, and how far in (offset may be NULL).
 * NULL: addr is not in the kernel's code. Takes no lock, may be called anywhere. */
const char *symbol_find(uint64_t addr, uint64_t *offset);

#endif
