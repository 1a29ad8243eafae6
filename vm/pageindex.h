/*
 * From a page's index to its frame: a radix tree of 64-way nodes.
 *
 * The owner's lock guards it. Inserting may need memory; nothing sleeps.
 */
#ifndef VM_PAGEINDEX_H
#define VM_PAGEINDEX_H

#include <stdint.h>

struct frame;
struct pageindex_node;

struct pageindex {
    struct pageindex_node *root;
    unsigned height; /* levels of nodes; 0 = empty */
};

/* The frame at index, or NULL. */
struct frame *pageindex_get(const struct pageindex *t, uint64_t index);
/* Puts frame at index, which must be free. 0 or -ENOMEM. */
int pageindex_insert(struct pageindex *t, uint64_t index, struct frame *frame);
/* Puts frame in the place of what is at index. */
void pageindex_replace(struct pageindex *t, uint64_t index, struct frame *frame);
/* Takes out what is at index, and nodes that it leaves empty; NULL if none. */
struct frame *pageindex_remove(struct pageindex *t, uint64_t index);
/* The first frame at *index or above, and *index moved to it; NULL if none. */
struct frame *pageindex_next(const struct pageindex *t, uint64_t *index);

#endif
