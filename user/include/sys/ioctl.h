/*
 * ioctl, for the terminal's size and its ^C only. Everything else that other systems do by
 * ioctl is a message here (kernel/messages.h).
 */
#ifndef BANYAN_SYS_IOCTL_H
#define BANYAN_SYS_IOCTL_H

#include <sys/termios.h>

#define TIOCGWINSZ 0x5413 /* struct winsize * */
#define TIOCSWINSZ 0x5414 /* const struct winsize * */
/* unsigned long *: how often ^C was typed with no foreground group to kill. */
#define TIOCGINTR 0x42410001

int ioctl(int fd, unsigned long request, ...);

#endif
