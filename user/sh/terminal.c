/*
 * The terminal. See terminal.h.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "user/sh/shell.h"
#include "user/sh/terminal.h"

static int terminal = -1;        /* our own descriptor on it */
static bool have_modes;          /* modes is valid */
static struct termios modes;     /* as they were when we took over */
static unsigned long interrupts; /* ^C with nobody in the foreground, seen so far */

bool terminal_take(void)
{
    for (int i = STDIN_FILENO; i <= STDERR_FILENO && terminal < 0; i++)
        if (isatty(i))
            terminal = fcntl(i, F_DUPFD_CLOEXEC, SHELL_FD);
    if (terminal < 0)
        return false;
    have_modes = !tcgetattr(terminal, &modes);
    terminal_give(0);
    terminal_forget_interrupts();
    return true;
}

void terminal_give(pid_t group)
{
    if (terminal < 0)
        return;
    /* A terminal that does not know "nobody" gets the shell's own group. */
    if (tcsetpgrp(terminal, group) && !group)
        tcsetpgrp(terminal, getpgrp());
}

void terminal_reset_modes(void)
{
    if (have_modes)
        tcsetattr(terminal, TCSADRAIN, &modes);
}

/* Elsewhere than on Banyan, where there is no such count, ^C kills the shell. */
static bool count_interrupts(unsigned long *count)
{
#ifdef TIOCGINTR
    return terminal >= 0 && !ioctl(terminal, TIOCGINTR, count);
#else
    (void)count;
    return false;
#endif
}

bool terminal_interrupted(void)
{
    unsigned long now;

    if (!count_interrupts(&now) || now == interrupts)
        return false;
    interrupts = now;
    tcflush(terminal, TCIFLUSH);
    return true;
}

void terminal_forget_interrupts(void)
{
    count_interrupts(&interrupts);
}

void terminal_forget(void)
{
    if (terminal >= 0)
        close(terminal);
    terminal = -1;
    have_modes = false;
}
