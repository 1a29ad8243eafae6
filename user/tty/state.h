/*
 * What the terminal server is started with: its handles, and the memory behind one of
 * them, which init keeps so that a new server goes on where the last one ended.
 */
#ifndef USER_TTY_STATE_H
#define USER_TTY_STATE_H

#define PORT      3
#define REGISTERS 4
#define INTERRUPT 5
/* HEART is 6 */
#define STATE 7

#define STATE_BYTES (192ul << 10) /* struct tty fits */

#endif
