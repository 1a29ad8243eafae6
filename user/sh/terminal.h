/*
 * The terminal of an interactive shell: which group its ^C hits.
 *
 * No signal can be caught on Banyan, so the shell's own group is never the
 * foreground one: while no program runs the terminal has none (group 0), and counts
 * ^C. At the prompt it is a key; while the shell itself works, which a loop of
 * builtins can do for ever, it looks from time to time whether the count has grown.
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
/* Was ^C typed since the last look, or since terminal_forget_interrupts(), with
 * nobody in the foreground? If so, what else was typed is dropped: it is at most an
 * instant younger, or the empty line that the terminal gave for the ^C. */
bool terminal_interrupted(void);
void terminal_forget_interrupts(void);
/* In a child: it is not ours any more. */
void terminal_forget(void);

#endif
