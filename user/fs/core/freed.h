/*
 * Sets of blocks that were freed by a transaction of the journal which is not on the
 * disk yet. Until it is, they belong to their old owner still, should the power fail:
 * they are not given out.
 */
#ifndef USER_FS_CORE_FREED_H
#define USER_FS_CORE_FREED_H

#include <stdbool.h>
#include <stdint.h>

struct freed_run {
    uint32_t first, count;
};

struct freed {
    struct freed_run *runs; /* sorted, neither overlapping nor adjacent */
    uint32_t count, room;
};

/* Make room, so that the next `more` calls of freed_add need no memory: 0 or -ENOMEM. */
int freed_reserve(struct freed *freed, uint32_t more) __attribute__((warn_unused_result));
/* Add blocks; those that are in the set already stay so. */
void freed_add(struct freed *freed, uint32_t first, uint32_t count);
bool freed_has(const struct freed *freed, uint32_t no);
/* Empty the set; its memory is kept unless there is much of it. */
void freed_clear(struct freed *freed);
void freed_destroy(struct freed *freed);

#endif
