/*
 * The table of builtins, and the small ones. See builtin.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/sh/builtin.h"
#include "user/sh/exec.h"
#include "user/sh/output.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

static int builtin_true(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static int builtin_false(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 1;
}

static int digit_value(char c, int base)
{
    const char *digits = "0123456789abcdef", *found;

    found = c ? strchr(digits, c | (c >= 'A' ? 0x20 : 0)) : NULL;
    return found && found - digits < base ? (int)(found - digits) : -1;
}

/* At most `most` digits at *text, which moves past them. */
static char read_code(const char **text, int base, int most)
{
    int code = 0;

    for (; most && digit_value(**text, base) >= 0; most--)
        code = code * base + digit_value(*(*text)++, base);
    return (char)code;
}

/* One argument of echo -e. Returns false after \c, which ends all output. */
static bool echo_escaped(const char *text)
{
    static const char names[] = "abefnrtv\\", codes[] = "\a\b\033\f\n\r\t\v\\";

    while (*text) {
        char c = *text++;
        const char *name;

        if (c == '\\' && *text) {
            name = strchr(names, *text);
            if (*text == 'c')
                return false;
            if (name) {
                c = codes[name - names];
                text++;
            } else if (*text == '0') {
                text++;
                c = read_code(&text, 8, 3);
            } else if (*text == 'x' && digit_value(text[1], 16) >= 0) {
                text++;
                c = read_code(&text, 16, 2);
            }
        }
        output_bytes(&c, 1);
    }
    return true;
}

static int builtin_echo(int argc, char **argv)
{
    bool newline = true, escapes = false;
    int i = 1;

    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strspn(argv[i] + 1, "neE") != strlen(argv[i] + 1))
            break;
        for (const char *p = argv[i] + 1; *p; p++) {
            if (*p == 'n')
                newline = false;
            else
                escapes = *p == 'e';
        }
    }
    for (int first = i; i < argc; i++) {
        if (i > first)
            output_text(" ");
        if (!escapes)
            output_text(argv[i]);
        else if (!echo_escaped(argv[i]))
            return 0;
    }
    if (newline)
        output_text("\n");
    return 0;
}

static int builtin_pwd(int argc, char **argv)
{
    char *directory = getcwd(NULL, 0);

    (void)argc;
    (void)argv;
    if (!directory) {
        shell_error("pwd: %s", reason(errno));
        return 1;
    }
    output_text(directory);
    output_text("\n");
    free(directory);
    return 0;
}

static int builtin_cd(int argc, char **argv)
{
    const char *old = var_get("PWD");
    const char *target = argc > 1 ? argv[1] : var_get("HOME");
    bool back = target && !strcmp(target, "-");
    char *now;

    if (argc > 2) {
        shell_error("cd: too many arguments");
        return 2;
    }
    if (back)
        target = var_get("OLDPWD");
    if (!target) {
        shell_error("cd: %s is not set", back ? "OLDPWD" : "HOME");
        return 1;
    }
    if (chdir(target)) {
        shell_error("cd: %s: %s", target, reason(errno));
        return 1;
    }
    if (old)
        var_set("OLDPWD", arena_copy(shell.stack, old, strlen(old)), 0);
    now = getcwd(NULL, 0);
    if (now)
        var_set("PWD", now, VAR_EXPORT);
    if (back && now) {
        output_text(now);
        output_text("\n");
    }
    free(now);
    return 0;
}

static int builtin_umask(int argc, char **argv)
{
    char text[16], *end;
    unsigned long mask;

    if (argc < 2) {
        mode_t now = umask(0);

        umask(now);
        snprintf(text, sizeof(text), "%04o\n", (unsigned)now);
        output_text(text);
        return 0;
    }
    mask = strtoul(argv[1], &end, 8);
    if (*end || end == argv[1] || mask > 0777) {
        shell_error("umask: %s: not an octal mask", argv[1]);
        return 1;
    }
    umask((mode_t)mask);
    return 0;
}

/* What name would run; terse as `command -v` or in words as `type`. */
static int tell_command(const char *name, bool terse)
{
    static const char *const words[] = {"!",    "{",    "}",     "case", "do",  "done",
                                        "elif", "else", "esac",  "fi",   "for", "if",
                                        "in",   "then", "until", "while"};
    const char *kind = NULL, *path = NULL;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strcmp(words[i], name))
            kind = "a word of the shell's grammar";
    if (!kind && function_exists(name))
        kind = "a function";
    if (!kind && builtin_find(name))
        kind = "a shell builtin";
    if (!kind)
        path = exec_find(name);
    if (!kind && !path) {
        if (!terse)
            shell_error("%s: not found", name);
        return terse ? 1 : 127;
    }
    output_text(terse && path ? path : name);
    if (!terse) {
        output_text(" is ");
        output_text(kind ? kind : path);
    }
    output_text("\n");
    return 0;
}

static int builtin_type(int argc, char **argv)
{
    int status = 0;

    for (int i = 1; i < argc; i++)
        if (tell_command(argv[i], false))
            status = 1;
    return status;
}

static int builtin_command(int argc, char **argv)
{
    int status = 0;

    if (argc > 1 && strcmp(argv[1], "-v") && strcmp(argv[1], "-V")) {
        shell_error("command: %s: unknown option", argv[1]);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        if (tell_command(argv[i], !strcmp(argv[1], "-v")))
            status = 1;
    return status;
}

static const struct builtin builtins[] = {
    {":", builtin_true, BUILTIN_SPECIAL},
    {".", builtin_dot, BUILTIN_SPECIAL},
    {"[", builtin_test, 0},
    {"break", builtin_break, BUILTIN_SPECIAL},
    {"cd", builtin_cd, 0},
    {"command", builtin_command, 0},
    {"continue", builtin_break, BUILTIN_SPECIAL},
    {"echo", builtin_echo, 0},
    {"eval", builtin_eval, BUILTIN_SPECIAL},
    {"exec", builtin_exec, BUILTIN_SPECIAL | BUILTIN_KEEPS_FDS},
    {"exit", builtin_exit, BUILTIN_SPECIAL},
    {"export", builtin_export, BUILTIN_SPECIAL},
    {"false", builtin_false, 0},
    {"fg", builtin_fg, 0},
    {"getopts", builtin_getopts, 0},
    {"history", builtin_history, 0},
    {"jobs", builtin_jobs, 0},
    {"kill", builtin_kill, 0},
    {"local", builtin_local, 0},
    {"pwd", builtin_pwd, 0},
    {"read", builtin_read, 0},
    {"readonly", builtin_readonly, BUILTIN_SPECIAL},
    {"return", builtin_return, BUILTIN_SPECIAL},
    {"set", builtin_set, BUILTIN_SPECIAL},
    {"shift", builtin_shift, BUILTIN_SPECIAL},
    {"source", builtin_dot, BUILTIN_SPECIAL},
    {"test", builtin_test, 0},
    {"trap", builtin_trap, BUILTIN_SPECIAL},
    {"true", builtin_true, 0},
    {"type", builtin_type, 0},
    {"umask", builtin_umask, 0},
    {"unset", builtin_unset, BUILTIN_SPECIAL},
    {"wait", builtin_wait, 0},
};

const char *builtin_name(size_t i)
{
    return i < sizeof(builtins) / sizeof(builtins[0]) ? builtins[i].name : NULL;
}

const struct builtin *builtin_find(const char *name)
{
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
        if (!strcmp(builtins[i].name, name))
            return &builtins[i];
    return NULL;
}
