/*
 * Refused allocations (DEBUG=1): a test has each place that allocates refuse once.
 *
 * A place is a chain of calls: the one of the allocator, and those above it. While a process
 * group is armed, the first allocation that one of its processes makes at each place fails, as
 * if memory were out; what is asked for at the same place again is there. So code that gives up,
 * and code that tries again, both go on from there. The kernel's own threads and other processes,
 * servers among them, are spared.
 *
 * Without DEBUG all of this is nothing. The code is kernel/debug/fail.c.
 */
#ifndef VM_FAIL_H
#define VM_FAIL_H

#include <stdbool.h>

#include "kernel/errno.h"

#if defined DEBUG && !defined HOST_TEST

/* Must this allocation fail? For the allocators, before they take a lock; logs the place if
 * so. Never sleeps. */
bool fail_allocation(void);
/* Arms that group (0: none) instead of the one before, with all places forgotten. How many
 * allocations were refused before that. */
int fail_arm(int pgid);

#else

static inline bool fail_allocation(void)
{
    return false;
}

static inline int fail_arm(int pgid)
{
    (void)pgid;
    return -ENOSYS;
}

#endif

#endif
