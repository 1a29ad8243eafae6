/*
 * Intrusive doubly linked lists. A list head and a link are the same thing: a
 * ring that, when empty, points to itself. No function allocates or locks.
 */
#ifndef KERNEL_LIB_LIST_H
#define KERNEL_LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define list_for_each(it, head)         for (struct list *it = (head)->next; it != (head); it = it->next)
/* The current element may be removed inside the loop. */
#define list_for_each_safe(it, head)                                                               \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                      \
         it = it##_next, it##_next = it->next)

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert(struct list *before, struct list *item)
{
    item->next = before;
    item->prev = before->prev;
    before->prev->next = item;
    before->prev = item;
}

static inline void list_push_back(struct list *head, struct list *item)
{
    list_insert(head, item);
}

static inline void list_push_front(struct list *head, struct list *item)
{
    list_insert(head->next, item);
}

/* Unlinks item and leaves it an empty ring, so that removing it twice is harmless. */
static inline void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

/* The first element, unlinked; NULL if there is none. */
static inline struct list *list_pop(struct list *head)
{
    struct list *item = head->next;
    if (item == head)
        return NULL;
    list_remove(item);
    return item;
}

#endif
