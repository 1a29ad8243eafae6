/*
 * Terminals: attributes, size, and the group that ^C goes to.
 */
#include "user/lib/glue.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/*
 * A terminal's request, for handles that may be anything. Whatever is not a
 * terminal is -ENOTTY: files are told by their memory object, without asking.
 */
static long tty_request(int fd, struct message *m, struct ipc_ext *ext)
{
    struct abi_handle_info info;
    long r = sys_handle_info(fd, &info);

    if (r < 0)
        return r;
    if (info.type != HANDLE_SESSION || info.has_object)
        return -ENOTTY;
    r = glue_handle_request(fd, m, ext);
    return r == -ENOSYS || r == -EINVAL ? -ENOTTY : r;
}

int tcgetattr(int fd, struct termios *tio)
{
    struct message m = GLUE_MESSAGE(MSG_TTY_GETATTR, 0, 0);
    struct ipc_ext ext = {.recv_addr = (unsigned long)tio, .recv_cap = sizeof(*tio)};
    long r = tty_request(fd, &m, &ext);

    if (r >= 0)
        r = ext.recv_len == sizeof(*tio) ? 0 : -EIO;
    return (int)glue_result(r);
}

int tcsetattr(int fd, int when, const struct termios *tio)
{
    struct message m = GLUE_MESSAGE(MSG_TTY_SETATTR, when, 0);
    struct ipc_ext ext = {.send_addr = (unsigned long)tio, .send_len = sizeof(*tio)};

    if (when < TCSANOW || when > TCSAFLUSH)
        return (int)glue_result(-EINVAL);
    return (int)glue_result(tty_request(fd, &m, &ext));
}

int isatty(int fd)
{
    struct termios tio;

    return tcgetattr(fd, &tio) == 0;
}

int tcdrain(int fd)
{
    struct message m = GLUE_MESSAGE(MSG_TTY_DRAIN, 0, 0);

    return (int)glue_result(tty_request(fd, &m, 0));
}

int tcflush(int fd, int queue)
{
    struct termios tio;

    if (queue == TCOFLUSH)
        return tcdrain(fd);
    if (queue != TCIFLUSH && queue != TCIOFLUSH)
        return (int)glue_result(-EINVAL);
    if (tcgetattr(fd, &tio) < 0)
        return -1;
    return tcsetattr(fd, TCSAFLUSH, &tio);
}

void cfmakeraw(struct termios *tio)
{
    tio->c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    tio->c_oflag &= ~OPOST;
    tio->c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    tio->c_cflag = (tio->c_cflag & ~(CSIZE | PARENB)) | CS8;
    tio->c_cc[VMIN] = 1;
    tio->c_cc[VTIME] = 0;
}

int tcsetpgrp(int fd, pid_t pgrp)
{
    struct message m = GLUE_MESSAGE(MSG_TTY_SETPGRP, pgrp, 0);

    return (int)glue_result(tty_request(fd, &m, 0));
}

pid_t tcgetpgrp(int fd)
{
    struct message m = GLUE_MESSAGE(MSG_TTY_GETPGRP, 0, 0);
    long r = tty_request(fd, &m, 0);

    return (pid_t)glue_result(r < 0 ? r : (long)m.w[1]);
}

static long tty_get_size(int fd, struct winsize *size)
{
    struct message m = GLUE_MESSAGE(MSG_TTY_GETSIZE, 0, 0);
    long r = tty_request(fd, &m, 0);

    if (r < 0)
        return r;
    memset(size, 0, sizeof(*size));
    size->ws_row = (unsigned short)m.w[1];
    size->ws_col = (unsigned short)m.w[2];
    return 0;
}

static long tty_set_size(int fd, const struct winsize *size)
{
    struct message m = GLUE_MESSAGE(MSG_TTY_SETSIZE, size->ws_row, size->ws_col);

    return tty_request(fd, &m, 0);
}

static long tty_get_interrupts(int fd, unsigned long *count)
{
    struct message m = GLUE_MESSAGE(MSG_TTY_INTERRUPTS, 0, 0);
    long r = tty_request(fd, &m, 0);

    if (r >= 0)
        *count = m.w[1];
    return r;
}

int ioctl(int fd, unsigned long request, ...)
{
    void *argument;
    va_list ap;

    va_start(ap, request);
    argument = va_arg(ap, void *);
    va_end(ap);
    switch (request) {
    case TIOCGWINSZ:
        return (int)glue_result(tty_get_size(fd, argument));
    case TIOCSWINSZ:
        return (int)glue_result(tty_set_size(fd, argument));
    case TIOCGINTR:
        return (int)glue_result(tty_get_interrupts(fd, argument));
    default:
        return (int)glue_result(-ENOTTY);
    }
}

char *ttyname(int fd)
{
    static char name[] = "/dev/tty";

    if (!isatty(fd))
        return 0;
    return name;
}
