/*
 * init's children: what has to call a server. A call may take as long as the
 * server does, or end with an error when the server dies; init itself must not
 * care, so each thing is a process that init waits for like any other.
 */
#include "user/init/init.h"
#include <errno.h>
#include <fcntl.h>
#include <stop.h>
#include <string.h>

static char *const environment[] = {"PATH=/bin:/test", "HOME=/home", "TERM=vt100", 0};

/* Fork. In the child the ports are closed: a copy there would keep waiters from
 * learning that a server was given up. */
static int child_fork(const char *name)
{
    long pid = sys_fork();

    if (pid == 0) {
        for (int i = 0; i < SERVICES; i++)
            if (services[i].port >= 0)
                sys_close(services[i].port);
        sys_close(init_port);
        sys_set_name(name, strlen(name));
    }
    return (int)pid;
}

/* -------------------------------------------------------------- messages */

static long tty_request(unsigned long number, unsigned long w1)
{
    struct message m = {.w = {number, w1}};

    return ipc_request(session_tty, &m, 0);
}

/* Open a file by its absolute path: a handle, or a negated errno. */
static long file_open(const char *path)
{
    struct message m = {.w = {MSG_OPEN, O_RDONLY}};
    struct ipc_ext ext = {.send_addr = (unsigned long)path, .send_len = strlen(path)};
    long err = ipc_request(session_root, &m, &ext);

    if (err < 0)
        return err;
    return ext.recv_handle_count ? ext.recv_handles[0] : -1;
}

/* -------------------------------------------------------------- programs */

/* Give this child what a program starts with; in is its standard input. */
static long become_user(int in)
{
    const struct {
        int from, to;
    } moves[] = {{in, 0},
                 {session_tty, 1},
                 {session_tty, 2},
                 {session_tty, H_TTY},
                 {session_root, H_ROOT},
                 {session_root, H_CWD}};

    for (unsigned i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        long err = sys_dup2(moves[i].from, moves[i].to, 0);

        if (err < 0)
            return err;
    }
    return sys_setpgid(0, 0);
}

static __attribute__((noreturn)) void fail(const char *what, long err)
{
    say("init: %s: error %d", what, (int)-err);
    sys_exit(127);
}

static __attribute__((noreturn)) void no_shell(long err)
{
    fail("cannot open /bin/sh (`make clean qemu` makes a disk that has it)", err);
}

int child_shell(unsigned long delay_ns)
{
    static char *const argv[] = {"sh", 0};
    int pid = child_fork("init: shell");
    long program, err;

    if (pid)
        return pid;
    if (delay_ns)
        sys_sleep(delay_ns);
    program = keep(file_open("/bin/sh"));
    if (program < 0)
        no_shell(program);
    err = become_user(session_tty);
    if (err < 0)
        fail("cannot give /bin/sh its handles", err);
    tty_request(MSG_TTY_SETPGRP, 0); /* whatever the last shell left there */
    fail("cannot start /bin/sh", sys_exec((int)program, argv, environment));
}

int child_command(const char *command)
{
    char *const argv[] = {"sh", "-c", (char *)command, 0};
    int pid = child_fork("init: command");
    long program, in, err;

    if (pid)
        return pid;
    program = keep(file_open("/bin/sh"));
    if (program < 0)
        no_shell(program);
    in = keep(file_open("/dev/null"));
    if (in < 0)
        fail("cannot open /dev/null", in);
    err = become_user((int)in);
    if (err < 0)
        fail("cannot give /bin/sh its handles", err);
    tty_request(MSG_TTY_SETPGRP, (unsigned long)sys_getpid());
    say("run: begin");
    tty_request(MSG_TTY_DRAIN, 0); /* that line is on its way before any output */
    fail("cannot start /bin/sh", sys_exec((int)program, argv, environment));
}

/* ---------------------------------------------------------------- chores */

int child_set_up(void)
{
    int pid = child_fork("init: set-up");
    struct message m = {.w = {MSG_STATFS}};
    struct msg_statfs info;
    struct ipc_ext ext = {.recv_addr = (unsigned long)&info, .recv_cap = sizeof(info)};
    long err;

    if (pid)
        return pid;
    err = ipc_request(session_root, &m, &ext);
    if (err == -EPIPE)
        sys_exit(127); /* fs died, and init says so */
    if (err < 0)
        fail("the file system does not answer", err);
    sys_exit(0);
}

int child_drain(void)
{
    int pid = child_fork("init: drain");

    if (pid)
        return pid;
    sys_exit(tty_request(MSG_TTY_DRAIN, 0) < 0);
}

int child_sync(void)
{
    int pid = child_fork("init: sync");
    long err;

    if (pid)
        return pid;
    stop_programs();
    err = sys_sync();
    if (err < 0)
        say("init: sync: error %d", (int)-err);
    tty_request(MSG_TTY_DRAIN, 0);
    sys_exit(err < 0);
}
