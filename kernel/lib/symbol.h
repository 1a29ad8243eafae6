/*
 * Names for the kernel's own code addresses, for backtraces and panics.
 *
 * symtab.py makes the table from the linked kernel, and it is linked in turn:
 *
 *   symtab_count      entries
 *   symtab_addresses  where each function starts, from kernel_start on, ascending
 *   symtab_names      where each one's name is in symtab_strings
 *   symtab_strings    NUL-terminated names
 *
 * A count of 0 is an empty table: the first of the two links.
 */
#ifndef KERNEL_LIB_SYMBOL_H
#define KERNEL_LIB_SYMBOL_H

#include <stdint.h>

extern const char kernel_start[], text_end[]; /* kernel.ld: the code, as linked */
extern const uint32_t symtab_count;
extern const uint32_t symtab_addresses[];
extern const uint32_t symtab_names[];
extern const char symtab_strings[];

/* The name of the function that addr is in, and how far in (offset may be NULL).
 * NULL: addr is not in the kernel's code. Takes no lock, may be called anywhere. */
const char *symbol_find(uint64_t addr, uint64_t *offset);

#endif
