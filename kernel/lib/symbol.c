/*
 * Names for the kernel's own code addresses. The contract is in symbol.h.
 */
#include "kernel/lib/symbol.h"

#include <stddef.h>

const char *symbol_find(uint64_t addr, uint64_t *offset)
{
    uint64_t start = (uint64_t)(uintptr_t)kernel_start, at = addr - start;
    uint32_t count = symtab[0], low = 0, high = count;
    const uint32_t *addresses = symtab + 1, *names = addresses + count;

    if (addr < start || addr >= (uint64_t)(uintptr_t)text_end)
        return NULL;
    /* Entries below low start at or before addr, those from high on after it. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (addresses[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    if (offset != NULL)
        *offset = at - addresses[low - 1];
    return (const char *)(names + count) + names[low - 1];
}
