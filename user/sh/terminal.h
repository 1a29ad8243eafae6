/*
 * The terminal of an interactive shell: which group its ^C hits.
 *
 * No signal can be caught on Banyan, so the shell's own group is never the
 * foreground one: at the prompt the terminal has none (group 0), and ^C there
 * only discards the line.
 */
#ifndef USER_SH_TERMINAL_H
#define USER_SH_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Find the terminal and take it over: nobody is in the foreground. False: the
 * shell has none, and what follows does nothing. */
bool terminal_take(void);
/* Make group the foreground; 0: nobody. */
void terminal_give(pid_t group);
/* Modes as they were at the start: a killed program cannot do it itself. */
void terminal_reset_modes(void);
/* In a child: it is not ours any more. */
void terminal_forget(void);

#endif
