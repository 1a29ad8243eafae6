/* Pages: what truncation needs of page.c. */
#ifndef USER_FS_CORE_PAGE_H
#define USER_FS_CORE_PAGE_H

#include <stdint.h>

struct fs;

/* The file of this key is about to grow to size. Its last page may be in memory and
 * count as wholly backed, though it lacks blocks behind the present end: these are
 * reserved. 0, -ENOSPC or another errno; sleeps. */
int page_reserve_last(struct fs *fs, uint64_t key, uint64_t size)
    __attribute__((warn_unused_result));

#endif
