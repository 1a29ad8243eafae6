/*
 * usertests [-l] [NAME...]: run the test programs in /test, all or those named.
 *
 * Each is a subtest of one KTAP report: its own lines are passed on, indented,
 * as they come, and its verdict follows. A program passes if it announced a
 * plan, gave exactly that many results, all of them ok, and exited with 0.
 * -l lists the programs. Exit status: 0 if all passed, 1 if not.
 */
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

/* What one program's report has said so far. */
struct report {
    long planned; /* -1: no plan seen */
    long results;
    long failed;
    int bailed_out;
    int repeated_plan;
};

/* One line of the program's own level; those of its subtests are indented. */
static void read_line(struct report *report, const char *line)
{
    if (strncmp(line, "1..", 3) == 0) {
        report->repeated_plan |= report->planned >= 0;
        report->planned = strtol(line + 3, 0, 10);
    } else if (strncmp(line, "ok ", 3) == 0) {
        report->results++;
    } else if (strncmp(line, "not ok ", 7) == 0) {
        report->results++;
        report->failed++;
    } else if (strncmp(line, "Bail out!", 9) == 0) {
        report->bailed_out = 1;
    }
}

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
        read_line(report, line);
    }
    free(line);
}

/* Start /test/name with its output in a pipe. Returns the pid or -1. */
static pid_t start(const char *name, FILE **from)
{
    char path[sizeof(TEST_DIR) + NAME_MAX + 2];
    char *argv[] = {(char *)name, 0};
    int ends[2];
    pid_t pid;

    snprintf(path, sizeof(path), "%s/%s", TEST_DIR, name);
    if (pipe(ends) < 0)
        return -1;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        dup2(ends[1], STDOUT_FILENO);
        if (ends[1] != STDOUT_FILENO)
            close(ends[1]);
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

/* Why the program failed, as remarks. Returns 1 if it passed. */
static int judge(const char *name, const struct report *report, int status)
{
    int passed = 1;

    if (WIFSIGNALED(status)) {
        printf("# %s: killed by signal %d (%s)\n", name, WTERMSIG(status),
               strsignal(WTERMSIG(status)));
        passed = 0;
    } else if (WEXITSTATUS(status) != 0) {
        printf("# %s: exit status %d\n", name, WEXITSTATUS(status));
        passed = 0;
    }
    if (report->planned < 0) {
        printf("# %s: no plan\n", name);
        passed = 0;
    } else if (report->repeated_plan || report->results != report->planned) {
        printf("# %s: planned %ld results, gave %ld\n", name, report->planned, report->results);
        passed = 0;
    }
    if (report->bailed_out) {
        printf("# %s: bailed out\n", name);
        passed = 0;
    }
    if (report->failed > 0) {
        printf("# %s: %ld of %ld failed\n", name, report->failed, report->results);
        passed = 0;
    }
    return passed;
}

static int run(int number, const char *name)
{
    struct report report = {.planned = -1};
    FILE *from = 0;
    int status = 0;
    int passed = 0;
    pid_t pid;

    printf("  # Subtest: %s\n", name);
    pid = start(name, &from);
    if (from)
        forward(from, &report);
    if (from)
        fclose(from);
    if (pid < 0)
        printf("# %s: cannot be started: %s\n", name, strerror(errno));
    else if (waitpid(pid, &status, 0) != pid)
        printf("# %s: lost: %s\n", name, strerror(errno));
    else
        passed = judge(name, &report, status);
    printf("%s %d %s\n", passed ? "ok" : "not ok", number, name);
    fflush(stdout);
    return passed;
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
    int list = 0;
    int passed = 0;

    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        list = 1;
        count--;
    }
    if (count == 0 || list) {
        count = scandir(TEST_DIR, &found, is_test, alphasort);
        if (count < 0) {
            perror("usertests: " TEST_DIR);
            return 1;
        }
    }
    if (!list)
        printf("KTAP version 1\n1..%d\n", count);
    for (int i = 0; i < count; i++) {
        const char *name = found ? found[i]->d_name : argv[i + 1];
        if (list)
            puts(name);
        else
            passed += run(i + 1, name);
    }
    if (!list)
        printf("# %d of %d passed\n", passed, count);
    return fflush(stdout) != 0 || (!list && passed != count);
}
