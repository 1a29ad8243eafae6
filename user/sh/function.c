/*
 * The table of functions. See exec.h.
 *
 * A function is a tree in the arena it was parsed in, which it holds; a call
 * holds it too, for a function may redefine itself while it runs.
 */
#include <stdlib.h>
#include <string.h>

#include "user/sh/exec.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

struct function {
    struct function *next;
    const struct node *body;
    struct arena *arena;
    char name[];
};

static struct function *functions;

static struct function **find(const char *name)
{
    struct function **link = &functions;

    while (*link && strcmp((*link)->name, name))
        link = &(*link)->next;
    return link;
}

bool function_exists(const char *name)
{
    return *find(name) != NULL;
}

bool function_remove(const char *name)
{
    struct function **link = find(name), *function = *link;

    if (!function)
        return false;
    *link = function->next;
    arena_drop(function->arena);
    free(function);
    return true;
}

void function_define(const struct node *node)
{
    struct function *function = malloc(sizeof(*function) + strlen(node->name) + 1);

    if (!function)
        shell_no_memory();
    strcpy(function->name, node->name);
    function->body = node->left;
    function->arena = arena_hold(shell.code);
    function_remove(node->name);
    function->next = functions;
    functions = function;
}

int function_call(int argc, char **argv)
{
    const struct function *function = *find(argv[0]);
    const struct node *body = function->body;
    struct arena *caller = shell.code;
    unsigned loops = shell.loops;
    int status;

    if (shell.depth >= SHELL_DEPTH) {
        shell_abort("%s: functions are nested too deeply", argv[0]);
        return shell.status;
    }
    shell.code = arena_hold(function->arena);
    shell.depth++;
    shell.calls++;
    shell.loops = 0;
    frame_push(argv + 1, (size_t)argc - 1);
    status = exec_node(body, false);
    if (shell.unwind == UNWIND_RETURN) {
        shell.unwind = UNWIND_NONE;
        status = shell.status;
    }
    frame_pop();
    shell.loops = loops;
    shell.calls--;
    shell.depth--;
    arena_drop(shell.code);
    shell.code = caller;
    return status;
}

void function_each(void (*visit)(const char *name, void *context), void *context)
{
    for (const struct function *function = functions; function; function = function->next)
        visit(function->name, context);
}
