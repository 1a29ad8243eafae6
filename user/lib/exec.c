/*
 * The exec family. The kernel runs a program from an open handle; finding the
 * file, PATH and #! lines are this library's.
 */
#include "user/lib/glue.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXEC_LINE_MAX    256 /* bytes of a #! line that are looked at */
#define EXEC_NESTING_MAX 4   /* scripts that run scripts */
#define EXEC_PATH        "/bin:/test"

static long exec_path(const char *path, char *const argv[], char *const envp[], int nesting);

static size_t exec_count(char *const argv[])
{
    size_t n = 0;

    while (argv && argv[n])
        n++;
    return n;
}

/*
 * Split a #! line in place: the interpreter, and all that follows it but outer
 * blanks as one argument (0 if nothing does). Returns 0 if there is no
 * interpreter in it, or its end was not seen.
 */
static char *exec_split(char *line, size_t len, char **arg)
{
    char *end, *interpreter;

    line[len] = '\0';
    end = strchr(line, '\n');
    if (!end && len == EXEC_LINE_MAX)
        return 0;
    if (end)
        *end = '\0';
    else
        end = line + len;
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        *--end = '\0';
    interpreter = line + 2;
    interpreter += strspn(interpreter, " \t");
    if (*interpreter == '\0')
        return 0;
    *arg = strpbrk(interpreter, " \t");
    if (*arg) {
        *(*arg)++ = '\0';
        *arg += strspn(*arg, " \t");
    }
    return interpreter;
}

/* Run interpreter [arg] path argv[1]... Returns only with an error. */
static long exec_interpreter(const char *interpreter, char *arg, const char *path,
                             char *const argv[], char *const envp[], int nesting)
{
    size_t argc = exec_count(argv);
    char **script_argv = malloc((argc + 4) * sizeof(*script_argv));
    size_t n = 0;
    long err;

    if (!script_argv)
        return -ENOMEM;
    script_argv[n++] = (char *)interpreter;
    if (arg)
        script_argv[n++] = arg;
    script_argv[n++] = (char *)path;
    for (size_t i = 1; i < argc; i++)
        script_argv[n++] = argv[i];
    script_argv[n] = 0;
    err = exec_path(interpreter, script_argv, envp, nesting + 1);
    free(script_argv);
    return err;
}

/* What the kernel took for no program: a script, if it says so itself. */
static long exec_script(int fd, const char *path, char *const argv[], char *const envp[],
                        int nesting)
{
    char line[EXEC_LINE_MAX + 1];
    char *arg = 0;
    char *interpreter;
    long len = sys_pread(fd, line, EXEC_LINE_MAX, 0);

    if (len < 0)
        return len;
    if (len < 2 || line[0] != '#' || line[1] != '!')
        return -ENOEXEC;
    if (nesting >= EXEC_NESTING_MAX)
        return -ELOOP;
    interpreter = exec_split(line, (size_t)len, &arg);
    if (!interpreter)
        return -ENOEXEC;
    return exec_interpreter(interpreter, arg, path, argv, envp, nesting);
}

/* exec is the only caller of the script's path, so an error says which part
 * failed only by its number; that is what execve can tell. */
static long exec_path(const char *path, char *const argv[], char *const envp[], int nesting)
{
    long fd = glue_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    long err;

    if (fd < 0)
        return fd;
    err = sys_exec((int)fd, argv, envp);
    if (err == -ENOEXEC)
        err = exec_script((int)fd, path, argv, envp, nesting);
    sys_close((int)fd);
    return err;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    return (int)glue_result(exec_path(path, argv, envp, 0));
}

int execv(const char *path, char *const argv[])
{
    return execve(path, argv, environ);
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
    return (int)glue_result(sys_exec(fd, argv, envp));
}

/* A file without #! that is no program is one for the shell, says POSIX. */
static long exec_or_shell(const char *path, char *const argv[], char *const envp[])
{
    long err = exec_path(path, argv, envp, 0);

    if (err == -ENOEXEC)
        err = exec_interpreter("/bin/sh", 0, path, argv, envp, 0);
    return err;
}

/* One directory of PATH joined with file, tried. -ENAMETOOLONG if too long. */
static long exec_try(const char *dir, size_t dir_len, const char *file, char *const argv[],
                     char *const envp[])
{
    char path[PATH_MAX_ABI];
    size_t file_len = strlen(file);

    if (dir_len + 1 + file_len >= sizeof(path))
        return -ENAMETOOLONG;
    memcpy(path, dir, dir_len);
    if (dir_len > 0)
        path[dir_len++] = '/';
    memcpy(path + dir_len, file, file_len + 1);
    return exec_or_shell(path, argv, envp);
}

static long exec_search(const char *file, char *const argv[], char *const envp[])
{
    const char *dirs = getenv("PATH");
    long err, result = -ENOENT;

    if (!file)
        return -EFAULT;
    if (*file == '\0')
        return -ENOENT;
    if (strchr(file, '/'))
        return exec_or_shell(file, argv, envp);
    if (!dirs)
        dirs = EXEC_PATH;
    for (;;) {
        size_t len = strcspn(dirs, ":");
        err = exec_try(dirs, len, file, argv, envp);
        /* One that may not be run is remembered while others are looked for. */
        if (err == -EACCES)
            result = err;
        else if (err != -ENOENT && err != -ENOTDIR && err != -ENAMETOOLONG)
            return err;
        if (dirs[len] == '\0')
            return result;
        dirs += len + 1;
    }
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
    return (int)glue_result(exec_search(file, argv, envp));
}

int execvp(const char *file, char *const argv[])
{
    return execvpe(file, argv, environ);
}

/* ----------------------------------------------------------- argument lists */

/* The arguments up to the null pointer, as an array to be freed; 0 if there is
 * no memory for it. *last is left at what follows the null pointer. */
static char **exec_collect(const char *first, va_list *args)
{
    va_list counting;
    size_t n = 0;
    char **argv;

    if (first) {
        va_copy(counting, *args);
        for (n = 1; va_arg(counting, char *); n++)
            ;
        va_end(counting);
    }
    argv = malloc((n + 1) * sizeof(*argv));
    if (!argv)
        return 0;
    argv[0] = (char *)first;
    for (size_t i = 1; i <= n; i++)
        argv[i] = va_arg(*args, char *);
    return argv;
}

/* Runs the program with the arguments from first on; with_env: what follows the null
 * pointer is its environment. Returns only with an error, which is in errno. */
static void exec_list(int (*run)(const char *, char *const[], char *const[]), const char *path,
                      const char *first, va_list *args, bool with_env)
{
    char **argv = exec_collect(first, args);

    if (argv)
        run(path, argv, with_env ? va_arg(*args, char *const *) : environ);
    free(argv);
}

int execl(const char *path, const char *first, ...)
{
    va_list args;

    va_start(args, first);
    exec_list(execve, path, first, &args, false);
    va_end(args);
    return -1;
}

int execlp(const char *file, const char *first, ...)
{
    va_list args;

    va_start(args, first);
    exec_list(execvpe, file, first, &args, false);
    va_end(args);
    return -1;
}

int execle(const char *path, const char *first, ...)
{
    va_list args;

    va_start(args, first);
    exec_list(execve, path, first, &args, true);
    va_end(args);
    return -1;
}
