/*
 * Memory pressure: who frees memory, and when (docs/SWAP.md).
 *
 * A kernel thread frees pages as long as memory is low (frame_low): cached pages
 * that are clean, anonymous ones by way of the swap disk. Who is refused memory
 * meanwhile does the same itself before trying again.
 */
#ifndef KERNEL_RECLAIMER_H
#define KERNEL_RECLAIMER_H

/* Starts the thread. Once. */
void reclaimer_init(void);
/* Wakes it if memory is low. Cheap; no lock held. */
void reclaimer_poke(void);
/* The same after each fault that was served: from half of memory on it also has pages looked
 * at, a few for each that was taken. */
void reclaimer_faulted(void);
/* Memory was refused to the current thread: frees some, or waits until somebody
 * has. 0: worth another try; -ENOMEM: there is nothing to free; -EINTR: killed.
 * No lock held. Threads of wired processes wait for the swap disk only. */
int reclaimer_make_room(void);
/* The same for what takes memory that lasts: until there is plenty (frame_plenty),
 * at once if there is. */
int reclaimer_make_plenty(void);

#endif
