/*
 * Programs: finding them by PATH, and becoming one. See exec.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/sh/exec.h"
#include "user/sh/shell.h"
#include "user/sh/vars.h"

#define SHELL_PATH "/bin/sh"

/* Call visit with each path that name may mean until it returns true. An empty
 * element of PATH is the working directory. Returns whether one did. */
static bool each_path(const char *name, bool (*visit)(const char *path, void *context),
                      void *context)
{
    const char *dirs = var_get("PATH");
    struct strbuf path;

    if (strchr(name, '/'))
        return visit(name, context);
    strbuf_init(&path, shell.stack);
    for (dirs = dirs ? dirs : "/bin";; dirs++) {
        size_t length = strcspn(dirs, ":");

        path.length = 0;
        strbuf_add(&path, dirs, length);
        if (length && path.data[length - 1] != '/')
            strbuf_put(&path, '/');
        strbuf_adds(&path, name);
        if (visit(strbuf_text(&path), context))
            return true;
        dirs += length;
        if (!*dirs)
            return false;
    }
}

static bool visit_find(const char *path, void *context)
{
    struct stat info;

    if (stat(path, &info) || !S_ISREG(info.st_mode) || access(path, X_OK))
        return false;
    *(char **)context = arena_copy(shell.stack, path, strlen(path));
    return true;
}

char *exec_find(const char *name)
{
    char *found = NULL;

    each_path(name, visit_find, &found);
    return found;
}

struct attempt {
    char **argv;
    char **environment;
    int error;       /* of the last file that was there, else ENOENT */
    const char *why; /* with ENOEXEC: what the file is not */
};

/* What to say of a file that is no script and that the kernel does not run. */
static const char *why_no_program(const char *head, size_t length)
{
    const unsigned char *elf = (const unsigned char *)head;

    if (length < 20 || memcmp(head, "\177ELF", 4))
        return "not a program or script";
    if (elf[4] != 2 || elf[5] != 1 || elf[18] != 0xf3 || elf[19])
        return "not a RISC-V 64-bit executable: build it for this machine";
    return "not an executable that can be run here: it must be whole, and linked statically "
           "by this system's build (EXTRA=DIR)";
}

/* Not a program: a script for the interpreter that its `#!` line names, or for
 * the shell. A file with a NUL in its first bytes is neither. */
static int exec_script(const char *path, struct attempt *attempt)
{
    char head[256], *interpreter = NULL, *argument = NULL, *end;
    struct strlist argv;
    ssize_t length;
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return errno;
    length = read(fd, head, sizeof(head) - 1);
    close(fd);
    if (length < 0)
        return errno;
    if (memchr(head, 0, (size_t)length)) {
        attempt->why = why_no_program(head, (size_t)length);
        return ENOEXEC;
    }
    head[length] = '\0';
    if (!strncmp(head, "#!", 2) && (end = strchr(head, '\n'))) {
        while (end > head + 2 && strchr(" \t\r", end[-1]))
            end--;
        *end = '\0';
        interpreter = head + 2 + strspn(head + 2, " \t");
        argument = interpreter + strcspn(interpreter, " \t");
        if (*argument) {
            *argument++ = '\0';
            argument += strspn(argument, " \t");
        }
    }
    if (!interpreter || !*interpreter)
        interpreter = SHELL_PATH;
    strlist_init(&argv, shell.stack);
    strlist_add(&argv, interpreter);
    if (argument && *argument)
        strlist_add(&argv, argument);
    strlist_add(&argv, arena_copy(shell.stack, path, strlen(path)));
    for (char **arg = attempt->argv + 1; *arg; arg++)
        strlist_add(&argv, *arg);
    execve(interpreter, argv.items, attempt->environment);
    if (errno == ENOENT)
        shell_error("%s: interpreter %s not found", path, interpreter);
    return errno == ENOENT ? 0 : errno;
}

static bool visit_exec(const char *path, void *context)
{
    struct attempt *attempt = context;
    int error;

    execve(path, attempt->argv, attempt->environment);
    error = errno;
    if (error == ENOEXEC)
        error = exec_script(path, attempt);
    if (error == ENOENT || error == ENOTDIR)
        return false;
    attempt->error = error;
    /* A file that may not be run does not hide one further on. */
    return error != EACCES;
}

int exec_program(char **argv)
{
    struct attempt attempt = {.argv = argv, .error = ENOENT};

    attempt.environment = vars_environment(shell.stack);
    if (argv[0][0])
        each_path(argv[0], visit_exec, &attempt);
    if (attempt.error == ENOENT) {
        shell_error("%s: not found", argv[0]);
        return 127;
    }
    if (attempt.error == ENOEXEC)
        shell_error("%s: %s", argv[0], attempt.why ? attempt.why : reason(ENOEXEC));
    else if (attempt.error)
        shell_error("%s: %s", argv[0], reason(attempt.error));
    return 126;
}
