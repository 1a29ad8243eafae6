/*
 * Names for the kernel's own code addresses. The contract is in symbol.h.
 */
#include "kernel/lib/symbol.h"

#include <stddef.h>

const char *symbol_find(uint64_t addr, uint64_t *offset)
{
    uint64_t start = (uint64_t)(uintptr_t)kernel_start, at = addr - start;
    uint32_t low = 0, high = symtab_count;

    if (addr < start || addr >= (uint64_t)(uintptr_t)text_end)
        return NULL;
    /* Entries below low start at or before addr, those from high on after it. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (symtab_addresses[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    if (offset != NULL)
        *offset = at - symtab_addresses[low - 1];
    return symtab_strings + symtab_names[low - 1];
}
