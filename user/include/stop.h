/*
 * Stopping every program before the machine goes off.
 */
#ifndef STOP_H
#define STOP_H

/* Kills every process but the caller, init and the servers, and waits until they
 * are gone, so that nobody writes any more while the files are stored. Needs
 * H_SYSTEM with INSPECT and SIGNAL. 0, or a negated errno; -ETIMEDOUT if some
 * process does not go. */
int stop_programs(void);

#endif
