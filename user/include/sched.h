/*
 * One scheduling call. There are no priorities to set.
 */
#ifndef BANYAN_SCHED_H
#define BANYAN_SCHED_H

#include <sys/types.h>

int sched_yield(void);

#endif
