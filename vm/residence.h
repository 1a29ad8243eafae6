/*
 * What is in memory, what is to stay there, and what need not: mlock, madvise and
 * mincore. Ranges are rounded out to pages; a hole in one is -ENOMEM, as POSIX has it.
 */
#ifndef VM_RESIDENCE_H
#define VM_RESIDENCE_H

#include <stdbool.h>

#include "vm/space.h"

/* Brings the pages of a range in and keeps them there, until space_unwire, the end of
 * the mapping or a truncation; a private page that may be written gets a frame of its
 * own. All of a machine's spaces together may wire a quarter of memory. 0; -EINVAL;
 * -ENOMEM, also past the limit or an object's end, or for pages that cannot be accessed;
 * -EIO; -EINTR. After an error nothing of the range is wired. No lock held; sleeps. */
int space_wire(struct space *s, vaddr_t addr, uint64_t size);
/* 0, -EINVAL, -ENOMEM. No lock held. */
int space_unwire(struct space *s, vaddr_t addr, uint64_t size);
/* Forgets what the mappings have: private memory reads as zeros again, pages of files as
 * in the file. -EINVAL if some of it is wired. No lock held. */
int space_drop(struct space *s, vaddr_t addr, uint64_t size);
/* Starts reading what is not in memory, as far as memory is plenty; waits for none of it.
 * No lock held. */
int space_will_need(struct space *s, vaddr_t addr, uint64_t size);
/* Of n pages from addr on, which can be used without waiting: pages[i] = 0 or 1. No lock
 * held. */
int space_residence(struct space *s, vaddr_t addr, unsigned n, unsigned char *pages);

#endif
