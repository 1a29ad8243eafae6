/*
 * A service's sign of life: what init, its supervisor, wants to see once a second.
 */
#ifndef USER_HEART_H
#define USER_HEART_H

#include "kernel/messages.h"
#include "user/include/banyan.h"
#include "user/include/grants.h"

/* The service whose bit that is, HEART_*, is well. */
static inline void heart_beat(unsigned bit)
{
    sys_notify(HEART, 1ul << bit);
}

/* A service's exit status if another start of it would be of no use. */
#define EXIT_HOPELESS 2

/* To be called with the bits of each notification. */
static inline void heart_answer(unsigned long bits, unsigned bit)
{
    if (bits & NOTIFY_HEARTBEAT)
        heart_beat(bit);
}

#endif
