/*
 * Out of memory and of swap: somebody must go.
 *
 * The rule: of the job (process group) with the most pages, in memory and in swap, the
 * largest process is killed, the youngest of equals. Never init or a server; and what
 * init itself has started (the user's shell) only if it has more than half of all
 * memory. Jobs come first because a thousand small processes are one culprit, and no
 * reason to kill whoever is a little larger than they.
 */
#ifndef KERNEL_OOM_H
#define KERNEL_OOM_H

#include <stdbool.h>

struct process;

/* The current thread was refused a page for good. Kills the one whom the rule names,
 * says so, and waits (killable) until its memory is back. False: it is the current
 * process, which is left to end itself. No lock held. */
bool oom_kill(void);
/* p has given its memory back. No lock held. */
void oom_ended(struct process *p);

#endif
