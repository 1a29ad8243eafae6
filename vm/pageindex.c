/* A radix tree of page indices; the contract is in pageindex.h. */
#include "vm/pageindex.h"

#include <stddef.h>

#include "kernel/errno.h"
#include "kernel/lib/printk.h"
#include "vm/kmalloc.h"

#define BITS  6
#define WIDTH (1u << BITS)

struct pageindex_node {
    unsigned used; /* slots that are not NULL */
    void *slots[WIDTH];
};

static unsigned slot_of(uint64_t index, unsigned level)
{
    return index >> (BITS * level) & (WIDTH - 1);
}

/* Does a tree of that height hold index? */
static int covers(unsigned height, uint64_t index)
{
    return height * BITS >= 64 || index >> (height * BITS) == 0;
}

/* Where what is at index stands; NULL if there is no node for it. */
static void **find(const struct pageindex *t, uint64_t index)
{
    if (t->height == 0 || !covers(t->height, index))
        return NULL;
    struct pageindex_node *node = t->root;
    for (unsigned level = t->height - 1; level > 0 && node; level--)
        node = node->slots[slot_of(index, level)];
    return node ? &node->slots[slot_of(index, 0)] : NULL;
}

struct frame *pageindex_get(const struct pageindex *t, uint64_t index)
{
    void **at = find(t, index);
    return at ? *at : NULL;
}

void pageindex_replace(struct pageindex *t, uint64_t index, struct frame *frame)
{
    void **at = find(t, index);
    assert(at && *at && frame);
    *at = frame;
}

/* Makes the tree high enough for index. An empty tree gets one node of that
 * height; another gets nodes above its root, each with the old root in slot 0. */
static int grow(struct pageindex *t, uint64_t index)
{
    while (t->height == 0 || !covers(t->height, index)) {
        struct pageindex_node *node = kzalloc(sizeof *node);
        if (!node)
            return -ENOMEM;
        if (t->root) {
            node->slots[0] = t->root;
            node->used = 1;
            t->height++;
        } else {
            t->height = 1;
            while (!covers(t->height, index))
                t->height++;
        }
        t->root = node;
    }
    return 0;
}

/* Frees the nodes on the way to index that hold nothing, and the top levels
 * that hold only slot 0. */
static void prune(struct pageindex *t, uint64_t index)
{
    struct pageindex_node *path[11];
    struct pageindex_node *node = t->root;
    unsigned depth = 0;
    for (unsigned level = t->height; level-- > 0 && node;) {
        path[depth++] = node;
        node = level ? node->slots[slot_of(index, level)] : NULL;
    }
    while (depth-- > 0 && path[depth]->used == 0) {
        unsigned level = t->height - depth;
        kfree(path[depth]);
        if (depth == 0) {
            t->root = NULL;
            t->height = 0;
            return;
        }
        path[depth - 1]->slots[slot_of(index, level)] = NULL;
        path[depth - 1]->used--;
    }
    while (t->height > 1 && t->root->used == 1 && t->root->slots[0]) {
        struct pageindex_node *old = t->root;
        t->root = old->slots[0];
        t->height--;
        kfree(old);
    }
}

int pageindex_insert(struct pageindex *t, uint64_t index, struct frame *frame)
{
    if (grow(t, index) < 0) {
        if (t->root)
            prune(t, 0);
        return -ENOMEM;
    }
    struct pageindex_node *node = t->root;
    for (unsigned level = t->height - 1; level > 0; level--) {
        void **slot = &node->slots[slot_of(index, level)];
        if (!*slot) {
            *slot = kzalloc(sizeof(struct pageindex_node));
            if (!*slot) {
                prune(t, index);
                return -ENOMEM;
            }
            node->used++;
        }
        node = *slot;
    }
    node->slots[slot_of(index, 0)] = frame;
    node->used++;
    return 0;
}

struct frame *pageindex_remove(struct pageindex *t, uint64_t index)
{
    if (t->height == 0 || !covers(t->height, index))
        return NULL;
    struct pageindex_node *node = t->root;
    for (unsigned level = t->height - 1; level > 0 && node; level--)
        node = node->slots[slot_of(index, level)];
    if (!node)
        return NULL;
    void **slot = &node->slots[slot_of(index, 0)];
    struct frame *frame = *slot;
    if (frame) {
        *slot = NULL;
        node->used--;
        prune(t, index);
    }
    return frame;
}

/* When it finds nothing, it leaves *index at the first index after the node. */
static struct frame *next_in(struct pageindex_node *node, unsigned level, uint64_t *index)
{
    for (unsigned s = slot_of(*index, level); s < WIDTH; s++) {
        if (!node->slots[s]) {
            *index = ((*index >> (BITS * level)) + 1) << (BITS * level);
            continue;
        }
        if (level == 0)
            return node->slots[s];
        struct frame *f = next_in(node->slots[s], level - 1, index);
        if (f)
            return f;
    }
    return NULL;
}

struct frame *pageindex_next(const struct pageindex *t, uint64_t *index)
{
    if (t->height == 0 || !covers(t->height, *index))
        return NULL;
    return next_in(t->root, t->height - 1, index);
}
