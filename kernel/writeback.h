/*
 * The write-back thread: stores dirty pages by timer and when memory or the
 * limit of dirty pages asks for it.
 */
#ifndef KERNEL_WRITEBACK_H
#define KERNEL_WRITEBACK_H

#include <stdbool.h>

/* Starts the thread. */
void writeback_init(void);
/* A transfer out of so many pages has ended; more: its object has further dirty
 * pages. */
void writeback_ended(unsigned pages, bool more);
/* Asks for pages to be stored, because memory is short. No lock held. */
void writeback_poke(void);
/* The same, and waits until some have been, but not long. 1, or 0 if none were;
 * -EINTR if killed. No lock held. */
int writeback_wait(void);
/* Waits (killable) while too many pages are dirty. 0 or -EINTR. */
int writeback_throttle(void);

#endif
