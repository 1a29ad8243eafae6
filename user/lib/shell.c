/*
 * Commands for the shell: system, popen and pclose.
 */
#include "user/lib/glue.h"
#include "user/lib/stream.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL         "/bin/sh"
#define SHELL_MISSING 127

/* In the child: become sh -c command. */
static void shell_run(const char *command) __attribute__((noreturn));
static void shell_run(const char *command)
{
    execl(SHELL, "sh", "-c", command, (char *)0);
    _exit(SHELL_MISSING);
}

int system(const char *command)
{
    int status;
    pid_t pid;

    if (!command)
        return access(SHELL, X_OK) == 0;
    fflush(0); /* or the command's output would overtake ours */
    pid = fork();
    if (pid == 0)
        shell_run(command);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    return status;
}

/* In the child: make end of the pipe our fd, and run. */
static void popen_child(int end, int fd, const char *command)
{
    if (end == fd)
        fcntl(end, F_SETFD, 0);
    else if (dup2(end, fd) < 0)
        _exit(SHELL_MISSING);
    shell_run(command);
}

FILE *popen(const char *command, const char *mode)
{
    int reading = mode[0] == 'r';
    int ends[2];
    struct stream *s;
    pid_t pid;

    if (mode[0] != 'r' && mode[0] != 'w') {
        errno = EINVAL;
        return 0;
    }
    if (pipe2(ends, O_CLOEXEC) < 0)
        return 0;
    s = stream_make(ends[!reading], reading ? __SRD : __SWR, 0);
    if (!s) {
        close(ends[0]);
        close(ends[1]);
        return 0;
    }
    pid = fork();
    if (pid == 0)
        popen_child(ends[reading], reading, command);
    close(ends[reading]);
    if (pid < 0) {
        int saved = errno;
        fclose(stream_file(s));
        errno = saved;
        return 0;
    }
    s->child = pid;
    return stream_file(s);
}

int pclose(FILE *f)
{
    struct stream *s = stream_of(f);
    pid_t pid = s ? s->child : 0;
    int status;

    if (pid == 0) {
        errno = ECHILD;
        return -1;
    }
    fclose(f);
    return waitpid(pid, &status, 0) < 0 ? -1 : status;
}
