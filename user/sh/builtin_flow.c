/*
 * Builtins that direct what runs, and wait for it. See builtin.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "user/sh/builtin.h"
#include "user/sh/exec.h"
#include "user/sh/job.h"
#include "user/sh/shell.h"
#include "user/sh/trap.h"

/* The builtin's one numeric argument, or `missing` if there is none; -1 with a
 * message if it is not a number. */
static int number_argument(int argc, char **argv, int missing)
{
    int number;

    if (argc < 2)
        return missing;
    number = shell_number(argv[1]);
    if (number < 0)
        shell_error("%s: %s: not a number", argv[0], argv[1]);
    return number;
}

int builtin_break(int argc, char **argv)
{
    int count = number_argument(argc, argv, 1);

    if (count <= 0) {
        if (count == 0)
            shell_error("%s: 0: not a number of loops", argv[0]);
        return 1;
    }
    if (!shell.loops)
        return 0;
    shell.unwind = argv[0][0] == 'b' ? UNWIND_BREAK : UNWIND_CONTINUE;
    shell.unwind_count = (unsigned)count < shell.loops ? (unsigned)count : shell.loops;
    return 0;
}

int builtin_return(int argc, char **argv)
{
    int status = number_argument(argc, argv, shell.status);

    if (status < 0)
        status = 2;
    if (!shell.calls) {
        shell_error("return: not in a function or sourced file");
        return 1;
    }
    shell.status = status & 0xff;
    shell.unwind = UNWIND_RETURN;
    return shell.status;
}

int builtin_exit(int argc, char **argv)
{
    int status = number_argument(argc, argv, trap_exit_status());

    if (status < 0)
        status = 2;
    shell.status = status & 0xff;
    shell.unwind = UNWIND_EXIT;
    return shell.status;
}

int builtin_eval(int argc, char **argv)
{
    struct strbuf text;

    strbuf_init(&text, shell.stack);
    for (int i = 1; i < argc; i++) {
        strbuf_adds(&text, argv[i]);
        strbuf_put(&text, i + 1 < argc ? ' ' : '\n');
    }
    return shell_run_string(strbuf_text(&text));
}

/* A file named without a slash is looked for in PATH, then here. */
static int open_script(const char *name)
{
    char *found = strchr(name, '/') ? NULL : exec_find(name);

    return open(found ? found : name, O_RDONLY);
}

int builtin_dot(int argc, char **argv)
{
    int fd, moved;

    if (argc < 2) {
        shell_error("%s: which file?", argv[0]);
        return 2;
    }
    fd = open_script(argv[1]);
    if (fd < 0) {
        shell_error("%s: %s: %s", argv[0], argv[1], reason(errno));
        return 1;
    }
    moved = fcntl(fd, F_DUPFD_CLOEXEC, SHELL_FD);
    close(fd);
    if (moved < 0) {
        shell_error("%s: %s: %s", argv[0], argv[1], reason(errno));
        return 1;
    }
    return shell_run_file(moved);
}

int builtin_exec(int argc, char **argv)
{
    int status;

    if (argc < 2)
        return 0;
    status = exec_program(argv + 1);
    if (!shell.interactive) {
        shell.status = status;
        shell.unwind = UNWIND_EXIT;
    }
    return status;
}

/* PID or %N of `wait` and `fg`, %N as -N; 0 with a message if it is neither. */
static long job_argument(const char *name, const char *text)
{
    int number = shell_number(text[0] == '%' ? text + 1 : text);

    if (number <= 0) {
        shell_error("%s: %s: not a process id or %%job", name, text);
        return 0;
    }
    return text[0] == '%' ? -(long)number : number;
}

int builtin_wait(int argc, char **argv)
{
    int status = 0;

    if (argc < 2)
        return job_wait_all();
    for (int i = 1; i < argc && !shell.unwind; i++) {
        long pid = job_argument("wait", argv[i]);

        status = pid ? job_wait_pid(pid) : 2;
    }
    return status;
}

/* The arguments of `kill`, %N replaced by what that is. NULL with a message if there is no such
 * job. */
static char **kill_arguments(int argc, char **argv)
{
    int operands = 1; /* where they begin: after -SIGNAL or -s SIGNAL */
    struct strlist words;

    if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--"))
        operands = strcmp(argv[1], "-s") ? 2 : 3;
    strlist_init(&words, shell.stack);
    for (int i = 0; i < argc; i++) {
        /* The first word may become -GROUP, which is no signal. */
        if (i == operands && strcmp(argv[i], "--"))
            strlist_add(&words, "--");
        if (i < operands || argv[i][0] != '%') {
            strlist_add(&words, argv[i]);
        } else if (!job_targets(shell_number(argv[i] + 1), &words)) {
            shell_error("kill: %s: no such job runs; see `jobs`", argv[i]);
            return NULL;
        }
    }
    return words.items;
}

/* The program does it, but only the shell knows jobs by their numbers. */
int builtin_kill(int argc, char **argv)
{
    char **args = kill_arguments(argc, argv);
    struct job *job;
    pid_t pid;

    if (!args)
        return 1;
    job = job_create(false, NULL);
    pid = job_fork(job);
    if (pid == 0)
        _exit(exec_program(args));
    if (pid < 0) {
        job_abandon(job);
        return 1;
    }
    return job_wait_foreground(job);
}

int builtin_jobs(int argc, char **argv)
{
    job_list(argc > 1 && !strcmp(argv[1], "-p"));
    return 0;
}

int builtin_fg(int argc, char **argv)
{
    long job = argc > 1 ? job_argument("fg", argv[1]) : 0;

    if (argc > 1 && !job)
        return 2;
    return job_foreground((int)(job < 0 ? -job : job));
}
