/*
 * What the life of an object (object.c) and its pages (object_page.c) share. Used
 * by these two only.
 */
#ifndef VM_OBJECT_PAGE_H
#define VM_OBJECT_PAGE_H

#include "vm/object.h"

/* Takes a page out of the index; the index's reference goes with it. Lock held. */
void object_drop_page_locked(struct object *o, uint64_t index, struct frame *f);
/* Takes all pages from index on out of the object and of every mapping. Lock
 * held. */
void object_detach_pages_locked(struct object *o, uint64_t index);

#endif
