/*
 * The terminal as a program meets it: attributes, size, group, writing.
 *
 * test: points=2 cpus=2
 */
#include "user/test/proc_util.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <termios.h>

static int terminal; /* not standard output: usertests reads that through a pipe */

static int attributes(void *unused)
{
    struct termios saved, t;

    (void)unused;
    CHECK_IS(tcgetattr(terminal, &saved), 0);
    t = saved;
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
    CHECK_IS(tcsetattr(terminal, TCSANOW, &t), 0);
    struct termios now;
    CHECK_IS(tcgetattr(terminal, &now), 0);
    CHECK((now.c_lflag & (ICANON | ECHO)) == 0);
    CHECK_IS(now.c_cc[VMIN], 0);
    char byte;
    CHECK_IS(sys_read(H_TTY, &byte, 1), 0); /* nothing typed, and no waiting */
    t.c_cc[VTIME] = 2;
    CHECK_IS(tcsetattr(terminal, TCSADRAIN, &t), 0);
    long start = now_ns();
    CHECK_IS(sys_read(H_TTY, &byte, 1), 0);
    CHECK(now_ns() - start >= 200 * MS);
    CHECK_IS(tcsetattr(terminal, TCSAFLUSH, &saved), 0);
    CHECK_IS(tcgetattr(terminal, &now), 0);
    CHECK_IS(now.c_lflag, saved.c_lflag);
    CHECK(tcsetattr(terminal, 99, &saved) < 0 && errno == EINVAL);
    return 0;
}

static int size(void *unused)
{
    struct winsize saved, ws = {.ws_row = 33, .ws_col = 101}, got;

    (void)unused;
    CHECK_IS(ioctl(terminal, TIOCGWINSZ, &saved), 0);
    CHECK(saved.ws_row > 0 && saved.ws_col > 0);
    CHECK_IS(ioctl(terminal, TIOCSWINSZ, &ws), 0);
    CHECK_IS(ioctl(terminal, TIOCGWINSZ, &got), 0);
    CHECK(got.ws_row == 33 && got.ws_col == 101);
    CHECK_IS(ioctl(terminal, TIOCSWINSZ, &saved), 0);
    return 0;
}

static int group(void *unused)
{
    pid_t saved = tcgetpgrp(terminal);
    struct message m = {.w = {MSG_TTY_SETPGRP, 1}};

    (void)unused;
    CHECK(saved > 1);
    CHECK_IS(ipc_request(H_TTY, &m, 0), -EINVAL); /* init's group is not for ^C */
    m = (struct message){.w = {MSG_TTY_SETPGRP, ~0ul}};
    CHECK_IS(ipc_request(H_TTY, &m, 0), -EINVAL);
    CHECK_IS(tcsetpgrp(terminal, 4321), 0);
    CHECK_IS(tcgetpgrp(terminal), 4321);
    CHECK_IS(tcsetpgrp(terminal, saved), 0);
    return 0;
}

static int wait_key(void *unused)
{
    char byte;

    (void)unused;
    return (int)sys_read(H_TTY, &byte, 1);
}

/* One who waits for a key can be killed, and the terminal serves the others. */
static int killed_reader(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20; i++) {
        pid_t pid = spawn(wait_key, 0);
        CHECK(await_waiting(pid, "reply"));
        CHECK_IS(sys_kill(H_NONE, pid, ABI_SIGKILL), 0);
        CHECK_IS(reap(pid), ABI_SIGKILL);
    }
    CHECK_IS(write(terminal, "# the terminal works on\n", 24), 24);
    return 0;
}

/* More than the server keeps, in one write, from several at once; all of it waits
 * its turn. */
static int much_output(void *unused)
{
    static char line[3000];
    pid_t pids[3];

    (void)unused;
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            memset(line, '0' + i, sizeof(line));
            for (unsigned j = 0; j < sizeof(line); j += 60) {
                line[j] = '#';
                line[j + 59] = '\n';
            }
            _exit(write(terminal, line, sizeof(line)) == (long)sizeof(line) ? 0 : 1);
        }
    }
    for (int i = 0; i < 3; i++)
        CHECK_IS(reap(pids[i]), 0);
    CHECK_IS(tcdrain(terminal), 0);
    return 0;
}

static int not_a_terminal(void *unused)
{
    struct termios t;
    int fds[2];

    (void)unused;
    CHECK_IS(pipe(fds), 0);
    CHECK(!isatty(fds[0]) && tcgetattr(fds[0], &t) < 0);
    CHECK(!isatty(999) && errno == EBADF);
    return 0;
}

static const struct proc_test tests[] = {
    {attributes, "attributes; reads that do not wait, or not for long"},
    {size, "size"},
    {group, "the foreground group"},
    {killed_reader, "readers killed while they wait for a key"},
    {much_output, "much output from several at once"},
    {not_a_terminal, "what is no terminal"},
};

int main(void)
{
    terminal = open("/dev/tty", O_RDWR);
    return RUN_TESTS(tests);
}
