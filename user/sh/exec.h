/*
 * Running of trees.
 */
#ifndef USER_SH_EXEC_H
#define USER_SH_EXEC_H

#include <stdbool.h>

#include "user/sh/ast.h"

/* Run the command and return its status, which is in shell.status too. last:
 * this process has nothing to do afterwards, so a program may take its place. */
int exec_node(const struct node *node, bool last);

/* The same in a new child, which ends with the status. Never returns. */
void exec_child(const struct node *node) __attribute__((noreturn));

/* Run a simple command (exec_simple.c). As exec_node. */
int exec_simple(const struct node *node, bool last);

/* Become the program argv[0], found by PATH. Returns only after a message, the
 * exit status: 127 not found, 126 it cannot be run. */
int exec_program(char **argv);
/* The file that name would run, found by PATH, or NULL. Allocated in
 * shell.stack. */
char *exec_find(const char *name);

/* The functions. A definition replaces an older one. function_call runs the
 * one of that name with argv as its parameters. */
void function_define(const struct node *node);
bool function_exists(const char *name);
bool function_remove(const char *name);
int function_call(int argc, char **argv);
/* Call visit with the name of each. */
void function_each(void (*visit)(const char *name, void *context), void *context);

#endif
