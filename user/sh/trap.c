/*
 * The builtin trap, and the end of the shell. See trap.h.
 */
#include <stdlib.h>
#include <string.h>

#include "user/sh/builtin.h"
#include "user/sh/output.h"
#include "user/sh/shell.h"
#include "user/sh/trap.h"
#include "user/sh/vars.h"

static char *action;        /* commands for the end, or NULL */
static int end_status = -1; /* while they run: what trap_end was given */

bool trap_is_set(void)
{
    return action != NULL;
}

void trap_forget(void)
{
    free(action);
    action = NULL;
}

int trap_exit_status(void)
{
    return end_status < 0 ? shell.status : end_status;
}

int trap_end(int status)
{
    char *commands = action;

    if (!commands)
        return status;
    action = NULL;
    end_status = status;
    shell.status = status;
    shell.unwind = UNWIND_NONE;
    shell.loops = shell.calls = shell.tested = 0;
    shell_run_string(commands);
    free(commands);
    return shell.unwind ? shell.status : status;
}

static void set_action(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        shell_no_memory();
    trap_forget();
    action = copy;
}

static bool is_end(const char *condition)
{
    return !strcmp(condition, "EXIT") || !strcmp(condition, "0");
}

static int show(void)
{
    if (action) {
        output_text("trap -- ");
        output_text(vars_quote(shell.stack, action));
        output_text(" EXIT\n");
    }
    return 0;
}

int builtin_trap(int argc, char **argv)
{
    const char *text = NULL;
    int status = 0;
    int i = 1;

    if (i < argc && !strcmp(argv[i], "--"))
        i++;
    if (i == argc)
        return show();
    /* A number or a single word in the place of the commands is a condition to be reset. */
    if (i + 1 < argc && shell_number(argv[i]) < 0) {
        text = strcmp(argv[i], "-") ? argv[i] : NULL;
        i++;
    }
    for (; i < argc; i++) {
        if (is_end(argv[i])) {
            set_action(text);
        } else if (text) {
            shell_error("trap: %s: signals cannot be caught or ignored here, each of them kills; "
                        "only EXIT can be trapped",
                        argv[i]);
            status = 1;
        }
    }
    return status;
}
