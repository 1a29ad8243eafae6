/* Memory that must be there when memory is short. */
#ifndef USER_FS_CORE_TOUCH_H
#define USER_FS_CORE_TOUCH_H

#include <stddef.h>
#include "user/fs/core/fs.h"

/* Has all pages of it in memory, with what is in them. (A memset of what malloc has just given
 * will not do: the compiler makes it a calloc, which leaves fresh memory alone, or drops it.) */
static inline void touch(volatile void *memory, size_t bytes)
{
    volatile char *at = memory, *end = at + bytes;

    if (bytes == 0)
        return;
    for (; at < end; at += FS_PAGE)
        *at = *at;
    end[-1] = end[-1];
}

#endif
