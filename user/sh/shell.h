/*
 * The state of one shell process, and how its parts tell of errors.
 *
 * Control that leaves a command early (break, return, a failed expansion, ^C)
 * is not a longjmp: whoever causes it sets shell.unwind, and every loop over
 * commands stops while it is set. The one longjmp is shell_no_memory().
 */
#ifndef USER_SH_SHELL_H
#define USER_SH_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "user/include/reason.h"
#include "user/sh/arena.h"

#define SHELL_NAME  "sh"
#define SHELL_FD    10  /* the shell's own descriptors are this or higher */
#define SHELL_DEPTH 500 /* functions, eval and `.` inside each other */

enum unwind {
    UNWIND_NONE,
    UNWIND_BREAK,    /* unwind_count loops */
    UNWIND_CONTINUE, /* the same, then go round */
    UNWIND_RETURN,   /* to the end of the function or sourced file */
    UNWIND_ABORT,    /* an error or ^C: the whole line; not interactive: exit */
    UNWIND_EXIT,     /* the shell ends with shell.status */
};

/* One call of a function, or the shell itself at the bottom. */
struct frame {
    struct frame *below;
    struct saved_var *locals; /* what `local` hid */
    char **params;            /* $1... */
    size_t count;             /* $# */
};

struct shell {
    struct arena *stack; /* memory of running commands, by marks */
    struct frame *frame;
    const char *name;   /* $0 */
    const char *script; /* file being read, for messages; may be NULL */
    bool interactive;   /* prompts, and survives errors */
    bool job_control;   /* pipelines get process groups and the terminal */
    int status;         /* $? */
    int substitution;   /* status of the last command substitution */
    pid_t pid;          /* $$: a subshell keeps its parent's */
    pid_t background;   /* $!, 0 = none */
    unsigned line;      /* of the command being executed */
    unsigned depth;     /* of functions, eval and `.` */
    unsigned calls;     /* of functions and `.`: where `return` has a meaning */
    unsigned loops;     /* that enclose the command, in this function */
    unsigned tested;    /* > 0: a failure is looked at (if, &&, !): no errexit */
    struct arena *code; /* the tree being executed lies here */
    enum unwind unwind;
    unsigned unwind_count;
    bool opt_allexport, opt_noclobber, opt_errexit, opt_noglob, opt_noexec, opt_nounset,
        opt_verbose, opt_xtrace, opt_pipefail, opt_notify;
};

extern struct shell shell;

/* "sh: message" and a newline on standard error. */
void shell_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As shell_error, and gives the line up (UNWIND_ABORT) with status 2. */
void shell_abort(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Memory is out: back to the prompt, or the end of a shell without one. */
void shell_no_memory(void) __attribute__((noreturn));
/* Write all of it to fd. Returns 0 or a negated errno. */
int shell_write(int fd, const char *bytes, size_t count);
/* True if text is a name a variable may have. */
bool shell_is_name(const char *text, size_t length);
/* text as a decimal number from 0 to INT_MAX, or -1. */
int shell_number(const char *text);
/* Run the commands in text (eval), or those in the open file fd, which is
 * closed (`.`). They stop early when shell.unwind gets set. Return the last
 * status. */
int shell_run_string(const char *text);
int shell_run_file(int fd);

#endif
