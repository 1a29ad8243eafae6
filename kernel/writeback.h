/*
 * The write-back thread: stores dirty pages by timer and when memory or the
 * limit of dirty pages asks for it, and drops clean pages when memory is low.
 */
#ifndef KERNEL_WRITEBACK_H
#define KERNEL_WRITEBACK_H

#include <stdbool.h>

/* Starts the thread. */
void writeback_init(void);
/* A transfer out of so many pages has ended; more: its object has further dirty
 * pages. */
void writeback_ended(unsigned pages, bool more);
/* Memory was refused to the current thread, which holds no lock: drops clean
 * pages, else waits (killable, bounded) for dirty ones to become clean. 0: try
 * again; -ENOMEM; -EINTR. */
int writeback_make_room(void);
/* Waits (killable) while too many pages are dirty. 0 or -EINTR. */
int writeback_throttle(void);
/* On entry to the kernel with no lock held: keeps a cushion of free memory. */
void writeback_balance(void);

#endif
