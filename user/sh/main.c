/*
 * sh: the start of the shell and its loop over commands.
 *
 *   sh [-aCefnuvxi] [-o NAME] [-c COMMANDS [NAME [ARG...]] | -s [ARG...] | FILE [ARG...]]
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/sh/exec.h"
#include "user/sh/input.h"
#include "user/sh/lineedit.h"
#include "user/sh/options.h"
#include "user/sh/output.h"
#include "user/sh/parse.h"
#include "user/sh/redirect.h"
#include "user/sh/shell.h"
#include "user/sh/terminal.h"
#include "user/sh/trap.h"
#include "user/sh/vars.h"

struct shell shell;

/* The inputs being run, so that they can be closed when memory is out. */
struct run {
    struct run *below;
    struct input *in;
    struct arena *arena; /* of the command being parsed or run */
    bool ran;            /* some command has */
};

static struct run *runs;
static jmp_buf prompt_loop; /* valid while an interactive shell runs */

/* -------------------------------------------------------------------- helpers */

int shell_write(int fd, const char *bytes, size_t count)
{
    while (count) {
        ssize_t written = write(fd, bytes, count);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

static void __attribute__((format(printf, 1, 0))) tell(const char *format, va_list args)
{
    static const char prefix[] = SHELL_NAME ": ";
    char line[PATH_MAX + 256];
    size_t start = sizeof(prefix) - 1, length;

    memcpy(line, prefix, start);
    if (vsnprintf(line + start, sizeof(line) - start - 1, format, args) < 0)
        return;
    length = strlen(line);
    line[length++] = '\n';
    shell_write(STDERR_FILENO, line, length);
}

void shell_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(format, args);
    va_end(args);
}

void shell_abort(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(format, args);
    va_end(args);
    shell.unwind = UNWIND_ABORT;
    shell.status = 2;
}

void shell_no_memory(void)
{
    const char *text = reason(ENOMEM);

    shell_write(STDERR_FILENO, SHELL_NAME ": ", strlen(SHELL_NAME ": "));
    shell_write(STDERR_FILENO, text, strlen(text));
    shell_write(STDERR_FILENO, "\n", 1);
    if (!shell.interactive)
        _exit(2);
    longjmp(prompt_loop, 1);
}

/* ---------------------------------------------------------------------- running */

/* Parse and run one command. False: there is no more. */
static bool run_one(struct run *run)
{
    struct arena *caller = shell.code;
    struct node *node;
    enum parse_result result;

    run->arena = arena_create();
    result = parse_complete(run->in, run->arena, &node);
    if (result == PARSE_ERROR) {
        shell.status = run->in->interrupted ? 130 : 2;
        shell.unwind = UNWIND_ABORT;
    } else if (node && !shell.opt_noexec) {
        run->ran = true;
        shell.code = run->arena;
        exec_node(node, false);
        shell.code = caller;
    }
    arena_drop(run->arena);
    run->arena = NULL;
    return result != PARSE_END;
}

/* Run commands until the end of the input or until shell.unwind is set. */
static int run_input(struct input *in)
{
    struct run run = {.below = runs, .in = in};
    int status;

    if (shell.depth >= SHELL_DEPTH) {
        shell_abort("eval and `.` are nested too deeply");
        input_close(in);
        return shell.status;
    }
    shell.depth++;
    runs = &run;
    while (!shell.unwind && run_one(&run))
        ;
    if (!run.ran && !shell.unwind)
        shell.status = 0;
    status = shell.status;
    runs = run.below;
    shell.depth--;
    input_close(in);
    return status;
}

int shell_run_string(const char *text)
{
    struct input in;

    input_from_string(&in, text, strlen(text));
    return run_input(&in);
}

int shell_run_file(int fd)
{
    struct input in;
    int status;

    input_from_fd(&in, INPUT_FILE, fd, false);
    shell.calls++;
    status = run_input(&in);
    shell.calls--;
    if (shell.unwind == UNWIND_RETURN)
        shell.unwind = UNWIND_NONE;
    return status;
}

/* Back at the prompt after memory was out: undo what was under way. */
static void recover(struct run *bottom)
{
    while (runs) {
        if (runs->arena)
            arena_drop(runs->arena);
        runs->arena = NULL;
        if (runs != bottom)
            input_close(runs->in);
        runs = runs->below;
    }
    while (shell.frame->below)
        frame_pop();
    redirect_undo(NULL);
    output_discard();
    arena_release(shell.stack, (struct arena_mark){NULL, 0});
    shell.code = NULL;
    shell.depth = shell.calls = shell.loops = shell.tested = 0;
    shell.status = 2;
    shell.unwind = UNWIND_NONE;
    input_drop_line(bottom->in);
    lineedit_abandon();
    terminal_give(0);
}

/* The loop of the shell itself: only `exit`, the end of the input, or an error
 * without a prompt to go back to ends it. */
static void main_loop(struct input *in)
{
    static struct run run;

    run = (struct run){.in = in};
    if (shell.interactive && setjmp(prompt_loop))
        recover(&run);
    runs = &run;
    while (run_one(&run)) {
        if (shell.unwind == UNWIND_EXIT || (shell.unwind == UNWIND_ABORT && !shell.interactive))
            return;
        shell.unwind = UNWIND_NONE;
    }
    if (shell.interactive)
        shell_write(STDERR_FILENO, "\n", 1);
}

/* ------------------------------------------------------------------------ start */

struct start {
    const char *commands; /* -c */
    bool standard_input;  /* -s */
    bool interactive;     /* -i */
    int next;             /* index of the first argument after the options */
};

static int usage(const char *what)
{
    shell_error("%s: unknown option\nusage: sh [-aCefinuvx] [-o NAME] "
                "[-c COMMANDS [NAME [ARG...]] | -s [ARG...] | FILE [ARG...]]",
                what);
    return 2;
}

/* Returns 0 or an exit status. */
static int read_options(int argc, char **argv, struct start *start)
{
    bool want_commands = false;
    int i = 1;

    for (; i < argc && (argv[i][0] == '-' || argv[i][0] == '+') && argv[i][1]; i++) {
        const char *option = argv[i];

        if (!strcmp(option, "--")) {
            i++;
            break;
        }
        for (const char *p = option + 1; *p; p++) {
            if (*p == 'c')
                want_commands = true;
            else if (*p == 's')
                start->standard_input = true;
            else if (*p == 'i')
                start->interactive = true;
            else if (*p == 'o' && i + 1 < argc && option_set_name(argv[i + 1], option[0] == '-'))
                i++;
            else if (!option_set_letter(*p, option[0] == '-'))
                return usage(option);
        }
    }
    if (want_commands && i >= argc) {
        shell_error("-c: the commands are missing");
        return 2;
    }
    if (want_commands)
        start->commands = argv[i++];
    start->next = i;
    return 0;
}

/* Open the script FILE. Returns 0 or an exit status. */
static int open_script(struct input *in, const char *path)
{
    int fd = open(path, O_RDONLY);
    int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, SHELL_FD);
    int error = errno;

    if (fd >= 0)
        close(fd);
    if (moved < 0) {
        shell_error("%s: %s", path, reason(error));
        return error == ENOENT ? 127 : 126;
    }
    shell.script = path;
    input_from_fd(in, INPUT_FILE, moved, false);
    return 0;
}

