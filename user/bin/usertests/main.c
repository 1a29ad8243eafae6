/*
 * usertests [-l] [NAME...]: run the test programs in /test, all or those named.
 *
 * Each is a subtest of one KTAP report: its own lines are passed on, indented,
 * as they come, and its verdict follows. A program passes if it announced a
 * plan, gave exactly that many results, all of them ok, and exited with 0.
 * One that is written for another machine than this is skipped, and one that
 * asks for several runs with different arguments gets them (needs.h). -l lists
 * the programs. Exit status: 0 if all that were run passed, 1 if not.
 */
#include "user/bin/usertests/needs.h"
#include "user/bin/usertests/report.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_DIR  "/test"
#define NOT_FOUND 127
#define ARGS_MAX  32 /* arguments of a program */

/* A result of ours to be: one run of a program, or why there is none. */
struct run {
    const char *name;
    const char *args; /* between blanks; NULL: none */
    int skipped;
};

static struct run *runs;
static int run_count;
static struct need *needs;
static int need_count;

/* The program's output, passed on and read. */
static void forward(FILE *from, struct report *report)
{
    char *line = 0;
    size_t size = 0;
    ssize_t len;

    while ((len = getline(&line, &size, from)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        printf("  %s\n", line);
        fflush(stdout);
        report_line(report, line);
    }
    free(line);
}

/* The program's argument vector, from its name and words between blanks, which are cut up. */
static void split(char *argv[ARGS_MAX + 2], const char *name, char *words)
{
    int argc = 0;
    char *word;

    argv[argc++] = (char *)name;
    while (argc <= ARGS_MAX && (word = strsep(&words, " ")) != 0)
        if (*word)
            argv[argc++] = word;
    argv[argc] = 0;
}

/* Start the program with its output in a pipe. Returns the pid or -1. */
static pid_t start(const struct run *run, FILE **from)
{
    char path[sizeof(TEST_DIR) + NAME_MAX + 2];
    char *argv[ARGS_MAX + 2];
    int ends[2];
    pid_t pid;

    snprintf(path, sizeof(path), "%s/%s", TEST_DIR, run->name);
    if (pipe(ends) < 0)
        return -1;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        dup2(ends[1], STDOUT_FILENO);
        if (ends[1] != STDOUT_FILENO)
            close(ends[1]);
        split(argv, run->name, run->args ? strdup(run->args) : 0);
        execv(path, argv);
        fprintf(stderr, "usertests: %s: %s\n", path, strerror(errno));
        _exit(NOT_FOUND);
    }
    close(ends[1]);
    *from = pid < 0 ? 0 : fdopen(ends[0], "r");
    if (!*from)
        close(ends[0]);
    return pid;
}

/* Run it and print its verdict. Returns 1 if it passed. */
static int carry_out(const struct run *run, int number)
{
    struct report report = {.planned = -1};
    FILE *from = 0;
    int status = 0;
    int passed = 0;
    pid_t pid;

    printf("  # Subtest: %s\n", run->name);
    pid = start(run, &from);
    if (from)
        forward(from, &report);
    if (from)
        fclose(from);
    if (pid < 0)
        printf("# %s: cannot be started: %s\n", run->name, strerror(errno));
    else if (waitpid(pid, &status, 0) != pid)
        printf("# %s: lost: %s\n", run->name, strerror(errno));
    else
        passed = report_passed(&report, run->name, status);
    printf("%s %d %s%s%s\n", passed ? "ok" : "not ok", number, run->name, run->args ? " " : "",
           run->args ? run->args : "");
    fflush(stdout);
    return passed;
}

static void skip(const struct run *run, int number)
{
    printf("ok %d %s # SKIP ", number, run->name);
    needs_print(needs, need_count, run->name);
    printf("\n");
    fflush(stdout);
}

static void add_run(const char *name, const char *args, int skipped)
{
    runs = realloc(runs, (size_t)(run_count + 1) * sizeof(*runs));
    if (!runs) {
        perror("usertests");
        exit(1);
    }
    runs[run_count++] = (struct run){.name = name, .args = args, .skipped = skipped};
}

/* Add the test's runs: one for each of its arguments that this machine is right for. */
static void plan(const char *name)
{
    int first = run_count, lines = 0;

    for (const struct need *need = needs; need < needs + need_count; need++) {
        int known = 0;

        if (strcmp(need->name, name) != 0)
            continue;
        lines++;
        for (int i = first; i < run_count; i++)
            known |= strcmp(runs[i].args ? runs[i].args : "", need->args ? need->args : "") == 0;
        if (need->met && !known)
            add_run(name, need->args, 0);
    }
    if (run_count == first)
        add_run(name, 0, lines > 0);
}

static int carry_out_all(void)
{
    int passed = 0, skipped = 0;

    printf("KTAP version 1\n1..%d\n", run_count);
    for (int i = 0; i < run_count; i++) {
        if (runs[i].skipped)
            skip(&runs[i], i + 1);
        else
            passed += carry_out(&runs[i], i + 1);
        skipped += runs[i].skipped;
    }
    printf("# %d of %d passed", passed, run_count - skipped);
    if (skipped)
        printf(", %d skipped: they are for other machines", skipped);
    printf("\n");
    return passed == run_count - skipped;
}

static int is_test(const struct dirent *entry)
{
    char path[sizeof(TEST_DIR) + NAME_MAX + 2];
    struct stat st;

    if (entry->d_name[0] == '.')
        return 0;
    snprintf(path, sizeof(path), "%s/%s", TEST_DIR, entry->d_name);
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

int main(int argc, char **argv)
{
    struct dirent **found = 0;
    int count = argc - 1;
    int list = argc > 1 && strcmp(argv[1], "-l") == 0;
    int passed = 1;

    if (count == 0 || list) {
        count = scandir(TEST_DIR, &found, is_test, alphasort);
        if (count < 0) {
            perror("usertests: " TEST_DIR);
            return 1;
        }
    }
    if (!list)
        needs = needs_read(&need_count);
    for (int i = 0; i < count; i++) {
        const char *name = found ? found[i]->d_name : argv[i + 1];

        if (list)
            puts(name);
        else
            plan(name);
    }
    if (!list)
        passed = carry_out_all();
    return fflush(stdout) != 0 || !passed;
}
