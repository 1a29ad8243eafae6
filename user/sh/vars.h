/*
 * Variables, the environment, and the positional parameters.
 */
#ifndef USER_SH_VARS_H
#define USER_SH_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "user/sh/shell.h"

#define VAR_EXPORT   1
#define VAR_READONLY 2

/* A variable as it was before something hid it. */
struct saved_var {
    struct saved_var *next;
    char *name;
    char *value; /* NULL: was unset */
    int flags;
};

/* Take the variables from the environment; set those the shell always has. */
void vars_init(char **environment);

/* The value, or NULL if unset. Valid until the variable changes. */
const char *var_get(const char *name);
/* Set a variable and add VAR_* flags to it. value NULL: only add the flags.
 * Returns false with a message if it is read-only. */
bool var_set(const char *name, const char *value, int flags);
bool var_unset(const char *name);

/* Call visit with the name of each that is set. */
void vars_each(void (*visit)(const char *name, void *context), void *context);

/* Remember a variable on *list, and put all of a list back. */
void var_save(struct saved_var **list, const char *name);
void vars_restore(struct saved_var **list);

/* NAME=VALUE of every exported variable, for exec; allocated in arena. */
char **vars_environment(struct arena *arena);
/* Print the variables that have all of flags, as commands that set them, each
 * after `prefix` ("export "), sorted. */
void vars_print(const char *prefix, int flags);
/* text in quotes such that the shell reads it back as one word. */
char *vars_quote(struct arena *arena, const char *text);

/* New positional parameters: copies. The old ones are freed. */
void params_set(char *const *values, size_t count);
/* Make values the parameters of a new frame, and drop that frame again, its
 * locals restored. */
void frame_push(char *const *values, size_t count);
void frame_pop(void);

/* The value of parameter name ("x", "1", "#", "?", ...), or NULL if unset. May
 * be allocated in arena. "@" and "*" are not values and are not known here. */
const char *param_value(struct arena *arena, const char *name);

#endif