/* What to read, $0 and the parameters. Returns 0 or an exit status. */
static int open_input(struct input *in, const struct start *start, int argc, char **argv)
{
    int next = start->next;
    int status = 0;

    shell.name = argc ? argv[0] : SHELL_NAME;
    if (start->commands) {
        input_from_string(in, start->commands, strlen(start->commands));
        if (next < argc)
            shell.name = argv[next++];
    } else if (next < argc && !start->standard_input) {
        shell.name = argv[next];
        status = open_script(in, argv[next++]);
    } else {
        shell.interactive = start->interactive || (isatty(STDIN_FILENO) && isatty(STDERR_FILENO));
        input_from_fd(in, INPUT_SHARED, STDIN_FILENO, shell.interactive);
    }
    if (!status && next < argc)
        params_set(argv + next, (size_t)(argc - next));
    return status;
}

int main(int argc, char **argv)
{
    static struct frame bottom;
    static struct input in;
    struct start start = {.commands = NULL};
    int status = read_options(argc, argv, &start);

    if (status)
        return status;
    shell.stack = arena_create();
    shell.frame = &bottom;
    shell.pid = getpid();
    status = open_input(&in, &start, argc, argv);
    if (status)
        return status;
    if (shell.interactive)
        shell.job_control = terminal_take();
    vars_init(environ);
    arena_release(shell.stack, (struct arena_mark){NULL, 0});
    main_loop(&in);
    input_close(&in);
    return trap_end(shell.status);
}
