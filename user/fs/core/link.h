/* A circular doubly linked list through a node inside each element. An
 * initialised node that is alone points to itself. */
#ifndef USER_FS_CORE_LINK_H
#define USER_FS_CORE_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *next, *prev;
};

#define LINK_OWNER(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void link_init(struct link *node)
{
    node->next = node->prev = node;
}

static inline bool link_alone(const struct link *node)
{
    return node->next == node;
}

/* Safe on a node that is alone; leaves it so. */
static inline void link_remove(struct link *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    link_init(node);
}

/* Puts node right behind place. */
static inline void link_insert(struct link *place, struct link *node)
{
    node->next = place->next;
    node->prev = place;
    place->next->prev = node;
    place->next = node;
}

#endif
