/*
 * Builtins about variables, parameters and options. See builtin.h.
 */
#include <stdio.h>
#include <string.h>

#include "user/sh/builtin.h"
#include "user/sh/exec.h"
#include "user/sh/options.h"
#include "user/sh/output.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

/* NAME or NAME=VALUE: set it, with flags. before, if not NULL, is called with
 * the name first. Returns false after a message. */
static bool declare(const char *command, const char *arg, int flags, void (*before)(const char *))
{
    const char *equals = strchr(arg, '=');
    size_t length = equals ? (size_t)(equals - arg) : strlen(arg);
    char *name;

    if (!shell_is_name(arg, length)) {
        shell_error("%s: %s: not a name", command, arg);
        return false;
    }
    name = arena_copy(shell.stack, arg, length);
    if (before)
        before(name);
    return var_set(name, equals ? equals + 1 : NULL, flags);
}

static int declare_all(int argc, char **argv, int flags)
{
    int status = 0;
    char prefix[16];

    if (argc < 2 || (argc == 2 && !strcmp(argv[1], "-p"))) {
        snprintf(prefix, sizeof(prefix), "%s ", argv[0]);
        vars_print(prefix, flags);
        return 0;
    }
    for (int i = 1; i < argc; i++)
        if (!declare(argv[0], argv[i], flags, NULL))
            status = 1;
    return status;
}

int builtin_export(int argc, char **argv)
{
    return declare_all(argc, argv, VAR_EXPORT);
}

int builtin_readonly(int argc, char **argv)
{
    return declare_all(argc, argv, VAR_READONLY);
}

static void hide_in_frame(const char *name)
{
    var_save(&shell.frame->locals, name);
}

int builtin_local(int argc, char **argv)
{
    int status = 0;

    if (!shell.frame->below) {
        shell_error("local: not in a function");
        return 1;
    }
    for (int i = 1; i < argc; i++)
        if (!declare("local", argv[i], 0, hide_in_frame))
            status = 1;
    return status;
}

int builtin_unset(int argc, char **argv)
{
    bool functions = argc > 1 && !strcmp(argv[1], "-f");
    bool variables = argc > 1 && !strcmp(argv[1], "-v");
    int status = 0;

    for (int i = 1 + (functions || variables); i < argc; i++) {
        if (functions)
            function_remove(argv[i]);
        else if (!shell_is_name(argv[i], strlen(argv[i]))) {
            shell_error("unset: %s: not a name", argv[i]);
            status = 1;
        } else if (!var_unset(argv[i])) {
            status = 1;
        }
    }
    return status;
}

int builtin_shift(int argc, char **argv)
{
    int count = argc > 1 ? shell_number(argv[1]) : 1;

    if (count < 0 || (size_t)count > shell.frame->count) {
        shell_error("shift: %s: cannot shift that many", argc > 1 ? argv[1] : "1");
        return 1;
    }
    if (count)
        params_set(shell.frame->params + count, shell.frame->count - (size_t)count);
    return 0;
}

/* --------------------------------------------------------------------- options */

const struct option_flag shell_options[] = {
    {'a', "allexport", &shell.opt_allexport},
    {'C', "noclobber", &shell.opt_noclobber},
    {'e', "errexit", &shell.opt_errexit},
    {'f', "noglob", &shell.opt_noglob},
    {'n', "noexec", &shell.opt_noexec},
    {'u', "nounset", &shell.opt_nounset},
    {'v', "verbose", &shell.opt_verbose},
    {'x', "xtrace", &shell.opt_xtrace},
    {'b', "notify", &shell.opt_notify},
    {0, "pipefail", &shell.opt_pipefail},
    {0, NULL, NULL},
};

bool option_set_letter(char letter, bool on)
{
    for (const struct option_flag *option = shell_options; option->name; option++) {
        if (option->letter && option->letter == letter) {
            *option->flag = on;
            return true;
        }
    }
    return false;
}

bool option_set_name(const char *name, bool on)
{
    for (const struct option_flag *option = shell_options; option->name; option++) {
        if (!strcmp(option->name, name)) {
            *option->flag = on;
            return true;
        }
    }
    return false;
}

/* set -o and set +o without a name: as a table, or as commands. */
static void print_options(bool table)
{
    char line[64];

    for (const struct option_flag *option = shell_options; option->name; option++) {
        if (table)
            snprintf(line, sizeof(line), "%-12s%s\n", option->name, *option->flag ? "on" : "off");
        else
            snprintf(line, sizeof(line), "set %co %s\n", *option->flag ? '-' : '+', option->name);
        output_text(line);
    }
}

/* One argument of letters. *i is its index, which moves on for -o NAME. */
static bool set_letters(int argc, char **argv, int *i)
{
    bool on = argv[*i][0] == '-';

    for (const char *p = argv[*i] + 1; *p; p++) {
        if (*p == 'o' && *i + 1 >= argc) {
            print_options(on);
        } else if (*p == 'o') {
            if (!option_set_name(argv[++*i], on)) {
                shell_error("set: %s: unknown option", argv[*i]);
                return false;
            }
            break;
        } else if (!option_set_letter(*p, on)) {
            shell_error("set: -%c: unknown option", *p);
            return false;
        }
    }
    return true;
}

int builtin_set(int argc, char **argv)
{
    int i = 1;

    if (argc < 2) {
        vars_print("", 0);
        return 0;
    }
    for (; i < argc && (argv[i][0] == '-' || argv[i][0] == '+') && argv[i][1]; i++) {
        if (!strcmp(argv[i], "--")) {
            params_set(argv + i + 1, (size_t)(argc - i - 1));
            return 0;
        }
        if (!set_letters(argc, argv, &i))
            return 2;
    }
    if (i < argc)
        params_set(argv + i, (size_t)(argc - i));
    return 0;
}
