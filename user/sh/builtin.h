/*
 * The commands that are part of the shell.
 */
#ifndef USER_SH_BUILTIN_H
#define USER_SH_BUILTIN_H

#include <stddef.h>

#define BUILTIN_SPECIAL   1 /* found before functions; assignments stay */
#define BUILTIN_KEEPS_FDS 2 /* without arguments, redirections stay (exec) */

struct builtin {
    const char *name;
    int (*run)(int argc, char **argv); /* returns the exit status */
    int flags;
};

/* The builtin of that name, or NULL. */
const struct builtin *builtin_find(const char *name);

/* The name of builtin i, from 0 on; NULL after the last. */
const char *builtin_name(size_t i);

/* builtin_vars.c */
int builtin_export(int argc, char **argv);
int builtin_readonly(int argc, char **argv);
int builtin_local(int argc, char **argv);
int builtin_unset(int argc, char **argv);
int builtin_shift(int argc, char **argv);
int builtin_set(int argc, char **argv);

/* builtin_getopts.c, builtin_read.c */
int builtin_getopts(int argc, char **argv);
int builtin_read(int argc, char **argv);
/* builtin_history.c */
int builtin_history(int argc, char **argv);
/* builtin_test.c */
int builtin_test(int argc, char **argv);
/* builtin_flow.c */
int builtin_break(int argc, char **argv);
int builtin_return(int argc, char **argv);
int builtin_exit(int argc, char **argv);
int builtin_eval(int argc, char **argv);
int builtin_dot(int argc, char **argv);
int builtin_exec(int argc, char **argv);
int builtin_wait(int argc, char **argv);
int builtin_jobs(int argc, char **argv);
int builtin_fg(int argc, char **argv);
int builtin_kill(int argc, char **argv);
/* trap.c */
int builtin_trap(int argc, char **argv);

#endif
