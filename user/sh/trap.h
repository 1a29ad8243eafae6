/*
 * What is to be done when the shell, or a subshell, ends (trap COMMANDS EXIT).
 *
 * Signals have no handlers here, so the end is all that can be trapped. A
 * subshell begins without a trap.
 */
#ifndef USER_SH_TRAP_H
#define USER_SH_TRAP_H

#include <stdbool.h>

/* True if something is to be done: no program may take this process's place. */
bool trap_is_set(void);

/* Do it, once. status is what this process is to end with; returns what it ends
 * with after all, for the commands may say `exit N`. */
int trap_end(int status);

/* The status for an `exit` without a number: while trap_end's commands run,
 * what trap_end was given; else that of the last command. */
int trap_exit_status(void);

/* In a child: the trap is the parent's. */
void trap_forget(void);

#endif
